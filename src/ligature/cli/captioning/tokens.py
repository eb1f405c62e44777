"""What visual tokens are made of: how many words they mix, how they differ, and the word nearest to each patch."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ligature.captioning.connectors import AlignConnector, ConnectorConfig
from ligature.captioning.diagnostics import effective_vocabulary, nearest_tokens, token_spread
from ligature.captioning.features import Seen
from ligature.captioning.language import embedding_table
from ligature.cli.captioning.generating import Captioner
from ligature.cli.captioning.images import CaptionedImages
from ligature.cli.captioning.noise import VIEWS, visual_tokens
from ligature.cli.captioning.scores import Measured
from ligature.cli.own_files.search import visible
from ligature.evaluation import Result

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TASK = "visual tokens"
PROTOCOL = "all tokens of all views"
BROKEN = "\ufffd"
"""Stands for bytes that are no character."""
WORD_COLUMNS = ("dataset", "image_id", "path", "row", "column", "rows", "columns", "token", "weight")


def token_rows(
    measured: Measured, images: CaptionedImages, captioner: Captioner, seen: Sequence[Seen]
) -> Iterator[Result]:
    """Yields the spread of visual tokens and, of connectors that mix, the effective vocabulary and its share.

    Args:
        measured: the model.
        images: the first n of the data set.
        captioner: the model.
        seen: features and tiles of the images.
    """
    features = torch.cat([each for each, _ in seen])
    table = embedding_table(captioner.model.language).detach().float().cpu()
    values = {"token_spread": token_spread(visual_tokens(captioner, features), table)}
    entropy = _entropy(captioner, features)
    if entropy is not None:
        count = effective_vocabulary(entropy)
        values |= {"effective_vocabulary": count, "entropy_share": count / mixed_rows(captioner.model.connector.config)}
    for metric, value in values.items():
        variant = measured.variant()
        yield measured.row(TASK, images.dataset, metric, value, len(images), variant=variant, protocol=PROTOCOL)


def mixed_rows(config: ConnectorConfig) -> int:
    """Returns the number of rows that a connector which mixes mixes: of the vocabulary, or of a table of its own."""
    own = config.table if config.kind == "visual-table" else config.pruned
    return own or config.vocabulary


def visual_grid(config: ConnectorConfig) -> tuple[int, int] | None:
    """Returns rows and columns of the visual tokens of a view; None where they have no places in the image."""
    if config.kind == "perceiver":
        return None
    if config.grid is None:
        return (1, 1) if config.output_tokens == 1 else None
    rows, columns = config.grid
    if config.kind == "h-reducer":
        return rows, columns // config.reduction
    return rows // config.factor, columns // config.factor


def patch_words(images: CaptionedImages, captioner: Captioner, seen: Sequence[Seen]) -> list[dict[str, Any]]:
    """Returns one row of ``WORD_COLUMNS`` for every visual token of the whole of each image, row by row.

    The token is the likeliest of ALIGN's mixture, with its probability; of other connectors the one whose embedding
    has the largest cosine with the visual token. Connectors whose visual tokens have no places give no rows.

    Args:
        images: to show.
        captioner: the model.
        seen: features and tiles of the images.
    """
    model = captioner.model
    grid = visual_grid(model.connector.config)
    if grid is None or not len(images):
        return []
    ids, weights = _words(captioner, torch.stack([features[-1] for features, _ in seen]))
    rows = []
    for image, (id_, path) in enumerate(zip(images.ids, images.paths, strict=True)):
        for place, (token, weight) in enumerate(zip(ids[image].tolist(), weights[image].tolist(), strict=True)):
            row, column = divmod(place, grid[1])
            facts = (images.name, id_, path, row, column, *grid, token_text(model.tokenizer, token), round(weight, 6))
            rows.append(dict(zip(WORD_COLUMNS, facts, strict=True)))
    return rows


def token_text(tokenizer: "PreTrainedTokenizerBase", token: int) -> str:
    """Returns what a token says, or its name in the vocabulary where it is a space or a piece of a character."""
    text = tokenizer.decode([token]).strip()
    return visible(text if text and BROKEN not in text else str(tokenizer.convert_ids_to_tokens(token)))


def _entropy(captioner: Captioner, features: Tensor) -> Tensor | None:
    """Returns the entropies [N, T'] of all mixtures; None of a connector that mixes nothing."""
    model = captioner.model
    with captioner.computing():
        parts = [model.connector.entropy(part.to(model.device)) for part in features.split(VIEWS)]
    return None if parts[0] is None else torch.cat(parts).float().cpu()


def _words(captioner: Captioner, features: Tensor) -> tuple[Tensor, Tensor]:
    """Returns token ids [N, T'] and their weights of the visual tokens of views [N, T, d]."""
    model = captioner.model
    if isinstance(model.connector, AlignConnector):
        with captioner.computing():
            ids, weights = model.connector.top_tokens(features.to(model.device), 1)
        return ids[..., 0].cpu(), weights[..., 0].float().cpu()
    visual = visual_tokens(captioner, features)
    table = embedding_table(model.language).detach().float().cpu()
    ids, cosines = nearest_tokens(visual.flatten(0, 1), table, 1, allowed=torch.arange(len(model.tokenizer)))
    return ids[:, 0].view(visual.shape[:2]), cosines[:, 0].view(visual.shape[:2])
