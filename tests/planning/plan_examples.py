"""A small study with declared numbers, and the files that Snakemake would list for it."""

from pathlib import Path

import yaml

from ligature.data.remote import Source
from ligature.params.load import parse_study
from ligature.planning import Facts, read_tables

ROOT = Path(__file__).parents[2]
RESOURCES = ROOT / "workflow" / "resources"
POOL = Source("pool", "v1", "laion", 2, "https://example.org/{part}", bytes=500, rows=4000, gated=True, licence="free")
PHOTOS = Source("photos", "v1", "archive", 1, "https://example.org/a.tar", bytes=7000, rows=90, home="https://h.org")
LABELS = Source("photos", "v1", "file", 1, "https://example.org/b.txt")


def tiny_values() -> dict:
    return yaml.safe_load((ROOT / "tests/studies/tiny.yaml").read_text(encoding="utf-8"))


def facts_of(values: dict, rows=None, given=None) -> Facts:
    """Returns the facts of a study with the pair that it fixes."""
    study = parse_study(values, "example")
    tables = read_tables(RESOURCES, rows).given(given or {})
    choice = study.pairs.choose
    return Facts(study, choice.vision, choice.text, tables, {"pool@v1": [POOL], "photos@v1": [PHOTOS, LABELS]})


def public_values() -> dict:
    """The tiny study with its pool from a public source."""
    values = tiny_values()
    values["sources"]["laion"] = {"format": "laion", "resource": "pool@v1", "parts": 2, "slices": 2}
    values["download"]["server"] = None
    return values


def summary_of(*rows: tuple[str, str]) -> str:
    """Returns what `snakemake --summary` prints for (file, rule) rows."""
    header = "output_file\tdate\trule\tlog-file(s)\tstatus\tplan"
    lines = [f"results/s/{path}\t-\t{rule}\t-\tmissing\tupdate pending" for path, rule in rows]
    return "\n".join(["Using profile x.", header, *lines]) + "\n"
