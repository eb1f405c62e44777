"""Connectors into a language model, compared on captions: vision-language models, their training and their use."""

from ligature.captioning.captioner import caption_images, encode_image
from ligature.captioning.config import ChatSettings, VisionLanguageConfig
from ligature.captioning.connectors import ConnectorConfig, make_connector
from ligature.captioning.features import ViewFeatures
from ligature.captioning.generation import GenerationSettings, generate_captions
from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.samples import CaptionData
from ligature.captioning.settings import StageSettings
from ligature.captioning.training import CaptioningResult, CaptionStage, train_captioning
from ligature.captioning.validation import validation_loss

__all__ = [
    "CaptionData",
    "CaptionStage",
    "CaptioningResult",
    "ChatSettings",
    "ConnectorConfig",
    "GenerationSettings",
    "StageSettings",
    "ViewFeatures",
    "VisionLanguageConfig",
    "VisionLanguageModel",
    "caption_images",
    "encode_image",
    "generate_captions",
    "make_connector",
    "train_captioning",
    "validation_loss",
]
