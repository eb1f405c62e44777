"""CIDEr-D, BLEU and ROUGE-L of 5,000 captions against five references each, against pycocoevalcap.

Both sides are timed from the texts on; ours cuts them into plain words and numbers their n-grams each time, but for the
row of a second model on the same references. Seconds are CPU seconds of one thread, the shorter of two runs.
"""

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from harness import Row
from ligature.evaluation.captions import CaptionScorer, caption_scores, per_image_cider

IMAGES, REFERENCES, VOCABULARY = 5_000, 5, 10_000
TARGETS = {"CIDEr-D": 4, "CIDEr-D, references known": 10, "BLEU-1 to 4": 2, "ROUGE-L": 2}
TOLERANCE = 1e-12


def synthetic() -> tuple[list[str], list[list[str]]]:
    """Returns candidates and references of 7 to 15 words, the k-th most frequent word once in k."""
    generator = np.random.default_rng(0)
    share = 1 / np.arange(1, VOCABULARY + 1)

    def caption() -> str:
        words = generator.choice(VOCABULARY, generator.integers(7, 16), p=share / share.sum())
        return " ".join(f"w{word}" for word in words)

    references = [[caption() for _ in range(REFERENCES)] for _ in range(IMAGES)]
    candidates = [caption() if row % 2 else own[0].rpartition(" ")[0] for row, own in enumerate(references)]
    return candidates, references


def shorter(side: Callable[[], Any]) -> tuple[float, Any]:
    """Returns the CPU seconds of the shorter of two runs, and what the last returned."""
    seconds, found = float("inf"), None
    for _ in range(2):
        start = time.process_time()
        found = side()
        seconds = min(seconds, time.process_time() - start)
    return seconds, found


def our_sides(candidates: list[str], references: list[list[str]]) -> dict[str, Callable[[], Any]]:
    """Returns our metrics, each from the texts on."""
    known = CaptionScorer(references)
    known.per_image_cider(candidates)
    return {
        "CIDEr-D": lambda: per_image_cider(candidates, references),
        "CIDEr-D, references known": lambda: known.per_image_cider(candidates),
        "BLEU-1 to 4": lambda: [*caption_scores(candidates, references, ["bleu"]).values()],
        "ROUGE-L": lambda: caption_scores(candidates, references, ["rouge-l"])["rouge_l"],
    }


def their_sides(candidates: list[str], references: list[list[str]]) -> dict[str, Callable[[], Any]]:
    """Returns the same metrics of pycocoevalcap."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    images = dict(enumerate(references)), {row: [one] for row, one in enumerate(candidates)}
    return {
        "CIDEr-D": lambda: Cider().compute_score(*images)[1],
        "BLEU-1 to 4": lambda: Bleu(4).compute_score(*images, verbose=0)[0],
        "ROUGE-L": lambda: Rouge().compute_score(*images)[0],
    }


def run() -> list[Row]:
    """Times every metric on one thread; stops where two values differ."""
    if find_spec("pycocoevalcap") is None:
        sys.exit("error: bench_cider needs the package pycocoevalcap; run: pip install 'ligature[captions]'")
    candidates, references = synthetic()
    theirs = {name: shorter(side) for name, side in their_sides(candidates, references).items()}
    note, rows = f"{IMAGES:,} images x {REFERENCES} references, {VOCABULARY:,} Zipf words, against pycocoevalcap", []
    for name, side in our_sides(candidates, references).items():
        seconds, found = shorter(side)
        plain_seconds, wanted = theirs[name.partition(",")[0]]
        difference = float(np.abs(np.asarray(found) - np.asarray(wanted)).max())
        assert difference <= TOLERANCE, f"{name}: values differ by {difference}"
        rows.append(Row(f"caption metrics: {name}", plain_seconds, seconds, TARGETS[name], difference, note))
    return rows


if __name__ == "__main__":
    for row in run():
        print(row, f"ratio {row.ratio:.2f}")
