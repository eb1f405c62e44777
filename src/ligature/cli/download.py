"""`ligature download` and `retry-failed`: from selected rows to images in canonical shards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.cli.pool import curate_params
from ligature.data.open import resolve_path
from ligature.data.parts import wanted_rows
from ligature.data.shards import read_report
from ligature.errors import DataError, ParamsError
from ligature.progress import say
from ligature.store import Layout
from ligature.store.tables import read_table

ConnectionsOption = Annotated[int, typer.Option(min=1, help="Downloads at a time.")]
DOWNLOAD_COLUMNS = ["uid", "url", "caption", "source", "concept", "score"]


def download(
    name: Annotated[str, typer.Argument(help="Set of rows: collected, random, or a captioned source.")],
    chunk: Annotated[int, typer.Option(min=0, help="Which part of it.")] = 0,
    connections: ConnectionsOption = 16,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Download one chunk of a set of rows into webdataset shards; a killed run goes on where it stopped."""
    from ligature.data import download as images

    layout = open_layout(params, results)
    curate_params(layout)
    settings = layout.study.download
    if name not in layout.sets:
        raise ParamsError(f"unknown set {name!r}; known: {', '.join(layout.sets) or 'none'}")
    if chunk >= settings.chunks:
        raise ParamsError(f"--chunk {chunk}: set {name!r} has {settings.chunks} chunks, counted from 0")
    folder = layout.download(name, chunk)
    with proxy_of(layout) as proxy:
        rows = rows_of_chunk(layout, name, chunk)
        facts = images.download_rows(rows, folder, settings, proxy=proxy, threads=connections)
    say(f"{name}, chunk {chunk}: {facts['success']:,} of {facts['rows']:,} images arrived")


def retry_failed(
    connections: ConnectionsOption = 16, params: ParamsOption = PARAMS, results: ResultsOption = RESULTS
) -> None:
    """Download again what failed for a time only, in every chunk of every set; run the workflow afterwards."""
    from ligature.data import download as images

    layout = open_layout(params, results)
    curate_params(layout)
    with proxy_of(layout) as proxy:
        for name in layout.sets:
            for folder in layout.download_chunks(name):
                before = read_report(folder)["success"]
                facts = images.retry_failed(folder, layout.study.download, proxy=proxy, threads=connections)
                say(f"{folder}: {facts['success'] - before:,} more images arrived, {facts['success']:,} in all")


@contextmanager
def proxy_of(layout: Layout) -> Iterator[str | None]:
    """Yields the address through which images are fetched: of the study's own web, or None for the network."""
    settings = layout.study.download
    if settings.server is None:
        yield None
        return
    from ligature.data.scenes.web import WebServer

    with WebServer(resolve_path(settings.server, layout)) as server:
        yield server.address


def rows_of_set(layout: Layout, name: str) -> pd.DataFrame:
    """Returns the rows of a set that are to be downloaded, sorted by uid."""
    if name in layout.study.curate.captioned:
        table = wanted_rows(layout, name)
        return table.assign(concept=np.int32(-1), score=np.float32(np.nan))[DOWNLOAD_COLUMNS]
    path = layout.curation / {"collected": "selected.parquet", "random": "random.parquet"}[name]
    if not path.is_file():
        raise DataError(f"{path}: missing; run `ligature curate` first")
    return read_table(path)[DOWNLOAD_COLUMNS]


def rows_of_chunk(layout: Layout, name: str, chunk: int) -> pd.DataFrame:
    """Returns one of the contiguous chunks of a set."""
    rows = rows_of_set(layout, name)
    bounds = np.linspace(0, len(rows), layout.study.download.chunks + 1).astype(int)
    return rows.iloc[bounds[chunk] : bounds[chunk + 1]].reset_index(drop=True)
