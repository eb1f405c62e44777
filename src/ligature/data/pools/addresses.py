"""Addresses of images: which are fit to be fetched, and which are the same."""

import re

MAX_ADDRESS = 4096
"""Longest address in characters."""

_AUTHORITY = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_address(url: str) -> bool:
    """Tells whether a text is an address of the web (http or https) without blanks and control characters."""
    return len(url) <= MAX_ADDRESS and _AUTHORITY.match(url) is not None and url.isprintable() and " " not in url


def url_key(url: str) -> str:
    """Returns what equal addresses have in common.

    Scheme and host are in lower case; the scheme's own port and the fragment, which no server is told, are left out.
    What is no address of the web is returned unchanged.
    """
    found = _AUTHORITY.match(url)
    if found is None:
        return url
    scheme, host = found[1].lower(), found[2].lower()
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS[scheme])}{url[found.end() :].partition('#')[0]}"
