"""Frozen vision and text encoders: registry, adapters, extraction into stores."""

from ligature.encoders.extract_images import extract_images
from ligature.encoders.extract_texts import extract_texts
from ligature.encoders.source import find_encoder
from ligature.encoders.text import TextEncoder, load_text_encoder
from ligature.encoders.vision import VisionEncoder, load_vision_encoder

__all__ = [
    "TextEncoder",
    "VisionEncoder",
    "extract_images",
    "extract_texts",
    "find_encoder",
    "load_text_encoder",
    "load_vision_encoder",
]
