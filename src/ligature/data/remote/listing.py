"""Images that a json in COCO's layout names by address: fetched into a folder, each once."""

import time
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

from ligature.data.download.opener import Limits, RefusedError, bounded_opener
from ligature.data.files import read_json, safe_join
from ligature.data.limits import check_size
from ligature.data.remote.resources import is_web_address
from ligature.errors import DataError
from ligature.progress import Progress
from ligature.store.atomic import replacing

LIMITS = Limits(max_bytes=20_000_000, timeout=60)
PASSING = (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError)
BACKOFF = 1.0
"""Seconds before the second try; every further one waits twice as long."""


def fetch_listed(listing: Path, folder: Path, *, threads: int = 16, retries: int = 3) -> int:
    """Fetches the images of a listing that do not lie in a folder yet; a killed call is continued by the next.

    Args:
        listing: json with ``images``, each with ``file_name`` and ``coco_url``.
        folder: where they lie by file name.
        threads: requests at a time.
        retries: further tries of an address.

    Returns:
        The number of images listed.

    Raises:
        DataError: the listing is another file, or an image is not to be had; one line names the first.
    """
    images = _read(listing, folder)
    missing = [(target, address) for target, address in images.items() if not target.is_file()]
    opener = bounded_opener(LIMITS)

    def fetch(pair: tuple[Path, str]) -> None:
        target, address = pair
        body = _patiently(lambda: opener.open(address).read(), address, listing, retries)
        with replacing(target) as temporary:
            temporary.write_bytes(body)

    with Progress(
        f"fetch images of {listing.name}", len(images), "images", done=len(images) - len(missing)
    ) as progress:
        pool = ThreadPoolExecutor(threads)
        try:
            for _ in pool.map(fetch, missing):
                progress.update()
        finally:
            pool.shutdown(cancel_futures=True)
    return len(images)


def _read(listing: Path, folder: Path) -> dict[Path, str]:
    """Returns the address of every image by the path that it gets."""
    values = read_json(check_size(listing))
    try:
        images = {safe_join(folder, image["file_name"], listing): image["coco_url"] for image in values["images"]}
    except (KeyError, TypeError) as error:
        raise DataError(f"{listing}: not in COCO's layout with addresses ({error}); fetch it again") from error
    for address in images.values():
        if not isinstance(address, str) or not is_web_address(address):
            raise DataError(f"{listing}: {str(address)[:200]!r} is not an http or https address; fetch it again")
    return images


def _patiently(fetch: Callable[[], bytes], address: str, listing: Path, retries: int) -> bytes:
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(BACKOFF * 2 ** (attempt - 1))
        try:
            return fetch()
        except PASSING as error:
            failure = error
        except RefusedError as error:
            raise DataError(f"{listing}: {address} is refused ({error})") from error
    reason = " ".join(str(failure).split())[:200]
    raise DataError(f"{listing}: {address} failed {retries + 1} times ({reason}); run again later to go on")
