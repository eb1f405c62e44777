"""The `encoders` block: the registry of frozen encoders, and recipes of those a study trains itself."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer, model_validator

from ligature.params.base import Block, Fraction, LocalPath, Name, Positive, Seed

ModulePath = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_]*|[0-9]+)(\.([A-Za-z_][A-Za-z0-9_]*|[0-9]+))*$", max_length=200),
]
"""Names of attributes and numbers of layers, joined by dots."""


class VisionRecipe(Block):
    """How a study makes a small vision encoder of its own, from images alone or images and labels."""

    architecture: Literal["vit", "resnet"]
    """`vit`: Dinov2Model; `resnet`: ResNetModel; both from transformers, small."""
    objective: Literal["none", "self-supervised", "supervised"]
    """`none` leaves the random weights; `self-supervised` is SimCLR; `supervised` classifies labels."""
    dataset: Name | None = None
    """Data set to train on; labels are read by `supervised` only."""
    epochs: int = Field(0, ge=0)
    """Passes over the data set."""
    batch_size: Positive = 128
    """Images a step."""
    learning_rate: float = Field(1e-3, gt=0)
    """Peak learning rate; cosine to zero after a short warm-up."""
    seed: Seed = 0
    """Seed of initial weights, data order and augmentation."""

    @model_validator(mode="after")
    def _objective_has_data(self) -> "VisionRecipe":
        trained = self.objective != "none"
        if trained and (self.dataset is None or self.epochs == 0):
            raise ValueError(f"objective {self.objective!r} needs a dataset and epochs above 0")
        if not trained and (self.dataset is not None or self.epochs):
            raise ValueError("objective 'none' takes neither dataset nor epochs")
        return self


class TextRecipe(Block):
    """How a study makes an untrained text encoder: random BERT weights, a vocabulary from its captions."""

    dataset: Name
    """Captioned data set whose words make the vocabulary."""
    hidden_size: Positive = 128
    """Width of the transformer."""
    layers: Positive = 2
    """Number of transformer layers."""
    vocabulary: Positive = 2000
    """Largest number of word pieces."""
    seed: Seed = 0
    """Seed of the weights."""


class _EncoderBlock(Block):
    name: Name
    """Name of the encoder in paths, tables and figures."""
    source: LocalPath | None = None
    """Hub id, local folder, or `package:NAME/FOLDER` for a folder inside an installed package."""
    revision: str | None = None
    """Hub commit, or `sha256:...` of the weights of a local folder; checked when the encoder is loaded."""

    @model_validator(mode="after")
    def _revision_of_a_source(self) -> "_EncoderBlock":
        if self.revision is not None and self.source is None:
            raise ValueError("revision pins a source; this encoder has none")
        return self


class VisionEncoderParams(_EncoderBlock):
    """A frozen vision encoder."""

    loader: Literal["transformers", "clip", "contrastive", "pixels"]
    """Adapter that loads it; `clip` gives the projected vector of CLIP, `contrastive` the joint vector of a pair that
    this project pre-trained, `pixels` is the image scaled down."""
    recipe: VisionRecipe | None = None
    """Makes the encoder within the study; takes the place of `source`."""
    image_size: Positive | None = None
    """Side of the square input in pixels; the encoder's own by default."""
    module: ModulePath | None = None
    """Dotted path of the submodule whose output is taken in place of the model's own, such as `encoder.layers.11`."""
    pooling: Literal["cls", "mean", "cls+mean", "all"] = "cls+mean"
    """How tokens become one vector: CLS token, mean of the patches, both side by side, or `all`, the mean of all."""

    @model_serializer(mode="wrap")
    def _without_unset_module(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out a module that is not set, so that nothing derived from entries without one changes."""
        return {key: value for key, value in dump(self).items() if key != "module" or value is not None}

    @model_validator(mode="after")
    def _source_or_recipe(self) -> "VisionEncoderParams":
        if self.module is not None and self.loader != "transformers":
            raise ValueError(f"module belongs to loader 'transformers'; loader {self.loader!r} has one output only")
        if self.loader == "pixels":
            if self.source or self.recipe or self.pooling != "cls" or self.image_size is None:
                raise ValueError("loader 'pixels' takes image_size and pooling 'cls', no source and no recipe")
        elif self.loader == "clip":
            if self.source is None or self.recipe or self.pooling != "cls":
                raise ValueError("loader 'clip' takes a source and pooling 'cls', its only vector, and no recipe")
        elif self.loader == "contrastive":
            if self.source is None or self.recipe or self.pooling != "cls" or self.image_size:
                raise ValueError("loader 'contrastive' takes a source and pooling 'cls', no recipe and no image_size")
        elif (self.source is None) == (self.recipe is None):
            raise ValueError("give exactly one of source and recipe")
        return self


class TextEncoderParams(_EncoderBlock):
    """A frozen text encoder."""

    loader: Literal["sentence-transformers", "transformers", "clip", "contrastive", "bag-of-words"]
    """Adapter that loads it; `clip` gives the projected vector of CLIP, `contrastive` the joint vector of a pair that
    this project pre-trained, `bag-of-words` counts hashed words."""
    recipe: TextRecipe | None = None
    """Makes the encoder within the study; takes the place of `source`."""
    pooling: Literal["own", "cls", "mean"] = "own"
    """How tokens become one vector; `own` is the model's, as it was trained."""
    prompt: str = ""
    """Put before every text."""
    max_length: Positive | None = None
    """Longest text in tokens; the encoder's own by default. Longer texts are cut, counted and reported."""
    dims: Positive | None = None
    """Width of a bag of words."""

    @model_validator(mode="after")
    def _consistent(self) -> "TextEncoderParams":
        if self.loader == "bag-of-words":
            if self.source or self.recipe or self.dims is None:
                raise ValueError("loader 'bag-of-words' takes dims, no source and no recipe")
        elif self.dims is not None:
            raise ValueError("dims belongs to loader 'bag-of-words'; other encoders have their own width")
        elif self.loader in ("clip", "contrastive"):
            if self.source is None or self.recipe:
                raise ValueError(f"loader {self.loader!r} takes a source and no recipe")
        elif (self.source is None) == (self.recipe is None):
            raise ValueError("give exactly one of source and recipe")
        if (self.loader == "transformers") == (self.pooling == "own"):
            raise ValueError("loader 'transformers' needs pooling 'cls' or 'mean'; the others have their own")
        return self


class EncodersParams(Block):
    """All encoders of a study; names are unique over both lists."""

    vision: list[VisionEncoderParams] = Field(min_length=1)
    text: list[TextEncoderParams] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_tell_apart(self) -> "EncodersParams":
        names = [encoder.name for encoder in [*self.vision, *self.text]]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"encoder name {name!r} is used twice")
            if "--" in name:
                raise ValueError(f"encoder name {name!r} must not contain '--', which joins the two names of a pair")
        return self


def check_encoder(key: str, name: str, encoders: Sequence[VisionEncoderParams] | Sequence[TextEncoderParams]) -> None:
    """Checks that a study names an encoder of its own.

    Raises:
        ValueError: naming the key and the encoders there are.
    """
    known = [encoder.name for encoder in encoders]
    if name not in known:
        raise ValueError(f"{key}: unknown encoder {name!r}; known: {', '.join(known)}")


class EmbedParams(Block):
    """How embeddings are extracted and stored."""

    shard_rows: Positive = 16384
    """Rows of a shard; a killed extraction resumes at the last complete one."""
    image_batch: Positive = 64
    """Images a forward pass."""
    token_budget: Positive = 4096
    """Tokens a forward pass of a text encoder, padding included."""
    max_skipped: Fraction = 0.01
    """Largest share of images that may be missing or unreadable before the extraction stops."""
    regions: int = Field(2, ge=1, le=16)
    """Side of the grid of patch means in the view `regions`."""
