"""From stores to the arrays that the stages take."""

from dataclasses import dataclass, replace

import numpy as np

from ligature.data.mixture import Mixture
from ligature.errors import DataError
from ligature.params.train import ProjectorParams
from ligature.progress import say
from ligature.projection import ImageFeatures, PairedFeatures, ProjectorConfig, RaggedTokens
from ligature.projection.features import Features, width_of
from ligature.store import EmbeddingStore, Layout, join_stores
from ligature.store.hashing import hash_strings


@dataclass(frozen=True)
class Captioned:
    """A captioned data set under one encoder pair.

    Attributes:
        images: features of n images.
        texts: features of m texts.
        image_of_text: [m] image row of each text.
        image_ids: of the n images.
        captions: the m texts.
        content_hash: of everything above.
    """

    images: ImageFeatures
    texts: Features
    image_of_text: np.ndarray
    image_ids: list[str]
    captions: list[str]
    content_hash: str


def open_store(layout: Layout, encoder: str, dataset: str, view: str = "pooled") -> EmbeddingStore:
    """Opens the embeddings of a data set under one encoder."""
    return EmbeddingStore.open(layout.embedding_parts(view, encoder, dataset))


def image_features(store: EmbeddingStore) -> ImageFeatures:
    """Splits the rows of an image store into CLS and patches, as the projector takes them."""
    vectors, identity = store.vectors(), store.encoder
    if store.view == "tokens":
        return _token_features(store, vectors, bool(identity["has_cls"]))
    if identity["pooling"] == "cls":
        return ImageFeatures(cls=vectors)
    if identity["pooling"] == "mean":
        return ImageFeatures(local=vectors)
    half = vectors.shape[1] // 2
    return ImageFeatures(cls=vectors[:, :half], local=vectors[:, half:])


def _token_features(store: EmbeddingStore, vectors: np.ndarray, has_cls: bool) -> ImageFeatures:
    counts = store.metadata()["tokens"].to_numpy()
    if not has_cls:
        return ImageFeatures(local=RaggedTokens(vectors, _offsets(counts)))
    starts = _offsets(counts)[:-1]
    if (counts == 1).all():
        return ImageFeatures(cls=vectors)
    is_patch = np.ones(len(vectors), dtype=bool)
    is_patch[starts] = False
    return ImageFeatures(cls=vectors[starts], local=RaggedTokens(vectors[is_patch], _offsets(counts - 1)))


def text_features(store: EmbeddingStore, rows: np.ndarray) -> Features:
    """Returns the features of the given rows of a text store: vectors, or tokens with offsets."""
    if store.view == "pooled":
        vectors = store.vectors()
        return vectors if len(rows) == len(vectors) else vectors[rows]
    counts = store.metadata()["tokens"].to_numpy()
    tokens = RaggedTokens(store.vectors(), _offsets(counts))
    if len(rows) == len(tokens):
        return tokens
    padded, mask = tokens.pad(rows)
    return RaggedTokens(padded[mask], _offsets(counts[rows]))


def _offsets(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def load_captioned(layout: Layout, vision: str, text: str, dataset: str, view: str = "pooled") -> Captioned:
    """Loads a captioned data set under one encoder pair; images left without a caption stay as candidates.

    Raises:
        StoreError: when the two stores do not belong together.
    """
    images, texts = open_store(layout, vision, dataset, view), open_store(layout, text, dataset, view)
    joined = join_stores(images, texts)
    manifests = [*images.manifests, *texts.manifests]
    content_hash = hash_strings(m.ids_hash + shard.sha256 for m in manifests for shard in m.shards)
    return Captioned(
        image_features(images),
        text_features(texts, joined.text_rows),
        joined.image_of_text,
        joined.images["id"].to_list(),
        joined.texts["text"].to_list(),
        content_hash,
    )


def load_pairs(
    layout: Layout,
    vision: str,
    text: str,
    datasets: list[str],
    view: str = "pooled",
    weights: str | list[float] | None = None,
) -> PairedFeatures:
    """Loads captioned data sets one after the other as training pairs; images without a caption are left out.

    Args:
        layout: of the study.
        vision: name of the vision encoder.
        text: name of the text encoder.
        datasets: names of data sets or downloaded sets.
        view: of the stores.
        weights: shares of the data sets in an epoch; by size where there is none.

    Raises:
        StoreError: when two stores do not belong together.
    """
    loaded = [_with_captions(load_captioned(layout, vision, text, dataset, view)) for dataset in datasets]
    starts = np.cumsum([0, *(len(data.images) for data in loaded)])
    owners = [data.image_of_text + start for data, start in zip(loaded, starts[:-1], strict=True)]
    first = loaded[0].images
    images = ImageFeatures(
        cls=None if first.cls is None else _concatenate([data.images.cls for data in loaded]),
        local=None if first.local is None else _concatenate([data.images.local for data in loaded]),
    )
    texts = _concatenate([data.texts for data in loaded])
    content_hash = hash_strings(data.content_hash for data in loaded)
    mixture = None if weights is None else Mixture.of(np.diff(starts).tolist(), weights)
    return PairedFeatures(images, texts, np.concatenate(owners), content_hash, mixture=mixture)


def _with_captions(data: Captioned) -> Captioned:
    has_caption = np.bincount(data.image_of_text, minlength=len(data.images)) > 0
    if has_caption.all():
        return data
    if isinstance(data.images.local, RaggedTokens):
        raise DataError("some images have no caption; token mode needs one for each: remove them from the data set")
    say(f"{(~has_caption).sum()} images without a caption are left out of training")
    new_row = np.cumsum(has_caption) - 1
    cls = None if data.images.cls is None else data.images.cls[has_caption]
    local = None if data.images.local is None else data.images.local[has_caption]
    return replace(data, images=ImageFeatures(cls, local), image_of_text=new_row[data.image_of_text])


def _concatenate(features: list[Features]) -> Features:
    if len(features) == 1:
        return features[0]
    if isinstance(features[0], RaggedTokens):
        counts = np.concatenate([np.diff(part.offsets) for part in features])
        return RaggedTokens(np.concatenate([part.tokens for part in features]), _offsets(counts))
    return np.concatenate(features)


def projector_config(params: ProjectorParams, images: ImageFeatures, texts: Features) -> ProjectorConfig:
    """Fits the projector of a study to an encoder pair: branches without features become ``none``, and it is said."""
    branches = {"vision_local": params.vision_local, "vision_cls": params.vision_cls}
    for branch, features in (("vision_local", images.local), ("vision_cls", images.cls)):
        if features is None and branches[branch] != "none":
            say(f"{branch}: this vision encoder gives no such features; the branch is left out")
            branches[branch] = "none"
    vision = images.cls if images.cls is not None else images.local
    return ProjectorConfig(
        vision_dim=width_of(vision),
        text_dim=width_of(texts),
        embed_dim=params.embed_dim,
        text_local=params.text_local,
        text_global=params.text_global,
        dropout=params.dropout,
        temperature=params.temperature,
        **branches,
    )
