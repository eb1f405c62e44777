"""Samples as the page shows them: retrievals and collected rows, pictures embedded, text bounded."""

from dataclasses import dataclass
from typing import Any

from ligature.reporting.text import LABELS, bounded, number
from ligature.reporting.thumbnails import thumbnail

CAPTION_LIMIT = 160
SHEET_KINDS = ("rare", "middle", "frequent")
SHEET_CONCEPTS = 6
SHEET_ROWS = 12
SHEET_CAPTION_LIMIT = 90


@dataclass(frozen=True)
class Tile:
    """A text, an image, or an image with a text; ``uri`` is None for a broken image."""

    is_image: bool
    uri: str | None = None
    text: str = ""
    score: str = ""
    correct: bool | None = None


@dataclass(frozen=True)
class SampleCard:
    """Some hits, best first, and the query they belong to; None where a concept took its place."""

    title: str
    query: Tile | None
    hits: list[Tile]


def sample_cards(samples: list[dict[str, Any]]) -> list[SampleCard]:
    """Returns the samples in the order given."""
    return [
        SampleCard(
            title=f"{bounded(sample['dataset'])}, {LABELS.get(sample['direction'], bounded(sample['direction']))}",
            query=_tile(sample["query"]),
            hits=[_tile(hit) for hit in sample["hits"]],
        )
        for sample in samples
    ]


def _tile(item: dict[str, Any]) -> Tile:
    score = number(float(item["score"]), 2) if "score" in item else ""
    correct = bool(item["correct"]) if "correct" in item else None
    if "image" in item:
        return Tile(is_image=True, uri=thumbnail(item["image"]), score=score, correct=correct)
    return Tile(is_image=False, text=bounded(item.get("text", ""), CAPTION_LIMIT), score=score, correct=correct)


def sheet_cards(sheet: list[dict[str, Any]], concepts: int) -> list[SampleCard]:
    """Returns the collected rows of a few concepts: rare ones first, at most ``SHEET_CONCEPTS`` of every kind.

    Args:
        sheet: one object a concept: ``name``, ``kind``, ``rarity_rank`` and ``rows``.
        concepts: number of all concepts; 0 where it is not known.
    """
    of = f" of {concepts:,}" if concepts else ""
    return [
        SampleCard(
            title=f"{bounded(entry['name'])}: {kind}, place {entry['rarity_rank'] + 1:,}{of} in rarity",
            query=None,
            hits=[_collected_tile(row) for row in entry["rows"][:SHEET_ROWS]],
        )
        for kind in SHEET_KINDS
        for entry in [entry for entry in sheet if entry["kind"] == kind][:SHEET_CONCEPTS]
    ]


def _collected_tile(row: dict[str, Any]) -> Tile:
    image, score = row.get("image"), row.get("score")
    facts = ["" if score is None else number(float(score)), bounded(row.get("source", ""), 20)]
    return Tile(
        is_image=image is not None,
        uri=None if image is None else thumbnail(image),
        text=bounded(row["caption"], SHEET_CAPTION_LIMIT),
        score=" · ".join(filter(None, facts)),
    )
