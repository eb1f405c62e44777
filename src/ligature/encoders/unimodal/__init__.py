"""Small encoders that a study makes itself, saved as ordinary transformers folders."""

from ligature.encoders.unimodal.architectures import ResNetSize, VitSize
from ligature.encoders.unimodal.text import make_text_encoder
from ligature.encoders.unimodal.vision import train_vision_encoder

__all__ = ["ResNetSize", "VitSize", "make_text_encoder", "train_vision_encoder"]
