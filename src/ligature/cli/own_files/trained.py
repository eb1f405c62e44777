"""An index of a trained pair: images and texts in the space of an exported model."""

from pathlib import Path

import numpy as np

from ligature import __version__
from ligature.cli.own_files.encoding import encode_files
from ligature.cli.own_files.folder import ImageFolder, say_left_out
from ligature.cli.own_files.stored import Index, IndexFacts, Origin, require_encoder
from ligature.errors import StoreError
from ligature.export import AlignedModel
from ligature.export.folder import find_folder
from ligature.matching.gallery import Gallery
from ligature.params.encoders import EmbedParams


def trained_index(
    found: ImageFolder, source: str, revision: str | None = None, *, workers: int = 0, device: str = "cpu"
) -> Index:
    """Returns the index of images in the space of an exported pair, and tells which images are left out.

    Args:
        found: the images.
        source: folder of the pair, or its Hub id.
        revision: on the Hub.
        workers: processes that decode images.
        device: where the pair runs.

    Raises:
        DataError: there is no such pair, or no image can be read.
    """
    pair = AlignedModel.from_pretrained(source, revision=revision, device=device)
    files = encode_files(
        found, pair.vision.preprocess, pair.project_pixels, batch_size=EmbedParams().image_batch, workers=workers
    )
    say_left_out(found, files.broken)
    place = str(Path(source).absolute()) if Path(source).is_dir() else source
    facts = IndexFacts(
        images=len(files.names),
        left_out=len(found.refused) + len(files.broken),
        encoders={"vision": pair.vision.identity, "text": pair.text.identity},
        model=Origin(source=place, revision=revision, projector=pair.config.projector),
        version=__version__,
    )
    return Index(facts, Gallery.of(files.names, files.vectors))


def trained_queries(
    index: Index, texts: list[str], source: str | None = None, revision: str | None = None, *, device: str = "cpu"
) -> np.ndarray:
    """Returns texts in the space of an index, [n, D].

    What the index names is looked for on this machine only: an index of a stranger fetches nothing from the Hub.

    Args:
        index: of a trained pair.
        texts: the queries.
        source: folder or Hub id of the pair; by default, the one that the index names.
        revision: on the Hub.
        device: where the pair runs.

    Raises:
        DataError: there is no such pair.
        StoreError: it is another one than that of the index.
    """
    origin = index.facts.model
    if source is None:
        source = str(find_folder(origin.source, origin.revision, local_files_only=True))
    pair = AlignedModel.from_pretrained(source, revision=revision, device=device)
    if pair.config.projector != origin.projector:
        raise StoreError(f"{source}: is not the pair of the index, {origin.source}; name that one with --model")
    require_encoder(index.facts, "text", pair.text.identity)
    return pair.encode_text(texts)
