"""The encoder pair that scores captions against prototypes: the study's own, or one that is aligned as it comes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ligature.cli.features import image_features, open_store, own_rows, text_features
from ligature.cli.pairs import chosen_pair
from ligature.cli.pool import curate_params
from ligature.errors import DataError
from ligature.projection import Projector, load_projector, project_images, project_texts
from ligature.store import EmbeddingStore, Layout
from ligature.store.hashing import hash_files


@dataclass(frozen=True)
class Scorer:
    """Two encoders with one joint space.

    Attributes:
        layout: of the study.
        vision: name of the vision encoder.
        text: name of the text encoder.
        own: whether the study's trained projector joins them.
    """

    layout: Layout
    vision: str
    text: str
    own: bool

    @classmethod
    def of(cls, layout: Layout) -> "Scorer":
        """Returns the scorer of a study."""
        settings = curate_params(layout).scorer
        if settings is None:
            return cls(layout, *chosen_pair(layout), own=True)
        return cls(layout, settings.vision, settings.text, own=False)

    @cached_property
    def projector(self) -> Projector:
        """The study's projector."""
        return load_projector(self.layout.train)

    def texts(self, vectors: np.ndarray) -> np.ndarray:
        """Returns raw text embeddings [n, d_text] in the joint space, [n, d]."""
        return project_texts(self.projector, vectors) if self.own else np.asarray(vectors, np.float32)

    def images(self, store: EmbeddingStore) -> np.ndarray:
        """Returns the images of a store in the joint space, [n, d]."""
        features = image_features(store)
        if self.own:
            return project_images(self.projector, features)
        if features.cls is None:
            raise DataError(f"curate.scorer: vision encoder {self.vision!r} has no single vector an image; use CLIP's")
        return np.asarray(features.cls, np.float32)

    def prompts(self, store: EmbeddingStore) -> np.ndarray:
        """Returns the texts of a store in the joint space, [m, d]."""
        return self.texts(text_features(store, own_rows(store)))

    def open(self, encoder: str, dataset: str) -> EmbeddingStore:
        """Opens the pooled embeddings of a data set, pool or set under one of the two encoders."""
        return open_store(self.layout, encoder, dataset)

    def provenance(self) -> dict[str, Any]:
        """Returns what the joint space is made of, as plain values."""
        projector = hash_files([self.layout.train / "projector.safetensors"]) if self.own else None
        return {"vision": self.vision, "text": self.text, "projector": projector}
