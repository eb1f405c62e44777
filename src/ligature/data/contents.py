"""Hashes of what is embedded: the bytes of images, read once and not decoded."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from ligature.data.images import MAX_BYTES, RAW, short_sha256
from ligature.data.shards import read_bytes
from ligature.progress import Progress

_AT_ONCE = 4096


def image_contents(paths: Sequence[str], *, threads: int = 1, what: str = "hash images") -> list[str]:
    """Returns what tells the contents of every image apart: the first 32 hex digits of the SHA-256 of its bytes.

    Width and height follow those of raw pixels, behind ``!``; of a file that cannot be read the reason stands there.

    Args:
        paths: as ``ligature.data.images.read_image`` takes them.
        threads: that read and hash at the same time.
        what: shown beside the progress.
    """
    contents: list[str] = []
    with Progress(what, len(paths), "images") as progress, ThreadPoolExecutor(max(1, threads)) as pool:
        remaining = iter(paths)
        while chunk := list(islice(remaining, _AT_ONCE)):
            contents += pool.map(_content, chunk)
            progress.update(len(chunk))
    return contents


def _content(path: str) -> str:
    try:
        sha256 = short_sha256(read_bytes(path, MAX_BYTES))
    except ValueError as error:
        return f"({error})"
    raw = RAW.fullmatch(path)
    return f"{sha256}!{raw[2]}x{raw[3]}" if raw else sha256
