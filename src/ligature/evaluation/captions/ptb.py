"""Words by Stanford's Penn Treebank tokenizer, without punctuation, as the COCO script cuts captions."""

from collections.abc import Sequence

from ligature.errors import LigatureError
from ligature.evaluation.captions.java import java_command, one_line, output_of, package_file, running

WHAT = "tokenizer ptb"
JAR = ("tokenizer", "stanford-corenlp-3.4.1.jar")
OPTIONS = ("-preserveLines", "-lowerCase", "-encoding", "UTF-8")
# The list of the COCO script; it has brackets too (-LRB-), but in upper case, so that -lrb- of a text stays a word.
PUNCTUATION = {"''", "'", "``", "`", ".", "?", "!", ",", ":", ";", "-", "--", "..."}


def ptb_words(texts: Sequence[str]) -> list[list[str]]:
    """Returns the words of every text, in lower case and without punctuation.

    Raises:
        LigatureError: package or Java is missing, or Java fails.
    """
    if not texts:
        return []
    command = java_command(WHAT, "1g", "-cp", str(package_file(WHAT, *JAR)), "edu.stanford.nlp.process.PTBTokenizer")
    with running(WHAT, [*command, *OPTIONS]) as process:
        lines = output_of(process, "".join(one_line(text) + "\n" for text in texts)).removesuffix("\n").split("\n")
    if len(lines) != len(texts):
        raise LigatureError(f"{WHAT}: Java gave {len(lines):,} lines for {len(texts):,} captions")
    return [without_punctuation(line) for line in lines]


def without_punctuation(line: str) -> list[str]:
    """Returns the words of a line of tokens; a token with a blank inside, such as "1 1/2", becomes several."""
    return " ".join(token for token in line.split(" ") if token not in PUNCTUATION).split()
