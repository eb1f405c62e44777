"""Downloads in tests: rows, what becomes of them, and a stand-in for img2dataset without its seconds of start-up."""

import io
import json
import tarfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ligature.data.download.opener import Limits, bounded_opener
from ligature.data.images import read_image
from ligature.data.perceptual import perceptual_hash
from ligature.data.shards import member_path
from ligature.params.curate import DownloadParams

PARAMS = DownloadParams(image_size=64, timeout=1, max_bytes=100_000, retries=0, min_image_side=16)
PATHS = (
    *("ok1", "big2", "ok3", "code404", "code410", "code403", "html", "later4", "truncated5", "empty", "cut6"),
    *("file", "ok7", "page", "oversized", "drip", "code418"),
)
STATUS = (
    *("success", "success", "success", "not found", "gone", "forbidden", "not an image", "server error"),
    *("broken image", "empty", "no connection", "redirect", "success", "not an image", "too large", "timeout", "other"),
)


def rows_of(*paths: str, first_uid: int = 2**63) -> pd.DataFrame:
    """Returns rows to download, one a path of the web stub, in falling order of uids."""
    count = len(paths)
    rows = pd.DataFrame(
        {
            "uid": np.arange(first_uid, first_uid + count, dtype=np.uint64),
            "url": [f"http://images{number % 2}.example/{path}" for number, path in enumerate(paths)],
            "caption": [f"été {path}" for path in paths],
            "source": "toy",
            "concept": np.arange(count, dtype=np.int32) - 1,
            "score": np.where(np.arange(count) % 2, 0.25, np.nan).astype(np.float32),
        }
    )
    return rows.iloc[::-1].reset_index(drop=True)


class Img2dataset:
    """Stands in for ``ligature.data.download.fetching._run``.

    Attributes:
        shards: how many it writes before it stops in the middle of the next.
        runs: how often it was called.
    """

    def __init__(self, proxy: str, shards: int = 10**6) -> None:
        self.proxy, self.shards, self.runs = proxy, shards, 0

    def __call__(self, scratch: Path, total: int, params: object, proxy: str | None, threads: int) -> str:
        self.runs += 1
        options = json.loads((scratch / "arguments.json").read_text())
        folder, size = Path(options["output_folder"]), options["number_sample_per_shard"]
        table = pq.read_table(options["url_list"]).to_pylist()
        opener = bounded_opener(Limits(params.max_bytes, params.timeout), {"http": self.proxy})
        for shard in range(-(-total // size)):
            stem = folder / f"{shard:05d}"
            if Path(f"{stem}_stats.json").exists():
                continue
            self.shards -= 1
            if self.shards < 0:
                stem.with_suffix(".tar").write_bytes(b"half of a shard")
                return "killed"
            write_shard(stem, [(row["uid"], _answer(opener, row["url"])) for row in table[shard * size :][:size]])
        return "done"


def _answer(opener: object, url: str) -> bytes | str:
    try:
        with opener.open(url) as answer:
            if "X-Robots-Tag" in answer.headers:
                return "Use of image disallowed by X-Robots-Tag directive"
            return answer.read()
    except Exception as error:  # as img2dataset does
        return str(error)


def write_shard(stem: Path, answers: list[tuple[str, bytes | str]]) -> None:
    """Writes a shard as img2dataset does: in the order of arrival, with today's time."""
    records = []
    arrived = np.random.default_rng(time.time_ns()).permutation(len(answers))
    with tarfile.open(stem.with_suffix(".tar"), "w") as tar:
        for number in arrived.tolist():
            uid, answer = answers[number]
            good = isinstance(answer, bytes)
            status, error = ("success", None) if good else ("failed_to_download", answer)
            records.append({"uid": uid, "key": f"{number:08d}", "status": status, "error_message": error})
            if good:
                member = tarfile.TarInfo(f"{number:08d}.jpg")
                member.size, member.mtime = len(answer), time.time()
                tar.addfile(member, io.BytesIO(answer))
    schema = pa.schema([(name, pa.string()) for name in ("uid", "key", "status", "error_message")])
    pq.write_table(pa.Table.from_pylist(records, schema), stem.with_suffix(".parquet"))
    Path(f"{stem}_stats.json").write_text("{}")


def contents(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["images.parquet", "images.tar", "report.json"]
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check_table(folder, rows, status):
    """Checks the table and every picture against the rows that were asked for."""
    table = pq.read_table(folder / "images.parquet").to_pandas()
    asked = rows.sort_values("uid").reset_index(drop=True)
    pd.testing.assert_frame_equal(table[asked.columns], asked)
    assert table["status"].tolist() == list(status)
    for row in table[table["status"] == "success"].itertuples():
        image, sha256 = read_image(member_path(folder / "images.tar", int(row.offset), int(row.size)))
        assert (image.width, image.height, sha256) == (row.width, row.height, row.sha256)
        assert perceptual_hash(image).hex() == row.hash
    assert table["host"].tolist() == [f"images{number % 2}.example" for number in range(len(table))]
    assert (table.loc[table["status"] == "success", "detail"] == "").all()
    assert (table.loc[table["status"] != "success", "detail"] != "").all()
    return table
