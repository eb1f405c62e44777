"""An aligned pair and what is measured of it: retrieval and zero-shot classification as rows of results."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ligature.cli.features import Captioned, image_features, load_captioned, open_store, text_features
from ligature.cli.pairs import chosen_pair
from ligature.evaluation import (
    Result,
    chance_retrieval_recall,
    chance_top_k,
    class_embeddings,
    retrieval_recall,
    zero_shot_accuracy,
)
from ligature.projection import Projector, load_projector, project_images, project_texts
from ligature.store import Layout


@dataclass(frozen=True)
class Aligned:
    """The chosen encoders with a trained projector between them.

    Attributes:
        layout: of the study.
        vision: name of the vision encoder.
        text: name of the text encoder.
        projector: between the two.
        name: of the model in results.
        seed: of the training.
    """

    layout: Layout
    vision: str
    text: str
    projector: Projector
    name: str
    seed: int

    @classmethod
    def load(cls, layout: Layout) -> "Aligned":
        """Loads the projector of a study."""
        vision, text = chosen_pair(layout)
        return cls(layout, vision, text, load_projector(layout.train), f"{vision} + {text}", layout.study.train.seed)

    @property
    def view(self) -> str:
        """View of the stores that the projector was trained on."""
        return self.layout.study.train.mode

    def captioned(self, dataset: str) -> Captioned:
        """Loads a captioned data set."""
        return load_captioned(self.layout, self.vision, self.text, dataset, self.view)

    def _result(self, task: str, dataset: str, protocol: str, metric: str, value: float, n: int, model: str) -> Result:
        split = self.layout.study.datasets[dataset].split
        return Result(task, dataset, split, model, protocol, metric, value, n, self.seed)

    def retrieval(self, dataset: str, data: Captioned, images: np.ndarray, texts: np.ndarray) -> Iterator[Result]:
        """Yields rows of retrieval in both directions, and of chance."""
        protocol = f"cosine, best of {np.bincount(data.image_of_text).max()} captions"
        sizes = {"i2t": len(np.unique(data.image_of_text)), "t2i": len(texts)}
        measured = {self.name: retrieval_recall(images, texts, data.image_of_text)}
        measured["chance"] = chance_retrieval_recall(data.image_of_text, len(images))
        for model, metrics in measured.items():
            for metric, value in metrics.items():
                yield self._result("retrieval", dataset, protocol, metric, value, sizes[metric[:3]], model)

    def classification(self, dataset: str) -> Iterator[Result]:
        """Yields rows of zero-shot classification, and of chance."""
        image_store = open_store(self.layout, self.vision, dataset, self.view)
        text_store = open_store(self.layout, self.text, dataset, self.view)
        prompts = text_store.metadata()["label"].to_numpy()
        labels = image_store.metadata()["label"].to_numpy()
        classes = int(prompts.max()) + 1
        images = project_images(self.projector, image_features(image_store))
        texts = project_texts(self.projector, text_features(text_store, np.arange(text_store.rows)))
        ks = tuple(k for k in (1, 5) if k <= classes)
        metrics = zero_shot_accuracy(images, class_embeddings(texts, prompts, classes), labels, ks)
        templates = len(prompts) // classes
        protocol = f"{templates} template{'s' if templates > 1 else ''}, mean renormalised, {classes} classes"
        for metric, value in metrics.items():
            yield self._result("classification", dataset, protocol, metric, value, len(labels), self.name)
        for k in ks:
            chance = chance_top_k(k, classes)
            yield self._result("classification", dataset, protocol, f"top{k}", chance, len(labels), "chance")
        chance = chance_top_k(1, classes)
        yield self._result("classification", dataset, protocol, "mean_per_class", chance, len(labels), "chance")
