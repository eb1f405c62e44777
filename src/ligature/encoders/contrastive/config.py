"""What a contrastive pair of towers is made of, and which parts of it can be shared."""

from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from ligature.errors import ParamsError
from ligature.params.pretraining import SHARED_PARTS

_SIZES = (
    *("image_size", "patch_size", "width", "layers", "heads", "text_width", "text_layers", "text_heads"),
    *("embed_dim", "context_length", "vocabulary_size"),
)
_LARGEST = dict.fromkeys(("image_size", "patch_size"), 1 << 14) | dict.fromkeys(("layers", "text_layers"), 1 << 10)
_LARGEST_SIZE, _LARGEST_SCALE = 1 << 24, 1e6


@dataclass(frozen=True)
class ContrastiveConfig:
    """The assembly of a ``ContrastiveModel``; every value has a place in its ``config.json``.

    Attributes:
        image_size: side of the square input in pixels.
        patch_size: side of a patch in pixels.
        width: width of the image tower.
        layers: blocks of the image tower.
        heads: attention heads of the image tower.
        text_width: width of the text tower.
        text_layers: blocks of the text tower.
        text_heads: attention heads of the text tower.
        embed_dim: width of the joint space.
        context_length: longest text in tokens, start and end included.
        vocabulary_size: rows of the token table.
        end_token: the first of it in a text is where the text is pooled.
        pad_token: fills texts up after their end; it may be the end token itself.
        shared: what both towers share, of ``blocks``, ``norm`` (the last one) and ``projection``, in this order.
        logit_scale: one over the temperature, where it starts or stays.
        learn_logit_scale: whether it is learned.
        logit_scale_bounds: between which it is kept while it is learned; None for no bounds.
        layer_scale: start of a learned factor of every residual branch and channel; None for no such factors.
        tokenizer_hash: of the tokenizer that the model is trained with.

    Raises:
        ParamsError: for a value of another type or out of range, and for towers that cannot share a part.
    """

    image_size: int
    patch_size: int
    width: int
    layers: int
    heads: int
    text_width: int
    text_layers: int
    text_heads: int
    embed_dim: int
    context_length: int
    vocabulary_size: int
    end_token: int
    pad_token: int
    shared: tuple[str, ...] = ()
    logit_scale: float = 1 / 0.07
    learn_logit_scale: bool = True
    logit_scale_bounds: tuple[float, float] | None = (1.0, 100.0)
    layer_scale: float | None = None
    tokenizer_hash: str = ""

    def __post_init__(self) -> None:
        """Checks every value, and that the shared parts fit both towers."""
        self._check_sizes()
        self._check_texts()
        self._check_scales()
        self._check_sharing()

    @property
    def patches(self) -> int:
        """Patches of an image."""
        return (self.image_size // self.patch_size) ** 2

    def to_dict(self) -> dict[str, Any]:
        """Returns the values as JSON has them."""
        values = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ContrastiveConfig":
        """Returns the config of ``to_dict``.

        Raises:
            ParamsError: for an unknown or a missing key, and for values that no model can have.
        """
        known = {field.name: field for field in fields(cls)}
        if unknown := sorted(set(values) - set(known)):
            raise ParamsError(f"unknown key {unknown[0]!r:.60}; known: {', '.join(known)}")
        if missing := [name for name, field in known.items() if field.default is MISSING and name not in values]:
            raise ParamsError(f"key {missing[0]!r} is missing")
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})

    def _check_sizes(self) -> None:
        for key in _SIZES:
            _check_integer(key, getattr(self, key), 1, _LARGEST.get(key, _LARGEST_SIZE))
        if self.image_size % self.patch_size:
            raise ParamsError(f"patch_size {self.patch_size} does not divide image_size {self.image_size}")
        for prefix in ("", "text_"):
            width, heads = getattr(self, f"{prefix}width"), getattr(self, f"{prefix}heads")
            if width % heads:
                raise ParamsError(f"{prefix}heads {heads} does not divide {prefix}width {width}")

    def _check_texts(self) -> None:
        for key in ("end_token", "pad_token"):
            _check_integer(key, getattr(self, key), 0, self.vocabulary_size - 1)
        if not isinstance(self.tokenizer_hash, str):
            raise ParamsError(f"tokenizer_hash is {self.tokenizer_hash!r:.60}: use a text")

    def _check_scales(self) -> None:
        _check_positive("logit_scale", self.logit_scale)
        if self.layer_scale is not None:
            _check_positive("layer_scale", self.layer_scale)
        if not isinstance(self.learn_logit_scale, bool):
            raise ParamsError(f"learn_logit_scale is {self.learn_logit_scale!r:.60}: use true or false")
        if self.logit_scale_bounds is None:
            return
        if not isinstance(self.logit_scale_bounds, tuple) or len(self.logit_scale_bounds) != 2:
            raise ParamsError(f"logit_scale_bounds is {self.logit_scale_bounds!r:.60}: give two numbers, or none")
        for bound in self.logit_scale_bounds:
            _check_positive("logit_scale_bounds", bound)
        low, high = self.logit_scale_bounds
        if low > high or (self.learn_logit_scale and not low <= self.logit_scale <= high):
            raise ParamsError(f"logit_scale {self.logit_scale} must lie between logit_scale_bounds {low} and {high}")

    def _check_sharing(self) -> None:
        if not isinstance(self.shared, tuple) or self.shared != tuple(p for p in SHARED_PARTS if p in self.shared):
            raise ParamsError(f"shared is {self.shared!r:.60}: use parts of {', '.join(SHARED_PARTS)}, in this order")
        for part in self.shared:
            for key in ("width", "layers", "heads") if part == "blocks" else ("width",):
                own, other = getattr(self, key), getattr(self, f"text_{key}")
                if own != other:
                    raise ParamsError(f"shared {part} need one {key}, but {key} is {own} and text_{key} is {other}")


def _check_integer(key: str, value: Any, least: int, largest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= largest:
        raise ParamsError(f"{key} is {value!r:.60}: use a whole number from {least} to {largest}")


def _check_positive(key: str, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _LARGEST_SCALE:
        raise ParamsError(f"{key} is {value!r:.60}: use a number above 0 and up to {_LARGEST_SCALE:g}")
