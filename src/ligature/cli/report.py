"""`ligature report`: the results page."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.progress import say
from ligature.store import Layout, Manifest


def report(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Build the results page with its tables and figures."""
    from ligature.reporting import ReportSources, write_report

    layout = open_layout(params, results)
    sources = ReportSources.in_folder(layout.root, stores=list(store_facts(layout)))
    page = write_report(layout.study, sources, layout.report)
    say(f"page: {page}")


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

    layout = open_layout(params, results)
    path = layout.evaluation / "results.csv"
    if not path.is_file():
        raise DataError(f"{path}: missing; run the study first")
    print(results_summary(pd.read_csv(path)))
    print(f"\nPage: {(layout.report / 'index.html').resolve()}")
