"""Opening one part of whatever is embedded: a data set, the captions of a pool, a downloaded set."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ligature.data.dataset import Dataset
from ligature.data.open import open_dataset
from ligature.data.pools import read_pool
from ligature.data.shards import open_shards
from ligature.errors import DataError, ParamsError
from ligature.store import Layout
from ligature.store.tables import read_table

TEXT_COLUMNS = ["id", "image_id", "text"]


def count_parts(layout: Layout, name: str) -> int:
    """Returns the number of parts of a data set, of the captions of a pool, or of a downloaded set.

    Raises:
        ParamsError: when the study knows no such name.
    """
    study = layout.study
    if name in study.datasets:
        return study.datasets[name].parts
    if study.curate is not None and name in study.curate.pool:
        return study.sources[name].jobs
    if study.curate is not None and name in layout.sets:
        return study.download.chunks
    known = [*study.datasets, *(study.curate.pool if study.curate else []), *layout.sets]
    raise ParamsError(f"unknown data set {name!r}; known: {', '.join(known)}")


def open_part(layout: Layout, name: str, part: int) -> Dataset:
    """Reads one part of a data set, of the captions of a pool, or of a downloaded set.

    Raises:
        DataError: naming the file, row or key that is wrong.
        ParamsError: when there is no such name or part.
    """
    parts = count_parts(layout, name)
    if not 0 <= part < parts:
        raise ParamsError(f"--part {part}: data set {name!r} has {parts} parts, counted from 0")
    if name in layout.study.datasets:
        return open_dataset(layout, name).part(part, parts)
    if name in layout.study.curate.pool:
        return _pool_captions(layout, name, part)
    return open_shards([layout.download(name, part)], name, kept=kept_rows(layout, name))


def _pool_captions(layout: Layout, name: str, part: int) -> Dataset:
    """Returns the captions of a pool part as texts without images; duplicates are left out."""
    rows = wanted_rows(layout, name, [part], ["uid", "caption"])
    ids = [f"{uid:016x}" for uid in rows["uid"]]
    texts = pd.DataFrame({"id": ids, "image_id": ids, "text": rows["caption"].to_numpy()}, columns=TEXT_COLUMNS)
    return Dataset(name, "pool", pd.DataFrame(columns=["id", "path"]), texts)


def wanted_rows(
    layout: Layout, source: str, parts: Sequence[int] | None = None, columns: list[str] | None = None
) -> pd.DataFrame:
    """Returns the rows of a source without duplicates, sorted by uid.

    Args:
        layout: of the study.
        source: name of the source.
        parts: which parts; all by default.
        columns: those wanted, the uid among them; all by default.
    """
    parts = range(layout.study.sources[source].jobs) if parts is None else parts
    duplicates = read_table(layout.duplicates, ["source", "part", "row"])
    tables = []
    for part in parts:
        table = read_pool(layout.pool(source, part), columns)
        of_part = (duplicates["source"] == source) & (duplicates["part"] == part)
        tables.append(table.drop(index=duplicates["row"][of_part]))
    return pd.concat(tables).sort_values("uid", kind="stable").reset_index(drop=True)


def kept_rows(layout: Layout, name: str) -> np.ndarray:
    """Returns the uids of a downloaded set that passed the checks after the download.

    Raises:
        DataError: when the sets were not assembled.
    """
    path = layout.mixes / "kept.parquet"
    if not path.is_file():
        raise DataError(f"{path}: missing; run `ligature assemble` first")
    table = read_table(path)
    return table["uid"][table["set"] == name].to_numpy()
