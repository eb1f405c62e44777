"""Finding the rows of chosen uids among the tables of a pool, by one hash join."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ligature.errors import DataError
from ligature.store.tables import check_table

ADDED = ["url", "caption", "source", "part", "row"]


def lookup_rows(paths: Sequence[Path], chosen: pd.DataFrame) -> pd.DataFrame:
    """Joins chosen uids with their rows.

    Args:
        paths: pool tables.
        chosen: ``uid``, each once, and further columns, which are kept.

    Returns:
        The columns of ``chosen``, then the address, caption, source, part and row of each, sorted by uid. Of a uid that
        stands several times, the row of the first path counts.

    Raises:
        DamagedError: a table is not what was written.
        DataError: when a uid stands in no table.
    """
    import duckdb

    for path in paths:
        check_table(path, ["uid", *ADDED])
    with duckdb.connect() as connection:
        connection.register("chosen", chosen)
        found = connection.execute(
            f"SELECT chosen.*, {', '.join(ADDED)}, filename FROM chosen"
            " JOIN read_parquet($paths, filename = true) AS pool USING (uid)",
            {"paths": [str(path) for path in paths]},
        ).df()
    order = {str(path): number for number, path in enumerate(paths)}
    found = found.assign(order=found["filename"].map(order)).sort_values(["uid", "order", "row"], kind="stable")
    found = found.drop_duplicates("uid").drop(columns=["filename", "order"]).reset_index(drop=True)
    if len(found) < len(chosen):
        missing = sorted(set(chosen["uid"]) - set(found["uid"]))[0]
        raise DataError(f"uid {missing:016x} stands in none of the {len(paths)} pool tables; read the pool again")
    return found
