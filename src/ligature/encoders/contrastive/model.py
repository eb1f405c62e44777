"""The contrastive model: two towers, of which any part may be shared, and a temperature."""

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.encoders.contrastive.saving import read_config, read_weights, write_model
from ligature.encoders.contrastive.towers import ImageTower, TextTower, make_parts
from ligature.errors import DataError


class ContrastiveModel(nn.Module):
    """CLIP (arXiv 2103.00020) where nothing is shared, SharedCLIP (arXiv 2406.17639) where all parts are.

    A shared part is one module that both towers hold, and stands in ``model.safetensors`` once, under the image tower.

    Attributes:
        config: what the model is made of.
        image: the image tower.
        text: the text tower.
        logit_scale: the logarithm of one over the temperature; without gradient where it is fixed.
    """

    def __init__(self, config: ContrastiveConfig) -> None:
        """Builds both towers with weights from torch's global generator."""
        super().__init__()
        self.config = config
        image, text = make_parts(config)
        self.image = ImageTower(config, image)
        self.text = TextTower(config, text)
        start = torch.tensor(math.log(config.logit_scale))
        self.logit_scale = nn.Parameter(start, requires_grad=config.learn_logit_scale)

    def forward(self, pixels: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns unit image features [B, embed_dim], unit text features [B, embed_dim] and the scale of the logits.

        Raises:
            DataError: for images of another size, a text that is too long and one without an end token.
        """
        return self.encode_image(pixels), self.encode_text(tokens), self.logit_scale.exp()

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Returns unit features [B, embed_dim] of normalised pixels [B, 3, S, S].

        Raises:
            DataError: for images of another size.
        """
        self._check_pixels(pixels)
        return _unit(self.image(pixels))

    def image_tokens(self, pixels: Tensor) -> Tensor:
        """Returns tokens [B, 1 + T, width] after the last norm, the class token first, of pixels [B, 3, S, S].

        Raises:
            DataError: for images of another size.
        """
        self._check_pixels(pixels)
        return self.image.tokens(pixels)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Returns unit features [B, embed_dim] of token numbers [B, L], L up to ``context_length``.

        Raises:
            DataError: for a text that is too long; for one without an end token, unless the model is being compiled.
        """
        length, longest = tokens.shape[1], self.config.context_length
        if length > longest:
            raise DataError(f"texts of {length} tokens: this model takes up to {longest}; cut them before their end")
        if not torch.compiler.is_compiling() and not (tokens == self.config.end_token).any(dim=1).all():
            raise DataError(f"a text has no end token {self.config.end_token}: use the tokenizer of this model")
        return _unit(self.text(tokens))

    @property
    def temperature(self) -> float:
        """Logits are cosine similarities over it."""
        return (-self.logit_scale.detach().double()).exp().item()

    @torch.no_grad()
    def clamp_temperature(self) -> None:
        """Moves a learned scale back into its bounds, where it has any; called after every optimiser step."""
        if self.config.learn_logit_scale and self.config.logit_scale_bounds is not None:
            lowest, highest = self.config.logit_scale_bounds
            self.logit_scale.clamp_(math.log(lowest), math.log(highest))

    @property
    def gradient_checkpointing(self) -> bool:
        """Whether the backward pass computes the inside of every block again: less memory, the same gradients."""
        return self.image.blocks.checkpointing

    @gradient_checkpointing.setter
    def gradient_checkpointing(self, value: bool) -> None:
        self.image.blocks.checkpointing = self.text.blocks.checkpointing = value

    def count_parameters(self, trainable: bool = True) -> int:
        """Returns the number of trainable parameters, or of all of them; shared ones count once."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad or not trainable)

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes ``config.json`` and ``model.safetensors`` into ``folder``, each of them atomically."""
        write_model(self.config, dict(self.named_parameters()), folder)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "ContrastiveModel":
        """Returns the model that ``save_pretrained`` wrote into ``folder``, on the CPU, in evaluation mode.

        Raises:
            DamagedError: if a file is not what was written.
            EncoderError: if a file is missing, or weights and config do not belong together.
        """
        config = read_config(folder)
        with torch.device("meta"):
            model = cls(config)
        weights = read_weights(folder, dict(model.named_parameters()))
        model.load_state_dict(weights, strict=False, assign=True)  # a shared part is named by one tower alone
        return model.eval()

    def _check_pixels(self, pixels: Tensor) -> None:
        side = self.config.image_size
        if pixels.shape[1:] != (3, side, side):
            raise DataError(f"images of shape {list(pixels.shape[1:])}: this model takes {[3, side, side]}")


def _unit(features: Tensor) -> Tensor:
    return functional.normalize(features.to(torch.promote_types(features.dtype, torch.float32)), dim=-1)
