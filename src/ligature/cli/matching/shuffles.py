"""How CKA falls when pairs are shuffled: what shows that it sees the pairs, and how much of it is bias."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ligature.cli.matching.pools import captioned_pool
from ligature.errors import ParamsError
from ligature.params.matching import MatchingParams
from ligature.progress import track
from ligature.similarity import StreamingCKA
from ligature.similarity.features import centred, checked
from ligature.similarity.kernels import rbf_cka_matrix
from ligature.store import Layout

DRAWS = 3
"""Draws of a shuffled order."""
SEED = 0
"""Seed of the draws, and of the rows that set the width of the RBF kernel."""
COLUMNS = ["dataset", "vision", "text", "order", "metric", "value", "n", "draws"]
SHARE_SHUFFLED = {"true": 0.0, "half-shuffled": 0.5, "shuffled": 1.0}


def shuffled_encoders(settings: MatchingParams, dataset: str) -> tuple[list[str], list[str]]:
    """Returns the vision and the text encoders of a data set's shuffles, in order of first mention.

    They are those of all experiments that have it as base or query, since these are embedded anyway.

    Raises:
        ParamsError: no experiment has it.
    """
    users = [entry for entry in settings.experiments.values() if dataset in (entry.base, entry.query)]
    if not users:
        raise ParamsError(f"matching.shuffles: no experiment has {dataset!r} as base or query; remove it")
    vision = dict.fromkeys(name for entry in users for name in entry.vision)
    text = dict.fromkeys(name for entry in users for name in entry.text)
    return list(vision), list(text)


def shuffled_cka(layout: Layout, settings: MatchingParams) -> pd.DataFrame:
    """Returns the CKA of true, half-shuffled and shuffled pairs of every pair of encoders, as means over draws.

    An image stands with the mean of its captions. Images that some encoder skipped are left out of all.

    Returns:
        Rows with the columns ``COLUMNS``.
    """
    tables = [_of_dataset(layout, settings, dataset) for dataset in settings.shuffles]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _of_dataset(layout: Layout, settings: MatchingParams, dataset: str) -> pd.DataFrame:
    vision, text = _aligned(layout, dataset, *shuffled_encoders(settings, dataset))
    pairs = len(next(iter(vision.values())))
    rows = [
        {"dataset": dataset, "vision": v, "text": t, "order": order, "metric": metric, "value": value, "n": pairs}
        for order, moved in track(list(_orders(pairs)), f"CKA of shuffled pairs of {dataset}", unit="orders")
        for v, t, metric, value in _cka(vision, {name: values[moved] for name, values in text.items()})
    ]
    keys = ["dataset", "vision", "text", "order", "metric", "n"]
    means = pd.DataFrame(rows).groupby(keys, sort=False)["value"].agg(value="mean", draws="size")
    return means.reset_index()[COLUMNS]


def _cka(vision: dict[str, np.ndarray], text: dict[str, np.ndarray]) -> Iterator[tuple[str, str, str, float]]:
    """Yields vision encoder, text encoder, metric and value of every pair."""
    streaming = StreamingCKA()
    streaming.update(vision, text)
    rbf = rbf_cka_matrix([centred(values) for values in checked(vision, text).values()], seed=SEED)
    for (v, t), linear in streaming.result().items():
        yield v, t, "cka_rbf", float(rbf[list(vision).index(v), len(vision) + list(text).index(t)])
        yield v, t, "cka_biased", linear.biased
        yield v, t, "cka_debiased", linear.debiased


def _aligned(
    layout: Layout, dataset: str, vision: list[str], text: list[str]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns one vector an image from every encoder, rows aligned."""
    images = {name: captioned_pool(layout, name, text[0], dataset) for name in vision}
    texts = {name: captioned_pool(layout, vision[0], name, dataset) for name in text}
    common = pd.Index(images[vision[0]].ids)
    for pool in images.values():
        common = common.intersection(pool.ids, sort=False)
    return (
        {name: pool.images[pd.Index(pool.ids).get_indexer(common)] for name, pool in images.items()},
        {name: pool.texts[pd.Index(pool.ids).get_indexer(common)] for name, pool in texts.items()},
    )


def _orders(pairs: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yields every order with its name: rows of the texts, beside images in their own order."""
    for order, share in SHARE_SHUFFLED.items():
        for draw in range(DRAWS if share else 1):
            yield order, shuffled_rows(pairs, int(share * pairs), SEED + draw)


def shuffled_rows(count: int, moved: int, seed: int) -> np.ndarray:
    """Returns 0..count - 1, of which ``moved`` rows drawn at random are permuted so that none of them stays.

    A single row has nowhere to go and stays.
    """
    rows, chosen = np.arange(count), np.random.default_rng(seed).permutation(count)[:moved]
    rows[chosen] = np.roll(chosen, 1)
    return rows
