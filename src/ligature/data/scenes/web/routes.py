"""What a server answers for every url: ``images.tar`` with the bodies and ``routes.parquet`` with the rest."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ligature.errors import DataError
from ligature.store.atomic import replacing

IMAGES = "images.tar"
ROUTES = "routes.parquet"

_SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("behaviour", pa.string()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
        ("target", pa.string()),
    ]
)


class Route(NamedTuple):
    """The answer to one url.

    Attributes:
        url: address the answer belongs to.
        behaviour: a word that ``ligature.data.scenes.web.server`` knows.
        offset: first byte of the body in ``images.tar``.
        size: bytes of the body; 0 for none.
        target: url of a redirection, else empty.
    """

    url: str
    behaviour: str
    offset: int = 0
    size: int = 0
    target: str = ""


class RouteWriter:
    """Collects routes and appends their bodies to an open tar file."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        """Starts with no route."""
        self._archive = archive
        self.routes: list[Route] = []

    def add(self, url: str, behaviour: str, body: bytes = b"", target: str = "") -> None:
        """Adds the answer to ``url``."""
        offset = self._store(body) if body else 0
        self.routes.append(Route(url, behaviour, offset, len(body), target))

    def _store(self, body: bytes) -> int:
        info = tarfile.TarInfo(f"{len(self.routes):09d}")
        info.size = len(body)
        offset = self._archive.offset + tarfile.BLOCKSIZE
        self._archive.addfile(info, io.BytesIO(body))
        return offset


@contextmanager
def writing_routes(folder: Path) -> Iterator[RouteWriter]:
    """Yields a writer; both files appear in ``folder`` when the block ends well."""
    with replacing(folder / IMAGES) as temporary:
        with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as archive:
            writer = RouteWriter(archive)
            yield writer
        with replacing(folder / ROUTES) as table:
            columns = [list(column) for column in zip(*writer.routes, strict=True)] or [[] for _ in _SCHEMA]
            pq.write_table(pa.table(columns, schema=_SCHEMA), table)


def read_routes(folder: Path) -> dict[str, Route]:
    """Returns the routes of a written web by url.

    Raises:
        DataError: the file is missing or is no table of routes.
    """
    path = Path(folder) / ROUTES
    try:
        table = pq.read_table(path, schema=_SCHEMA)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: no table of routes ({error}); render the world again") from error
    return {row[0]: Route(*row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)}
