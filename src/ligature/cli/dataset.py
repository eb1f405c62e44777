"""`ligature dataset card` and `push`: the selection as a data set that others can load, without any image."""

import os
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.cli.pool import curate_params, used_sources
from ligature.errors import DataError
from ligature.progress import say
from ligature.store import Layout
from ligature.store.damage import read_sealed
from ligature.store.tables import read_table, write_table

SOURCES = Path("workflow/resources/sources.csv")

dataset = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The selection as a data set: its card, and its way to a Hub."
)


@dataset.command()
def card(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Write the selection as parquet with a card that says where it comes from."""
    from ligature.reporting.dataset_card import write_dataset_card

    layout = open_layout(params, results)
    facts = card_facts(layout)
    rows = read_table(layout.curation / "selected.parquet")
    names = [concept["name"] for concept in facts["concepts"]]
    table = rows.assign(concept_name=[names[concept] for concept in rows["concept"]])
    columns = ["uid", "url", "caption", "source", "concept", "concept_name", "score"]
    write_table(layout.dataset / "selected.parquet", table[columns])
    say(f"card: {write_dataset_card(layout.dataset, facts)}")


@dataset.command()
def push(
    repository: Annotated[str, typer.Argument(help="NAME/DATASET on the Hub.")],
    endpoint: Annotated[str | None, typer.Option(help="Address of a Hub; the public one by default.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Everyone may see a repository that is made new.")] = False,
    message: Annotated[str, typer.Option(help="Of the commit.")] = "Upload the concept-balanced selection",
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Upload card and parquet to a Hub; the token is read from HF_TOKEN."""
    from ligature.data.remote.hub import push_dataset

    layout = open_layout(params, results)
    curate_params(layout)
    token = os.environ.get("HF_TOKEN")
    url = push_dataset(layout.dataset, repository, endpoint=endpoint, token=token, private=not public, message=message)
    say(f"uploaded: {url}")


def card_facts(layout: Layout) -> dict[str, Any]:
    """Returns what the card is made of.

    Raises:
        DataError: when the selection was not made or not assembled.
    """
    from ligature import __version__

    settings = curate_params(layout)
    paths = {
        "concepts": layout.mixes / "concepts.csv",
        "funnel": layout.mixes / "funnel.csv",
        "download": layout.mixes / "download.csv",
        "prototypes": layout.curation / "prototypes.json",
        "selected": layout.curation / "selected.parquet",
    }
    for path in paths.values():
        if not path.is_file():
            raise DataError(f"{path}: missing; run the study up to `ligature assemble` first")
    concepts = pd.read_csv(paths["concepts"], keep_default_na=False).sort_values("concept")
    counts = pd.read_csv(paths["download"]).groupby(["set", "status"], sort=False)["rows"].sum()
    return {
        "study": layout.study.study,
        "concepts": concepts.assign(rows=concepts["kept"]).to_dict("records"),
        "prototypes": _prototype_facts(paths["prototypes"]),
        "curate": settings.model_dump(mode="json"),
        "sources": [_source_facts(layout, source) for source in used_sources(settings)],
        "funnel": pd.read_csv(paths["funnel"]).to_dict("records"),
        "selected_rows": len(read_table(paths["selected"], ["uid"])),
        "download": {name: rows.droplevel(0).to_dict() for name, rows in counts.groupby(level=0, sort=False)},
        "code_version": __version__,
    }


def _prototype_facts(path: Path) -> dict[str, Any]:
    card = read_sealed(path)
    provenance = card["provenance"]
    facts = {key: provenance[key] for key in ("dataset", "kind", "shots", "seed")}
    return facts | {key: provenance["encoders"][key] for key in ("vision", "text")}


def _source_facts(layout: Layout, source: str) -> dict[str, Any]:
    from ligature.data.remote.resources import find_source

    entry = layout.study.sources[source]
    facts: dict[str, Any] = {"name": source, "format": entry.format}
    if entry.resource is None:
        return facts | {"address": entry.files}
    row = find_source(SOURCES, entry.resource)
    return facts | {"version": row.version, "licence": row.licence, "address": row.address}
