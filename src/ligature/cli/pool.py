"""`ligature fetch`, `pool` and `dedupe`: from the files of sources to tables of wanted rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, ThreadsOption, open_layout
from ligature.data import open_dataset
from ligature.data.open import resolve_path
from ligature.data.pools import read_pool, read_source_part, write_pool
from ligature.data.pools.funnel import KEPT, Funnel, drop_rows
from ligature.data.pools.sampling import NOT_SAMPLED, rows_left
from ligature.errors import DataError, ParamsError
from ligature.params.curate import CurateParams, SourceParams
from ligature.params.datasets import kind_of
from ligature.progress import Progress, say, track
from ligature.store import Layout
from ligature.store.atomic import write_json
from ligature.store.tables import write_table

SourceArgument = Annotated[str, typer.Argument(help="Source.")]


def fetch(
    source: SourceArgument,
    file: Annotated[int, typer.Option(min=0, help="Which of its files.")] = 0,
    sources: Annotated[
        Path | None, typer.Option(help="Table of sources; LIGATURE_SOURCES or the workflow's own by default.")
    ] = None,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Fetch one file of a source; a killed run goes on where it stopped, and the content is verified."""
    from ligature.data.remote.archives import extract_member
    from ligature.data.remote.fetch import fetch as fetch_file
    from ligature.data.remote.resources import find_source, table_of_sources

    layout = open_layout(params, results)
    entry = source_params(layout, source)
    if entry.resource is None:
        raise ParamsError(f"sources.{source}: has local files; only a source with a resource is fetched")
    row, target = find_source(sources or table_of_sources(), entry.resource), layout.source_file(source, file)
    if row.member:
        archive = fetch_file(row, file, target.with_name(f"{target.name}.archive"))
        extract_member(archive, row.member, target)
    else:
        fetch_file(row, file, target)


def pool(
    source: SourceArgument,
    part: Annotated[int, typer.Option(min=0, help="Which slice of its files.")] = 0,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Read one part of a source, and keep the rows that are wanted."""
    from ligature.curation import decontaminate_captions, filter_rows

    layout = open_layout(params, results)
    entry, settings = source_params(layout, source), curate_params(layout)
    if part >= entry.jobs:
        raise ParamsError(f"--part {part}: source {source!r} has {entry.jobs} parts, counted from 0")
    file, slice_index = divmod(part, entry.slices)
    path = source_path(layout, source, file)
    evaluation = evaluation_captions(layout) if settings.decontaminate.captions else []
    with Progress(f"read {source}", None, "rows") as progress:
        table, read = read_source_part(
            entry.format, path, source=source, part=file, slice_index=slice_index, slices=entry.slices
        )
        limit = entry.max_characters or settings.filters.max_characters
        table, filtered = filter_rows(table, settings.filters.model_copy(update={"max_characters": limit}), source)
        table, clean = decontaminate_captions(table, evaluation, source)
        progress.update(read.rows_in)
    funnels = [read, filtered, clean]
    if table.empty:
        reasons = {reason: count for funnel in funnels for reason, count in funnel.dropped.items()}
        worst = max(reasons, key=reasons.get, default="it is empty")
        raise DataError(
            f"{path}: no row of part {part} is wanted, most for {worst!r}; "
            f"change curate, take fewer slices, or leave {source!r} out"
        )
    write_pool(layout.pool(source, part), table)
    write_funnels(layout.pool(source, part).with_suffix(".json"), funnels)
    say(f"{source}, part {part}: {len(table):,} of {read.rows_in:,} rows are wanted")


def dedupe(
    memory: Annotated[str, typer.Option(help="Memory of the joins; what is beyond it spills to disk.")] = "2GB",
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
) -> None:
    """Find the rows of all sources that stand there already, by uid, address and caption, or that no sample takes."""
    from ligature.curation import find_duplicates

    layout = open_layout(params, results)
    settings = curate_params(layout)
    places = [(source, part) for source in used_sources(settings) for part in range(layout.study.sources[source].jobs)]
    paths = [layout.pool(source, part) for source, part in places]
    wanted = settings.duplicates
    keys = {"by_url": wanted.url, "by_caption": wanted.caption}
    found = find_duplicates(paths, **keys, memory=memory, threads=threads, folder=layout.duplicates.parent)
    left_out = _not_sampled(layout, places, paths, found)
    found = pd.concat([found.astype({"reason": object}), *left_out], ignore_index=True)
    source_of_path = np.array([source for source, _ in places], dtype=object)
    part_of_path = np.array([part for _, part in places], dtype=np.int32)
    table = pd.DataFrame(
        {
            "source": source_of_path[found["part"]],
            "part": part_of_path[found["part"]],
            "row": found["row"].to_numpy(),
            "uid": found["uid"].to_numpy(),
            "reason": found["reason"].to_numpy(),
        }
    )
    write_table(layout.duplicates, table)
    write_funnels(layout.duplicates.with_suffix(".json"), list(_duplicate_funnels(layout, places, paths, found)))
    say(f"{(found['reason'] != NOT_SAMPLED).sum():,} rows stand there already")


def _not_sampled(
    layout: Layout, places: list[tuple[str, int]], paths: list[Path], duplicates: pd.DataFrame
) -> Iterator[pd.DataFrame]:
    """Yields what is neither a duplicate nor in the sample of its source, in the columns of ``duplicates``."""
    from ligature.curation import random_subset

    for source in dict.fromkeys(source for source, _ in places):
        sample = layout.study.sources[source].sample
        if sample is None:
            continue
        of_source = {index: paths[index] for index, (name, _) in enumerate(places) if name == source}
        left = rows_left(of_source, duplicates)
        chosen = random_subset(left["uid"].to_numpy(), sample.rows, sample.seed)
        say(f"{source}: a sample of {len(chosen):,} of {len(left):,} rows")
        yield left[~left["uid"].isin(chosen)].assign(reason=NOT_SAMPLED)


def _duplicate_funnels(
    layout: Layout, places: list[tuple[str, int]], paths: list[Path], found: pd.DataFrame
) -> Iterator[Funnel]:
    """Yields the accounting of duplicates, and after it of the sample where a source has one, for every part."""
    for index, (source, _) in enumerate(track(places, "duplicates", unit="parts")):
        table = read_pool(paths[index], ["uid", "caption", "url"])
        of_part = found[found["part"] == index]
        reasons = pd.Series(KEPT, index=range(len(table)), dtype=object)
        reasons.loc[of_part["row"]] = of_part["reason"].to_numpy()
        sampled = np.where(reasons == NOT_SAMPLED, NOT_SAMPLED, KEPT)
        duplicate = reasons.where(reasons != NOT_SAMPLED, KEPT).to_numpy()
        yield drop_rows(table, duplicate, "duplicates", source)[1]
        if layout.study.sources[source].sample is not None:
            left = duplicate == KEPT
            yield drop_rows(table[left], sampled[left], "sample", source)[1]


def used_sources(settings: CurateParams) -> list[str]:
    """Returns all sources that curation reads."""
    return [*settings.pool, *settings.captioned]


def curate_params(layout: Layout) -> CurateParams:
    """Returns the `curate` block.

    Raises:
        ParamsError: when the study has none.
    """
    if layout.study.curate is None:
        raise ParamsError(f"study {layout.study.study!r} has no curate block")
    return layout.study.curate


def source_params(layout: Layout, source: str) -> SourceParams:
    """Returns the block of one source.

    Raises:
        ParamsError: when the study knows no such source.
    """
    if source not in layout.study.sources:
        known = ", ".join(layout.study.sources) or "none"
        raise ParamsError(f"sources: unknown source {source!r}; known: {known}")
    return layout.study.sources[source]


def source_path(layout: Layout, source: str, file: int) -> Path:
    """Returns the path of one file of a source, local or fetched."""
    entry = layout.study.sources[source]
    if entry.files is None:
        return layout.source_file(source, file)
    return resolve_path(entry.files.replace("{part}", f"{file:05d}"), layout)


def captioned_evaluation_sets(layout: Layout) -> list[str]:
    """Returns the evaluation sets with captions that training rows must not repeat."""
    names = curate_params(layout).decontaminate.datasets
    return [name for name in names if kind_of(layout.study.datasets[name]) == "captions"]


def evaluation_captions(layout: Layout) -> list[str]:
    """Returns the captions of those sets."""
    sets = [open_dataset(layout, name).of_variant() for name in captioned_evaluation_sets(layout)]
    return [text for dataset in sets for text in dataset.texts["text"]]


def write_funnels(path: Path, funnels: list[Funnel]) -> None:
    """Writes the accounting of a step."""
    write_json(path, [funnel.as_dict() for funnel in funnels])
