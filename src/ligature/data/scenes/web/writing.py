"""Writes the web of a world: the pool, the captioned sources and the answers to all their urls."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from ligature.data.scenes.web.captioned import SOURCES, captioned_rows, write_captioned
from ligature.data.scenes.web.drawing import SceneDraw, pool_weights, skewed_weights
from ligature.data.scenes.web.laion import Pool, write_laion
from ligature.data.scenes.web.leaks import Leak
from ligature.data.scenes.web.publishing import Publisher
from ligature.data.scenes.web.routes import writing_routes
from ligature.data.scenes.web.shares import CAPTIONED_OBJECTS, POOL_OBJECTS
from ligature.params.world import WebParams
from ligature.progress import Progress

Row = TypeVar("Row")


def row_counts(params: WebParams) -> dict[str, int]:
    """Returns the number of rows of every source."""
    return {"laion": params.laion} | {source: getattr(params, source) for source in SOURCES}


def write_web(
    folder: Path,
    *,
    seed: int,
    image_size: int,
    params: WebParams,
    leaks: Sequence[Leak],
    progress: Progress | None = None,
) -> dict[str, int]:
    """Writes ``laion/part-*.parquet``, ``cc3m.tsv``, ``cc12m.tsv``, ``sbu.json`` and what a ``WebServer`` answers from.

    The same arguments give the same bytes. No scene stands in two rows but where a copy is planted, and none in
    a benchmark split.

    Args:
        folder: folder to write into.
        seed: seed of all scenes, captions and behaviours.
        image_size: side of the square pictures in pixels.
        params: rows of every source.
        leaks: evaluation items that the pool holds as well, one row each.
        progress: counts the rows, one unit each.

    Returns:
        The number of rows of every source.

    Raises:
        DataError: the pool is too small for its leaks, or the world has too few scenes.
    """
    folder, counts, seen = Path(folder), row_counts(params), set()
    with writing_routes(folder) as routes:
        publisher = Publisher(routes, image_size)
        pool = Pool(seed, image_size, SceneDraw(pool_weights(seed), POOL_OBJECTS, seen), publisher)
        rows = list(_counted(pool.rows(counts["laion"], leaks), "web/laion", progress))
        write_laion(folder / "laion", rows, params.parts, seed)
        for source in SOURCES:
            draw_scene = SceneDraw(skewed_weights(seed, source), CAPTIONED_OBJECTS, seen)
            made = captioned_rows(source, counts[source], seed=seed, draw_scene=draw_scene, publisher=publisher)
            write_captioned(folder, source, list(_counted(made, f"web/{source}", progress)))
    return counts


def _counted(rows: Iterable[Row], note: str, progress: Progress | None) -> Iterator[Row]:
    for row in rows:
        yield row
        if progress is not None:
            progress.update(note=note)
