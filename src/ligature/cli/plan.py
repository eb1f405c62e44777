"""`ligature plan`: jobs, hours and bytes of a study, or of a full-size curation from what this study measured."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.cli.plan_study import plan_whole_study
from ligature.cli.pool import curate_params
from ligature.curation.plan import plan_curation, plan_text, scoring_flop
from ligature.curation.scale import GivenRate, Rates, Scale
from ligature.errors import DataError, ParamsError
from ligature.planning import Workers
from ligature.progress import say
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_text

plan = typer.Typer(rich_markup_mode=None)

LOGGED = {
    "read metadata": ("pool/*.log", "read "),
    "embed captions": ("embed/pool-*.log", "embed "),
    "download": ("download/*.log", "download "),
    "pack": ("download/*.log", "pack images"),
}
"""Logs of every step, and how their lines of progress begin; the last such line gives the rate."""
PROBE_ROWS = 16384
PROBE_K = 2000


@plan.callback(invoke_without_command=True)
def study(
    context: typer.Context,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs; with 0 cores do their work.")] = 1,
    cores: Annotated[int, typer.Option(min=1, help="CPU cores for jobs without a GPU.")] = 16,
    cores_of_gpu: Annotated[int, typer.Option(min=1, help="CPU cores beside every GPU.")] = 8,
    pair: Annotated[
        str | None, typer.Option(help="VISION,TEXT: the pair to count with, where discovery chooses it.")
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--given", help="NAME=NUMBER in place of a rate (units a second) or of a quantity; repeatable."),
    ] = None,
    rows: Annotated[list[str] | None, typer.Option("--rows", help="NAME=ROWS of a data set or source.")] = None,
    resources: Annotated[Path, typer.Option(help="Folder of declared rates and sizes.")] = Path("workflow/resources"),
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Plan a whole study: jobs by rule, GPU-hours, CPU-hours, bytes downloaded and stored; nothing is run."""
    if context.invoked_subcommand is not None:
        return
    text = plan_whole_study(
        open_layout(params, results),
        Workers(gpus, cores, cores_of_gpu),
        pair=pair,
        given=dict(named_number(entry, "NAME=NUMBER, for example --given encode=4e14") for entry in given or []),
        rows=dict(named_number(entry, "NAME=ROWS, for example --rows laion=400000000") for entry in rows or []),
        resources=resources,
    )
    print(text)


@plan.command()
def curate(
    captions: Annotated[int, typer.Option(min=1, help="Captions of the pool.")] = 407_000_000,
    concepts: Annotated[int, typer.Option(min=1, help="Concepts.")] = 2754,
    k: Annotated[int, typer.Option(min=1, help="Best captions kept for every concept.")] = 50_000,
    quota: Annotated[int, typer.Option(min=1, help="Rows a concept.")] = 2000,
    dims: Annotated[int, typer.Option(min=1, help="Width of the joint space.")] = 1024,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs side by side.")] = 32,
    given: Annotated[
        list[str] | None,
        typer.Option("--given", help="STEP=UNITS a second of one GPU node, in place of the measured rate; repeatable."),
    ] = None,
    logs: Annotated[Path, typer.Option(help="Folder of the workflow's logs.")] = Path("logs"),
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Plan the curation of a full-size pool and print it; also written to the study's folder `plan`."""
    layout = open_layout(params, results)
    settings = curate_params(layout)
    scale = Scale(
        captions=captions,
        concepts=concepts,
        dims=dims,
        k=k,
        quota=quota,
        over_collect=settings.over_collect,
        mean_caption_characters=_mean_caption(layout),
        mean_image_bytes=_mean_image(layout),
        jobs=jobs,
        fan_in=max(settings.fan_in, 8),
    )
    logged = _logged_rates(logs / layout.study.study, network=layout.study.download.server is None)
    measured = dict(logged) | _probed_rates(concepts, dims)
    rates = Rates(measured, dict(map(_given_rate, given or [])))
    table = plan_curation(rates, scale)
    text = plan_text(table, scale)
    write_csv(layout.root / "plan" / "curate.csv", table)
    write_text(layout.root / "plan" / "curate.md", text)
    print(text)


def named_number(text: str, form: str) -> tuple[str, float]:
    """Returns name and number of a text such as ``score=4e14``; ``form`` says in errors how to write it.

    Raises:
        ParamsError: it is not of this form.
    """
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise ParamsError(f"{text!r}: write {form}") from None


def _given_rate(text: str) -> tuple[str, GivenRate]:
    step, value = named_number(text, "STEP=UNITS, for example --given score=4e14")
    return step, GivenRate(value)


def _mean_caption(layout: Layout) -> float:
    """Returns the mean length of the captions of the pool, in characters."""
    paths = [path for source in layout.study.curate.pool for path in layout.pool_parts(source)]
    if not all(path.is_file() for path in paths):
        raise DataError(f"{paths[0].parent}: not complete; run the study up to `ligature pool` first")
    return float(pd.concat([pd.read_parquet(path, columns=["caption"]) for path in paths])["caption"].str.len().mean())


def _mean_image(layout: Layout) -> float:
    """Returns the mean size of the images that arrived, in bytes."""
    sizes = [
        pd.read_parquet(path, columns=["size"])["size"]
        for path in sorted((layout.root / "download").glob("*/*/images.parquet"))
    ]
    if not sizes or not (total := pd.concat(sizes)).gt(0).any():
        raise DataError(f"{layout.root / 'download'}: no image arrived; run the study up to `ligature download` first")
    return float(total[total > 0].mean())


def _logged_rates(logs: Path, network: bool) -> Iterator[tuple[str, float]]:
    """Yields the median rate of the jobs of every step that logs one; the start of a job is not in it.

    What a study's own server answers says nothing of the network, so there is no rate of its downloads.
    """
    for step, (pattern, label) in LOGGED.items():
        texts = [path.read_text(errors="replace") for path in sorted(logs.glob(pattern))]
        found = [rate for text in texts if (rate := _last_rate(text, label))]
        if step == "download" and not network:
            say("download: answered by the study's own server, which is no measure of the network")
        elif found:
            yield step, float(np.median(found))
        else:
            say(f"{logs / pattern}: no rate of {step!r}; run the study with snakemake to have one")


def _last_rate(log: str, label: str) -> float | None:
    rates = re.findall(rf"^{re.escape(label)}.*, ([\d,]+(?:\.\d+)?)/s", log, re.MULTILINE)
    return float(rates[-1].replace(",", "")) if rates else None


def _probed_rates(concepts: int, dims: int) -> dict[str, float]:
    """Times scoring, merging and selecting now, with the planned numbers of concepts and dims on random vectors."""
    import torch

    from ligature.curation import select, top_k

    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    prototypes = generator.normal(size=(concepts, dims)).astype(np.float32)
    vectors = generator.normal(size=(PROBE_ROWS, dims)).astype(np.float32)
    halves = [slice(0, PROBE_ROWS // 2), slice(PROBE_ROWS // 2, PROBE_ROWS)]
    uids = np.arange(PROBE_ROWS, dtype=np.uint64)
    start = time.process_time()
    states = [top_k([(uids[half], vectors[half])], prototypes, PROBE_K) for half in halves]
    scored = time.process_time()
    merged = states[0].merge(states[1])
    joined = time.process_time()
    select(merged, PROBE_K // 20, backfill=True)
    selected = time.process_time()
    entries = concepts * PROBE_K
    return {
        "score": scoring_flop(PROBE_ROWS, concepts, dims) / (scored - start),
        "merge states": 2 * entries / (joined - scored),
        "select": entries / (selected - joined),
    }
