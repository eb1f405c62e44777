"""Shares of all that the web holds and of all that goes wrong there, one table a subject."""

import random
from collections.abc import Mapping

OK = "ok"

ARRIVING = (OK, "mislabelled", "redirect", "error", "slow")
"""Behaviours that end with a picture, given one retry, a patient client and one that knows PNG and WebP."""

PROFILES = {
    "steady": {
        "missing": 0.05,
        "gone": 0.01,
        "error": 0.03,
        "html": 0.01,
        "robots": 0.01,
        "empty": 0.005,
        "truncated": 0.005,
        "cut": 0.005,
        "slow": 0.001,
        "drip": 0.0005,
        "oversized": 0.0005,
    },
    "ageing": {
        "missing": 0.20,
        "gone": 0.06,
        "forbidden": 0.04,
        "error": 0.05,
        "html": 0.03,
        "robots": 0.01,
        "empty": 0.01,
        "truncated": 0.01,
        "cut": 0.01,
    },
    "dead": {"dead": 0.9},
    "slow": {"slow": 0.05, "drip": 0.01, "missing": 0.05},
    "moved": {"redirect": 0.8, "loop": 0.05, "missing": 0.05},
    "mixed": {"mislabelled": 0.6, "html": 0.15, "forbidden": 0.05},
}
"""How the urls of a host behave; the rest is ``ok``. ``ligature.data.scenes.web.server`` says what each word means."""

POOL, CAPTIONED = 0, 1

HOSTS = {
    # host                         pool, captioned, profile
    "photos.northlight.example": (0.14, 0.24, "steady"),
    "static.papershop.example": (0.12, 0.08, "steady"),
    "img.wallpaperbarn.example": (0.10, 0.06, "steady"),
    "cdn.kiosk.example": (0.08, 0.14, "steady"),
    "media.daybook.example": (0.06, 0.14, "steady"),
    "albums.harbour.example": (0.04, 0.08, "steady"),
    "pictures.oldmill.example": (0.10, 0.06, "ageing"),
    "blog.tinroof.example": (0.08, 0.04, "ageing"),
    "files.lostpier.example": (0.16, 0.07, "dead"),
    "uploads.snailpost.example": (0.02, 0.02, "slow"),
    "go.oldroad.example": (0.06, 0.05, "moved"),
    "assets.mixedbag.example": (0.04, 0.02, "mixed"),
}
"""Share of the pool's and of the captioned sources' rows on every host, and how the host behaves."""

ALT_TEXTS = {
    "short": 0.22,
    "full": 0.08,
    "cut": 0.10,
    "shop": 0.20,
    "capitals": 0.05,
    "markup": 0.04,
    "spacing": 0.03,
    "foreign": 0.08,
    "wrong": 0.08,
    "file_name": 0.06,
    "boilerplate": 0.05,
    "null": 0.01,
}
"""What the captions of the pool are like; ``ligature.data.scenes.web.alttext`` has a function for every word."""

ENDLESS = 2
"""Captions of more than 100,000 characters in the pool."""

COPIES = {"row": 0.02, "url": 0.01, "caption": 0.02, "picture": 0.02}
"""Rows of the pool that repeat another one's whole row, url, caption (spelled otherwise) or picture (re-encoded)."""

NSFW = {"UNLIKELY": 0.93, "UNSURE": 0.045, "NSFW": 0.025}
LICENSES = {"?": 0.95, "CC BY 2.0": 0.02, "CC BY-SA 4.0": 0.02, "CC0 1.0": 0.01}
STATED_SIZES = {"true": 0.94, "unknown": 0.02, "banner": 0.02, "pixel": 0.02}
"""What the pool states as height and width of a picture."""

TAILS = {"shapes": 1.3, "colours": 0.7}
"""Exponents of the tails of the pool: a shape or colour of rank r has the weight r to the minus so much."""

UNKNOWN_SHAPES = 3
"""How many shapes, the rarest of the pool, the captioned sources never show."""

POOL_OBJECTS = (0.55, 0.30, 0.15)
CAPTIONED_OBJECTS = (0.10, 0.50, 0.40)
"""Probability of one, two and three objects."""


def draw(table: Mapping[str, float], rng: random.Random) -> str:
    """Returns one word of a table of shares."""
    return rng.choices(list(table), list(table.values()))[0]


def draw_behaviour(profile: str, rng: random.Random) -> str:
    """Returns how one url of a host with ``profile`` behaves."""
    exceptions = PROFILES[profile]
    return draw({OK: 1 - sum(exceptions.values()), **exceptions}, rng)


def arriving_share(column: int) -> float:
    """Returns the share of rows whose picture is expected to arrive, of ``POOL`` or ``CAPTIONED`` rows."""
    failing = {
        name: sum(share for word, share in exceptions.items() if word not in ARRIVING)
        for name, exceptions in PROFILES.items()
    }
    return sum(host[column] * (1 - failing[host[2]]) for host in HOSTS.values())
