"""A trained pair as one folder that others can use: model, card, and what a Hub and its libraries expect."""

from ligature.export.config import PairConfig, read_config
from ligature.export.model import AlignedModel
from ligature.export.writing import export_pair

__all__ = ["AlignedModel", "PairConfig", "export_pair", "read_config"]
