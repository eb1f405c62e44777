"""Errors a user can cause: one line that names the file, row or key and the remedy."""

from pathlib import Path


class LigatureError(Exception):
    """Base of all errors that the command line prints as one line, without a traceback."""


class ParamsError(LigatureError):
    """A study file has a wrong key, a wrong type or an impossible combination."""


class DataError(LigatureError):
    """A data set is missing, broken or contradicts itself."""


class DamagedError(DataError):
    """A file of the study is not what was written; the command line sets it aside, so that the workflow makes it again.

    Attributes:
        path: the damaged file.
        declared: the file that the workflow knows of; it is the one to set aside.
    """

    def __init__(self, path: Path | str, why: str, *, declared: Path | str | None = None) -> None:
        """Takes the file and a few words; ``declared`` where the workflow does not know of the file itself."""
        super().__init__(f"{path}: damaged ({' '.join(why.split())[:200]})")
        self.path, self.declared = Path(path), Path(declared or path)


class StoreError(LigatureError):
    """An embedding store is incomplete, or two stores do not belong together."""


class EncoderError(LigatureError):
    """An encoder is unknown or cannot be loaded."""


class TrainingError(LigatureError):
    """Training cannot go on: a loss that is not a number, or one that does not fall."""
