"""The shards that img2dataset leaves: which of them are whole, and what became of every row."""

import tarfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SHARD_DIGITS = 5


@dataclass(frozen=True)
class Arrival:
    """What became of one row.

    Attributes:
        error: what the downloader reported; empty for an answer.
        tar: file that holds the answer.
        offset: of the answer's first byte in it.
        size: of the answer in bytes.
    """

    error: str
    tar: Path
    offset: int = 0
    size: int = 0

    def read(self) -> bytes:
        """Reads the answer."""
        with self.tar.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


def finished_shards(folder: Path) -> list[int]:
    """Returns the numbers of the shards that img2dataset calls finished, in order."""
    return sorted(int(path.name[:SHARD_DIGITS]) for path in folder.glob("*_stats.json"))


def read_shard(folder: Path, shard: int) -> dict[int, Arrival] | None:
    """Returns what became of every row of a shard, by uid; None when the shard is torn.

    A disk that fills up costs img2dataset single rows or whole files without a word in its statistics.
    """
    stem = folder / f"{shard:0{SHARD_DIGITS}d}"
    tar = stem.with_suffix(".tar")
    try:
        table = pq.read_table(stem.with_suffix(".parquet"), columns=["uid", "key", "status", "error_message"])
        with tarfile.open(tar, "r:") as archive:
            places = {member.name: (member.offset_data, member.size) for member in archive}
        size = tar.stat().st_size
    except (OSError, pa.ArrowException, tarfile.TarError):
        return None
    arrivals = {}
    for row in table.to_pylist():
        if row["status"] != "success":
            arrivals[int(row["uid"], 16)] = Arrival(row["error_message"] or "other", tar)
            continue
        place = places.get(f"{row['key']}.jpg")
        if place is None or sum(place) > size:
            return None
        arrivals[int(row["uid"], 16)] = Arrival("", tar, *place)
    return arrivals


def remove_shard(folder: Path, shard: int) -> None:
    """Removes a shard, so that img2dataset fetches it anew; its statistics go first."""
    stem = f"{shard:0{SHARD_DIGITS}d}"
    for name in (f"{stem}_stats.json", f"{stem}.parquet", f"{stem}.tar"):
        (folder / name).unlink(missing_ok=True)
