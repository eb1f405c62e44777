"""Connectors: vision tokens of a view in, inputs of a language model out."""

from ligature.captioning.connectors.align import AlignConnector
from ligature.captioning.connectors.base import Connector
from ligature.captioning.connectors.config import ConnectorConfig
from ligature.captioning.connectors.factory import build_connector, check_kept, make_connector
from ligature.captioning.connectors.shuffle import pixel_shuffle
from ligature.captioning.connectors.streaming import align_mixture, align_mixture_plain

__all__ = [
    "AlignConnector",
    "Connector",
    "ConnectorConfig",
    "align_mixture",
    "align_mixture_plain",
    "build_connector",
    "check_kept",
    "make_connector",
    "pixel_shuffle",
]
