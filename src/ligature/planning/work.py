"""The work of one job: units of every step, and the bytes that it fetches and keeps."""

from dataclasses import dataclass

from ligature.params.train import AssemblyParams, Mode
from ligature.planning.facts import Facts

START, LOAD = ("start", 1.0), ("load an encoder", 1.0)
RELATED = 6
"""Operations of training a weight on one vector: two forward, four backward."""


@dataclass(frozen=True)
class Cost:
    """The work of one job.

    Attributes:
        works: pairs of a step and its units.
        downloaded: bytes from public places.
        stored: bytes written to stay.
        gpu: whether the rule can use an accelerator.
        spread: whether one job takes all accelerators at once.
        unknown: what is missing in these numbers, one line each.
    """

    works: tuple[tuple[str, float], ...]
    downloaded: float = 0.0
    stored: float = 0.0
    gpu: bool = False
    spread: bool = False
    unknown: tuple[str, ...] = ()


def projector_flop(
    assembly: AssemblyParams, vision_dim: int, text_dim: int, embed_dim: int, tokens: tuple[float, float, bool]
) -> float:
    """Returns the operations of training a projector on one pair, forward and backward.

    Args:
        assembly: its blocks.
        vision_dim: width of the image features.
        text_dim: width of the text features.
        embed_dim: width of the joint space.
        tokens: patch vectors an image, vectors a text, and whether there is a CLS token.
    """
    patches, words, has_cls = tokens
    text_mean = text_dim if assembly.text_local == "identity" else embed_dim
    products = _block(assembly.vision_local, vision_dim, embed_dim, patches)
    if has_cls:
        products += _block(assembly.vision_cls, vision_dim, embed_dim, 1)
    products += _block(assembly.text_local, text_dim, text_mean, words)
    products += _block(assembly.text_global, text_mean, embed_dim, 1)
    return RELATED * products


def _block(kind: str, inner: int, outer: int, vectors: float) -> float:
    """Returns the multiply-adds of a block; what commutes with the mean over vectors is done once."""
    each, once = {
        "token": (inner * outer, inner * outer + outer**2),
        "mlp": (inner * outer + outer**2, 0),
        "gated": (2 * inner * outer, outer**2),
        "linear": (0, inner * outer),
    }.get(kind, (0, 0))
    return each * vectors + once


def loss_flop(pairs: float, group: int | None, width: int) -> float:
    """Returns the operations of a contrastive loss over a batch, forward and backward."""
    return RELATED * pairs * (group or pairs) * width


def training_works(
    facts: Facts,
    pair: tuple[str, str],
    datasets: list[str],
    mode: Mode,
    assembly: AssemblyParams,
    *,
    steps: float,
    batch: int,
    width: int,
    group: int | None = None,
) -> tuple[tuple[str, float], ...]:
    """Returns the work of training a projector on a pair for so many steps.

    In mode ``images`` every image is read and encoded anew whenever it is seen.
    """
    vision, text = pair
    model = facts.architecture(vision)
    tokens = _vectors(facts, vision, datasets, mode)
    dims = model.dims, facts.architecture(text).dims
    flop = steps * (batch * projector_flop(assembly, *dims, width, tokens) + loss_flop(batch, group, width))
    works = (("train", flop), ("step", steps))
    if mode == "images":
        seen, pixels = steps * batch, max(map(facts.pixels, datasets))
        works += (("encode", seen * model.image_flop(facts.side(vision))), ("decode", seen * pixels))
    return works


def _vectors(facts: Facts, vision: str, datasets: list[str], mode: Mode) -> tuple[float, float, bool]:
    model, words = facts.architecture(vision), max(map(facts.tokens, datasets))
    if mode == "pooled":
        return 1, 1, facts.block(vision).pooling == "cls+mean"
    if mode == "regions":
        return facts.study.embed.regions**2, 1, model.has_cls
    return model.image_tokens(facts.side(vision)) - model.has_cls, words, model.has_cls
