"""Small stores in a cache, for tests: what two studies want of the same images."""

from dataclasses import replace

import numpy as np
from store_examples import image_table, vectors_of, write_images

from ligature.store import StoreWriter
from ligature.store.cache_entry import Use
from ligature.store.cache_key import Wanted
from ligature.store.hashing import hash_strings

ENCODER = {"name": "toy", "loader": "toy", "source": "one/toy", "revision": "abc", "pooling": "cls"}
CONTENT = {"loader": "toy", "weights": "abc", "pooling": "cls"}
SOURCE = {"dataset": "captions", "split": "val", "part": "0/1"}
ROWS = 10


def wanted_images(**changes) -> Wanted:
    """Returns what a study wants of ten images of which the third cannot be read."""
    table = image_table(ROWS)
    values = {
        "modality": "image",
        "view": "pooled",
        "encoder": CONTENT,
        "names": {"name": "toy", "source": "one/toy"},
        "source": SOURCE,
        "items_hash": hash_strings(table["id"]),
        "items": table[["id"]],
        "contents": ["(missing file)" if row == 2 else sha256 for row, sha256 in enumerate(table["sha256"])],
        "skipped": None,
        "shard_rows": 4,
    }
    return Wanted(**values | changes)


def of_another_study(wanted: Wanted, **changes) -> Wanted:
    """Returns the same store in the words of another study."""
    names, source = {"name": "bear", "source": "two/bear"}, SOURCE | {"dataset": "pictures", "part": "3/7"}
    return replace(wanted, names=names, source=source, **changes)


def make(wanted: Wanted, folder):
    """Embeds what is wanted into a folder, as extraction would; every image has the view's number of vectors."""
    table = image_table(ROWS)
    encoder = ENCODER | wanted.names
    if wanted.view == "pooled":
        options = {"shard_rows": wanted.shard_rows, "encoder": encoder, "source": wanted.source}
        return write_images(folder, table, vectors_of(ROWS), skipped=["image-2"], **options).manifests[0]
    return _make_tokens(wanted, folder, table.assign(tokens=[row % 3 + 1 for row in range(ROWS)]), encoder)


def _make_tokens(wanted, folder, table, encoder):
    writer = StoreWriter(folder, "image", wanted.view, encoder, wanted.source, wanted.items_hash, wanted.shard_rows)
    bounds = np.concatenate([[0], np.cumsum(table["tokens"])])
    vectors = vectors_of(int(bounds[-1]), seed=3)
    for rows in writer.pending(table):
        used = rows[rows["id"] != "image-2"]
        kept = [vectors[bounds[row] : bounds[row + 1]] for row in used.index]
        skipped = [{"id": "image-2", "reason": "missing file"}] if len(used) < len(rows) else []
        writer.append(np.concatenate(kept), used, source_rows=len(rows), skipped=skipped, flops=7 * len(used))
    return writer.finish()


def use_by(study: str, folder) -> Use:
    return Use.by(study, folder)


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flip(path, at: int = -1) -> None:
    """Turns one bit of a file over, in a new file of the same name, so that hard links to it stay as they are."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.unlink()
    path.write_bytes(data)
