"""The `captioning` block: connectors that feed vision features to a language model, compared on captions."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ligature.params.base import Block, Fraction, LocalPath, Name, Positive, Seed

Part = Literal["vision", "connector", "language"]
"""What a stage may train."""
Rate = Annotated[float, Field(gt=0)]

SHUFFLED, BLIND = "shuffled", "blind"
"""Models that stand beside the runs in the results: captions of other images, and those without any."""
COMMON = {"kind"}
OF_KIND: dict[str, set[str]] = {
    "align": {"factor", "head_init", "vocabulary_norm", "affine_norm", "bias", "pruned"},
    "linear": {"factor", "bias"},
    "mlp": {"factor", "hidden"},
    "pixel-shuffle": {"factor"},
    "perceiver": {"queries", "layers", "heads"},
    "visual-table": {"factor", "table"},
    "h-reducer": {"reduction"},
}
"""Settings that each kind of connector has, beside those of all."""


class ConnectorParams(Block):
    """A connector from vision tokens to the inputs of a language model."""

    kind: Literal["align", "linear", "mlp", "pixel-shuffle", "perceiver", "visual-table", "h-reducer"]
    """`align` mixes the language model's own token embeddings; `pixel-shuffle` is SmolVLM's, `visual-table` Ovis's,
    `h-reducer` mPLUG-DocOwl's."""
    factor: Positive = 1
    """Side of the square of neighbouring tokens that are put together into one, in front of the map."""
    head_init: bool = True
    """ALIGN: the map to the vocabulary starts as the language model's head, as published; otherwise random."""
    vocabulary_norm: bool = True
    """ALIGN: a layer norm over the vocabulary in front of the softmax, as published."""
    affine_norm: bool = True
    """ALIGN: the first layer norm has weight and bias of its own."""
    bias: bool = False
    """The first map has a bias."""
    pruned: Positive | None = None
    """ALIGN: the mixture is over so many tokens only, the most frequent of the training captions; null for all."""
    hidden: Positive | None = None
    """MLP: width of the hidden layer; that of the language model where null."""
    table: Positive | None = None
    """Visual table: its rows; as many as the language model has tokens where null."""
    queries: Positive = 64
    """Perceiver: visual tokens that come out."""
    layers: Positive = 2
    """Perceiver: blocks."""
    heads: Positive = 8
    """Perceiver: attention heads."""
    reduction: Positive = 4
    """H-Reducer: neighbouring tokens of a row that become one."""

    @model_validator(mode="after")
    def _settings_belong_to_the_kind(self) -> "ConnectorParams":
        foreign = self.model_fields_set - COMMON - OF_KIND[self.kind]
        foreign = {key for key in foreign if getattr(self, key) != type(self).model_fields[key].default}
        if foreign:
            raise ValueError(f"{min(foreign)} has no effect on a connector of kind {self.kind!r}; remove it")
        if self.kind == "pixel-shuffle" and self.factor == 1:
            raise ValueError("a connector of kind 'pixel-shuffle' needs a factor of 2 or more")
        return self


class LanguageRecipe(Block):
    """How a study trains a small causal language model of its own."""

    datasets: list[Name] = Field(min_length=1)
    """Captioned data sets whose captions are read."""
    translations: bool = True
    """Whether their captions in other languages are read too."""
    descriptions: bool = True
    """Whether their long descriptions are read too."""
    documents: bool = True
    """Whether captions and translations of an image are one text, a line each in random order, so that the model learns
    to go by what it read before; each is a text of its own otherwise. Descriptions always are."""
    vocabulary: int = Field(4000, ge=300)
    """Most tokens of its byte-level BPE."""
    width: Positive = 64
    """Width of the transformer, a small Llama with tied embeddings."""
    layers: Positive = 2
    """Transformer layers."""
    heads: Positive = 4
    """Attention heads."""
    context_length: int = Field(256, ge=16)
    """Longest text in tokens; longer ones are cut, and counted."""
    epochs: Positive = 1
    """Passes over the texts."""
    batch_size: int = Field(64, ge=2)
    """Texts a step."""
    learning_rate: float = Field(3e-3, gt=0)
    """Peak learning rate; cosine to zero."""
    warmup_steps: int = Field(0, ge=0)
    """Steps of linear warm-up."""
    weight_decay: float = Field(0.01, ge=0)
    """Weight decay of matrices."""
    seed: Seed = 0
    """Seed of weights and order."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "LanguageRecipe":
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"heads {self.heads} must divide width {self.width} into an even number")
        return self


class LanguageParams(Block):
    """A causal language model."""

    source: LocalPath | None = None
    """Hub id or local folder of a transformers model; of a vision-language model the language model is taken."""
    revision: str | None = None
    """Hub commit."""
    recipe: LanguageRecipe | None = None
    """Makes the model within the study; takes the place of `source`."""

    @model_validator(mode="after")
    def _source_or_recipe(self) -> "LanguageParams":
        if (self.source is None) == (self.recipe is None):
            raise ValueError("give exactly one of source and recipe")
        if self.revision is not None and self.source is None:
            raise ValueError("revision pins a source; this language model has none")
        return self


class LoraParams(Block):
    """Low-rank adapters on the language model, trained in place of its matrices (LoRA, arXiv 2106.09685)."""

    rank: Positive = 64
    """Rank of every adapter."""
    alpha: float = Field(64.0, gt=0)
    """Scale of the adapters before it is divided."""
    rank_stabilised: bool = True
    """Whether the scale is divided by the root of the rank rather than by the rank."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout of the inputs of adapters."""
    targets: list[str] = Field(
        default=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], min_length=1
    )
    """Names of the linear maps that have adapters."""
    whole: list[str] = Field(default_factory=list)
    """Names of modules that are trained whole beside the adapters, such as `lm_head` or `embed_tokens`."""


class StageParams(Block):
    """One stage of a training."""

    datasets: list[Name] = Field(default_factory=list)
    """Captioned data sets, or downloaded sets of `mixes`, to train on; empty where a mix is named."""
    mix: Name | None = None
    """Mix to train on, with its weights."""
    learning_rates: dict[Part, Rate] = Field(min_length=1)
    """Peak learning rate of every part that is trained; parts that are not named stay as they are."""
    epochs: Positive = 1
    """Passes over the images; each takes one of its captions at random."""
    batch_size: int = Field(32, ge=2)
    """Pairs a step."""
    warmup_steps: int = Field(0, ge=0)
    """Steps of linear warm-up."""
    decay: Literal["cosine", "linear"] = "cosine"
    """How the learning rates fall to zero."""
    weight_decay: float = Field(0.01, ge=0)
    """Weight decay of matrices."""

    @model_validator(mode="after")
    def _datasets_or_mix(self) -> "StageParams":
        if bool(self.datasets) == (self.mix is not None):
            raise ValueError("give exactly one of datasets and mix")
        if len(set(self.datasets)) < len(self.datasets):
            raise ValueError(f"datasets: {self.datasets} names one twice")
        return self


class CaptioningRecipe(Block):
    """Models, chat and stages, to which a run adds its connector."""

    vision: Name
    """Vision encoder of the registry."""
    language: Name
    """Language model, of `languages`."""
    assembly: Literal["prefix", "in-place"] = "prefix"
    """`prefix` puts all visual tokens in front of the text, as AlignVLM does; `in-place` where the chat has images, as
    SmolVLM does."""
    tiles: int = Field(0, ge=0, le=16)
    """Most tiles of an image beside the whole; 0 for the whole alone."""
    system: str | None = None
    """System message of the chat; null for none."""
    prompts: list[str] = Field(default_factory=list)
    """What the user asks, one of them at random in training and the first in evaluation; empty for the image alone."""
    loss: Literal["answer", "all"] = "answer"
    """Whether the loss is on the caption only, or on prompt and system message too."""
    context_length: int = Field(512, ge=16)
    """Longest sample in tokens, visual ones included; longer captions are cut, and counted."""
    lora: LoraParams | None = None
    """Adapters on the language model; null where it is trained whole or not at all."""
    stages: list[StageParams] = Field(min_length=1)
    """One after the other."""

    @model_validator(mode="after")
    def _lora_is_trained(self) -> "CaptioningRecipe":
        if self.lora is not None and not any("language" in stage.learning_rates for stage in self.stages):
            raise ValueError("lora: no stage trains the language part; give it a learning rate, or remove lora")
        return self


class CaptioningRun(Block):
    """One variant: a recipe and a connector."""

    recipe: Name
    """Of `recipes`."""
    connector: ConnectorParams
    pairs: list[Positive | None] | None = None
    """Numbers of pairs to train on, in place of those of all runs."""


class GenerationParams(Block):
    """How captions are made."""

    method: Literal["greedy", "beam", "sample"] = "greedy"
    """The likeliest token each time, the likeliest of several texts, or a draw."""
    beams: int = Field(4, ge=2)
    """Texts that a beam search follows."""
    temperature: float = Field(1.0, gt=0)
    """Of draws."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Draws are from the likeliest tokens that have this probability together."""
    max_new_tokens: Positive = 64
    """Longest caption in tokens."""
    seed: Seed = 0
    """Seed of draws and of examples."""

    @model_validator(mode="after")
    def _settings_have_an_effect(self) -> "GenerationParams":
        for key, method in (("beams", "beam"), ("temperature", "sample"), ("top_p", "sample")):
            if self.method != method and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key} has no effect with method {self.method!r}; remove it, or use {method!r}")
        return self


class CaptioningParams(Block):
    """Vision-language models that differ in their connector, trained and measured on captions."""

    languages: dict[Name, LanguageParams] = Field(min_length=1)
    """Language models by name."""
    recipes: dict[Name, CaptioningRecipe] = Field(min_length=1)
    """Recipes by name."""
    runs: dict[Name, CaptioningRun] = Field(min_length=1)
    """Runs by name."""
    pairs: list[Positive | None] = Field(min_length=1)
    """Numbers of image-caption pairs to train on; a smaller draw is part of a larger one; null for all."""
    seeds: list[Seed] = Field(min_length=1)
    """One training a run, number of pairs and seed."""
    validation: Name
    """Captioned data set whose loss is measured during training."""
    validate_every_epochs: Positive = 1
    """Epochs of a stage between two measures of that loss; the last epoch is always measured."""
    evaluation: list[Name] = Field(min_length=1)
    """Captioned data sets on which every training is measured; all captions of an image are its references."""
    generation: GenerationParams
    metrics: list[Literal["cider", "bleu", "rouge-l", "meteor", "spice"]] = Field(min_length=1)
    """Caption metrics; METEOR and SPICE need Java and the package pycocoevalcap, SPICE a download besides."""
    tokenizer: Literal["plain", "ptb"] = "plain"
    """Words of a caption: lower case without punctuation, or Stanford's Penn Treebank tokenizer, which needs Java."""
    shots: list[Annotated[int, Field(ge=0, le=16)]] = Field(default=[0], min_length=1)
    """Numbers of examples in front of the image, from the training pairs, each with its own picture."""
    noise: list[Annotated[float, Field(ge=0)]] = Field(default_factory=list)
    """Levels of Gaussian noise on the vision features, in units of their standard deviation; on the first evaluation
    data set. Empty for none."""
    noise_images: Positive = 500
    """Images that are captioned under noise."""
    max_failed: Fraction = 0.0
    """Largest share of evaluation images that may be unreadable."""

    @model_validator(mode="after")
    def _names_exist(self) -> "CaptioningParams":
        for name, recipe in self.recipes.items():
            if recipe.language not in self.languages:
                raise ValueError(
                    f"recipes.{name}.language: unknown language model {recipe.language!r}; known: "
                    f"{', '.join(self.languages)}"
                )
        for name, run in self.runs.items():
            if name in (SHUFFLED, BLIND):
                raise ValueError(f"runs.{name}: the name is that of a control; call the run something else")
            if run.recipe not in self.recipes:
                raise ValueError(f"runs.{name}.recipe: unknown recipe {run.recipe!r}; known: {', '.join(self.recipes)}")
        for key in ("pairs", "seeds", "evaluation", "metrics", "shots", "noise"):
            if len(set(getattr(self, key))) < len(getattr(self, key)):
                raise ValueError(f"{key}: {getattr(self, key)} names one twice")
        if self.noise and 0 not in self.noise:
            raise ValueError("noise: the levels need a 0 to compare with")
        if 0 not in self.shots:
            raise ValueError("shots: the numbers of examples need a 0 to compare with")
        return self
