"""From stores, and from images encoded in training, to the features that the stages take."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ligature.data.mixture import Mixture
from ligature.data.parts import count_parts, open_part
from ligature.encoders import VisionEncoder, find_encoder, load_vision_encoder
from ligature.encoders.on_the_fly import EncodedImages
from ligature.errors import StoreError
from ligature.params.train import LossParams, ProjectorParams
from ligature.progress import say
from ligature.projection import ImageFeatures, PairedFeatures, ProjectorConfig, RaggedTokens
from ligature.projection.features import Features, Images, concatenate, width_of
from ligature.store import EmbeddingStore, Layout, join_stores
from ligature.store.hashing import hash_strings
from ligature.store.reader import require_encoder

SIGMOID_TEMPERATURE, SIGMOID_BIAS = 0.1, -10.0
"""Start of the sigmoid loss (Zhai et al., 2023, section 3.2): a scale of 10 and a bias of -10."""


@dataclass(frozen=True)
class Captioned:
    """A captioned data set under one encoder pair.

    Attributes:
        images: features of n images, stored or encoded when they are drawn.
        texts: features of m texts.
        image_of_text: [m] image row of each text.
        image_ids: of the n images.
        captions: the m texts.
        content_hash: of everything above.
    """

    images: Images
    texts: Features
    image_of_text: np.ndarray
    image_ids: list[str]
    captions: list[str]
    content_hash: str


def open_store(layout: Layout, encoder: str, dataset: str, mode: str = "pooled") -> EmbeddingStore:
    """Opens the embeddings of a data set under one encoder that a mode of training reads."""
    return EmbeddingStore.open(layout.embedding_parts(mode, encoder, dataset))


def variants(layout: Layout, text: str, dataset: str, mode: str = "pooled") -> list[str]:
    """Returns the variants of the texts in a store, in order of first mention; ``[""]`` where it knows none."""
    table = open_store(layout, text, dataset, mode).metadata()
    return list(dict.fromkeys(_variants(table)))


def _variants(table: pd.DataFrame) -> pd.Series:
    return table["variant"].fillna("") if "variant" in table else pd.Series("", index=table.index)


def own_rows(store: EmbeddingStore) -> np.ndarray:
    """Returns the rows of a text store that are a data set's own captions or prompts."""
    return _of_variant(store, store.metadata(), "")


def image_features(store: EmbeddingStore) -> ImageFeatures:
    """Splits the rows of an image store into CLS and patches; of token views only the CLS tokens are in memory."""
    if store.view != "pooled":
        return _token_features(_tokens(store), bool(store.encoder["has_cls"]))
    vectors, pooling = store.vectors(), store.encoder["pooling"]
    if pooling == "cls":
        return ImageFeatures(cls=vectors)
    if pooling in ("mean", "all"):
        return ImageFeatures(local=vectors)
    half = vectors.shape[1] // 2
    return ImageFeatures(cls=vectors[:, :half], local=vectors[:, half:])


def _token_features(tokens: RaggedTokens, has_cls: bool) -> ImageFeatures:
    if not has_cls:
        return ImageFeatures(local=tokens)
    if (tokens.lengths == 1).all():
        return ImageFeatures(cls=tokens.first())
    return ImageFeatures(cls=tokens.first(), local=replace(tokens, skip=1))


def _tokens(store: EmbeddingStore) -> RaggedTokens:
    counts = store.metadata()["tokens"].to_numpy()
    offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return RaggedTokens(store.stored_vectors(), offsets, store.scales())


def text_features(store: EmbeddingStore, rows: np.ndarray) -> Features:
    """Returns the features of the given rows of a text store: vectors, or tokens that stay memory-mapped."""
    if store.view != "pooled":
        return _tokens(store).take(rows)
    vectors = store.vectors()
    return vectors if np.array_equal(rows, np.arange(len(vectors))) else vectors[rows]


def load_captioned(
    layout: Layout, vision: str, text: str, dataset: str, mode: str = "pooled", variant: str = ""
) -> Captioned:
    """Loads a captioned data set under one encoder pair, with its texts of one variant.

    Images without a caption stay as candidates; those without a text of another variant than the data set's own
    are left out.

    Args:
        layout: of the study.
        vision: name of the vision encoder.
        text: name of the text encoder.
        dataset: name of a data set or downloaded set.
        mode: of training, which names the views.
        variant: a language, a number of words or the like; "" for the data set's own captions.

    Raises:
        StoreError: when the two stores do not belong together, or there is no text of the variant.
    """
    images, texts = open_store(layout, vision, dataset, mode), open_store(layout, text, dataset, mode)
    joined = join_stores(images, texts)
    chosen = _of_variant(texts, joined.texts, variant)
    data = Captioned(
        image_features(images),
        text_features(texts, joined.text_rows[chosen]),
        joined.image_of_text[chosen],
        joined.images["id"].to_list(),
        joined.texts["text"].iloc[chosen].to_list(),
        hash_strings([*_contents(images), *_contents(texts), *([variant] if variant else [])]),
    )
    return _with_captions(data) if variant else data


def _of_variant(store: EmbeddingStore, table: pd.DataFrame, variant: str) -> np.ndarray:
    """Returns the rows of a table of texts that are of this variant."""
    of_row = _variants(table)
    rows = np.flatnonzero(of_row == variant)
    if not len(rows):
        known = ", ".join(repr(name) for name in dict.fromkeys(of_row))
        raise StoreError(f"{store.folders[0]}: no text of variant {variant!r}; there are {known or 'no texts'}")
    return rows


def _contents(store: EmbeddingStore) -> list[str]:
    return [manifest.ids_hash + shard.sha256 for manifest in store.manifests for shard in manifest.shards]


def load_pairs(
    layout: Layout,
    vision: str,
    text: str,
    datasets: list[str],
    mode: str = "pooled",
    weights: str | list[float] | None = None,
    *,
    validation: str | None = None,
    device: str = "cpu",
    precision: str = "float32",
) -> PairedFeatures:
    """Loads captioned data sets one after the other as training pairs; images without a caption are left out.

    Args:
        layout: of the study.
        vision: name of the vision encoder.
        text: name of the text encoder.
        datasets: names of data sets or downloaded sets.
        mode: of training; ``images`` needs no image store, the images are encoded when they are drawn.
        weights: shares of the data sets in an epoch; by size where there is none.
        validation: data set on which the training is measured; its stores must come from the same encoders.
        device: where images are encoded in mode ``images``.
        precision: of encoding them.

    Raises:
        StoreError: when two stores do not belong together, or come from two revisions of an encoder.
    """
    sets = [*datasets, validation] if validation else datasets
    _require_one_encoder([open_store(layout, text, name, mode) for name in sets])
    if mode == "images":
        encoder = load_vision_encoder(find_encoder(layout, vision), layout, device=device, precision=precision)
        if validation:
            require_encoder(open_store(layout, vision, validation, mode), encoder.identity, "the encoder of training")
        loaded = [_load_encoded(layout, encoder, text, name) for name in datasets]
    else:
        _require_one_encoder([open_store(layout, vision, name, mode) for name in sets])
        loaded = [load_captioned(layout, vision, text, name, mode) for name in datasets]
    return _as_pairs([_with_captions(data) for data in loaded], weights)


def _require_one_encoder(stores: list[EmbeddingStore]) -> None:
    for store in stores[1:]:
        require_encoder(store, stores[0].encoder, stores[0].folders[0])


def _load_encoded(layout: Layout, encoder: VisionEncoder, text: str, dataset: str) -> Captioned:
    """Joins the texts of a store to image files that are encoded when they are drawn."""
    parts = [open_part(layout, dataset, part).images for part in range(count_parts(layout, dataset))]
    store = open_store(layout, text, dataset, "images")
    if hash_strings(hash_strings(part["id"]) for part in parts) != store.items_hash:
        raise StoreError(f"{store.folders[0]}: data set {dataset!r} has other images now; embed its texts again")
    images, texts = pd.concat(parts, ignore_index=True), store.metadata()
    rows = _of_variant(store, texts, "")
    row_of_image = pd.Series(np.arange(len(images)), index=images["id"])
    features = EncodedImages(encoder, images["path"].to_list(), batch_size=layout.study.embed.image_batch)
    return Captioned(
        features,
        text_features(store, rows),
        row_of_image[texts["image_id"].iloc[rows]].to_numpy(),
        images["id"].to_list(),
        texts["text"].iloc[rows].to_list(),
        hash_strings([features.content_hash(), *_contents(store)]),
    )


def _with_captions(data: Captioned) -> Captioned:
    has_caption = np.bincount(data.image_of_text, minlength=len(data.images)) > 0
    if has_caption.all():
        return data
    kept = np.flatnonzero(has_caption)
    say(f"{len(data.images) - len(kept):,} images without a caption are left out")
    return replace(
        data,
        images=data.images.take(kept),
        image_of_text=(np.cumsum(has_caption) - 1)[data.image_of_text],
        image_ids=[data.image_ids[row] for row in kept],
    )


def _as_pairs(loaded: list[Captioned], weights: str | list[float] | None) -> PairedFeatures:
    starts = np.cumsum([0, *(len(data.images) for data in loaded)])
    owners = [data.image_of_text + start for data, start in zip(loaded, starts, strict=False)]
    content_hash = hash_strings(data.content_hash for data in loaded)
    mixture = None if weights is None else Mixture.of(np.diff(starts).tolist(), weights)
    images = _concatenate_images([data.images for data in loaded])
    texts = concatenate([data.texts for data in loaded])
    return PairedFeatures(images, texts, np.concatenate(owners), content_hash, mixture=mixture)


def _concatenate_images(parts: list[Images]) -> Images:
    if isinstance(parts[0], EncodedImages):
        return replace(parts[0], paths=[path for part in parts for path in part.paths])
    branches = [name for name in ("cls", "local") if getattr(parts[0], name) is not None]
    return ImageFeatures(**{name: concatenate([getattr(part, name) for part in parts]) for name in branches})


def projector_config(
    params: ProjectorParams, images: Images, texts: Features, loss: LossParams | None = None
) -> ProjectorConfig:
    """Fits the projector of a study to an encoder pair: branches without features become ``none``, and it is said.

    The sigmoid loss starts at its published temperature and bias, whatever the temperature of ``params``.
    """
    widths = {branch: images.width(branch.removeprefix("vision_")) for branch in ("vision_local", "vision_cls")}
    branches = {branch: getattr(params, branch) for branch in widths}
    for branch, width in widths.items():
        if width is None and branches[branch] != "none":
            say(f"{branch}: this vision encoder gives no such features; the branch is left out")
            branches[branch] = "none"
    temperature, logit_bias = params.temperature, None
    if loss is not None and loss.kind == "siglip":
        temperature, logit_bias = SIGMOID_TEMPERATURE, SIGMOID_BIAS
        say(f"loss siglip: temperature starts at {temperature} and the bias at {logit_bias:.0f}, as published")
    return ProjectorConfig(
        vision_dim=widths["vision_cls"] or widths["vision_local"],
        text_dim=width_of(texts),
        embed_dim=params.embed_dim,
        text_local=params.text_local,
        text_global=params.text_global,
        vision_pooling=params.vision_pooling,
        text_pooling=params.text_pooling,
        dropout=params.dropout,
        temperature=temperature,
        logit_bias=logit_bias,
        **branches,
    )
