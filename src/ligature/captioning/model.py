"""A vision-language model: a vision tower, a connector and a causal language model that reads visual tokens."""

import inspect
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ligature.captioning.chat import Chat
from ligature.captioning.config import VisionLanguageConfig
from ligature.captioning.connectors.base import Connector
from ligature.captioning.folder import read_folder, write_folder
from ligature.captioning.language import embedding_table
from ligature.captioning.packing import embed_visual
from ligature.captioning.vision import VisionTower
from ligature.errors import EncoderError, ParamsError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PARTS = ("vision", "connector", "language")
"""What can be trained."""


class VisionLanguageModel(nn.Module):
    """Writes captions. Nothing of transformers is changed: visual tokens enter as embeddings.

    All parts are frozen until ``set_trained`` names those that are not; frozen parts stay in evaluation mode.

    Attributes:
        config: connector and chat.
        vision: from images to vision tokens.
        connector: from vision tokens to visual tokens.
        language: a causal language model of transformers, with adapters or without.
        tokenizer: of the language model.
        chat: writes samples.
        trained: parts that are trained.
    """

    def __init__(
        self,
        config: VisionLanguageConfig,
        vision: VisionTower,
        connector: Connector,
        language: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase",
    ) -> None:
        """Puts the parts together.

        Raises:
            EncoderError: the language model cannot leave out logits, or its tokenizer cannot write the chat.
            ParamsError: the parts do not fit each other.
        """
        super().__init__()
        self.config, self.tokenizer = config, tokenizer
        self.vision, self.connector, self.language = vision, connector, language
        self._check_fit()
        self.chat = Chat(tokenizer, config.chat, config.connector.output_tokens)
        self._inputs = inspect.signature(self.causal_model.forward).parameters.keys()
        if "logits_to_keep" not in self._inputs:
            name = type(self.causal_model).__name__
            raise EncoderError(f"a language model of class {name} computes all logits; choose another")
        self.set_trained(())

    @property
    def causal_model(self) -> "PreTrainedModel":
        """The language model of transformers, which holds the adapters where there are any."""
        return self.language.get_base_model() if hasattr(self.language, "peft_config") else self.language

    @property
    def device(self) -> torch.device:
        """Where the language model is."""
        return self.language.device

    @property
    def positions(self) -> int | None:
        """Longest row that the language model can read; None where positions are rotary or none, and so have no end."""
        config = self.language.config
        rotary = getattr(config, "rope_parameters", None) is not None
        return None if rotary else getattr(config, "max_position_embeddings", None)

    def visual_tokens(self, features: Tensor) -> Tensor:
        """Returns visual tokens [N, T', D] of vision tokens [N, T, d]."""
        return self.connector(features.to(self.device), embedding_table(self.language))

    def embed(self, tokens: Tensor, visual: Tensor, views: Tensor) -> Tensor:
        """Returns the inputs [B, L, D] of the language model.

        Args:
            tokens: [B, L] ids with placeholders.
            visual: [N, T', D] visual tokens of all views, sample by sample.
            views: [B] views of each sample.

        Raises:
            DataError: a sample's placeholders are not as many as its visual tokens.
        """
        embedded = self.language.get_input_embeddings()(tokens.clamp(min=0))
        return embed_visual(embedded, tokens, visual, views)

    def logits(self, tokens: Tensor, attention: Tensor, visual: Tensor, views: Tensor, keep: int) -> Tensor:
        """Returns the logits [B, keep, V] of the last ``keep`` positions; no others are computed.

        A sample's logits do not depend on its batch: positions are counted from its first real token.

        Args:
            tokens: [B, L] ids with placeholders, padded on the left.
            attention: [B, L] 1 at real tokens.
            visual: [N, T', D] visual tokens of all views, sample by sample.
            views: [B] views of each sample.
            keep: trailing positions.

        Raises:
            DataError: a sample's placeholders are not as many as its visual tokens.
        """
        positions = (
            {"position_ids": (attention.cumsum(dim=1) - 1).clamp(min=0)} if "position_ids" in self._inputs else {}
        )
        return self.language(
            inputs_embeds=self.embed(tokens, visual, views),
            attention_mask=attention,
            use_cache=False,
            logits_to_keep=keep,
            **positions,
        ).logits

    def count_parameters(self, trainable: bool = True) -> int:
        """Returns the number of trainable parameters, or of all of them; shared ones count once."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad or not trainable)

    def set_trained(self, parts: Collection[str]) -> None:
        """Trains these parts and freezes the others; of a language model with adapters, what the adapters name.

        Args:
            parts: of ``vision``, ``connector`` and ``language``.

        Raises:
            EncoderError: the vision encoder has nothing to train.
            ParamsError: a part is unknown.
        """
        if unknown := sorted(set(parts) - set(PARTS)):
            raise ParamsError(f"unknown part {unknown[0]!r:.60}; known: {', '.join(PARTS)}")
        self.trained = frozenset(parts)
        self.vision.set_trained("vision" in parts)
        self.connector.requires_grad_("connector" in parts)
        self._train_language("language" in parts)
        self.train(self.training)

    def train(self, mode: bool = True) -> "VisionLanguageModel":
        """Sets training mode; frozen parts stay in evaluation mode."""
        super().train(mode)
        for name in PARTS:
            getattr(self, name).train(mode and name in self.trained)
        return self

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes a folder that holds all the model needs, adapters merged; it appears whole.

        Raises:
            DataError: the folder holds something else.
        """
        write_folder(self.config, self.vision, self.connector, self.language, self.tokenizer, Path(folder))

    @classmethod
    def from_pretrained(
        cls, folder: Path | str, device: str = "cpu", dtype: torch.dtype | None = None
    ) -> "VisionLanguageModel":
        """Returns a model that ``save_pretrained`` wrote, frozen, in evaluation mode.

        Args:
            folder: of the model.
            device: where it runs.
            dtype: of language model and connector; float32 where it is None. The vision tower runs in float32.

        Raises:
            DamagedError: a file is not what was written.
            EncoderError: the folder is of another kind, or its files do not belong together.
        """
        try:
            return cls(*read_folder(Path(folder), device, dtype or torch.float32)).eval()
        except ParamsError as error:
            raise EncoderError(f"{folder}: {error}") from error

    def _train_language(self, trained: bool) -> None:
        if not hasattr(self.language, "peft_config"):
            self.language.requires_grad_(trained)
            return
        self.language.requires_grad_(False)
        self.language.set_requires_grad(self.language.active_adapters, trained)

    def _check_fit(self) -> None:
        wanted, table = self.config.connector, embedding_table(self.language)
        for name, asked, found in (
            ("vision tokens", wanted.tokens, self.vision.tokens),
            ("vision width", wanted.vision_width, self.vision.width),
            ("tokens of the vocabulary", wanted.vocabulary, table.shape[0]),
            ("language width", wanted.language_width, table.shape[1]),
        ):
            if asked != found:
                raise ParamsError(f"the connector is made for {name} {asked}, but the encoder has {found}")
        if self.connector.config != wanted:
            raise ParamsError("the connector is not the one that the config describes")
        if self.positions is not None and self.config.chat.context_length > self.positions:
            raise ParamsError(
                f"context_length {self.config.chat.context_length} is above the {self.positions} positions of the "
                "language model; lower it"
            )
