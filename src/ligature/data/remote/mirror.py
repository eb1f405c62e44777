"""The one place that turns public addresses into those of a mirror, and says which token a mirror is shown."""

import ipaddress
import os
from typing import Any
from urllib.parse import urlsplit

from ligature.errors import ParamsError

MIRROR, MIRROR_TOKEN = "LIGATURE_MIRROR", "LIGATURE_MIRROR_TOKEN"
HUB = "https://huggingface.co"


def mirrored(address: str) -> str:
    """Returns where an address is really asked for: ``https://host/path?query`` is ``<mirror>/host/path?query``.

    The mirror is named by the environment variable ``LIGATURE_MIRROR``; without it, or where it is neither http nor
    https, an address stays as it is.

    Raises:
        ParamsError: ``LIGATURE_MIRROR`` is no http or https address of a host.
    """
    mirror, pieces = _mirror(), urlsplit(address)
    if not mirror or pieces.scheme not in ("http", "https"):
        return address
    host = pieces.netloc.rpartition("@")[2].lower()
    path = pieces.path if pieces.path.startswith("/") else f"/{pieces.path}"
    return f"{mirror}/{host}{path}{'?' if pieces.query else ''}{pieces.query}"


def redirected(address: str) -> str:
    """Returns where a redirect is followed to: one within the mirror as it is, any other through the mirror."""
    return address if lies_on_mirror(address) else mirrored(address)


def lies_on_mirror(address: str) -> bool:
    """Whether an address, as it is asked for, lies on the mirror."""
    mirror = _mirror()
    return bool(mirror) and address.startswith(f"{mirror}/")


def shown_token(token: str | None) -> str | None:
    """Returns the token that a request for a gated file carries.

    A token for a public host is never shown to a mirror. A mirror is shown its own, ``LIGATURE_MIRROR_TOKEN``, where
    the user has set one, and only over https or on this machine.

    Args:
        token: of the public host.

    Raises:
        ParamsError: the mirror has a token, and would be shown it over plain http on another machine.
    """
    mirror = _mirror()
    if not mirror:
        return token
    own = os.environ.get(MIRROR_TOKEN) or None
    if own and not _is_safe(mirror):
        raise ParamsError(f"{MIRROR_TOKEN}: not shown to {mirror} over plain http; give the mirror an https address")
    return own


def hub_options() -> dict[str, Any]:
    """Returns ``endpoint`` and ``token`` for a client of the Hub: the mirror's, or nothing where there is none.

    An endpoint that the user has chosen by ``HF_ENDPOINT`` is left alone. The token is ``False`` where the mirror has
    none, so that no token that is stored on this machine is sent to it.
    """
    if not _mirror() or os.environ.get("HF_ENDPOINT"):
        return {}
    return {"endpoint": mirrored(HUB).rstrip("/"), "token": shown_token(None) or False}


def _mirror() -> str:
    """Returns the address of the mirror without a final slash, or nothing."""
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    if not mirror:
        return ""
    try:
        pieces = urlsplit(mirror)
        fine = pieces.scheme in ("http", "https") and bool(pieces.hostname) and "@" not in pieces.netloc
    except ValueError:
        fine = False
    if not fine or pieces.query or pieces.fragment or not mirror.isprintable() or " " in mirror:
        raise ParamsError(f"{MIRROR} {mirror!r}: must be an http or https address such as https://mirror.example.org")
    return mirror


def _is_safe(mirror: str) -> bool:
    """Whether nobody between can read what is sent to the mirror: it speaks https, or is this machine."""
    pieces = urlsplit(mirror)
    if pieces.scheme == "https" or pieces.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(pieces.hostname or "").is_loopback
    except ValueError:
        return False
