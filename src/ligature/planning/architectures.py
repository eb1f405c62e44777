"""Sizes of encoders, and the operations of their forward passes by formula; a multiply-add is two."""

from dataclasses import dataclass

from ligature.params.pretraining import TowersParams

WEIGHT_BYTES = 4


@dataclass(frozen=True)
class Architecture:
    """The size of an encoder.

    Attributes:
        dims: width of the vectors that it gives.
        layers: transformer layers; 0 for other networks.
        width: width of the tokens inside.
        mlp: width of the MLPs inside.
        patch: side of a patch in pixels; for other networks the pixels that one place of the last map stands for.
        image_size: side of its square input in pixels.
        vocabulary: entries of the table of word pieces.
        flop: operations an image of ``image_size``, for networks that are no transformers.
        other_parameters: weights of networks that are no transformers.
        has_cls: whether a CLS token stands before the patches.
    """

    dims: int
    layers: int = 0
    width: int = 0
    mlp: int = 0
    patch: int = 1
    image_size: int = 0
    vocabulary: int = 0
    flop: float = 0.0
    other_parameters: float = 0.0
    has_cls: bool = False

    @property
    def parameters(self) -> float:
        """Weights of matrices and tables; norms, biases and positions are left out."""
        layer = 4 * self.width**2 + 2 * self.width * self.mlp
        tables = (3 * self.patch**2 if self.image_size else self.vocabulary) * self.width
        return self.layers * layer + tables + self.other_parameters

    def image_tokens(self, size: int | None = None) -> int:
        """Returns the tokens of a square image, CLS included."""
        return ((size or self.image_size) // self.patch) ** 2 + self.has_cls

    def image_flop(self, size: int | None = None) -> float:
        """Returns the operations of one image of side ``size``, by default the encoder's own."""
        size = size or self.image_size
        if not self.layers:
            return self.flop * (size / self.image_size) ** 2 if self.flop else 0.0
        patches = (size // self.patch) ** 2
        return patches * 2.0 * 3 * self.patch**2 * self.width + self.tokens_flop(self.image_tokens(size))

    def tokens_flop(self, tokens: float) -> float:
        """Returns the operations of one sequence: products with weights, and attention of all with all."""
        products = 8.0 * self.width**2 + 4.0 * self.width * self.mlp
        return self.layers * tokens * (products + 4.0 * tokens * self.width)


def towers(params: TowersParams, vocabulary: int) -> tuple[Architecture, Architecture]:
    """Returns the sizes of the image tower and of the text tower, as if nothing were shared."""
    text_width, text_layers = params.text_width or params.width, params.text_layers or params.layers
    image = Architecture(
        params.embed_dim,
        params.layers,
        params.width,
        4 * params.width,
        patch=params.patch_size,
        image_size=params.image_size,
        has_cls=True,
    )
    return image, Architecture(params.embed_dim, text_layers, text_width, 4 * text_width, vocabulary=vocabulary)
