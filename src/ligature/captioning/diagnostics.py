"""What visual tokens are like: how dense their mixtures, how near to words, how steady under noise, how different."""

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 256


def effective_vocabulary(entropy: Tensor) -> float:
    """Returns exp of the mean entropy: the number of tokens that a typical mixture spreads over.

    Args:
        entropy: of any shape, in nats.
    """
    return entropy.double().mean().exp().item()


@torch.no_grad()
def nearest_tokens(
    visual: Tensor, embeddings: Tensor, count: int, *, allowed: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Returns the tokens whose embeddings have the largest cosine with visual tokens, the largest first.

    Args:
        visual: visual tokens [M, D].
        embeddings: embedding table [V, D].
        count: tokens that are wanted of each; no more than there are.
        allowed: ids [A] of the tokens to choose from, None for all.

    Returns:
        Ids [M, count] and their cosines.
    """
    table = embeddings if allowed is None else embeddings[allowed]
    table = functional.normalize(table.float(), dim=-1)
    parts = [(functional.normalize(part.float(), dim=-1) @ table.T).topk(count) for part in visual.split(ROWS)]
    cosines, rows = (torch.cat(side) for side in zip(*parts, strict=True))
    return rows if allowed is None else allowed[rows], cosines


def add_noise(features: Tensor, level: float, seed: int) -> Tensor:
    """Returns features plus Gaussian noise, the same for every connector.

    Args:
        features: vision features of any shape; the noise of a row depends on seed, shape and place of the row alone.
        level: standard deviation of the noise, in units of that of all features.
        seed: of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(features.shape, generator=generator).to(features)
    return features + level * features.float().std().to(features.dtype) * noise


def cosine_distance(clean: Tensor, noisy: Tensor, *, centred: bool) -> float:
    """Returns one minus the cosine of clean and noisy visual tokens, the mean over tokens.

    Args:
        clean: visual tokens [..., D].
        noisy: the same under noise.
        centred: whether the mean of the clean tokens is taken from both first; a large common vector hides what the
            noise does to all that tells tokens apart.
    """
    pair = [side.flatten(0, -2).double() for side in (clean, noisy)]
    if centred:
        mean = pair[0].mean(dim=0)
        pair = [side - mean for side in pair]
    return (1 - functional.cosine_similarity(*pair, dim=-1)).mean().item()


def token_spread(visual: Tensor, embeddings: Tensor) -> float:
    """Returns how far visual tokens differ from each other, over how far the language model's tokens do.

    Both are root mean squares of the distance from the mean vector.

    Args:
        visual: visual tokens [..., D].
        embeddings: embedding table [V, D].
    """
    spreads = [side.flatten(0, -2).double().var(dim=0, correction=0).sum().sqrt() for side in (visual, embeddings)]
    return (spreads[0] / spreads[1]).item()
