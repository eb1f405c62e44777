"""Matched pairs as cards: a photograph, the caption it was matched to, and its own where that is another."""

from typing import Any

from ligature.reporting.matching.rows import axis_value, method_label
from ligature.reporting.samples import SampleCard, Tile
from ligature.reporting.text import bounded, plural
from ligature.reporting.thumbnails import thumbnail

MOST_CARDS = 8
MOST_PAIRS = 12
CAPTION_LIMIT = 120


def pair_cards(samples: list[dict[str, Any]]) -> list[SampleCard]:
    """Returns a card an experiment, at most ``MOST_CARDS``, each with at most ``MOST_PAIRS`` photographs.

    Args:
        samples: objects with ``MatchingSources.samples``' keys.
    """
    return [_card(entry) for entry in samples[:MOST_CARDS] if entry["pairs"]]


def _card(entry: dict[str, Any]) -> SampleCard:
    pairs = entry["pairs"][:MOST_PAIRS]
    right = sum(bool(pair["correct"]) for pair in pairs)
    encoders = f"{bounded(entry['vision'], 30)} + {bounded(entry['text'], 30)}"
    direction = axis_value("direction", str(entry["direction"]))
    return SampleCard(
        title=f"{bounded(entry['experiment'])}: {bounded(entry['dataset'])}, {encoders}, "
        f"{method_label(str(entry['method']))}, {plural(int(entry['base_size']), 'anchor')}, {direction}: "
        f"{right} of {len(pairs)} right",
        query=None,
        hits=[_tile(pair) for pair in pairs],
    )


def _tile(pair: dict[str, Any]) -> Tile:
    correct = bool(pair["correct"])
    own = "" if correct else f"\nIts own: {bounded(pair['truth'], CAPTION_LIMIT)}"
    text = f"{bounded(pair['caption'], CAPTION_LIMIT)}{own}"
    return Tile(is_image=True, uri=thumbnail(str(pair["image"])), text=text, correct=correct)
