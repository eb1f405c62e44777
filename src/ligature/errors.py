"""Errors a user can cause: one line that names the file, row or key and the remedy."""


class LigatureError(Exception):
    """Base of all errors that the command line prints as one line, without a traceback."""


class ParamsError(LigatureError):
    """A study file has a wrong key, a wrong type or an impossible combination."""


class DataError(LigatureError):
    """A data set is missing, broken or contradicts itself."""


class StoreError(LigatureError):
    """An embedding store is incomplete, or two stores do not belong together."""


class EncoderError(LigatureError):
    """An encoder is unknown or cannot be loaded."""


class TrainingError(LigatureError):
    """Training cannot go on: a loss that is not a number, or one that does not fall."""
