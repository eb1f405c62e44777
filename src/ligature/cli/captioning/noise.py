"""Captions and visual tokens of vision features that are changed: noise on them, or their mean in their place."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ligature.captioning import ViewFeatures, generate_captions
from ligature.captioning.diagnostics import add_noise, cosine_distance
from ligature.captioning.features import Seen
from ligature.captioning.generation import Generated
from ligature.cli.captioning.generating import BLOCK, Captioner
from ligature.cli.captioning.images import CaptionedImages
from ligature.cli.captioning.scores import Measured
from ligature.evaluation import Result
from ligature.evaluation.captions import CaptionScorer
from ligature.progress import track

TASK = "captioning noise"
VIEWS = 64
"""Views whose visual tokens are computed at once."""


def noise_rows(
    measured: Measured,
    images: CaptionedImages,
    captioner: Captioner,
    seen: Sequence[Seen],
    clean: Sequence[Generated],
) -> Iterator[Result]:
    """Yields CIDEr-D of captions under every level of noise, and how far the visual tokens move.

    All features and visual tokens of the images are in memory. The noise is the same for all runs of a seed.

    Args:
        measured: the model.
        images: the first n of the data set.
        captioner: the model, and how it captions.
        seen: features and tiles of the images.
        clean: their captions without noise.
    """
    block = measured.block
    features, shapes = torch.cat([each for each, _ in seen]), [shape for _, shape in seen]
    counts = [len(each) for each, _ in seen]
    scorer = CaptionScorer(images.references, tokenizer=block.tokenizer)
    without = visual_tokens(captioner, features)
    for level in track(block.noise, f"noise {measured.run}/{images.name}", unit="levels"):
        noisy = features if level == 0 else add_noise(features, level, measured.seed)
        visual = without if level == 0 else visual_tokens(captioner, noisy)
        captions = clean if level == 0 else _captions(captioner, noisy.split(counts), shapes)
        texts = [each.text for each in captions]
        values = {
            **scorer.scores(texts, ["cider"]),
            "cosine_distance": cosine_distance(without, visual, centred=False) if level else 0.0,
            "cosine_distance_centred": cosine_distance(without, visual, centred=True) if level else 0.0,
        }
        for metric, value in values.items():
            variant = measured.variant(noise=level)
            yield measured.row(TASK, images.dataset, metric, value, len(images), variant=variant)


def blind_caption(captioner: Captioner, images: ViewFeatures) -> Generated:
    """Returns the caption of the mean of all views' features [T, d] as one view: what is said of no image but of all.

    Args:
        captioner: the model, and how it captions.
        images: one or more.
    """
    total, count = torch.zeros(()), 0
    for start in range(0, len(images), BLOCK):
        views = torch.cat([each for each, _ in images.load(range(start, min(start + BLOCK, len(images))))])
        total, count = total + views.sum(dim=0, dtype=torch.float64), count + len(views)
    return _captions(captioner, [(total / count).float()[None]], [(0, 0)])[0]


def visual_tokens(captioner: Captioner, features: Tensor) -> Tensor:
    """Returns the visual tokens [N, T', D] of views [N, T, d] in float32 on the CPU."""
    model = captioner.model
    with captioner.computing():
        parts = [model.visual_tokens(part.to(model.device)).float().cpu() for part in features.split(VIEWS)]
    return torch.cat(parts)


def _captions(captioner: Captioner, features: Sequence[Tensor], shapes: list[tuple[int, int]]) -> list[Generated]:
    with captioner.computing():
        return generate_captions(
            captioner.model, list(features), shapes, captioner.settings, batch_size=captioner.batch_size
        )
