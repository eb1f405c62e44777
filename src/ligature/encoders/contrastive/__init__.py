"""Contrastive pairs of towers, trained from scratch: the model, its tokenizer and the folder they are kept in."""

from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.encoders.contrastive.folder import ContrastivePair, load_pair, save_pair
from ligature.encoders.contrastive.images import resize_and_crop, to_pixels
from ligature.encoders.contrastive.model import ContrastiveModel
from ligature.encoders.contrastive.published import PUBLISHED
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer, find_tokenizer, load_tokenizer, train_tokenizer

__all__ = [
    "PUBLISHED",
    "CaptionTokenizer",
    "ContrastiveConfig",
    "ContrastiveModel",
    "ContrastivePair",
    "find_tokenizer",
    "load_pair",
    "load_tokenizer",
    "resize_and_crop",
    "save_pair",
    "to_pixels",
    "train_tokenizer",
]
