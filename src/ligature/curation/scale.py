"""The size of a curation and the rates of its steps, from which its cost is planned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, isfinite

from ligature.errors import ParamsError

UNITS = {
    "read metadata": "rows",
    "embed captions": "captions",
    "score": "FLOP",
    "merge states": "entries",
    "select": "entries",
    "download": "images",
    "pack": "images",
}
"""The steps in order, and the unit of their work. An entry is one score with its uid."""

UID_BYTES = 8


@dataclass(frozen=True)
class GivenRate:
    """A rate that somebody states and nobody here has measured.

    Attributes:
        per_second: units of the step a second of one worker.
        workers: such workers at hand.
        worker: what a worker is.
    """

    per_second: float
    workers: int = 1
    worker: str = "GPU node"


@dataclass(frozen=True)
class Rates:
    """How fast one worker does every step.

    Attributes:
        measured: step to units a second of one worker, as the study measured it; the units are those of ``UNITS``.
        given: step to a rate that takes the place of the measured one.
        worker: what a worker of the measured rates is.

    Raises:
        ParamsError: for an unknown step, or a rate or a number of workers that is not above zero.
    """

    measured: Mapping[str, float]
    given: Mapping[str, GivenRate] = field(default_factory=dict)
    worker: str = "one CPU core"

    def __post_init__(self) -> None:
        """Checks steps and rates."""
        rates = [*self.measured.items(), *((step, rate.per_second) for step, rate in self.given.items())]
        for step, per_second in rates:
            if step not in UNITS:
                raise ParamsError(f"rate of an unknown step {step!r}; known: {', '.join(UNITS)}")
            if not (isfinite(per_second) and per_second > 0):
                raise ParamsError(f"the rate of {step!r} is {per_second}; give {UNITS[step]} a second, above 0")
        for step, rate in self.given.items():
            if rate.workers < 1:
                raise ParamsError(f"the rate of {step!r} is given for {rate.workers} workers; give at least 1")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The size of a curation.

    Attributes:
        captions: rows of the pool; by default those of LAION-400M that have a caption.
        concepts: number of prototypes.
        dims: width of caption vectors and prototypes.
        k: best captions kept for every concept.
        quota: rows wanted for every concept.
        over_collect: times the quota that is selected and asked for.
        mean_caption_characters: of one caption; a character counts as one byte.
        mean_url_characters: of one address; the default is a guess.
        mean_image_bytes: of one image, as it is served and as it is stored.
        jobs: jobs side by side; the pool is scored in so many states.
        fan_in: states merged by one job.

    Raises:
        ParamsError: for a value out of range.
    """

    captions: int = 407_000_000
    concepts: int
    dims: int
    k: int
    quota: int
    over_collect: float
    mean_caption_characters: float
    mean_url_characters: float = 100.0
    mean_image_bytes: float
    jobs: int
    fan_in: int = 8

    def __post_init__(self) -> None:
        """Checks every value."""
        for key, value in vars(self).items():
            lowest = {"over_collect": 1, "fan_in": 2, "mean_url_characters": 0}.get(key, 1)
            if not (isfinite(value) and value >= lowest):
                raise ParamsError(f"{key} is {value}: it is at least {lowest}")

    @property
    def row_bytes(self) -> float:
        """Bytes of one row of the pool: uid, address and caption, uncompressed."""
        return UID_BYTES + self.mean_url_characters + self.mean_caption_characters

    @property
    def state_entries(self) -> int:
        """Entries of one state of best captions."""
        return self.concepts * min(self.k, self.captions)

    @property
    def selected_rows(self) -> int:
        """Rows asked for: no more than the states hold or the pool has."""
        return min(self.concepts * min(ceil(self.quota * self.over_collect), self.k), self.captions)

    @property
    def wanted_rows(self) -> int:
        """Rows that are left when as many have failed as were asked for beyond the quota."""
        return min(self.concepts * self.quota, self.selected_rows)
