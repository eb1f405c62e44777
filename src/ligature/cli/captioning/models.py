"""The vision-language model of a run as it is before training."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ligature.captioning import CaptionData, VisionLanguageModel
from ligature.captioning.config import ChatSettings, VisionLanguageConfig
from ligature.captioning.connectors import ConnectorConfig, make_connector
from ligature.captioning.language import (
    Language,
    LoraSettings,
    add_lora,
    embedding_table,
    head_weights,
    load_language,
)
from ligature.captioning.vision import VisionTower, load_tower
from ligature.cli.captioning.data import captioning_params
from ligature.encoders import find_encoder
from ligature.errors import DataError, ParamsError
from ligature.params.captioning import CaptioningRecipe, ConnectorParams
from ligature.params.captioning_checks import captioning_recipe
from ligature.store import Layout

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MODEL = "model"
"""Folder of a trained model within that of its training."""


def build_model(
    layout: Layout, run: str, data: Sequence[CaptionData], seed: int, *, device: str = "cpu"
) -> VisionLanguageModel:
    """Returns the model of a run with the weights that its training starts from.

    PyTorch's global generator is left as it was.

    Args:
        layout: of the study.
        run: the variant.
        data: of every stage, whose captions say which tokens a pruned vocabulary keeps.
        seed: of the weights that come from nowhere else.
        device: where the model runs.

    Raises:
        DataError: when the study's own language model is not trained yet, naming what to run.
        EncoderError: when encoder or language model cannot be had.
        ParamsError: when connector and models do not fit together.
    """
    recipe = captioning_recipe(layout.study, run)
    params = captioning_params(layout).runs[run].connector
    tower = load_tower(find_encoder(layout, recipe.vision), layout, device)
    language = find_language(layout, recipe.language, device=device)
    embeddings, head = embedding_table(language.model), head_weights(language.model)
    config = connector_config(params, tower, embeddings)
    kept = None
    if config.pruned is not None:
        captions = (caption for each in data for caption in each.captions)
        kept = kept_tokens(captions, language.tokenizer, config.pruned)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        connector = make_connector(config, embeddings=embeddings, head=head, kept=kept).to(device)
        model = language.model if recipe.lora is None else add_lora(language.model, _lora(recipe))
    whole = VisionLanguageConfig(connector=config, chat=_chat(recipe))
    return VisionLanguageModel(whole, tower, connector, model, language.tokenizer)


def find_language(layout: Layout, name: str, *, device: str = "cpu") -> Language:
    """Loads a language model of the `captioning` block: the study's own, or a published one.

    Raises:
        DataError: when the study's own is not trained yet, naming what to run.
        EncoderError: when a published one cannot be had.
    """
    params = captioning_params(layout).languages[name]
    if params.recipe is None:
        return load_language(params.source, params.revision, layout, device=device)
    folder = layout.language(name) / MODEL
    if not folder.is_dir():
        raise DataError(f"{folder}: missing; run `ligature language {name}` first")
    return load_language(str(folder.absolute()), None, device=device)


def connector_config(params: ConnectorParams, tower: VisionTower, embeddings: Tensor) -> ConnectorConfig:
    """Returns what a connector is made of.

    Args:
        params: of the study.
        tower: whose tokens come in.
        embeddings: [V, D] of the language model.
    """
    vocabulary, width = embeddings.shape
    return ConnectorConfig(
        **params.model_dump(),
        vision_width=tower.width,
        language_width=width,
        vocabulary=vocabulary,
        tokens=tower.tokens,
        grid=tower.grid,
    )


def kept_tokens(captions: Iterable[str], tokenizer: "PreTrainedTokenizerBase", count: int) -> Tensor:
    """Returns the ids [count] of the tokens that a pruned vocabulary keeps, in ascending order.

    The end token and the padding are always among them; then come the most frequent tokens of the captions, and of
    equally frequent ones those with the lower id.

    Args:
        captions: of the training.
        tokenizer: of the language model.
        count: of tokens.

    Raises:
        ParamsError: when the vocabulary has fewer tokens.
    """
    if count > len(tokenizer):
        raise ParamsError(
            f"pruned is {count}, but the language model has {len(tokenizer)} tokens: keep at most so many"
        )
    counts = Counter()
    for caption in captions:
        counts.update(tokenizer(caption, add_special_tokens=False, split_special_tokens=True)["input_ids"])
    always = dict.fromkeys(id_ for id_ in (tokenizer.eos_token_id, tokenizer.pad_token_id) if id_ is not None)
    ranked = sorted(range(len(tokenizer)), key=lambda id_: (-counts[id_], id_))
    kept = [*always, *(id_ for id_ in ranked if id_ not in always)][:count]
    return torch.tensor(sorted(kept))


def _lora(recipe: CaptioningRecipe) -> LoraSettings:
    return LoraSettings(**recipe.lora.model_dump())


def _chat(recipe: CaptioningRecipe) -> ChatSettings:
    return ChatSettings(
        assembly=recipe.assembly,
        system=recipe.system,
        prompts=tuple(recipe.prompts),
        tiles=recipe.tiles,
        context_length=recipe.context_length,
        loss=recipe.loss,
    )
