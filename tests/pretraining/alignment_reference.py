"""The loss of AlignCLIP straight from its formulas, and batches to compute it on."""

import torch
from torch.nn import functional


def unit_rows(pairs, width, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(pairs, width, generator=generator, dtype=torch.float64)).to(dtype)


def batch(pairs, width=5, seed=0, log_scale=2.5, dtype=torch.float64):
    """Images, texts and logit scale with gradients, and semantic vectors."""
    sides = [unit_rows(pairs, width, seed + side, dtype) for side in (1, 2)]
    inputs = [*sides, torch.tensor(log_scale, dtype=dtype)]
    return [value.requires_grad_() for value in inputs], unit_rows(pairs, 7, seed + 3, dtype)


def cross_entropy(logits):
    return -logits.log_softmax(dim=1).diagonal().mean()


def plain_separation(side, positives, scale, distances, rescaling):
    """The term of one modality: [n, D], diagonal v_i . t_i, exp(logit_scale), D of the captions."""
    if rescaling == "cosine":
        return cross_entropy(scale * (torch.diag(positives) + (side @ side.T) * distances))
    weights = distances.clamp(min=0) if rescaling == "exponent" else torch.ones_like(distances)
    rows = []
    for i in range(len(side)):
        own = torch.exp(scale * positives[i])
        others = [weights[i, j] * torch.exp(scale * side[i] @ side[j]) for j in range(len(side)) if j != i]
        rows.append(-torch.log(own / (own + sum(others))))
    return torch.stack(rows).mean()


def plain_alignment(images, texts, log_scale, semantics, settings):
    """The whole loss of one process, every matrix in memory."""
    scale = log_scale.exp()
    loss = cross_entropy(scale * images @ texts.T) + cross_entropy(scale * texts @ images.T)
    if settings.halved or not settings.separate:
        loss = loss / 2
    loss = settings.alpha * loss
    distances = (1 - semantics @ semantics.T).fill_diagonal_(0)
    for name, side in {"image": images, "text": texts}.items():
        if name in settings.separate:
            positives = (images * texts).sum(dim=1)
            loss = loss + settings.beta * plain_separation(side, positives, scale, distances, settings.rescaling)
    return loss


def with_gradients(loss, inputs, *rest):
    """The loss and its gradients of images, texts and logit scale."""
    found = loss(*inputs, *rest)
    return [found.detach(), *torch.autograd.grad(found, inputs)]
