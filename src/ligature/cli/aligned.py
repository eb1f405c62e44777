"""An aligned pair and its joint features: two encoders with a trained projector, or aligned as they come."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ligature.cli.features import (
    Captioned,
    image_features,
    load_captioned,
    open_store,
    require_encoder,
    text_features,
)
from ligature.cli.pairs import chosen_pair
from ligature.params.evaluate import BaselineParams
from ligature.projection import ImageFeatures, Projector, load_projector, project_images, project_texts
from ligature.projection.features import Features
from ligature.projection.saving import CARD_NAME
from ligature.store import EmbeddingStore, Layout
from ligature.store.damage import read_sealed


@dataclass(frozen=True)
class Aligned:
    """Two encoders whose features can be compared.

    Attributes:
        layout: of the study.
        vision: name of the vision encoder.
        text: name of the text encoder.
        projector: between the two; None where the encoders are aligned as they come.
        mode: of training, which names the stores.
        name: of the model in results.
        seed: of the training.
        encoders: identities of the encoders that the projector was trained on, where they were recorded.
    """

    layout: Layout
    vision: str
    text: str
    projector: Projector | None
    mode: str
    name: str
    seed: int
    encoders: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, layout: Layout) -> "Aligned":
        """Loads the projector of a study."""
        vision, text = chosen_pair(layout)
        training = layout.study.train
        projector = load_projector(layout.train)
        encoders = read_sealed(layout.train / CARD_NAME)["provenance"]["encoders"]
        return cls(layout, vision, text, projector, training.mode, f"{vision} + {text}", training.seed, encoders)

    @classmethod
    def baseline(cls, layout: Layout, params: BaselineParams) -> "Aligned":
        """Takes two encoders as they are."""
        return cls(layout, params.vision, params.text, None, "pooled", params.name, 0)

    def project_images(self, images: ImageFeatures) -> np.ndarray:
        """Returns joint features of images, [n, d] unit rows."""
        if self.projector is None:
            return _unit(images.cls)
        return project_images(self.projector, images)

    def project_texts(self, texts: Features) -> np.ndarray:
        """Returns joint features of texts, [m, d] unit rows."""
        if self.projector is None:
            return _unit(texts)
        return project_texts(self.projector, texts)

    def captioned(self, dataset: str, variant: str = "") -> "Joint":
        """Loads a captioned data set, or its texts of one variant, in the joint space."""
        for encoder in (self.vision, self.text):
            self.store(encoder, dataset)
        data = load_captioned(self.layout, self.vision, self.text, dataset, self.mode, variant)
        return Joint(data, self)

    def store(self, encoder: str, dataset: str) -> EmbeddingStore:
        """Opens the embeddings of a data set under one of the two encoders.

        Raises:
            StoreError: when it was made with another revision than the projector was trained on.
        """
        store = open_store(self.layout, encoder, dataset, self.mode)
        recorded = self.encoders.get("vision" if encoder == self.vision else "text")
        if recorded is not None:
            require_encoder(store, recorded, self.layout.train)
        return store

    def labelled(self, dataset: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the joint features of a labelled data set's images and their labels."""
        store = self.store(self.vision, dataset)
        return self.project_images(image_features(store)), store.metadata()["label"].to_numpy()

    def prompts(self, dataset: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yields every prompt set of a labelled data set: its variant, joint features of its prompts, their labels."""
        store = self.store(self.text, dataset)
        table = store.metadata()
        variant_of_row = table["variant"].to_numpy() if "variant" in table else np.full(len(table), "")
        for variant in dict.fromkeys(variant_of_row):
            rows = np.flatnonzero(variant_of_row == variant)
            features = self.project_texts(text_features(store, rows))
            yield variant, features, table["label"].to_numpy()[rows]


@dataclass(frozen=True)
class Joint:
    """A captioned data set in the joint space of an aligned pair, projected where it is asked for."""

    data: Captioned
    aligned: Aligned

    @property
    def image_of_text(self) -> np.ndarray:
        """Image row [m] of each text."""
        return self.data.image_of_text

    @cached_property
    def images(self) -> np.ndarray:
        """Joint features of the images, [n, d]."""
        return self.aligned.project_images(self.data.images)

    @cached_property
    def texts(self) -> np.ndarray:
        """Joint features of the texts, [m, d]."""
        return self.aligned.project_texts(self.data.texts)


def _unit(features: np.ndarray) -> np.ndarray:
    values = np.asarray(features, dtype=np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)
