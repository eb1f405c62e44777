"""Files of class keys and class names."""

from collections.abc import Mapping
from pathlib import Path

from ligature.data.files import read_lines
from ligature.data.limits import check_size
from ligature.errors import DataError


def read_class_names(path: Path) -> dict[str, str]:
    """Reads a tab-separated file of class keys (folder names) and class names, in order; of synonyms the first counts.

    Raises:
        DataError: naming the file and line.
    """
    class_names: dict[str, str] = {}
    for number, line in enumerate(read_lines(check_size(path)), start=1):
        key, class_name = (part.strip() for part in line.split(",")[0].partition("\t")[::2])
        if not (key and class_name):
            raise DataError(f"{path}, line {number}: expected a folder name, a tab and a class name, got {line[:60]!r}")
        if key in class_names:
            raise DataError(f"{path}, line {number}: class folder {key!r} stands twice; remove one line")
        class_names[key] = class_name
    return class_names


def names_of(classes: Mapping[str, str], names: Mapping[str, str], where: Path) -> dict[str, str]:
    """Gives classes other names, in their own order; names of other classes are left alone.

    Args:
        classes: keys and names of a data set.
        names: keys and the new names.
        where: the file of the new names.

    Raises:
        DataError: naming the class that has none.
    """
    missing = [key for key in classes if key not in names]
    if missing:
        raise DataError(f"{where}: no line for class {missing[0]!r} ({len(missing)} missing); add a name for each")
    return {key: names[key] for key in classes}
