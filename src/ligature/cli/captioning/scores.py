"""Generated captions as rows of results: caption metrics, and those of captions that do not tell images apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ligature.captioning.generation import Generated
from ligature.cli.captioning.data import name_of_pairs
from ligature.evaluation import Result
from ligature.evaluation.captions import CaptionScorer
from ligature.params.captioning import BLIND, SHUFFLED, CaptioningParams, GenerationParams

TASK = "captioning"
CONTROLS = {SHUFFLED: "references of other images", BLIND: "one for all, of their mean features"}
"""Models of the rows of chance, and what is done there."""


@dataclass(frozen=True)
class Measured:
    """What is measured, as rows of results name it.

    Attributes:
        run: the variant, which is the model in results.
        pairs: of its training; None for all.
        seed: of its training.
        block: of the study.
    """

    run: str
    pairs: int | None
    seed: int
    block: CaptioningParams

    def variant(self, **settings: float) -> str:
        """Returns the variant of a row: the pairs and further settings, such as ``pairs=all;shots=2``."""
        return ";".join([f"pairs={name_of_pairs(self.pairs)}", *(f"{key}={value}" for key, value in settings.items())])

    def row(
        self, task: str, dataset: tuple[str, str], metric: str, value: float, n: int, *, variant: str, **others: str
    ) -> Result:
        """Returns a row of results.

        Args:
            task: what was asked.
            dataset: its name and split.
            metric: name of the value.
            value: the value.
            n: images behind it.
            variant: of ``Measured.variant``.
            others: ``model`` and ``protocol``, where they are not those of the run's captions.
        """
        names = {"model": self.run, "protocol": protocol(self.block.generation, self.block.tokenizer)} | others
        return Result(task, *dataset, metric=metric, value=float(value), n=n, seed=self.seed, variant=variant, **names)


def protocol(generation: GenerationParams, tokenizer: str) -> str:
    """Returns in a few words how captions are made and cut into words."""
    draws = f"temperature {generation.temperature:g}, top-p {generation.top_p:g}, seed {generation.seed}"
    method = {
        "greedy": "greedy",
        "beam": f"beam search of {generation.beams}",
        "sample": f"draws at {draws}",
    }[generation.method]
    return f"{method}, at most {generation.max_new_tokens} tokens, {tokenizer} words"


def caption_rows(
    measured: Measured,
    dataset: tuple[str, str],
    generated: Sequence[Generated],
    scorer: CaptionScorer,
    shots: int,
) -> Iterator[Result]:
    """Yields caption metrics, the shares of ended and of different captions, their mean length, and chance.

    Chance holds every image's references against the caption of another image.

    Args:
        measured: the model.
        dataset: its name and split.
        generated: one an image.
        scorer: with the references of the images.
        shots: examples in front of every image.
    """
    block, n = measured.block, len(generated)
    variant = measured.variant(**({"shots": shots} if shots else {}))
    texts = [each.text for each in generated]
    scores = scorer.scores(texts, block.metrics)
    facts = {
        "ended": np.mean([each.ended for each in generated]),
        "words": np.mean([len(text.split()) for text in texts]),
        "distinct": len(set(texts)) / n,
    }
    for metric, value in {**scores, **facts}.items():
        yield measured.row(TASK, dataset, metric, value, n, variant=variant)
    if n > 1:
        others = [texts[row] for row in partners(n, measured.seed)]
        yield from control_rows(measured, dataset, SHUFFLED, others, scorer, variant)


def control_rows(
    measured: Measured,
    dataset: tuple[str, str],
    control: str,
    texts: Sequence[str],
    scorer: CaptionScorer,
    variant: str,
) -> Iterator[Result]:
    """Yields caption metrics of captions that do not tell images apart; their protocol names the run.

    Args:
        measured: the model that made them.
        dataset: its name and split.
        control: of ``CONTROLS``.
        texts: one an image.
        scorer: with the references of the images.
        variant: of ``Measured.variant``.
    """
    how = f"captions of {measured.run}, {CONTROLS[control]}, {measured.block.tokenizer} words"
    for metric, value in scorer.scores(texts, measured.block.metrics).items():
        yield measured.row(TASK, dataset, metric, value, len(texts), variant=variant, model=control, protocol=how)


def partners(count: int, seed: int) -> np.ndarray:
    """Returns for each of ``count`` rows, two or more, another row, each once: one random cycle through all."""
    order = np.random.default_rng(seed).permutation(count)
    other = np.empty(count, dtype=np.int64)
    other[order] = np.roll(order, -1)
    return other
