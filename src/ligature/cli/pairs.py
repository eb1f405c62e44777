"""`ligature compare`, `probe` and `select`: which encoder pair agrees best."""

from typing import Annotated

import numpy as np
import pandas as pd
import typer

from ligature.cli.context import (
    PARAMS,
    RESULTS,
    DeviceOption,
    ParamsOption,
    ResultsOption,
    ThreadsOption,
    open_layout,
)
from ligature.cli.features import load_captioned, load_pairs, open_store, own_rows, projector_config
from ligature.errors import DataError, ParamsError
from ligature.evaluation import retrieval_recall
from ligature.progress import say
from ligature.store import Layout, join_stores, require_same_images
from ligature.store.atomic import write_csv
from ligature.store.damage import read_sealed, reading, write_sealed

METRICS = ["cka_debiased", "cka_biased", "cka_rbf", "mutual_knn"]
TARGETS = ["probe_mean_recall", "probe_loss"]


def compare(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS, threads: ThreadsOption = 1) -> None:
    """Measure how well every vision encoder agrees with every text encoder."""
    from ligature.similarity import similarity_grid

    layout = open_layout(params, results, threads)
    settings = layout.study.pairs
    tables = []
    for dataset in settings.datasets:
        say(f"compare encoders on {dataset}")
        vision, text = aligned_vectors(layout, dataset)
        grid = similarity_grid(
            vision,
            text,
            seed=settings.seed,
            permutations=settings.permutations,
            bootstraps=settings.bootstraps,
            neighbours=settings.neighbours,
        )
        tables.append(grid.assign(dataset=dataset)[["dataset", *grid.columns]])
    write_csv(layout.pairs / "similarity.csv", pd.concat(tables))


def aligned_vectors(layout: Layout, dataset: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns one vector an image from every encoder, rows aligned: pooled features, and means of captions.

    Images that some encoder skipped, or that have no caption, are left out of all.
    """
    compared_vision, compared_text = layout.study.compared
    stores = {name: open_store(layout, name, dataset) for name in compared_vision}
    first = next(iter(stores.values()))
    vision, text, common = {}, {}, None
    for name, store in stores.items():
        require_same_images(first, store)
        frame = pd.DataFrame(store.vectors(), index=store.metadata()["id"])
        vision[name] = frame
        common = frame.index if common is None else common.intersection(frame.index, sort=False)
    for name in compared_text:
        store = open_store(layout, name, dataset)
        joined = join_stores(first, store)
        own = np.isin(joined.text_rows, own_rows(store))
        vectors = store.vectors()[joined.text_rows[own]]
        means = caption_means(vectors, joined.image_of_text[own], len(joined.images))
        text[name] = pd.DataFrame(means, index=joined.images["id"]).dropna()
        common = common.intersection(text[name].index, sort=False)
    return tuple({name: frame.loc[common].to_numpy() for name, frame in side.items()} for side in (vision, text))


def caption_means(vectors: np.ndarray, image_of_text: np.ndarray, images: int) -> np.ndarray:
    """Returns the mean caption vector of each image, [images, d] float32; NaN for images without a caption."""
    sums = np.zeros((images, vectors.shape[1]), dtype=np.float64)
    np.add.at(sums, image_of_text, vectors)
    counts = np.bincount(image_of_text, minlength=images)[:, None]
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0).astype(np.float32)


def probe(
    vision: str,
    text: Annotated[str | None, typer.Argument(help="Text encoder; all of them by default.")] = None,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
) -> None:
    """Train a projector shortly between two encoders and measure the retrieval it reaches."""
    layout = open_layout(params, results, threads)
    for name in [text] if text else layout.study.compared[1]:
        _probe(layout, vision, name, device)


def _probe(layout: Layout, vision: str, text: str, device: str) -> None:
    from ligature.projection import project_images, project_texts, train_probe

    settings = layout.study.pairs.probe
    data = load_pairs(layout, vision, text, [settings.train])
    blocks = layout.study.train.projector.model_copy(update={"embed_dim": settings.embed_dim})
    trained = train_probe(
        projector_config(blocks, data.images, data.texts),
        data,
        steps=settings.steps,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        device=device,
        what=f"probe {vision} + {text}",
    )
    projector = trained.projector.cpu()
    test = load_captioned(layout, vision, text, settings.test)
    recall = retrieval_recall(
        project_images(projector, test.images), project_texts(projector, test.texts), test.image_of_text
    )
    last = trained.history["train_loss"].tail(max(1, settings.steps // 10)).mean()
    write_sealed(layout.probe(vision, text), {"vision": vision, "text": text, "loss": float(last), **recall})


def select(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Put similarities and probes together, choose the pair, and test whether similarity predicts retrieval."""
    from ligature.similarity import metric_correlations

    layout = open_layout(params, results)
    with reading(layout.pairs / "similarity.csv"):
        similarity = pd.read_csv(layout.pairs / "similarity.csv")
    table = similarity.merge(_probes(layout), on=["vision", "text"], how="left", validate="many_to_one")
    chosen = choose_pair(layout, table)
    write_csv(layout.pairs / "pairs.csv", table)
    correlations = [
        metric_correlations(rows, METRICS, target).assign(dataset=dataset, target=target)
        for dataset, rows in table.groupby("dataset", sort=False)
        for target in TARGETS
    ]
    write_csv(layout.pairs / "correlations.csv", pd.concat(correlations))
    write_sealed(layout.pairs / "chosen.json", chosen)
    say(f"chosen pair: {chosen['vision']} + {chosen['text']} ({chosen['rank_by']} {chosen['value']:.3f})")


def _probes(layout: Layout) -> pd.DataFrame:
    rows = []
    compared_vision, compared_text = layout.study.compared
    for vision in compared_vision:
        for text in compared_text:
            path = layout.probe(vision, text)
            try:
                values = read_sealed(path)
            except FileNotFoundError:
                raise DataError(f"{path}: missing; run `ligature probe {vision} {text}` first") from None
            metrics = {f"probe_{key}": value for key, value in values.items() if key not in ("vision", "text")}
            recalls = [value for key, value in metrics.items() if "_recall@" in key]
            rows.append({"vision": vision, "text": text, **metrics, "probe_mean_recall": float(np.mean(recalls))})
    return pd.DataFrame(rows)


def choose_pair(layout: Layout, table: pd.DataFrame) -> dict[str, str | float]:
    """Returns the chosen pair: the one fixed in the study, or the best mean rank metric over data sets.

    Of equal values the pair that stands first in the study wins.

    Raises:
        ParamsError: when no pair has a value.
    """
    settings = layout.study.pairs
    means = table.groupby(["vision", "text"], sort=False)[settings.rank_by].mean()
    if means.isna().all():
        raise ParamsError(f"pairs.rank_by: {settings.rank_by} has no value for any pair")
    if settings.choose is not None:
        vision, text, chosen_by = settings.choose.vision, settings.choose.text, "params"
    else:
        (vision, text), chosen_by = means.idxmax(), "rank"
    value = float(means[vision, text])
    return {"vision": vision, "text": text, "rank_by": settings.rank_by, "value": value, "chosen_by": chosen_by}


def chosen_pair(layout: Layout) -> tuple[str, str]:
    """Reads the chosen pair of a study.

    Raises:
        DataError: when pair discovery has not run.
    """
    path = layout.pairs / "chosen.json"
    try:
        values = read_sealed(path)
    except FileNotFoundError:
        raise DataError(f"{path}: missing; run `ligature select` first") from None
    return values["vision"], values["text"]
