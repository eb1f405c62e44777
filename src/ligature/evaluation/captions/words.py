"""The words of a caption without Java: lower case, without punctuation, split at white space."""

import re
from collections.abc import Sequence

from ligature.errors import DataError

MAX_WORDS = 20_000
"""Words of one caption; more is no caption but a broken or hostile file."""

# Everything that the list of the COCO script removes, in the places where Penn Treebank rules make it a token: quotes,
# brackets and dashes anywhere, commas and colons but for those between digits, stops and hyphens at a word's edge.
ANYWHERE = re.compile(r"""["“”„«»`(){}?!;—–…]|--+|\.\.+|''+|(?<!\d)[,:]|[,:](?!\d)""")
EDGES = re.compile(r"(?<!\S)[.'-]+|[.'-]+(?!\S)")


def plain_words(texts: Sequence[str]) -> list[list[str]]:
    """Returns the words of every text: lower case, without punctuation, split at white space.

    Left out is what the COCO script's list of punctuation names (``'' ' `` ` -LRB- -RRB- -LCB- -RCB- . ? ! , : - --
    ... ;``), so hyphens, apostrophes and stops inside a word stay, as do commas and colons between digits.
    Differences from the Penn Treebank tokenizer: clitics stay on their word ("dog's", "isn't", "cannot" where PTB has
    "dog 's", "is n't", "can not"), abbreviations lose their last stop ("mr", "u.s"), numbers a leading sign or stop,
    other signs stay on their word ("5%", "[x]", "$3" where PTB splits them), and brackets go, where the COCO script
    keeps them as "-lrb-" and "-rrb-" since its list has them in upper case. Other scripts are split at white space
    alone, and pictographs stay, which PTB drops.
    """
    lines = (" ".join(text.split()) for text in texts)
    cleaned = ANYWHERE.sub(" ", "\n".join(lines).lower().replace("’", "'"))
    return [line.split() for line in EDGES.sub(" ", cleaned).split("\n")] if texts else []


def check_lengths(words: Sequence[Sequence[str]], what: Sequence[str]) -> None:
    """Checks that no caption has more than ``MAX_WORDS`` words; ``what`` names each caption in the error.

    Raises:
        DataError: one has more.
    """
    for caption, name in zip(words, what, strict=True):
        if len(caption) > MAX_WORDS:
            raise DataError(f"{name}: {len(caption):,} words; a caption has {MAX_WORDS:,} at most")
