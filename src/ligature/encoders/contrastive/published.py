"""Configurations of published models, with the vocabulary of CLIP and 224-pixel images."""

from dataclasses import replace

from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.params.pretraining import SHARED_PARTS

_CLIP = ContrastiveConfig(
    image_size=224,
    patch_size=16,
    width=768,
    layers=12,
    heads=12,
    text_width=512,
    text_layers=12,
    text_heads=8,
    embed_dim=512,
    context_length=77,
    vocabulary_size=49_408,
    end_token=49_407,
    pad_token=0,
)
_SHARED = replace(_CLIP, text_width=768, text_heads=12, embed_dim=768, shared=SHARED_PARTS)

PUBLISHED = {
    "shared-vit-b-16": _SHARED,
    "shared-vit-b-16-512": replace(_SHARED, embed_dim=512),
    "shared-vit-l-16": replace(_SHARED, layers=16, text_layers=16),
    "clip-vit-b-16": _CLIP,
}
"""SharedCLIP's three (arXiv 2406.17639), whose "ViT-L" has 16 layers of width 768, and CLIP's own ViT-B/16."""
