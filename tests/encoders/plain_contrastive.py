"""A tiny contrastive config, its inputs, and both towers written out from the formulas, without a fused operation."""

from dataclasses import replace

import torch
from torch import Tensor

from ligature.encoders.contrastive import ContrastiveConfig, ContrastiveModel

END, PAD, VOCABULARY, CONTEXT = 20, 0, 30, 12
TWO_TOWERS = ContrastiveConfig(
    image_size=16,
    patch_size=8,
    width=16,
    layers=2,
    heads=2,
    text_width=24,
    text_layers=3,
    text_heads=4,
    embed_dim=10,
    context_length=CONTEXT,
    vocabulary_size=VOCABULARY,
    end_token=END,
    pad_token=PAD,
)
ALIKE = replace(TWO_TOWERS, text_width=16, text_layers=2, text_heads=2)
SHARED = replace(ALIKE, shared=("blocks", "norm", "projection"))


def model_of(config: ContrastiveConfig, seed: int = 0) -> ContrastiveModel:
    """Returns a model whose biases and norms are not zeros and ones, so that every weight plays a part."""
    torch.manual_seed(seed)
    model = ContrastiveModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.3 * torch.randn_like(parameter)
    return model.eval()


def pixels_of(count: int, seed: int = 1) -> Tensor:
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def tokens_of(*lengths: int, seed: int = 2, total: int | None = None) -> Tensor:
    """Returns texts of these lengths, end token included, padded to the longest or to ``total``."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.full((len(lengths), total or max(lengths)), PAD)
    for row, length in enumerate(lengths):
        words = torch.randint(1, VOCABULARY - 1, (length - 1,), generator=generator)
        tokens[row, :length] = torch.cat([words + (words >= END), torch.tensor([END])])
    return tokens


def plain_norm(x: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]


def plain_linear(x: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def plain_block(x: Tensor, w: dict[str, Tensor], name: str, heads: int, mask: Tensor) -> Tensor:
    """One block on tokens [T, W] of one item: softmax of q kᵀ / √d plus an additive mask, head by head."""
    q, k, v = plain_linear(plain_norm(x, w, f"{name}.attention_norm"), w, f"{name}.attention.qkv").chunk(3, dim=-1)
    split = [part.chunk(heads, dim=-1) for part in (q, k, v)]
    mixed = [torch.softmax(q @ k.T / q.shape[1] ** 0.5 + mask, dim=-1) @ v for q, k, v in zip(*split, strict=True)]
    x = x + plain_linear(torch.cat(mixed, dim=-1), w, f"{name}.attention.output") * _factor(w, f"{name}.attention")
    hidden = plain_linear(plain_norm(x, w, f"{name}.mlp_norm"), w, f"{name}.mlp.0")
    hidden = hidden * (1 + torch.erf(hidden / 2**0.5)) / 2
    return x + plain_linear(hidden, w, f"{name}.mlp.2") * _factor(w, f"{name}.mlp")


def plain_image(model: ContrastiveModel, image: Tensor) -> Tensor:
    """Returns the feature of one image [3, S, S]."""
    w, config = model.state_dict(), model.config
    side, p = config.image_size // config.patch_size, config.patch_size
    patches = image.reshape(3, side, p, side, p).permute(1, 3, 0, 2, 4).flatten(2).flatten(0, 1)
    x = torch.cat([w["image.class_token"][None], patches @ w["image.patches.weight"].flatten(1).T])
    x = plain_norm(x + w["image.positions"], w, "image.first_norm")
    for layer in range(config.layers):
        x = plain_block(x, w, f"image.blocks.layers.{layer}", config.heads, torch.zeros(len(x), len(x)))
    return _unit(plain_norm(x[0], w, "image.norm") @ w["image.projection.weight"].T)


def plain_text(model: ContrastiveModel, tokens: list[int]) -> Tensor:
    """Returns the feature of one text."""
    w, config = model.state_dict(), model.config
    x = w["text.embedding.weight"][tokens] + w["text.positions"][: len(tokens)]
    mask = torch.full((len(x), len(x)), -torch.inf).triu(1)
    for layer in range(config.text_layers):
        x = plain_block(x, w, f"text.blocks.layers.{layer}", config.text_heads, mask)
    return _unit(plain_norm(x[tokens.index(config.end_token)], w, "text.norm") @ w["text.projection.weight"].T)


def _factor(w: dict[str, Tensor], name: str) -> Tensor | float:
    return w.get(f"{name}_scale.factors", 1.0)


def _unit(x: Tensor) -> Tensor:
    return x / x.square().sum().sqrt()
