"""`ligature curate`: the concept-balanced selection, and a random subset of the pool to stand beside it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, ThreadsOption, open_layout
from ligature.cli.features import open_store
from ligature.cli.pool import curate_params, write_funnels
from ligature.cli.scorer import Scorer
from ligature.curation import Prototypes, Selection, TopK, random_subset, select_with_report, semantic_duplicates
from ligature.curation.vectors import unit_rows
from ligature.data.parts import wanted_rows
from ligature.data.pools.funnel import KEPT, drop_rows
from ligature.data.pools.lookup import lookup_rows
from ligature.errors import DataError
from ligature.params.curate import CurateParams
from ligature.progress import say, track
from ligature.store import EmbeddingStore, Layout
from ligature.store.arrays import read_array
from ligature.store.atomic import write_csv
from ligature.store.hashing import hash_strings
from ligature.store.tables import write_table

ROUNDS = 8
"""Most selections made while semantic duplicates are thrown out and replaced."""


def curate(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS, threads: ThreadsOption = 1) -> None:
    """Select rows concept by concept, and draw a random subset of the pool of the same size."""
    layout = open_layout(params, results, threads)
    concepts = Prototypes.load(layout.curation)
    state = _final_state(layout, concepts)
    pool = _Pool(layout, Scorer.of(layout))
    selection, banned = _select(curate_params(layout), state, pool)
    considered = pool.rows(pd.concat([selection.rows, pd.DataFrame({"uid": banned})]))
    reasons = np.where(considered["uid"].isin(banned), "near another selected caption", KEPT)
    chosen, funnel = drop_rows(considered, reasons, "semantic duplicates", "pool")
    chosen = chosen.astype(selection.rows.dtypes.to_dict())  # those that were thrown out have no concept
    _write(layout, "selected", chosen)
    write_funnels(layout.curation / "selected.json", [funnel])
    random = pool.nearest(pool.random(len(chosen)), concepts)
    _write(layout, "random", pool.rows(random))
    table = selection.concepts.assign(name=concepts.names)
    counts = random["concept"].value_counts().reindex(table["concept"], fill_value=0).to_numpy()
    write_csv(layout.curation / "concepts.csv", table.assign(pool=counts, pool_share=counts / max(len(random), 1)))
    full = int((table["kept"] >= table["asked"]).sum())
    say(f"{len(chosen):,} rows selected; {full} of {len(table)} concepts reached their quota")


def _final_state(layout: Layout, concepts: Prototypes) -> TopK:
    path = layout.top_k(len(layout.merge_levels) - 1, 0)
    if not path.is_file():
        raise DataError(f"{path}: missing; score all parts of the pool and merge them first")
    state, metadata = TopK.load(path)
    if metadata["concepts"] != hash_strings(concepts.names):
        raise DataError(f"{path}: scored against other concepts than {layout.curation}; score the pool again")
    if state.seen <= state.k:
        say(f"curate.k {state.k:,} is not below the pool's {state.seen:,} captions; every one is a candidate")
    return state


def _select(settings: CurateParams, state: TopK, pool: "_Pool") -> tuple[Selection, np.ndarray]:
    """Selects, throws out semantic duplicates, and selects again until there are none.

    Returns:
        The selection and the uids thrown out.
    """
    banned = np.array([], dtype=np.uint64)
    for _ in range(ROUNDS):
        selection = select_with_report(
            state,
            round(settings.quota * settings.over_collect),
            settings.order,
            min_score=settings.min_score,
            backfill=settings.backfill,
            seed=settings.seed,
            banned=banned,
        )
        epsilon = settings.duplicates.semantic
        if epsilon is None or selection.rows.empty:
            return selection, banned
        uids = selection.rows["uid"].to_numpy()
        duplicates = semantic_duplicates(uids, pool.vectors(uids).astype(np.float32), epsilon, seed=settings.seed)
        found = duplicates["uid"].to_numpy()
        if not len(found):
            return selection, banned
        banned = np.union1d(banned, found)
    say(f"after {ROUNDS} rounds semantic duplicates still replaced each other; the last {len(found):,} are left out")
    rows = selection.rows[~selection.rows["uid"].isin(found)].reset_index(drop=True)
    kept = rows["concept"].value_counts().reindex(selection.concepts["concept"], fill_value=0).to_numpy()
    return Selection(rows, selection.concepts.assign(kept=kept)), banned


def _write(layout: Layout, name: str, rows: pd.DataFrame) -> None:
    write_table(layout.curation / f"{name}.parquet", rows)


@dataclass(frozen=True)
class _Pool:
    """The scored captions of a study: their rows and embeddings."""

    layout: Layout
    scorer: Scorer

    def random(self, size: int) -> np.ndarray:
        """Returns the uids of a random subset, without duplicates and without captions of evaluation sets.

        The subset of the union is that of the subsets of the parts, so memory holds one part at a time.
        """
        chosen = np.array([], dtype=np.uint64)
        for index, (source, part) in enumerate(track(self.layout.pool_jobs, "random subset", unit="parts")):
            dropped = read_array(self.layout.top_k(0, index).with_suffix(".dropped.npy"))
            uids = wanted_rows(self.layout, source, [part], ["uid"])["uid"].to_numpy()
            candidates = np.union1d(chosen, uids[~np.isin(uids, dropped)])
            chosen = random_subset(candidates, min(size, len(candidates)), curate_params(self.layout).seed)
        return chosen

    def rows(self, chosen: pd.DataFrame) -> pd.DataFrame:
        """Returns chosen uids with address, caption and source."""
        return lookup_rows([self.layout.pool(source, part) for source, part in self.layout.pool_jobs], chosen)

    def vectors(self, uids: np.ndarray) -> np.ndarray:
        """Returns the raw text embeddings of uids, [n, d]."""
        stores = [open_store(self.layout, self.scorer.text, source) for source in self.layout.study.curate.pool]
        store = EmbeddingStore(
            tuple(folder for store in stores for folder in store.folders),
            tuple(manifest for store in stores for manifest in store.manifests),
        )
        return store.find([f"{uid:016x}" for uid in uids])

    def nearest(self, uids: np.ndarray, concepts: Prototypes) -> pd.DataFrame:
        """Returns uids with the concept that is nearest to each caption, and its cosine."""
        scores = unit_rows(self.scorer.texts(self.vectors(uids)), "captions") @ concepts.vectors.T
        return pd.DataFrame(
            {"uid": uids, "concept": scores.argmax(axis=1).astype(np.int32), "score": scores.max(axis=1)}
        )
