"""Samples of different length as one batch, padded on the left, and visual tokens in their places."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ligature.captioning.chat import IGNORED, IMAGE, Rendered
from ligature.errors import DataError


@dataclass(frozen=True)
class Packed:
    """A batch of samples; the real tokens of each stand at its right end.

    Attributes:
        tokens: [B, L] ids, ``IMAGE`` at visual tokens.
        attention: [B, L] 1 at real tokens, 0 at padding.
        labels: [B, L] ids at positions with a loss, ``IGNORED`` elsewhere.
        views: [B] views of all images of a sample.
        keep: trailing positions whose logits are needed, from the one that foretells the first label on; 1 where
            nothing is labelled. ``logits[:, :-1]`` of them foretell ``labels[:, 1 - keep:]``.
    """

    tokens: Tensor
    attention: Tensor
    labels: Tensor
    views: Tensor
    keep: int

    def to(self, device: torch.device | str) -> "Packed":
        """Returns the batch on another device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Packed(**{k: v.to(device, non_blocking=True) if isinstance(v, Tensor) else v for k, v in values.items()})


def pack(rows: Sequence[Rendered], pad_token: int) -> Packed:
    """Returns samples as one batch.

    Args:
        rows: one or more samples.
        pad_token: id that fills rows up on their left.
    """
    length = max(len(row.tokens) for row in rows)
    tokens = torch.full((len(rows), length), pad_token)
    attention, labels = torch.zeros_like(tokens), torch.full_like(tokens, IGNORED)
    for number, row in enumerate(rows):
        start = length - len(row.tokens)
        tokens[number, start:] = torch.tensor(row.tokens)
        labels[number, start:] = torch.tensor(row.labels)
        attention[number, start:] = 1
    labelled = (labels != IGNORED).any(dim=0).nonzero()
    keep = length - int(labelled[0]) + 1 if len(labelled) else 1
    return Packed(tokens, attention, labels, torch.tensor([sum(row.views) for row in rows]), keep)


def embed_visual(token_embeddings: Tensor, tokens: Tensor, visual: Tensor, views: Tensor) -> Tensor:
    """Returns embeddings [B, L, D] with visual tokens in place of their placeholders, in order.

    Args:
        token_embeddings: [B, L, D] embeddings of the tokens; whatever stands at placeholders is not read.
        tokens: [B, L] ids with ``IMAGE`` at placeholders.
        visual: [N, T', D] visual tokens of all views, sample by sample.
        views: [B] views of each sample.

    Raises:
        DataError: naming the sample whose placeholders are not as many as its visual tokens.
    """
    places = tokens == IMAGE
    found, given = places.sum(dim=1), views.to(tokens.device) * visual.shape[1]
    if not torch.equal(found, given):
        sample = int((found != given).nonzero()[0])
        raise DataError(
            f"sample {sample} has {int(found[sample])} placeholders, but {int(given[sample])} visual tokens; "
            "render it with the shapes of its images"
        )
    if int(views.sum()) != len(visual):
        raise DataError(f"the samples have {int(views.sum())} views, but there are visual tokens of {len(visual)}")
    values = visual.reshape(-1, visual.shape[2]).to(token_embeddings.dtype)
    return token_embeddings.masked_scatter(places[..., None], values)
