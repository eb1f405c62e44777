"""Captions of many images, block by block, and how fast they come."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from ligature.captioning import CaptionData, GenerationSettings, ViewFeatures, VisionLanguageModel, generate_captions
from ligature.captioning.generation import Generated
from ligature.cli.captioning.examples import Example
from ligature.progress import Progress

BLOCK = 256
"""Images whose features, and those of their examples, are in memory at once."""


@dataclass
class Pace:
    """How long captions took.

    Attributes:
        images: that were captioned.
        tokens: that were generated.
        encoding: seconds of reading images and of the vision tower.
        generating: seconds of connector and language model.
    """

    images: int = 0
    tokens: int = 0
    encoding: float = 0.0
    generating: float = 0.0

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Adds the seconds of the block to ``encoding`` or ``generating``."""
        start = time.perf_counter()
        yield
        setattr(self, what, getattr(self, what) + time.perf_counter() - start)


@dataclass(frozen=True, eq=False)
class Captioner:
    """A trained model and how it captions.

    Attributes:
        model: in evaluation mode.
        settings: of the generation.
        batch_size: images a forward pass.
        autocast: precision of the computation.
    """

    model: VisionLanguageModel
    settings: GenerationSettings
    batch_size: int
    autocast: torch.dtype = torch.float32

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Sets the precision, and keeps no graph."""
        kind, wanted = self.model.device.type, self.autocast is not torch.float32
        with torch.no_grad(), torch.autocast(kind, self.autocast, enabled=wanted):
            yield

    def caption(
        self,
        images: ViewFeatures,
        what: str,
        *,
        examples: tuple[ViewFeatures, CaptionData, Sequence[Sequence[Example]]] | None = None,
        pace: Pace | None = None,
    ) -> list[Generated]:
        """Returns a caption of every image.

        Args:
            images: to caption.
            what: shown beside the progress.
            examples: images and captions of the training, and the examples of every image among them.
            pace: takes the time.
        """
        pace, made = pace or Pace(), []
        with Progress(what, len(images), "images") as progress:
            for start in range(0, len(images), BLOCK):
                rows = range(start, min(start + BLOCK, len(images)))
                with pace.timed("encoding"):
                    seen = images.load(rows)
                shown = None if examples is None else _load_examples(*examples, rows)
                with pace.timed("generating"), self.computing():
                    captions = generate_captions(
                        self.model,
                        [features for features, _ in seen],
                        [shape for _, shape in seen],
                        self.settings,
                        examples=shown,
                        batch_size=self.batch_size,
                    )
                made += captions
                pace.images += len(captions)
                pace.tokens += sum(each.tokens for each in captions)
                progress.update(len(captions))
        return made


def _load_examples(
    features: ViewFeatures, data: CaptionData, examples: Sequence[Sequence[Example]], rows: range
) -> list[list[tuple[torch.Tensor, tuple[int, int], str]]]:
    """Returns features, tiles and caption of the examples of some images."""
    wanted = sorted({image for row in rows for image, _ in examples[row]})
    seen = dict(zip(wanted, features.load(wanted), strict=True))
    return [[(*seen[image], data.captions[text]) for image, text in examples[row]] for row in rows]
