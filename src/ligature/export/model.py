"""A trained pair as one object: images and texts in, unit vectors of one space out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from ligature.data.files import read_json, read_text
from ligature.encoders import TextEncoder, VisionEncoder, load_text_encoder, load_vision_encoder
from ligature.errors import DataError
from ligature.evaluation import class_embeddings
from ligature.export.config import PairConfig, is_inside, read_config
from ligature.export.folder import README, check_files, find_folder, write_pair
from ligature.export.inputs import (
    ImageLike,
    check_texts,
    image_inputs,
    longest_first,
    preprocess_images,
    text_inputs,
)
from ligature.export.weights import CARD_NAME, WEIGHTS_NAME, load_checked_projector
from ligature.projection import Projector

TEMPLATES = ("a photo of a {}.",)
CHANGED = """
> The projector was changed after this card was written. Results and the checksum of the projector are those of before.
"""


class AlignedModel:
    """A frozen vision encoder and a frozen text encoder with a trained projector between them.

    Attributes:
        folder: that it was loaded from.
        config: names, mode and temperature.
        projector: between the two.
        vision: the vision encoder.
        text: the text encoder.
        device: where all three run.
    """

    def __init__(
        self, folder: Path, config: PairConfig, projector: Projector, vision: VisionEncoder, text: TextEncoder
    ) -> None:
        """Takes what ``from_pretrained`` has loaded."""
        self.folder, self.config, self.projector, self.vision, self.text = folder, config, projector, vision, text
        self.device = str(projector.logit_scale.device)

    @classmethod
    def from_pretrained(cls, source: Path | str, revision: str | None = None, device: str = "cpu") -> "AlignedModel":
        """Loads an exported pair; no code of the folder runs and nothing is unpickled.

        Args:
            source: folder, or Hub id.
            revision: branch, tag or commit on the Hub.
            device: where to compute, for example ``cuda``.

        Raises:
            DataError: the folder is missing, broken, or names something outside itself.
            EncoderError: an encoder is not to be had, or its weights are not those the pair was trained with.
        """
        folder = find_folder(source, revision)
        config = read_config(folder)
        vision, text = config.params_in(folder)
        check_files(folder)
        projector = load_checked_projector(folder, config.projector, device)
        return cls(
            folder,
            config,
            projector,
            load_vision_encoder(vision, None, device=device),
            load_text_encoder(text, None, device=device),
        )

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes the pair with the projector's weights as they are now; encoders inside are copied.

        Raises:
            DataError: the folder holds encoders that belong to no exported pair.
        """
        card = read_json(self.folder / CARD_NAME)
        sides = zip(("vision", "text"), self.config.params_in(self.folder), strict=True)
        encoders = {name: Path(params.source) for name, params in sides if is_inside(getattr(self.config, name).source)}
        readme = read_text(self.folder / README) if (self.folder / README).is_file() else f"# {self.config.name}\n"
        if self.changed:
            readme = readme.removesuffix(CHANGED) + CHANGED
        config = self.config.model_copy(update={"temperature": self.projector.temperature})
        facts = {"facts": card.get("facts", {}), "provenance": card.get("provenance", {})}
        write_pair(Path(folder), config, self.projector, encoders, readme, **facts)

    @property
    def changed(self) -> bool:
        """Whether the projector's weights are no longer those in the folder."""
        stored, now = load_file(self.folder / WEIGHTS_NAME), self.projector.state_dict()
        return any(not torch.equal(weights, now[name].cpu()) for name, weights in stored.items())

    def to(self, device: str) -> "AlignedModel":
        """Returns the pair on a device; encoders are loaded again where it is another one."""
        if torch.device(device) == torch.device(self.device):
            return self
        vision, text = self.config.params_in(self.folder)
        return AlignedModel(
            self.folder,
            self.config,
            self.projector.to(device),
            load_vision_encoder(vision, None, device=device),
            load_text_encoder(text, None, device=device),
        )

    @property
    def width(self) -> int:
        """Width D of the shared space."""
        return self.projector.config.embed_dim

    def project_pixels(self, pixels: Tensor) -> Tensor:
        """Returns unit vectors [n, D] of preprocessed images [n, 3, h, w]; the encoder is not differentiated."""
        with torch.no_grad():
            features = self.vision.forward(pixels.to(self.device))
            inputs = image_inputs(features, self.config.mode, self.vision.pooling, self.config.regions)
        return self.projector.encode_image(**_on(self.device, inputs))

    def project_prompts(self, texts: Sequence[str]) -> Tensor:
        """Returns unit vectors [n, D] of texts of one batch; the encoder is not differentiated."""
        with torch.no_grad():
            local, mask = text_inputs(self.text, texts, self.config.mode)
        return self.projector.encode_text(**_on(self.device, {"local": local, "mask": mask}))

    @torch.inference_mode()
    def encode_image(self, images: ImageLike | Sequence[ImageLike], batch_size: int = 64) -> np.ndarray:
        """Returns unit vectors of images, [n, D] float32.

        Args:
            images: PIL images or paths of files.
            batch_size: images a forward pass.

        Raises:
            DataError: naming a file that cannot be read.
        """
        images = [images] if isinstance(images, str | Path | Image.Image) else list(images)
        vectors = np.empty((len(images), self.width), np.float32)
        for start in range(0, len(images), batch_size):
            rows = slice(start, start + batch_size)
            vectors[rows] = _array(self.project_pixels(preprocess_images(self.vision, images[rows])))
        return vectors

    @torch.inference_mode()
    def encode_text(self, texts: str | Sequence[str], batch_size: int = 64) -> np.ndarray:
        """Returns unit vectors of texts, [n, D] float32; the encoder's prompt is put before each.

        Raises:
            DataError: something that is no string.
        """
        texts = check_texts([texts] if isinstance(texts, str) else texts)
        vectors = np.empty((len(texts), self.width), np.float32)
        order = longest_first(self.text, texts)
        for start in range(0, len(texts), batch_size):
            rows = order[start : start + batch_size]
            vectors[rows] = _array(self.project_prompts([texts[row] for row in rows]))
        return vectors

    @torch.inference_mode()
    def encode_patches(self, images: Sequence[ImageLike]) -> np.ndarray:
        """Returns every patch of images in the shared space, [n, t, D] float32, not normalised.

        Raises:
            DataError: the projector has no branch for patches, or the encoder gives none.
        """
        patches = self.vision.forward(preprocess_images(self.vision, images).to(self.device)).patches
        if patches is None or patches.shape[1] == 0:
            raise DataError(f"encoder {self.vision.name!r} gives no patch tokens")
        return _array(self.projector.project_patches(patches))

    def similarity(self, images: Sequence[ImageLike], texts: Sequence[str]) -> np.ndarray:
        """Returns the cosine similarity of every image and every text, [n, m] float32."""
        return self.encode_image(images) @ self.encode_text(texts).T

    def classify(
        self, images: Sequence[ImageLike], labels: Sequence[str], templates: Sequence[str] = TEMPLATES
    ) -> np.ndarray:
        """Returns the probability of every label for every image, [n, classes] float32, rows of sum one.

        They are the softmax of cosine similarities over the learned temperature, also after training with the sigmoid
        loss: its bias is the same for all labels. A label's vector is the renormalised mean of its prompts.

        Args:
            images: PIL images or paths of files.
            labels: names of the classes.
            templates: of prompts; ``{}`` stands for the label.

        Raises:
            DataError: no labels, a label given twice, or a template without ``{}``.
        """
        prompts = fill_templates(labels, templates)
        owners = np.repeat(np.arange(len(labels)), len(templates))
        classes = class_embeddings(self.encode_text(prompts), owners, len(labels))
        cosines = torch.from_numpy(self.encode_image(images)) @ classes.cpu().float().T
        return torch.softmax(cosines / self.projector.temperature, dim=1).numpy()


def fill_templates(labels: Sequence[str], templates: Sequence[str]) -> list[str]:
    """Returns the prompts of all labels, those of a label one after the other.

    Raises:
        DataError: no labels, an empty or repeated one, or a template without ``{}``.
    """
    labels = check_texts(labels)
    if not labels or not all(label.strip() for label in labels):
        raise DataError("labels: give at least one, and none that is empty")
    doubled = next((label for label in labels if labels.count(label) > 1), None)
    if doubled is not None:
        raise DataError(f"labels: {doubled[:100]!r} is given twice")
    if not templates or not all("{}" in template for template in templates):
        raise DataError("templates: give at least one, each with {} in the place of the label")
    return [template.replace("{}", label) for label in labels for template in templates]


def _on(device: str, inputs: dict[str, Tensor | None]) -> dict[str, Any]:
    """Moves features; a text encoder may give its own on another device."""
    return {name: value if value is None else value.to(device) for name, value in inputs.items()}


def _array(vectors: Tensor) -> np.ndarray:
    return vectors.float().cpu().numpy()
