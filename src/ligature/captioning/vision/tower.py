"""A vision encoder of the registry as one half of a model: patch tokens, frozen or trained, saved with all it needs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import save_file
from torch import Tensor, nn

from ligature.encoders.contrastive.saving import read_weights
from ligature.encoders.source import HUB_FILES, resolve_source
from ligature.encoders.unimodal.saving import WEIGHTS
from ligature.encoders.vision import VisionEncoder, VisionFeatures, load_vision_encoder
from ligature.errors import DamagedError, EncoderError
from ligature.params.encoders import VisionEncoderParams
from ligature.store import Layout
from ligature.store.atomic import replacing_folder, write_json
from ligature.store.damage import read_json
from ligature.store.hashing import hash_files

SETTINGS, ENCODER = "tower.json", "encoder"
"""The registry entry of a saved tower, and the folder with the files of its encoder."""

SUFFIXES = {pattern.removeprefix("*") for pattern in HUB_FILES}
"""Kinds of files that an encoder consists of: neither code nor pickled weights."""


class VisionTower(nn.Module):
    """Patch tokens of images.

    A frozen tower stays in evaluation mode and keeps no graph. One that is trained follows ``train()`` and ``eval()``,
    but for batch norms, whose running statistics stay as they are.

    Attributes:
        params: registry entry of the encoder.
        module: the torch module behind the tokens; None for an encoder without weights.
        width: d, width of a token.
        tokens: T, tokens of an image.
        grid: rows and columns that the tokens form, row by row; None where they form none.
        side: height of the input in pixels.
        trained: whether the parameters are being trained.
    """

    def __init__(self, encoder: VisionEncoder, params: VisionEncoderParams, layout: Layout | None) -> None:
        """Takes a loaded encoder, frozen, and asks it for the tokens of a grey image.

        Args:
            encoder: as ``load_vision_encoder`` gives it.
            params: its registry entry.
            layout: of the study, where the encoder's files are found when they are saved.
        """
        super().__init__()
        self.params, self._layout, self._encoder = params, layout, encoder
        self.module, self.trained = encoder.module, False
        self._changed, self._mode = False, False
        self._probe = encoder.preprocess(Image.new("RGB", (64, 64), (127, 127, 127)))[None]
        with torch.no_grad():
            features = self._features(self._probe)
        _, self.tokens, self.width = _tokens(features).shape
        self.side = self._probe.shape[2]
        self.grid = _grid(features, self._probe)
        self.eval()

    def preprocess(self, image: Image.Image) -> Tensor:
        """Returns the input [3, h, w] of an RGB image, by the encoder's own steps."""
        return self._encoder.preprocess(image)

    def forward(self, pixels: Tensor) -> Tensor:
        """Returns tokens [N, T, d] in float32 of preprocessed images [N, 3, h, w]: the patches, without CLS token.

        An encoder without patches gives its one vector as one token.
        """
        with torch.set_grad_enabled(self.trained and torch.is_grad_enabled()):
            return _tokens(self._features(pixels))

    def train(self, mode: bool = True) -> "VisionTower":
        """Sets training mode; a frozen tower stays in evaluation mode, as do batch norms."""
        self._mode = mode
        super().train(mode and self.trained)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def set_trained(self, trained: bool) -> None:
        """Trains all parameters that the tokens depend on, or freezes the tower.

        Raises:
            EncoderError: the encoder has no parameters.
        """
        if trained and self.module is None:
            raise EncoderError(f"encoder {self.params.name!r}: has no parameters to train; leave vision out of them")
        for parameter in self.parameters():
            parameter.requires_grad_(trained)
        if trained:
            self._freeze_unused()
        self.trained, self._changed = trained, self._changed or trained
        self.train(self._mode)

    def save(self, folder: Path | str) -> None:
        """Writes the encoder's files, trained weights beside them, and the registry entry; the folder appears whole.

        Raises:
            EncoderError: the encoder's files are no longer those that were loaded.
        """
        with replacing_folder(folder) as fresh:
            entry = self.params.model_dump(mode="json", exclude={"source", "recipe", "revision"})
            if self.params.loader != "pixels":
                entry["revision"] = self._copy_encoder(fresh / ENCODER)
            if self._changed:
                save_file(self._weights(), fresh / WEIGHTS, metadata={"format": "pt"})
            write_json(fresh / SETTINGS, {"trained": self._changed, "encoder": entry})
            for path in fresh.rglob("*.safetensors"):
                path.chmod((fresh / SETTINGS).stat().st_mode)  # safetensors writes for the owner alone

    @classmethod
    def load(cls, folder: Path | str, device: str = "cpu") -> "VisionTower":
        """Returns a tower that ``save`` wrote, frozen.

        Raises:
            DamagedError: a file is not what was written.
            EncoderError: a file is missing, or the files do not belong together.
        """
        params, trained = _read_settings(Path(folder))
        tower = load_tower(params, None, device)
        if trained:
            weights = read_weights(folder, tower._weights())
            tower.module.load_state_dict(weights, strict=False)
            tower._changed = True
        return tower

    def _features(self, pixels: Tensor) -> VisionFeatures:
        """Runs the encoder on the device and in the type of its weights."""
        first = next(self.parameters(), pixels)
        return self._encoder.forward(pixels.to(first.device, first.dtype, non_blocking=True))

    def _freeze_unused(self) -> None:
        """Freezes parameters that the tokens do not depend on, such as those of a pooling head."""
        with torch.enable_grad():
            used = {id(leaf) for leaf in _leaves(_tokens(self._features(self._probe)))}
        for parameter in self.parameters():
            parameter.requires_grad_(id(parameter) in used)

    def _weights(self) -> dict[str, Tensor]:
        return {name: parameter.detach().cpu().contiguous() for name, parameter in self.module.named_parameters()}

    def _copy_encoder(self, target: Path) -> str:
        """Copies the encoder's files and returns the hash of their weights."""
        source, loaded = resolve_source(self.params, self._layout), self._encoder.identity["revision"]
        if source.identity != loaded:
            raise EncoderError(
                f"encoder {self.params.name!r}: {source.folder} is {source.identity}, loaded was {loaded}; restore it"
            )
        for path in sorted(source.folder.rglob("*")):
            if path.is_file() and path.suffix in SUFFIXES:
                copy = target / path.relative_to(source.folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        return hash_files(sorted(target.rglob("*.safetensors")))


def load_tower(params: VisionEncoderParams, layout: Layout | None, device: str = "cpu") -> VisionTower:
    """Loads a vision encoder of the registry as a frozen tower.

    Args:
        params: the registry entry.
        layout: of the study; None for an encoder that belongs to none.
        device: where it runs.

    Raises:
        EncoderError: when the source is missing or is not a vision model.
    """
    return VisionTower(load_vision_encoder(params, layout, device=device), params, layout)


def _tokens(features: VisionFeatures) -> Tensor:
    if features.patches is None or features.patches.shape[1] == 0:
        return features.cls[:, None]
    return features.patches


def _grid(features: VisionFeatures, pixels: Tensor) -> tuple[int, int] | None:
    """Returns rows and columns of the patches: those given, or those in proportion to the sides of the image."""
    if features.grid is not None or features.patches is None or features.patches.shape[1] == 0:
        return features.grid
    (height, width), count = pixels.shape[2:], features.patches.shape[1]
    rows = max(1, round((count * height / width) ** 0.5))
    columns = count // rows
    return (rows, columns) if rows * columns == count and rows * width == columns * height else None


def _leaves(output: Tensor) -> Iterator[Tensor]:
    """Yields the parameters that a tensor depends on."""
    seen, nodes = set(), [output.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        nodes += [following for following, _ in node.next_functions]


def _read_settings(folder: Path) -> tuple[VisionEncoderParams, bool]:
    """Returns the registry entry of a saved tower, its source inside the folder, and whether it was trained."""
    path = folder / SETTINGS
    if not path.is_file():
        raise EncoderError(f"{folder} has no {SETTINGS}: it holds no saved vision tower; correct the folder")
    values = read_json(path)
    try:
        entry = dict(values["encoder"])
        if entry["loader"] != "pixels":
            entry["source"] = str((folder / ENCODER).absolute())
        return VisionEncoderParams(**entry), bool(values["trained"])
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise DamagedError(path, f"no registry entry of an encoder: {error}") from error
