"""METEOR 1.5 by its Java program, as the COCO script runs it."""

import re
from collections.abc import Sequence

from ligature.errors import LigatureError
from ligature.evaluation.captions.java import answer, java_command, one_line, package_file, running

WHAT = "metric meteor"
JAR = ("meteor", "meteor-1.5.jar")
OPTIONS = ("-", "-", "-stdio", "-l", "en", "-norm")
FIELDS = " ||| "


def meteor(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> float:
    """Returns METEOR of all images together, 0 to 1.

    Args:
        candidates: words of one candidate an image.
        references: words of each image's references.

    Raises:
        LigatureError: package or Java is missing, or Java fails.
    """
    command = java_command(WHAT, "2g", "-jar", str(package_file(WHAT, *JAR)), *OPTIONS)
    with running(WHAT, command) as process:
        statistics = [answer(process, score_line(*pair)) for pair in zip(candidates, references, strict=True)]
        answer(process, FIELDS.join(["EVAL", *statistics]))  # of the first image; the last line is of all together
        lines = [answer(process) for _ in statistics]
    try:
        return float(lines[-1])
    except ValueError:
        raise LigatureError(f"{WHAT}: Java gave {lines[-1][:80]!r} instead of a number") from None


def score_line(candidate: Sequence[str], references: Sequence[Sequence[str]]) -> str:
    """Returns the program's input for one image; no caption can end the line or a field of it."""
    return FIELDS.join(["SCORE", *(field(words) for words in (*references, candidate))])


def field(words: Sequence[str]) -> str:
    """Returns the words as text without the sign between two fields."""
    return re.sub(r"\|{3,}", " ", one_line(" ".join(words)))
