"""What jobs of vision-language models cost: language models, connectors into them, and their captions."""

from dataclasses import dataclass

from ligature.captioning.connectors import ConnectorConfig
from ligature.captioning.vision import tile_grid
from ligature.params.captioning import CaptioningRecipe, StageParams
from ligature.params.captioning_checks import captioning_recipe, stage_sets
from ligature.planning.architectures import WEIGHT_BYTES, Architecture
from ligature.planning.facts import Facts, UnknownFact
from ligature.planning.jobs import Job
from ligature.planning.work import LOAD, START, Cost

FORWARD_AND_BACKWARD = 3
"""Operations of training weights, in units of a forward pass; two where only a gradient passes through them."""
CACHE_BYTES = 4 << 30
"""Features of a frozen tower that stay in memory; the others are computed again in every epoch."""
MLP_RATIO = 3
"""Width of the gated MLP of a study's own language model, in units of its width."""
PHOTOGRAPH = 640, 480
"""Width and height that every image is cut into tiles by; their number hangs on the ratio alone."""
CAPTIONS_AT_ONCE = 32
"""Captions that are made side by side, token by token."""


def causal(width: int, layers: int, mlp: int, key_width: int, vocabulary: int) -> Architecture:
    """Returns the size of a causal language model with grouped keys and values, a gated MLP and tied embeddings.

    Its layers hold ``2 width² + 2 width key_width + 3 width mlp`` weights; the width of an ungated MLP under which as
    many stand beside four square products takes the place of its own.

    Args:
        width: of the tokens.
        layers: number of layers.
        mlp: width of the MLP inside.
        key_width: width of keys, and of values.
        vocabulary: rows of the embedding table.
    """
    return Architecture(width, layers, width, round(1.5 * mlp + key_width - width), vocabulary=vocabulary)


_SMOLLM2_360M = causal(960, 32, 2560, 320, 49152)
_LLAMA_1B, _LLAMA_3B = causal(2048, 16, 8192, 512, 128256), causal(3072, 28, 8192, 1024, 128256)
LANGUAGE_MODELS = {
    "HuggingFaceTB/SmolLM2-360M": _SMOLLM2_360M,
    "HuggingFaceTB/SmolLM2-360M-Instruct": _SMOLLM2_360M,
    "HuggingFaceTB/SmolVLM2-500M-Video-Instruct": causal(960, 32, 2560, 320, 49280),
    "meta-llama/Llama-3.2-1B": _LLAMA_1B,
    "meta-llama/Llama-3.2-1B-Instruct": _LLAMA_1B,
    "meta-llama/Llama-3.2-3B": _LLAMA_3B,
    "meta-llama/Llama-3.2-3B-Instruct": _LLAMA_3B,
}
"""Sizes by source, as the models' own configurations state them; of a vision-language model its language model."""


def language_size(facts: Facts, name: str) -> Architecture:
    """Returns the size of a language model of the study.

    Raises:
        UnknownFact: its source is not declared.
    """
    block = facts.study.captioning.languages[name]
    if block.recipe:
        recipe = block.recipe
        return causal(recipe.width, recipe.layers, MLP_RATIO * recipe.width, recipe.width, recipe.vocabulary)
    if block.source not in LANGUAGE_MODELS:
        known = ", ".join(LANGUAGE_MODELS)
        raise UnknownFact(
            f"captioning.languages.{name}: the plan does not know the size of {block.source!r}, only of {known}; "
            "add it to ligature.planning.captioning_costs"
        )
    return LANGUAGE_MODELS[block.source]


@dataclass(frozen=True)
class Sample:
    """An image and its caption as one vision-language model sees them.

    Attributes:
        vision: its vision encoder.
        image_flop: operations of one forward pass of it.
        views: views of an image; every image counts as ``PHOTOGRAPH``.
        seen: vision tokens of a view.
        language: its language model.
        connector: its connector.
        text: tokens around the image and of the caption.
        caption: tokens of the caption, which the loss is on.
    """

    vision: Architecture
    image_flop: float
    views: int
    seen: int
    language: Architecture
    connector: ConnectorConfig
    text: float
    caption: float

    @property
    def visual(self) -> int:
        """Visual tokens of an image."""
        return self.views * self.connector.output_tokens

    @property
    def connector_flop(self) -> float:
        """Operations of the connector's forward pass over an image."""
        config, width = self.connector, self.connector.language_width
        rows = config.table or config.pruned or config.vocabulary
        hidden = config.hidden or width
        each = {
            "align": config.joined_width * width + 2 * width * rows,
            "visual-table": config.joined_width * rows + rows * width,
            "mlp": (config.joined_width + width) * hidden,
            "h-reducer": config.vision_width * (config.reduction * config.vision_width + width),
            "perceiver": config.layers * 12 * width**2,
        }.get(config.kind, config.joined_width * width)
        context = self.seen * (config.vision_width * width + 2 * config.layers * width**2)
        context += 2 * config.layers * config.queries * (self.seen + config.queries) * width
        return 2.0 * (self.visual * each + (self.views * context if config.kind == "perceiver" else 0))

    def language_flop(self, tokens: float, predicted: float) -> float:
        """Returns the operations of a forward pass over so many tokens, with the head on those predicted."""
        return self.language.tokens_flop(tokens) + 2.0 * predicted * self.language.vocabulary * self.language.width


def language_model(facts: Facts, job: Job) -> Cost:
    """Returns the cost of training a language model of the study's own on the texts of its data sets."""
    name = job["language"]
    recipe, model = facts.study.captioning.languages[name].recipe, language_size(facts, name)
    texts, flop = 0.0, 0.0
    for dataset in recipe.datasets:
        block, images = facts.study.datasets[dataset], facts.images(dataset)
        captions = 1.0 if block.format == "parallel" else facts.quantity("captions of an image")
        languages = len(block.translations.languages) if recipe.translations and block.translations else 0
        described = bool(recipe.descriptions and block.descriptions)
        kinds = [(captions + languages, facts.tokens(dataset))]
        kinds += [(1.0, facts.quantity("tokens of a description"))] if described else []
        for number, length in kinds:
            tokens = min(length, recipe.context_length)
            texts += images * number
            flop += images * number * (model.tokens_flop(tokens) + 2.0 * tokens * model.vocabulary * model.width)
    train = ("train", recipe.epochs * FORWARD_AND_BACKWARD * flop)
    works = (START, ("tokenise", texts), train, ("step", recipe.epochs * texts / recipe.batch_size))
    return Cost(works, stored=WEIGHT_BYTES * model.parameters, gpu=True)


def connect(facts: Facts, job: Job) -> Cost:
    """Returns the cost of training one connector through its stages, validated after every epoch.

    Adapters on the language model count as if only a gradient passed through it.
    """
    block, run = facts.study.captioning, job["captioner"]
    recipe = captioning_recipe(facts.study, run)
    limit = None if job["pairs"] == "all" else int(job["pairs"])
    works = {"decode": 0.0, "encode": 0.0, "train": 0.0, "step": 0.0}
    for stage in recipe.stages:
        sets = stage_sets(facts.study, stage)[0]
        images = min(limit or float("inf"), sum(map(facts.images, sets)))
        validated = facts.images(block.validation)
        sample = sample_of(facts, run, max(map(facts.tokens, sets)))
        kept, watched = _passes(sample, stage, images), _passes(sample, stage, validated)
        view = sample.views * sample.image_flop
        forward = sample.connector_flop + sample.language_flop(sample.visual + sample.text, sample.caption)
        trained = FORWARD_AND_BACKWARD * view * stage.epochs * images if "vision" in stage.learning_rates else 0.0
        works["decode"] += kept * images * max(map(facts.pixels, sets))
        works["decode"] += watched * validated * facts.pixels(block.validation)
        works["encode"] += view * ((0.0 if trained else kept * images) + watched * validated)
        works["encode"] += stage.epochs * validated * forward
        works["train"] += trained + stage.epochs * images * _step_flop(sample, recipe, stage)
        works["step"] += stage.epochs * images / stage.batch_size
    weights = sample.vision.parameters + sample.language.parameters + _connector_weights(sample.connector)
    return Cost((LOAD, *works.items()), stored=WEIGHT_BYTES * weights, gpu=True)


def appraise(facts: Facts, job: Job) -> Cost:
    """Returns the cost of captions for every evaluation image, number of examples and level of noise, at their longest.

    Java's metrics are not counted; examples count as an image each, encoded anew.
    """
    block = facts.study.captioning
    sample = sample_of(facts, job["captioner"], max(map(facts.tokens, block.evaluation)))
    images = {name: facts.images(name) for name in block.evaluation}
    asked = [(name, shots, number) for name, number in images.items() for shots in block.shots]
    first = block.evaluation[0]
    asked += [(first, 0, min(images[first], block.noise_images)) for _ in block.noise]
    beams = block.generation.beams if block.generation.method == "beam" else 1
    made = block.generation.max_new_tokens
    works = {"decode": 0.0, "encode": 0.0, "step": 0.0}
    for name, shots, number in asked:
        before = (shots + 1) * (sample.visual + sample.text)
        works["decode"] += number * (shots + 1) * facts.pixels(name)
        seen = (shots + 1) * (sample.views * sample.image_flop + sample.connector_flop)
        read = sample.language_flop(before, 1)
        written = beams * (sample.language_flop(before + made, made) - sample.language.tokens_flop(before))
        works["encode"] += number * (seen + read + written)
        works["step"] += made * number / CAPTIONS_AT_ONCE
    return Cost((LOAD, *works.items()), gpu=True)


def sample_of(facts: Facts, run: str, caption: float) -> Sample:
    """Returns an image and a caption of so many tokens as one run sees them.

    Raises:
        UnknownFact: the size of a model is not declared.
        ParamsError: the connector does not fit the vision encoder.
    """
    recipe = captioning_recipe(facts.study, run)
    side, vision = facts.side(recipe.vision), facts.architecture(recipe.vision)
    language, seen = language_size(facts, recipe.language), max(vision.image_tokens(side) - vision.has_cls, 1)
    if facts.block(recipe.vision).loader == "pixels":
        seen = 1
    rows = round(seen**0.5)
    sizes = {"vision_width": vision.width or vision.dims, "language_width": language.width, "tokens": seen}
    sizes |= {"vocabulary": language.vocabulary, "grid": (rows, rows) if rows > 1 else None}
    connector = ConnectorConfig(**facts.study.captioning.runs[run].connector.model_dump(), **sizes)
    tile_rows, tile_columns = tile_grid(*PHOTOGRAPH, recipe.tiles, side)
    views = tile_rows * tile_columns + 1
    asked = facts.quantity("tokens of a prompt") * (bool(recipe.prompts) + bool(recipe.system))
    room = max(recipe.context_length - views * connector.output_tokens, 0)
    text = min(asked + caption, room)
    return Sample(vision, vision.image_flop(side), views, seen, language, connector, text, min(caption, text))


def _passes(sample: Sample, stage: StageParams, images: float) -> float:
    """Returns how often the images of a stage are read and encoded."""
    if "vision" in stage.learning_rates:
        return stage.epochs
    size = images * sample.views * sample.seen * sample.connector.vision_width * WEIGHT_BYTES
    kept = min(CACHE_BYTES / size, 1.0)
    return kept + (1 - kept) * stage.epochs


def _step_flop(sample: Sample, recipe: CaptioningRecipe, stage: StageParams) -> float:
    """Returns the operations of connector and language model for one sample of a stage, forward and backward."""
    through = FORWARD_AND_BACKWARD if "language" in stage.learning_rates and recipe.lora is None else 2
    predicted = sample.text if recipe.loss == "all" else sample.caption
    language = sample.language_flop(sample.visual + sample.text, predicted)
    return FORWARD_AND_BACKWARD * sample.connector_flop + through * language


def _connector_weights(config: ConnectorConfig) -> float:
    """Returns the weights of a connector's matrices and tables."""
    inner, width = config.joined_width, config.language_width
    rows = config.table or config.pruned or config.vocabulary
    return {
        "align": inner * width + width * rows,
        "visual-table": (inner + width) * rows,
        "mlp": (inner + width) * (config.hidden or width),
        "h-reducer": inner * (config.reduction * inner + width),
        "perceiver": width * (inner + config.queries) + config.layers * 12 * width**2,
    }.get(config.kind, inner * width)
