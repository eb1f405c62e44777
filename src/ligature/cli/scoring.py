"""`ligature prototypes`, `score` and `merge`: captions against concepts, part by part, merged as a tree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
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
from ligature.cli.features import open_store, own_rows, text_features
from ligature.cli.pool import captioned_evaluation_sets, curate_params, write_funnels
from ligature.cli.scorer import Scorer
from ligature.curation import Prototypes, TopK, build_prototypes, nearest_evaluation, top_k
from ligature.data import open_dataset
from ligature.data.pools.funnel import KEPT, drop_rows
from ligature.errors import DataError, ParamsError
from ligature.params.curate import PrototypeParams
from ligature.progress import Progress, say
from ligature.store import EmbeddingStore
from ligature.store.arrays import write_array
from ligature.store.hashing import hash_strings


def prototypes(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS, threads: ThreadsOption = 1) -> None:
    """Build one vector a concept from a few images, or from prompts."""
    layout = open_layout(params, results, threads)
    settings, scorer = curate_params(layout).prototypes, Scorer.of(layout)
    examples = _examples(scorer, settings)
    built = build_prototypes(
        examples.features,
        examples.labels,
        examples.names,
        shots=settings.shots if settings.kind == "images" else len(examples.ids),
        seed=settings.seed,
        provenance={**settings.model_dump(), "encoders": scorer.provenance(), "items": examples.items},
        ids=examples.ids,
    )
    built.save(layout.curation)
    say(f"prototypes of {len(built.names)} concepts from {int(built.shots.sum()):,} {settings.kind}")


@dataclass(frozen=True)
class _Examples:
    """Images or prompts of the concepts of one data set, or of several one after the other."""

    features: np.ndarray
    labels: np.ndarray
    names: list[str]
    ids: list[str]
    items: str


def _examples(scorer: Scorer, settings: PrototypeParams) -> _Examples:
    """Returns what is averaged; labels count on from one data set to the next, and ids begin with its name."""
    sets = [_examples_of(scorer, settings.kind, name) for name in settings.datasets]
    if len(sets) == 1:
        return sets[0]
    starts = np.cumsum([0, *(len(one.names) for one in sets)])
    return _Examples(
        np.concatenate([one.features for one in sets]),
        np.concatenate([one.labels + start for one, start in zip(sets, starts, strict=False)]),
        [name for one in sets for name in one.names],
        [f"{name}/{item}" for name, one in zip(settings.datasets, sets, strict=True) for item in one.ids],
        hash_strings(one.items for one in sets),
    )


def _examples_of(scorer: Scorer, kind: str, dataset: str) -> _Examples:
    store = scorer.open(scorer.vision if kind == "images" else scorer.text, dataset)
    table = store.metadata().iloc[own_rows(store)]
    return _Examples(
        scorer.images(store) if kind == "images" else scorer.prompts(store),
        table["label"].to_numpy(),
        open_dataset(scorer.layout, dataset).class_names,
        table["id"].to_list(),
        store.items_hash,
    )


def score(
    source: Annotated[str, typer.Argument(help="Source of the pool.")],
    part: Annotated[int, typer.Option(min=0, help="Which part of it.")] = 0,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
) -> None:
    """Score the captions of one part of the pool, and keep the best of every concept."""
    layout = open_layout(params, results, threads)
    if (source, part) not in layout.pool_jobs:
        raise ParamsError(f"{source}, part {part}: not in curate.pool")
    scorer, concepts = Scorer.of(layout), Prototypes.load(layout.curation)
    captions = _Captions(scorer, source, part)
    state = top_k(captions.batches(), concepts.vectors, curate_params(layout).k, device=device)
    path = layout.top_k(0, layout.pool_jobs.index((source, part)))
    state.save(path, {"concepts": hash_strings(concepts.names)})
    captions.write_dropped(path)
    say(f"{source}, part {part}: {state.seen:,} captions scored against {len(concepts.names)} concepts")


class _Captions:
    """The embedded captions of one part of the pool; those close to an evaluation caption are left out."""

    def __init__(self, scorer: Scorer, source: str, part: int) -> None:
        layout = scorer.layout
        self.scorer, self.source = scorer, source
        self.store = EmbeddingStore.open(layout.embeddings("pooled", scorer.text, source, part))
        table = self.store.metadata()
        self.rows = pd.DataFrame({"uid": uids_of(table["id"]), "caption": table["text"], "url": ""})
        self.limit = curate_params(layout).decontaminate.cosine
        self.references = _evaluation_vectors(scorer) if self.limit is not None else None
        self.close = np.zeros(self.store.rows, dtype=bool)

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields (uids [n], embeddings [n, d] in the joint space), shard by shard."""
        uids, start = self.rows["uid"].to_numpy(), 0
        with Progress(f"score {self.source}", self.store.rows, "captions") as progress:
            for array in self.store.arrays():
                rows = slice(start, start + len(array))
                vectors = np.asarray(array, np.float32)
                self._check(vectors, uids[rows])
                if self.references is not None:
                    self.close[rows] = nearest_evaluation(vectors, self.references) >= self.limit
                keep = ~self.close[rows]
                if keep.any():
                    yield uids[rows][keep], self.scorer.texts(vectors[keep])
                start += len(array)
                progress.update(len(array))

    def _check(self, vectors: np.ndarray, uids: np.ndarray) -> None:
        spoilt = np.flatnonzero(~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1))
        if len(spoilt):
            raise DataError(
                f"{self.store.folders[0]}: the embedding of caption {uids[spoilt[0]]:016x} is not finite or zero; "
                "remove the folder and embed again"
            )

    def write_dropped(self, state_path: Path) -> None:
        """Writes which captions were left out, and the accounting, beside the state."""
        write_array(state_path.with_suffix(".dropped.npy"), np.sort(self.rows["uid"].to_numpy()[self.close]))
        reasons = np.where(self.close, "near an evaluation caption", KEPT)
        funnel = drop_rows(self.rows, reasons, "decontaminate captions", self.source)[1]
        write_funnels(state_path.with_suffix(".json"), [funnel])


def uids_of(ids: Iterable[str]) -> np.ndarray:
    """Returns the uids of a store's ids, which are uids in hexadecimal, [n] uint64."""
    return np.array([int(identity, 16) for identity in ids], dtype=np.uint64)


def _evaluation_vectors(scorer: Scorer) -> np.ndarray | None:
    """Returns the raw text embeddings of all evaluation captions, [m, d]."""
    stores = [open_store(scorer.layout, scorer.text, name) for name in captioned_evaluation_sets(scorer.layout)]
    if not stores:
        return None
    return np.concatenate([text_features(store, own_rows(store)) for store in stores]).astype(np.float32)


def merge(
    level: Annotated[int, typer.Argument(min=1, help="Level of the tree.")],
    index: Annotated[int, typer.Argument(min=0, help="Which state of that level.")],
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Merge a few states of scoring into one."""
    layout = open_layout(params, results)
    first, *others = layout.merge_inputs(level, index)
    merged, metadata = TopK.load(first)
    for state, other in map(TopK.load, others):
        if other != metadata:
            raise DataError(f"{layout.top_k(level - 1, 0).parent}: states of different concepts; score all parts again")
        merged = merged.merge(state)
    merged.save(layout.top_k(level, index), metadata)
