"""Anchors of a user's own: a csv of images whose captions are known."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ligature.cli.own_files.captions import check_text, require_file
from ligature.cli.own_files.folder import ImageFolder
from ligature.data.files import read_text, safe_join
from ligature.data.limits import check_size
from ligature.errors import DataError
from ligature.matching.inputs import MIN_BASE

COLUMNS = ("image", "caption")


@dataclass(frozen=True)
class Anchors:
    """Known pairs.

    Attributes:
        where: the csv file.
        rows: of every image, in order of first mention, its captions, and of every caption the row of the csv, counted
            as spreadsheets do: the header is row 1.
    """

    where: Path
    rows: dict[str, dict[str, int]]

    @property
    def images(self) -> list[str]:
        """Names of the images in the folder."""
        return list(self.rows)

    @property
    def captions(self) -> list[list[str]]:
        """Captions of every image."""
        return [list(rows) for rows in self.rows.values()]

    def texts(self) -> set[str]:
        """Returns the captions of all images."""
        return {text for rows in self.rows.values() for text in rows}

    def place(self, image: str) -> str:
        """Returns where an image stands first, for messages."""
        return f"{self.where}: row {min(self.rows[image].values())}"


def read_anchors(path: Path, found: ImageFolder) -> Anchors:
    """Reads a csv with the columns ``image`` and ``caption``; other columns are not looked at.

    An image is named by its path from the folder of images, or by an absolute path inside that folder. It may stand in
    several rows with other captions.

    Args:
        path: the csv, UTF-8.
        found: the images there are.

    Raises:
        DataError: naming the row: an image that is not there or lies outside, a caption that is empty, too long or
            repeated; or fewer images than a base needs.
    """
    require_file(path)
    rows: dict[str, dict[str, int]] = {}
    known = set(found.names)
    for row, image, caption in _rows(path):
        where = f"{path}: row {row}"
        name = _name(found, check_text(image, f"{where}: image"), where)
        if name not in known:
            reason = found.refused.get(name, f"no such image in {found.folder}")
            raise DataError(f"{where}: {name!r}: {reason}; correct the name or remove the row")
        captions, text = rows.setdefault(name, {}), check_text(caption, f"{where}: caption")
        if text in captions:
            raise DataError(f"{where}: repeats row {captions[text]}; remove one of them")
        captions[text] = row
    if len(rows) < MIN_BASE:
        raise DataError(f"{path}: {len(rows)} images with captions; at least {MIN_BASE} are needed")
    return Anchors(path, rows)


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yields row number, image and caption."""
    reader = csv.reader(io.StringIO(read_text(check_size(path)), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not set(COLUMNS) <= set(header):
            raise DataError(f"{path}: needs the columns image and caption, has {', '.join(header)[:200] or 'none'}")
        for row, cells in enumerate(reader, start=2):
            if cells and len(cells) != len(header):
                raise DataError(
                    f"{path}: row {row} has {len(cells)} fields, the header {len(header)}; "
                    "put captions that hold commas into quotes"
                )
            if cells:
                yield row, *(cells[header.index(name)] for name in COLUMNS)
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num} is not csv ({error}); correct its quotes") from error


def _name(found: ImageFolder, image: str, where: str) -> str:
    """Returns the name that an image would have in the folder."""
    path = Path(image)
    for root in (found.folder, found.folder.resolve()):
        if path.is_absolute() and path.is_relative_to(root):
            path = path.relative_to(root)
    return safe_join(found.folder, str(path), Path(where)).relative_to(found.folder).as_posix()
