"""What every view of the embeddings costs in bytes and in floating point operations, by the stores' manifests."""

import pandas as pd

from ligature.cli.features import open_store
from ligature.errors import StoreError
from ligature.store import EmbeddingStore, Layout
from ligature.store.manifest import MANIFEST_NAME

COST_COLUMNS = ["mode", "image_bytes", "caption_bytes", "image_vectors", "image_flops"]


def view_costs(layout: Layout, vision: str, text: str, dataset: str, modes: list[str]) -> pd.DataFrame:
    """Returns what the stores of a data set cost under every mode of training; only manifests are read.

    Mode ``images`` stores no image: its vectors and operations, which are paid at every step, are those of a store
    of tokens that its evaluation reads.

    Args:
        layout: of the study.
        vision: name of the vision encoder.
        text: name of the text encoder.
        dataset: name of the data set.
        modes: of training.

    Returns:
        One row a mode: bytes and vectors an image, bytes a caption, operations of encoding an image.

    Raises:
        StoreError: when a store is not complete.
    """
    rows = []
    for mode in dict.fromkeys(modes):
        images = (
            _encoded_store(layout, vision, dataset) if mode == "images" else open_store(layout, vision, dataset, mode)
        )
        texts = open_store(layout, text, dataset, mode)
        stored = 0.0 if mode == "images" else _an_item(images, "nbytes")
        rows.append((mode, stored, _an_item(texts, "nbytes"), _an_item(images, "vectors"), _an_item(images, "flops")))
    return pd.DataFrame(rows, columns=COST_COLUMNS)


def _an_item(store: EmbeddingStore, fact: str) -> float:
    return sum(getattr(manifest, fact) for manifest in store.manifests) / store.rows


def _encoded_store(layout: Layout, vision: str, dataset: str) -> EmbeddingStore:
    """Returns the store of tokens of the data set or, as training has none, of the first data set that has one."""
    for name in dict.fromkeys([dataset, *layout.study.datasets]):
        if all((folder / MANIFEST_NAME).is_file() for folder in layout.embedding_parts("images", vision, name)):
            return open_store(layout, vision, name, "images")
    raise StoreError(f"{layout.root}: no data set has tokens of encoder {vision!r}; embed one with --view tokens")
