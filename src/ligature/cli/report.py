"""`ligature report`: the results page."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.cli.ledger import LOGS, counted_flops, finished_jobs, read_json
from ligature.evaluation import RESULT_COLUMNS
from ligature.progress import say
from ligature.store import Layout, Manifest
from ligature.store.atomic import write_csv
from ligature.store.damage import reading

if TYPE_CHECKING:
    from ligature.reporting.section import Section

LogsOption = Annotated[Path, typer.Option(help="Folder of the workflow's logs.")]


def report(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS, logs: LogsOption = LOGS) -> None:
    """Build the results page with its tables and figures, the ledger of claims and the account of compute."""
    from ligature.reporting import ReportSources, write_report

    layout = open_layout(params, results)
    sources = ReportSources.in_folder(layout.root, stores=list(store_facts(layout)))
    page = write_report(layout.study, sources, layout.report, extra=[_claims(layout), _compute(layout, logs)])
    say(f"page: {page}")


def _claims(layout: Layout) -> "Section":
    from ligature.reporting.captioning.sources import CaptioningSources, read_captioning
    from ligature.reporting.claims import Evidence, claims_section, claims_table
    from ligature.reporting.matching.sources import MatchingSources, read_matching
    from ligature.reporting.pretraining.sources import PretrainingSources, read_pretraining

    matching = read_matching(MatchingSources.in_folder(layout.root))
    pretraining = read_pretraining(PretrainingSources.in_folder(layout.root))
    captioning = read_captioning(CaptioningSources.in_folder(layout.root))
    evidence = Evidence(
        correlations=_table(layout.pairs / "correlations.csv"),
        results=_table(layout.evaluation / "results.csv"),
        ablation=_table(layout.ablation / "results.csv"),
        mixes=_table(layout.mixes / "mixes.csv"),
        sweep=_table(layout.sweep / "results.csv"),
        segmentation=_table(layout.segmentation / "classes.csv"),
        matching=matching.results,
        matching_seedwise=matching.seedwise,
        matching_cka=matching.cka,
        pretraining=pretraining.results,
        pretraining_runs=pretraining.runs,
        captioning=captioning.results,
        captioning_runs=captioning.runs,
        captioning_speed=captioning.speed,
    )
    claims = claims_table(evidence)
    write_csv(layout.report / "claims.csv", claims)
    return claims_section(claims)


def _table(path: Path) -> pd.DataFrame:
    """Returns a table of the study with text in its columns of text; an empty one where there is none."""
    if not path.is_file():
        return pd.DataFrame(columns=[*RESULT_COLUMNS, "mix", "set"])
    with reading(path):
        return pd.read_csv(path, dtype={"variant": str, "mix": str, "set": str}).fillna({"variant": ""})


def _compute(layout: Layout, logs: Path) -> "Section":
    from ligature.reporting.compute import compute_section, compute_table

    folder = logs / layout.study.study
    table = compute_table(finished_jobs(folder), counted_flops(layout))
    return compute_section(table, read_json(layout.train / "projector.json"), read_json(folder / "train/compute.json"))


def store_facts(layout: Layout) -> Iterator[dict[str, Any]]:
    """Yields one row a store of the study: what was embedded, skipped and cut."""
    for path in sorted((layout.root / "embeddings").rglob("manifest.json")):
        manifest = Manifest.read(path.parent)
        yield {
            "encoder": manifest.encoder["name"],
            "modality": manifest.modality,
            "view": manifest.view,
            "dataset": manifest.source["dataset"],
            "rows": manifest.rows,
            "dims": manifest.dims,
            "skipped": len(manifest.skipped),
            "truncated": manifest.truncated.get("count", 0),
            "max_tokens": manifest.truncated.get("max_tokens"),
        }


def show(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Print the results table of a study and where its page is."""
    from ligature.errors import DataError
    from ligature.reporting import results_summary
    from ligature.reporting.captioning.sources import CaptioningSources, read_captioning
    from ligature.reporting.captioning.summary import captioning_summary
    from ligature.reporting.matching.sources import MatchingSources, read_matching
    from ligature.reporting.matching.summary import matching_summary
    from ligature.reporting.pretraining.sources import PretrainingSources, read_pretraining
    from ligature.reporting.pretraining.summary import pretraining_summary

    layout = open_layout(params, results)
    path = layout.evaluation / "results.csv"
    if not path.is_file():
        raise DataError(f"{path}: missing; run the study first")
    print(results_summary(_table(path)))
    print(matching_summary(read_matching(MatchingSources.in_folder(layout.root)).results), end="")
    print(pretraining_summary(read_pretraining(PretrainingSources.in_folder(layout.root))), end="")
    print(captioning_summary(read_captioning(CaptioningSources.in_folder(layout.root))), end="")
    print(f"\nPage: {(layout.report / 'index.html').resolve()}")
