"""What is left of the tables of a source once rows are dropped, to draw a sample from."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ligature.data.pools.table import read_pool

NOT_SAMPLED = "not sampled"
"""Why a row is dropped that the sample of its source has not."""


def rows_left(paths: Mapping[int, Path], dropped: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of a source that are not dropped, each with its own uid.

    Args:
        paths: of its pool tables, at least one, by the number that ``dropped`` knows them by.
        dropped: ``part``, such a number, and ``row``, the position in that table.

    Returns:
        ``part``, ``row`` and ``uid``, 20 bytes a row, by part and row.
    """
    tables = []
    for part, path in paths.items():
        uids = read_pool(path, ["uid"])["uid"].to_numpy()
        rows = np.setdiff1d(np.arange(len(uids)), dropped["row"][dropped["part"] == part])
        tables.append(pd.DataFrame({"part": np.int32(part), "row": rows, "uid": uids[rows]}))
    return pd.concat(tables, ignore_index=True)
