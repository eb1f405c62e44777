"""Content-derived numbers of 64 bits: the uid of a row, and keys by which equal addresses and captions are found."""

from collections.abc import Iterable
from hashlib import sha256

import numpy as np

from ligature.data.pools.addresses import url_key
from ligature.data.pools.captions import caption_key


def uid_of(url: str, caption: str) -> int:
    """Returns the uid of a row, as ``uids_of`` does for many."""
    return int(uids_of([url], [caption])[0])


def uids_of(urls: Iterable[str], captions: Iterable[str]) -> np.ndarray:
    """Returns the uids of rows.

    Args:
        urls: [n] addresses.
        captions: [n] captions as ``normalise_caption`` returns them.

    Returns:
        [n] uint64, the first eight bytes (the highest first) of the SHA-256 of address, zero byte and caption.
    """
    return _hashes(f"{url}\0{caption}" for url, caption in zip(urls, captions, strict=True))


def url_keys(urls: Iterable[str]) -> np.ndarray:
    """Returns [n] uint64, the same number for addresses that ``url_key`` holds to be the same."""
    return _hashes(map(url_key, urls))


def caption_keys(captions: Iterable[str]) -> np.ndarray:
    """Returns [n] uint64, the same number for captions that ``caption_key`` holds to be the same."""
    return _hashes(map(caption_key, captions))


def _hashes(texts: Iterable[str]) -> np.ndarray:
    heads = b"".join([sha256(text.encode("utf-8", "replace")).digest()[:8] for text in texts])
    return np.frombuffer(heads, dtype=">u8").astype(np.uint64)
