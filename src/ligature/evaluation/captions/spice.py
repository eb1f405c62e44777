"""SPICE 1.0, agreement of scene graphs, by its Java program."""

import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ligature.errors import LigatureError
from ligature.evaluation.captions.java import java_command, one_line, output_of, package_file, running

WHAT = "metric spice"
MODELS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
SOURCE = "http://nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip"


def spice(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> float:
    """Returns the mean SPICE of all images, 0 to 1; a candidate without words scores 0.

    Args:
        candidates: words of one candidate an image.
        references: words of each image's references.

    Raises:
        LigatureError: package, Java or the Stanford CoreNLP models are missing, or Java fails.
    """
    asked = [
        {"image_id": row, "test": text(candidate), "refs": [text(words) for words in own]}
        for row, (candidate, own) in enumerate(zip(candidates, references, strict=True))
        if candidate
    ]
    command = spice_command()
    return sum(run_spice(command, asked)) / len(candidates) if asked else 0.0


def text(words: Sequence[str]) -> str:
    """Returns a caption of words as one line."""
    return one_line(" ".join(words))


def spice_command() -> list[str]:
    """Returns the start of the program's command line.

    Raises:
        LigatureError: package, Java or the Stanford CoreNLP models are missing.
    """
    jar = package_file(WHAT, "spice", "spice-1.0.jar")
    for name in MODELS:
        if not (jar.parent / "lib" / name).is_file():
            raise LigatureError(
                f"{WHAT}: {jar.parent / 'lib' / name} is missing: {SOURCE} (384 MB) has it; "
                "with a network run: python -m pycocoevalcap.spice.get_stanford_models"
            )
    return java_command(WHAT, "8g", "-jar", str(jar))


def run_spice(command: Sequence[str], asked: Sequence[dict]) -> list[float]:
    """Returns the F score of every image that is asked."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "captions.json"), Path(folder, "scores.json")
        source.write_text(json.dumps(asked), encoding="utf-8")
        with running(WHAT, [*command, str(source), "-out", str(target), "-silent"]) as process:
            output_of(process)
        try:
            scores = [float(row["scores"]["All"]["f"]) for row in json.loads(target.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise LigatureError(f"{WHAT}: Java wrote no scores: {' '.join(str(error).split())[:200]}") from None
    if len(scores) != len(asked) or not all(math.isfinite(score) for score in scores):
        raise LigatureError(f"{WHAT}: Java gave {len(scores):,} scores for {len(asked):,} captions, or no numbers")
    return scores
