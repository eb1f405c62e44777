"""ImageNet's synsets and their names, as the challenge lists them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ligature.data.benchmarks.labelled import list_lines, readable
from ligature.errors import DataError

MAPPING = "LOC_synset_mapping.txt"
SYNSET = re.compile(r"n[0-9]{8}")
"""How the WordNet ids of the synsets look."""
NUMBER = re.compile(r"_[0-9]+\s*$")
"""What some copies of the list put after a name that stands twice, such as ``maillot_1``."""


def read_mapping(root: Path) -> dict[str, str] | None:
    """Reads synset ids and names, as ``distinct_names`` has them, in the order of ids; None where there is no mapping.

    Raises:
        DataError: naming the line that is none.
    """
    path = root / MAPPING
    if not path.is_file():
        return None
    synonyms = {}
    for line in list_lines(path):
        key, _, names = line.partition(" ")
        names = [readable(NUMBER.sub("", name)) for name in names.split(",")]
        if not names[0] or key in synonyms:
            raise DataError(f"{path}: expected a new synset id and its names, got {line[:60]!r}; download it again")
        synonyms[key] = names
    return distinct_names(dict(sorted(synonyms.items())))


def distinct_names(synonyms: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Names every class by its first synonym; one that shares it takes the next that is nobody's first.

    A class without such a synonym keeps its first: of ``maillot`` and ``maillot, tank suit`` only the second changes.
    Upper and lower case are the same, as in the dog ``Cardigan`` and the ``cardigan`` of wool.

    Args:
        synonyms: names of every class, the likeliest first.
    """
    bearers = Counter(names[0].casefold() for names in synonyms.values())

    def own(first: str, *others: str) -> str:
        if bearers[first.casefold()] == 1:
            return first
        return next((name for name in others if name.casefold() not in bearers), first)

    return {key: own(*names) for key, names in synonyms.items()}
