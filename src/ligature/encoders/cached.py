"""Embedding with a cache: what is there already is taken, what is not is embedded and put there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ligature.data import Dataset
from ligature.data.contents import image_contents
from ligature.encoders.extract_images import check_skipped, image_source, say_skipped
from ligature.encoders.extract_texts import say_truncated, text_source
from ligature.encoders.source import HUB_FILES, EncoderParams, resolve_source
from ligature.params.encoders import EmbedParams, VisionEncoderParams
from ligature.store import Layout, Manifest
from ligature.store.cache import EmbeddingCache
from ligature.store.cache_entry import Use
from ligature.store.cache_key import Wanted
from ligature.store.hashing import hash_files, hash_strings

NAMES = {"name", "source", "revision", "recipe"}
"""Keys of a registry entry that say where an encoder is, not what it is."""


def embed_cached(
    cache: EmbeddingCache,
    wanted: Wanted,
    folder: Path,
    use: Use,
    make: Callable[[], Manifest],
    check: Callable[[Manifest], None] = lambda _: None,
) -> Manifest:
    """Takes a store from the cache, or makes it and puts it there.

    Args:
        cache: where to look.
        wanted: the store.
        folder: of the study's own store.
        use: who wants it.
        make: embeds into the folder.
        check: of the manifest of a store in the cache, before it is taken; an error of it ends the run.
    """
    entry = cache.find(wanted)
    if entry is not None:
        check(entry.manifest)
        manifest = cache.bring(entry, wanted, folder, use)
        if manifest is not None:
            return manifest
    manifest = make()
    cache.put(wanted, folder, use)
    return manifest


def wanted_store(
    entry: EncoderParams,
    layout: Layout,
    dataset: Dataset,
    *,
    part: str,
    view: str,
    params: EmbedParams,
    precision: str = "float32",
    workers: int = 0,
) -> Wanted:
    """Describes the store of a data set part under an encoder by its contents; images are read and hashed.

    Args:
        entry: the encoder's registry entry.
        layout: of the study.
        dataset: the part.
        part: index and number of parts.
        view: of the store.
        params: how it is extracted and cut.
        precision: in which the encoder runs.
        workers: processes that would decode images; as many threads hash.

    Raises:
        EncoderError: when the encoder's files are missing.
    """
    of_images = isinstance(entry, VisionEncoderParams)
    content = encoder_content(entry, layout, precision) | ({"regions": params.regions} if view == "regions" else {})
    names = {"name": entry.name}
    if "weights" in content:
        names["source"] = "this study" if entry.recipe else entry.source
    if of_images:
        what = f"hash {dataset.name}"
        items = dataset.images.drop(columns="path")
        contents = image_contents(dataset.images["path"].to_list(), threads=workers + 1, what=what)
    else:
        items, contents = dataset.texts, dataset.texts["text"].to_list()
    return Wanted(
        modality="image" if of_images else "text",
        view=view,
        encoder=content,
        names=names,
        source=image_source(dataset, part) if of_images else text_source(dataset, part),
        items_hash=hash_strings(dataset.images["id"]),
        items=items,
        contents=contents,
        skipped=None if of_images else list(dataset.skipped_texts),
        shard_rows=params.shard_rows,
    )


def encoder_content(entry: EncoderParams, layout: Layout, precision: str = "float32") -> dict[str, Any]:
    """Returns everything of an encoder that determines its vectors: no name, and no place.

    Those are its settings in the registry, the precision, and the Hub commit or the hash of the weights and of every
    file that is read beside them: configuration, preprocessing, tokenizer.

    Raises:
        EncoderError: when its files are missing or are not those that the study pins.
    """
    content = entry.model_dump(mode="json", exclude=NAMES)
    if not entry.source and entry.recipe is None:
        return content
    source = resolve_source(entry, layout)
    beside = {}
    if not source.on_hub:
        patterns = [pattern for pattern in HUB_FILES if pattern != "*.safetensors"]
        files = sorted({file for pattern in patterns for file in source.folder.rglob(pattern)})
        beside = {str(file.relative_to(source.folder)): hash_files([file]) for file in files}
    return content | {"weights": source.identity, "files": beside, "precision": precision}


def check_and_say(name: str, dataset: Dataset, params: EmbedParams) -> Callable[[Manifest], None]:
    """Returns what looks at a store from the cache as extraction would: at what was skipped, and at what was cut.

    Args:
        name: of the encoder in the study.
        dataset: the part.
        params: with the largest share of images that may be skipped.
    """

    def check(manifest: Manifest) -> None:
        what = f"embed {name}/{dataset.name}"
        if manifest.modality == "image":
            check_skipped(manifest.skipped, dataset, params.max_skipped)
            say_skipped(what, manifest.skipped)
        else:
            say_truncated(what, manifest.truncated)

    return check
