"""The images in a folder of a user's own: what is taken, what is no image, what is refused and why."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ligature.errors import DataError
from ligature.progress import say

ENDINGS = {".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".mpo", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
"""Endings of files that are taken for images; other files are counted and not opened."""
SHOWN = 5


@dataclass(frozen=True)
class ImageFolder:
    """The files of a folder and of those below it.

    Attributes:
        folder: absolute, as the user named it.
        names: of the images, paths from the folder with slashes, sorted.
        others: number of files that are no images by their ending.
        refused: names of files and folders that are not read, with the reason.
    """

    folder: Path
    names: list[str]
    others: int
    refused: dict[str, str]


def list_images(folder: Path) -> ImageFolder:
    """Lists the images of a folder and of those below it; nothing outside it is listed, and no link leads there.

    A link to a file inside the folder is an image like any other; links to folders are not followed.

    Raises:
        DataError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name a folder of images")
    root, names, others = folder.absolute(), [], 0
    refused: dict[str, str] = {}

    def unreadable(error: OSError) -> None:
        refused[_name(Path(error.filename), root)] = f"unreadable folder ({error.strerror})"

    for where, folders, files in os.walk(root, onerror=unreadable):
        links = [path for path in (Path(where, name) for name in folders) if path.is_symlink()]
        refused |= {_name(path, root): "link to a folder" for path in links}
        images = [path for path in (Path(where, name) for name in files) if path.suffix.lower() in ENDINGS]
        others += len(files) - len(images)
        for path in images:
            if reason := _refusal(path, root):
                refused[_name(path, root)] = reason
            else:
                names.append(_name(path, root))
    if not names:
        raise DataError(f"{folder}: no image in it; {others} other files, {count_reasons(refused)}; name another one")
    return ImageFolder(root, sorted(names), others, dict(sorted(refused.items())))


def count_reasons(reasons: Mapping[str, str]) -> str:
    """Returns how many files were left out, and the reasons of the first of them."""
    shown = ", ".join(f"{name!r} ({reason})" for name, reason in list(reasons.items())[:SHOWN])
    return f"{len(reasons):,} left out" + (f": {shown}" if reasons else "") + (", ..." if len(reasons) > SHOWN else "")


def say_left_out(found: ImageFolder, broken: Mapping[str, str]) -> None:
    """Tells how many files are no images, were refused or could not be read."""
    if found.others:
        say(f"{found.folder}: {found.others:,} files that are no images by their ending were not opened")
    reasons = found.refused | dict(broken)
    if reasons:
        say(f"{found.folder}: {count_reasons(reasons)}")


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _refusal(path: Path, root: Path) -> str:
    """Returns why a file is not read, or nothing; a pipe would never end and a link may lead anywhere."""
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        return "link out of the folder"
    if not path.is_file():
        return "no regular file"
    try:
        _name(path, root).encode()
    except UnicodeEncodeError:
        return "name is not UTF-8"
    return ""
