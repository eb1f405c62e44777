"""The card of a curated data set: what it holds, how its rows were chosen, and what its users must know."""

import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ligature.errors import DataError
from ligature.reporting.markdown import escaped, items, table
from ligature.reporting.text import bounded, plural
from ligature.store.atomic import write_text

DATA_FILE = "selected.parquet"
MISSING = "not recorded"
NOT_RECORDED = "Not recorded.\n"
FACTS = (
    "study",
    "version",
    "concepts",
    "prototypes",
    "curate",
    "sources",
    "funnel",
    "selected_rows",
    "download",
    "code_version",
)
TASKS = ["image-to-text", "text-to-image", "zero-shot-image-classification"]
PROTOTYPES = ("dataset", "vision", "text", "kind", "shots", "seed", "provenance")
SELECTION = ("order", "quota", "over_collect", "k", "min_score", "backfill", "seed")
SOURCE = ("name", "version", "licence", "address")
FILTERS = ("filters", "duplicates", "decontaminate")
SHOWN_CONCEPTS = 10
FIELDS = {
    "uid": "identity of the row: the first 8 bytes of the SHA-256 of address, NUL and caption, as an unsigned number",
    "url": "address of the image",
    "caption": "caption as the source states it, in one line",
    "source": "name of the source",
    "part": "number of the source's file",
    "row": "row in that file, from 0",
    "width": "width in pixels as the source states it; empty where it does not",
    "height": "height in pixels as the source states it; empty where it does not",
    "licence": "licence of the image as the source states it; empty where it does not",
    "nsfw": "probability of unsafe content as the source states it, 0 to 1; empty where it does not",
    "watermark": "probability of a watermark as the source states it, 0 to 1; empty where it does not",
    "similarity": "image-text similarity as the source states it; empty where it does not",
    "concept": "number of the concept that the row was selected for; -1 for none",
    "concept_name": "name of that concept",
    "score": "cosine similarity of the caption to that concept's prototype; NaN for none",
}


def write_dataset_card(folder: Path | str, facts: Mapping[str, Any]) -> Path:
    """Writes ``README.md`` with the front matter that a Hub reads; figures come from ``facts`` alone.

    What ``facts`` does not hold is shown as not recorded. Names, captions and addresses are escaped.

    Args:
        folder: folder of the data set; the columns are read from its ``selected.parquet`` where that is there.
        facts: any of ``study`` and ``version`` (names), ``concepts`` (a row each, with ``name`` and ``rows``),
            ``prototypes`` (``dataset``, ``vision``, ``text``, ``kind``, ``shots``, ``provenance``), ``curate`` (the
            study's block of parameters), ``sources`` (``name``, ``version``, ``licence``, ``address``, and ``rows``
            selected from it), ``funnel`` (``step``, ``source``, ``reason``, ``rows``, ``rows_in``),
            ``selected_rows`` (number), ``download`` (set -> status -> rows; the status of fetched images is
            ``success``), ``code_version``.

    Returns:
        The path of the card.

    Raises:
        DataError: ``facts`` holds a key that is not one of these.
    """
    if unknown := sorted(set(facts) - set(FACTS)):
        raise DataError(f"dataset card: unknown facts {', '.join(unknown)}; known are {', '.join(FACTS)}")
    folder = Path(folder)
    card = _render(
        front_matter=_front_matter(facts),
        title=escaped(_title(facts)),
        overview=_overview(facts),
        prototypes=_named(facts.get("prototypes"), PROTOTYPES),
        selection=_named(facts.get("curate"), SELECTION),
        sources=_sources(facts.get("sources")),
        filters=_filters(facts.get("curate")),
        funnel=_funnel(facts.get("funnel")),
        counts=_counts(facts),
        columns=_columns(folder / DATA_FILE),
        download=_download(facts.get("download")),
        reproduction=_reproduction(facts),
        citation=_citation(facts),
    )
    write_text(folder / "README.md", card)
    return folder / "README.md"


def _title(facts: Mapping[str, Any]) -> str:
    return f"{bounded(facts['study'])}: concept-balanced captions" if "study" in facts else "Concept-balanced captions"


def _front_matter(facts: Mapping[str, Any]) -> str:
    values: dict[str, Any] = {
        "license": "other",
        "license_name": "licences-of-the-sources",
        "license_link": "README.md",
        "task_categories": TASKS,
        "pretty_name": _title(facts),
        "configs": [{"config_name": "default", "data_files": DATA_FILE}],
    }
    if "selected_rows" in facts:
        values["size_categories"] = [size_category(int(facts["selected_rows"]))]
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)


def size_category(rows: int) -> str:
    """Returns the size of a data set as a Hub writes it, for example ``10K<n<100K``."""
    steps = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    power = len(str(rows)) - 1
    if power < 3:
        return "n<1K"
    return f"{steps[power - 3]}<n<{steps[power - 2]}" if power < 12 else "n>1T"


def _overview(facts: Mapping[str, Any]) -> str:
    return items(
        [
            ("study", facts.get("study", MISSING)),
            ("version", facts.get("version", MISSING)),
            ("rows", facts.get("selected_rows", MISSING)),
            ("version of the code", facts.get("code_version", MISSING)),
        ]
    )


def _named(values: Mapping[str, Any] | None, names: Sequence[str]) -> str:
    """Returns the named values as a list; values of other names, unless they are blocks of their own, follow."""
    if not values:
        return NOT_RECORDED
    further = [name for name, value in values.items() if name not in names and isinstance(value, str | int | float)]
    return items([(name.replace("_", " "), values.get(name, MISSING)) for name in [*names, *further]])


def _sources(sources: Iterable[Mapping[str, Any]] | None) -> str:
    rows = list(sources or [])
    if not rows:
        return NOT_RECORDED
    cells = [[row.get(name, MISSING) for name in SOURCE] for row in rows]
    return table(["source", *SOURCE[1:]], cells, text_columns=4)


def _filters(curate: Mapping[str, Any] | None) -> str:
    blocks = [(name, curate[name]) for name in FILTERS if curate and curate.get(name)]
    if not blocks:
        return NOT_RECORDED
    parts = (f"{name.capitalize()}:\n\n{_named(values, list(values))}" for name, values in blocks)
    return "\n".join(parts)


def _funnel(funnel: Iterable[Mapping[str, Any]] | None) -> str:
    rows = list(funnel or [])
    if not rows:
        return f"Dropped rows: {NOT_RECORDED}"
    cells = [
        [row["step"], row["source"], row["reason"], int(row["rows"]), _share(row["rows"], row["rows_in"])]
        for row in rows
    ]
    return table(["step", "source", "reason", "rows", "% of rows before"], cells, text_columns=3)


def _counts(facts: Mapping[str, Any]) -> str:
    concepts, sources = list(facts.get("concepts", [])), list(facts.get("sources", []))
    number = len(concepts) if "concepts" in facts else MISSING
    parts = [items([("selected rows", facts.get("selected_rows", MISSING)), ("concepts", number)])]
    counts = [int(row["rows"]) for row in concepts if "rows" in row]
    if counts:
        parts.append(_balance(counts))
        fewest = sorted((row for row in concepts if "rows" in row), key=lambda row: (int(row["rows"]), row["name"]))
        parts.append(f"The {plural(min(SHOWN_CONCEPTS, len(fewest)), 'concept')} with the fewest rows:\n")
        parts.append(table(["concept", "rows"], [[row["name"], int(row["rows"])] for row in fewest[:SHOWN_CONCEPTS]]))
    if any("rows" in row for row in sources):
        parts.append(table(["source", "selected rows"], [[row["name"], row.get("rows", MISSING)] for row in sources]))
    else:
        parts.append(f"Rows of every source: {NOT_RECORDED}")
    return "\n".join(parts)


def _balance(counts: Sequence[int]) -> str:
    return items(
        [
            ("fewest rows of a concept", min(counts)),
            ("median", statistics.median_low(counts)),
            ("most", max(counts)),
            ("concepts without a row", sum(count == 0 for count in counts)),
        ]
    )


def _columns(path: Path) -> str:
    if not path.exists():
        return NOT_RECORDED
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: is not a parquet file ({bounded(error)}); write the selection again") from error
    cells = [[field.name, str(field.type), FIELDS.get(field.name, "not described")] for field in schema]
    return table(["column", "type", "meaning"], cells, text_columns=3)


def _download(download: Mapping[str, Mapping[str, Any]] | None) -> str:
    if not download:
        return NOT_RECORDED
    cells = [
        [name, status, int(rows), _share(rows, sum(statuses.values()))]
        for name, statuses in sorted(download.items())
        for status, rows in sorted(statuses.items(), key=lambda pair: (pair[0] != "success", -pair[1], pair[0]))
    ]
    return table(["set", "what became of it", "rows", "% of the set"], cells, text_columns=2)


def _share(rows: float, whole: float) -> float:
    return round(100 * rows / whole, 1) if whole else math.nan


def _reproduction(facts: Mapping[str, Any]) -> str:
    code = f"version {escaped(facts['code_version'])} of ligature" if "code_version" in facts else "ligature"
    sources = ", ".join(escaped(f"{row.get('name')}@{row.get('version')}") for row in facts.get("sources", []))
    study = escaped(facts["study"]) if "study" in facts else "this data set (its name is not recorded)"
    lines = [
        f"Install {code}.",
        f"Take the sources in the versions named above ({sources or MISSING}).",
        f"Run the workflow with the study file of {study}: `snakemake --config params=studies/NAME.yaml`.",
    ]
    return "".join(f"{number}. {line}\n" for number, line in enumerate(lines, start=1))


def _citation(facts: Mapping[str, Any]) -> str:
    fields = {"title": _title(facts), "version": bounded(facts.get("version", MISSING))}
    plain = {name: re.sub(r"[{}\\`%#$&~^_]", " ", value) for name, value in fields.items()}
    lines = [f"  {name} = {{{value}}}," for name, value in plain.items()]
    return "\n".join(["@misc{concept-balanced-captions,", *lines, "}"])


def _render(**values: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ligature.reporting"),
        autoescape=False,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("dataset_card.md").render(**values)
