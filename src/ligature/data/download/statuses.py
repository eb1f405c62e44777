"""Why a row has no image: a closed list of short reasons, told from the errors of the downloader."""

import re

from ligature.data.shards import SUCCESS

STATUSES = (
    SUCCESS,
    "not found",
    "gone",
    "forbidden",
    "server error",
    "timeout",
    "too large",
    "not an image",
    "broken image",
    "too small",
    "redirect",
    "robots",
    "no connection",
    "refused address",
    "empty",
    "other",
)
RETRYABLE = ("timeout", "server error", "no connection", "other")
"""Statuses that may turn into an image on another day."""

DETAIL_LENGTH = 120

_HTTP = re.compile(r"HTTP Error (\d{3})\b")
_OF_CODE = {401: "forbidden", 402: "forbidden", 403: "forbidden", 404: "not found", 408: "timeout", 410: "gone"}
_OF_CODE |= {429: "server error", 451: "forbidden"}
_OF_CLASS = {3: "redirect", 5: "server error"}
_OF_WORDS = {
    "timed out": "timeout",
    "too large": "too large",
    "more than": "too large",
    "not an image": "not an image",
    "is not read": "not an image",
    "sides above": "not an image",
    "broken image": "broken image",
    "too small": "too small",
    "X-Robots-Tag": "robots",
    "refused address": "refused address",
    "unknown url type": "refused address",
    "no host given": "refused address",
    "URL can't contain": "refused address",
    "nonnumeric port": "refused address",
    "Invalid IPv6": "refused address",
    "'idna' codec": "refused address",
    "redirect": "redirect",
    "empty": "empty",
    "ended early": "no connection",
    "IncompleteRead": "no connection",
    "Remote end closed": "no connection",
    "Connection": "no connection",
    "urlopen error": "no connection",
}
"""Words of an error and what they mean; the first that stands in it counts."""


def status_of(error: str) -> str:
    """Returns the status of a row from the error that was met: of the network, of the opener or of the decoder."""
    if match := _HTTP.search(error):
        code = int(match[1])
        return _OF_CODE.get(code) or _OF_CLASS.get(code // 100, "other")
    return next((status for words, status in _OF_WORDS.items() if words in error), "other")


def detail_of(error: str) -> str:
    """Returns an error as one short printable line, without what changes from run to run (memory addresses)."""
    printable = "".join(character if character.isprintable() else " " for character in error)
    return re.sub(r"\b0x[0-9a-f]+", "0x", " ".join(printable.split()))[:DETAIL_LENGTH].strip()
