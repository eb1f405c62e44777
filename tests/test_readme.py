"""What the README shows is true of the code."""

import re
from pathlib import Path

import yaml

from ligature.data.remote.resources import find_source
from ligature.params import load_study, parse_study

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_yaml_examples_are_valid_in_a_study():
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    examples = [yaml.safe_load(block) for block in blocks("yaml")]
    curation = {"sources", "curate", "download", "mixes"}
    assert {key for example in examples for key in example} == {"encoders", "datasets", "train", "matching", *curation}
    for example in examples:
        for side in ("vision", "text"):
            values["encoders"][side] += example.get("encoders", {}).get(side, [])
        values["datasets"] |= example.get("datasets", {})
        values |= {key: example[key] for key in {"matching", *curation} & set(example)}
    study = parse_study(values, "README.md")
    mini = load_study(ROOT / "params.yaml")
    assert len(study.encoders.vision) == len(mini.encoders.vision) + 2
    assert len(study.datasets) == len(mini.datasets) + 6
    assert find_source(ROOT / "workflow/resources/sources.csv", study.sources["cc12m"].resource).format == "cc12m"


def test_training_example_is_valid_in_a_study_without_curation():
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    values |= {"sources": {}, "curate": None, "download": None, "mixes": {}, "ablation": None}
    example = next(block for block in map(yaml.safe_load, blocks("yaml")) if "train" in block)
    values["train"] |= example["train"]
    assert parse_study(values, "README.md").train.loss.kind == "siglip"


def test_python_example_runs(capsys):
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    assert "'i2t_recall@1': 1.0" in capsys.readouterr().out


def test_make_targets_and_links_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make ([\w-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / link).exists(), link


def test_no_placeholder_is_left():
    assert "@@" not in README
