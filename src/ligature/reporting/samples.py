"""Sample retrievals as the page shows them: a query and its hits, pictures embedded, text bounded."""

from dataclasses import dataclass
from typing import Any

from ligature.reporting.text import LABELS, bounded, number
from ligature.reporting.thumbnails import thumbnail

CAPTION_LIMIT = 160


@dataclass(frozen=True)
class Tile:
    """An image or a text: exactly one of ``text`` and ``is_image`` holds; ``uri`` is None for a broken image."""

    is_image: bool
    uri: str | None = None
    text: str = ""
    score: str = ""
    correct: bool | None = None


@dataclass(frozen=True)
class SampleCard:
    """One query with its hits, best first."""

    title: str
    query: Tile
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
