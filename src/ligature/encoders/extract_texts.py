"""Extraction of texts: a data set part through a frozen text encoder into a store."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ligature.data import Dataset
from ligature.encoders.flops import count_flops
from ligature.encoders.text import TextEncoder, TextFeatures
from ligature.errors import EncoderError
from ligature.params.encoders import EmbedParams
from ligature.progress import Progress, say
from ligature.store import Manifest, StoreWriter
from ligature.store.hashing import hash_strings

MAX_BATCH = 1024


def extract_texts(
    encoder: TextEncoder,
    dataset: Dataset,
    folder: Path,
    *,
    part: str = "0/1",
    view: str = "pooled",
    params: EmbedParams,
) -> Manifest:
    """Embeds the texts of a data set part: each distinct text once, in batches of similar length.

    Texts above the encoder's limit are cut by it; they are counted in the manifest and reported.

    Args:
        encoder: the text encoder.
        dataset: the part.
        folder: of the store; an interrupted extraction in it is resumed.
        part: index and number of parts, for the manifest.
        view: ``pooled``, ``tokens`` or ``tokens-int8``.
        params: token budget and shard size.

    Raises:
        EncoderError: when tokens are asked of an encoder that has none, or regions.
    """
    if view == "regions":
        raise EncoderError(f"encoder {encoder.name!r}: texts have no regions; embed them with --view pooled")
    texts = dataset.texts
    source = text_source(dataset, part)
    items_hash = hash_strings(dataset.images["id"])
    writer = StoreWriter(folder, "text", view, encoder.identity, source, items_hash, params.shard_rows)
    what = f"embed {encoder.name}/{dataset.name}"
    shards = _TextShards(encoder, view, params.token_budget, writer, texts)
    done = len(texts) - len(writer.remaining(texts))
    with Progress(what, len(texts), "texts", done=done) as progress:
        for rows in writer.pending(texts):
            vectors, metadata, truncated, flops = shards.encode(rows, progress)
            writer.append(vectors, metadata, source_rows=len(rows), truncated=truncated, flops=flops)
    writer.skipped = list(dataset.skipped_texts)
    say_truncated(what, writer.truncated)
    return writer.finish()


def text_source(dataset: Dataset, part: str) -> dict[str, str]:
    """Returns what the manifest of a text store says of its source before anything is embedded."""
    content = hash_strings([*dataset.texts["id"], *dataset.texts["text"]])
    return {"dataset": dataset.name, "split": dataset.split, "part": part, "ids_hash": content}


def say_truncated(what: str, truncated: dict[str, int]) -> None:
    """Says how many texts were cut at the encoder's limit."""
    if truncated.get("count"):
        count, limit, longest = (truncated[key] for key in ("count", "max_tokens", "longest"))
        say(f"{what}: {count:,} texts above {limit} tokens were cut, the longest has {longest}")


class _TextShards:
    """Encodes the rows of one shard after another, in batches that depend on the set of its texts, not their order.

    In the pooled view a text seen in an earlier shard is read back, not encoded again.
    The first batch of a shard tells how many operations a token takes, of all that are put in, padding included.
    """

    def __init__(self, encoder: TextEncoder, view: str, budget: int, writer: StoreWriter, texts: pd.DataFrame) -> None:
        self.encoder, self.view, self.budget, self.writer = encoder, view, budget, writer
        self.texts = texts["text"].to_list()
        self.first_row: dict[str, int] = {}
        self.remembered = self.flops = 0

    def _remember_written(self) -> None:
        """Notes where the texts of all shards that are written stand, those of earlier runs among them."""
        for row in range(self.remembered, self.writer.source_rows):
            self.first_row.setdefault(self.texts[row], row)
        self.remembered = self.writer.source_rows

    def encode(self, rows: pd.DataFrame, progress: Progress) -> tuple[np.ndarray, pd.DataFrame, dict[str, int], int]:
        """Returns the vectors and metadata of ``rows``, the running record of cut texts, and the operations."""
        if self.view == "pooled":
            self._remember_written()
        repeats = rows["text"].value_counts(sort=False).sort_index()
        lengths = dict(zip(repeats.index, self.encoder.token_lengths(repeats.index.to_list()), strict=True))
        states = self._stored([text for text in repeats.index if text in self.first_row])
        progress.update(int(repeats[list(states)].sum()))
        for text, state in self._encode_new([text for text in repeats.index if text not in states], lengths):
            states[text] = state
            progress.update(int(repeats[text]))
        metadata = rows
        if self.view != "pooled":
            metadata = rows.assign(tokens=[len(states[text]) for text in rows["text"]])
        vectors = np.concatenate([np.atleast_2d(states[text]) for text in rows["text"]])
        return vectors, metadata, self._count_cut(lengths, repeats), self.flops

    def _stored(self, texts: list[str]) -> dict[str, np.ndarray]:
        bounds = np.cumsum([0, *(shard.rows for shard in self.writer.shards)])
        places = np.array([self.first_row[text] for text in texts], dtype=np.int64)
        shards = np.searchsorted(bounds, places, side="right") - 1
        states = {}
        for shard in np.unique(shards):
            array = self.writer.stored(int(shard))
            for index in np.flatnonzero(shards == shard):
                states[texts[index]] = np.asarray(array[places[index] - bounds[shard]])
        return states

    def _encode_new(self, texts: list[str], lengths: dict[str, int]) -> Iterator[tuple[str, np.ndarray]]:
        """Yields (text, [d] vector or [l, d] tokens), encoding in batches of similar length; counts ``flops``."""
        limit = self.encoder.max_length
        first_flops = first_size = size = 0
        for batch in length_batches([lengths[text] for text in texts], limit, self.budget):
            chosen = [texts[index] for index in batch]
            size += len(batch) * _put_in(lengths[chosen[0]], limit)
            if first_size:
                features = self._forward(chosen)
            else:
                (features, first_flops), first_size = count_flops(partial(self._forward, chosen)), size
            yield from zip(chosen, _unpack(features, self.view, self.encoder.name), strict=True)
        self.flops = first_flops * size // max(1, first_size)

    def _forward(self, texts: list[str]) -> TextFeatures:
        with torch.inference_mode():
            return self.encoder.forward(texts)

    def _count_cut(self, lengths: dict[str, int], repeats: pd.Series) -> dict[str, int]:
        limit, before = self.encoder.max_length, self.writer.truncated
        if limit is None:
            return {}
        cut = sum(int(repeats[text]) for text, length in lengths.items() if length > limit)
        return {
            "count": before.get("count", 0) + cut,
            "max_tokens": limit,
            "longest": max(before.get("longest", 0), *lengths.values()),
        }


def _put_in(length: int, limit: int | None) -> int:
    """Returns the tokens of a text that the model sees, at least one."""
    return max(1, length if limit is None else min(length, limit))


def length_batches(lengths: Sequence[int], limit: int | None, budget: int) -> Iterator[list[int]]:
    """Yields lists of indices, longest texts first, so that texts x longest text stays within ``budget`` tokens."""
    cut = np.minimum(np.asarray(lengths, dtype=np.int64), limit or np.iinfo(np.int64).max)
    order = np.argsort(-cut, kind="stable")
    start = 0
    while start < len(order):
        size = int(min(MAX_BATCH, max(1, budget // max(1, cut[order[start]]))))
        yield order[start : start + size].tolist()
        start += size


def _unpack(features: TextFeatures, view: str, name: str) -> list[np.ndarray]:
    if view == "pooled":
        return list(features.pooled.cpu().numpy())
    if features.tokens is None or features.mask is None:
        raise EncoderError(f"encoder {name!r} has no token states; use train.mode 'pooled' or another text encoder")
    mask = features.mask.cpu().numpy()
    return [states[keep] for states, keep in zip(features.tokens.cpu().numpy(), mask, strict=True)]
