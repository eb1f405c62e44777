"""What a connector is made of, and which settings fit together."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from ligature.errors import ParamsError

ConnectorKind = Literal["align", "linear", "mlp", "pixel-shuffle", "perceiver", "visual-table", "h-reducer"]
_SWITCHES = ("head_init", "vocabulary_norm", "affine_norm", "bias")
_OPTIONAL = ("grid", "pruned", "hidden", "table")


@dataclass(frozen=True)
class ConnectorConfig:
    """The shape of a connector from vision tokens to the inputs of a language model.

    Attributes:
        kind: ``align`` mixes the language model's token embeddings (AlignVLM, arXiv 2502.01341), ``linear`` and ``mlp``
            map every token (LLaVA), ``pixel-shuffle`` maps squares of tokens without bias (Idefics3, SmolVLM),
            ``perceiver`` asks with learned queries (Flamingo), ``visual-table`` mixes a table of its own (Ovis),
            ``h-reducer`` joins neighbours of a row (mPLUG-DocOwl 1.5).
        vision_width: width of vision tokens.
        language_width: width of the language model.
        vocabulary: rows of the language model's embedding table.
        tokens: vision tokens of a view.
        grid: rows and columns of the vision tokens, None where they form no grid.
        factor: side of the square of tokens that are put together in front of the map; not for the last two kinds.
        head_init: ALIGN's map to the vocabulary starts as the language model's head, otherwise random.
        vocabulary_norm: ALIGN has a layer norm over the vocabulary in front of the softmax.
        affine_norm: ALIGN's first layer norm has weight and bias.
        bias: the first map of ALIGN, or that of ``linear``, has a bias.
        pruned: number of tokens that ALIGN mixes, None for all.
        hidden: hidden width of ``mlp``, None for ``language_width``.
        table: rows of the visual table, None for ``vocabulary``.
        queries: visual tokens that come out of a perceiver.
        layers: blocks of a perceiver.
        heads: attention heads of a perceiver.
        reduction: neighbours of a row that an H-Reducer joins.

    Raises:
        ParamsError: for a value of the wrong type or out of range, or for sizes that do not fit.
    """

    kind: ConnectorKind
    vision_width: int
    language_width: int
    vocabulary: int
    tokens: int
    grid: tuple[int, int] | None = None
    factor: int = 1
    head_init: bool = True
    vocabulary_norm: bool = True
    affine_norm: bool = True
    bias: bool = False
    pruned: int | None = None
    hidden: int | None = None
    table: int | None = None
    queries: int = 64
    layers: int = 2
    heads: int = 8
    reduction: int = 4

    def __post_init__(self) -> None:
        """Checks every value, and that the sizes fit."""
        self._check_values()
        self._check_grid()
        if self.pruned is not None:
            self._check_pruned()
        if self.kind == "perceiver" and self.language_width % self.heads:
            raise ParamsError(f"heads is {self.heads}: it must divide the language model's width {self.language_width}")
        if self.kind == "pixel-shuffle" and (self.factor == 1 or self.bias):
            raise ParamsError("a connector of kind 'pixel-shuffle' needs a factor of 2 or more, and has no bias")

    def _check_pruned(self) -> None:
        if self.kind != "align":
            raise ParamsError(f"pruned is {self.pruned}: a connector of kind {self.kind!r} mixes no token embeddings")
        if self.pruned > self.vocabulary:
            raise ParamsError(
                f"pruned is {self.pruned}, but the language model has {self.vocabulary} tokens: keep at most so many"
            )

    def _check_values(self) -> None:
        if self.kind not in get_args(ConnectorKind):
            raise ParamsError(
                f"connector kind {self.kind!r} is unknown: use one of {', '.join(get_args(ConnectorKind))}"
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("kind", "grid") or (value is None and field.name in _OPTIONAL):
                continue
            if field.name in _SWITCHES:
                if not isinstance(value, bool):
                    raise ParamsError(f"connector {field.name} is {value!r}: it is true or false")
            elif not _is_size(value):
                raise ParamsError(f"connector {field.name} is {value!r}: it is a whole number of at least 1")

    def _check_grid(self) -> None:
        reducing = {"perceiver": (1, 1), "h-reducer": (1, self.reduction)}
        high, wide = reducing.get(self.kind, (self.factor, self.factor))
        if self.grid is None:
            if high * wide > 1 or self.kind == "h-reducer":
                raise ParamsError(
                    f"a connector of kind {self.kind!r} that joins tokens needs an encoder with a grid of them"
                )
            return
        if not (isinstance(self.grid, tuple) and len(self.grid) == 2 and all(map(_is_size, self.grid))):
            raise ParamsError(f"connector grid is {self.grid!r}: it is the numbers of rows and columns")
        rows, columns = self.grid
        if rows * columns != self.tokens:
            raise ParamsError(f"connector grid {rows} x {columns} does not hold the {self.tokens} tokens of a view")
        if rows % high or columns % wide:
            raise ParamsError(f"a grid of {rows} x {columns} tokens does not divide into blocks of {high} x {wide}")

    @property
    def output_tokens(self) -> int:
        """Visual tokens of a view."""
        if self.kind == "perceiver":
            return self.queries
        return self.tokens // (self.reduction if self.kind == "h-reducer" else self.factor**2)

    @property
    def joined_width(self) -> int:
        """Width of vision tokens after squares of them are put together."""
        return self.vision_width * self.factor**2

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as JSON values."""
        return asdict(self) | {"grid": None if self.grid is None else list(self.grid)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ConnectorConfig":
        """Returns the config that ``to_dict`` wrote.

        Raises:
            ParamsError: for a key that is unknown or missing, or for a wrong value.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ParamsError(f"connector config: unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}")
        needed = ("kind", "vision_width", "language_width", "vocabulary", "tokens")
        if missing := [key for key in needed if key not in values]:
            raise ParamsError(f"connector config: {missing[0]} is missing")
        grid = values.get("grid")
        return cls(**{**values, "grid": tuple(grid) if isinstance(grid, list) else grid})


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
