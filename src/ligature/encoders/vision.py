"""Vision encoders: one adapter a loader, giving a CLS token and patch tokens, or one vector."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ligature.encoders.aligned import load_clip
from ligature.encoders.contrastive.folder import load_side
from ligature.encoders.preprocessing import Preprocess, load_preprocess
from ligature.encoders.pretrained import load_frozen
from ligature.encoders.source import first_line, resolve_source
from ligature.encoders.submodule import Tap
from ligature.errors import EncoderError
from ligature.params.encoders import VisionEncoderParams
from ligature.store import Layout


@dataclass(frozen=True)
class VisionFeatures:
    """What an encoder says of a batch of images.

    Attributes:
        cls: [b, d] CLS token or the encoder's one vector, or None where the architecture has none.
        patches: [b, t, d] patch tokens; t is 0 where there are none, None where the encoder gives one vector only.
        grid: rows and columns that the patches form, row by row; None for a square.
    """

    cls: Tensor | None
    patches: Tensor | None
    grid: tuple[int, int] | None = None

    def pooled(self, pooling: str) -> Tensor:
        """Returns one vector an image.

        Args:
            pooling: ``cls``, ``mean`` of the patches, ``cls+mean`` side by side, or ``all``, the mean over the patches
                and the CLS token, where there is one.

        Raises:
            EncoderError: when the encoder has not what is pooled.
        """
        if pooling == "all":
            return _cls_first(self.cls, self._patches_for(pooling)).mean(dim=1)
        parts = []
        if "cls" in pooling:
            if self.cls is None:
                raise EncoderError(f"pooling {pooling!r} needs a CLS token, this encoder has none; use 'mean'")
            parts.append(self.cls)
        if "mean" in pooling:
            parts.append(self._patches_for(pooling).mean(dim=1))
        return torch.cat(parts, dim=-1)

    def _patches_for(self, pooling: str) -> Tensor:
        if self.patches is None or self.patches.shape[1] == 0:
            raise EncoderError(f"pooling {pooling!r} needs patch tokens, this encoder has none; use 'cls'")
        return self.patches

    def tokens(self) -> Tensor:
        """Returns [b, t, d]: the CLS token first, where there is one, then the patches.

        Raises:
            EncoderError: when the encoder gives one vector only.
        """
        if self.patches is None:
            raise EncoderError(
                "this vision encoder has no token states; use train.mode 'pooled' or another vision encoder"
            )
        return _cls_first(self.cls, self.patches)

    def regions(self, side: int) -> Tensor:
        """Returns [b, t, d]: the CLS token first, where there is one, then the means of a grid of regions, row by row.

        The bins are those of adaptive average pooling: row i takes rows floor(i h / side) to ceil((i + 1) h / side).

        Args:
            side: rows, and columns, of the grid of regions.

        Raises:
            EncoderError: when the patches form no grid, or a smaller one.
        """
        count = 0 if self.patches is None else self.patches.shape[1]
        height, width = self.grid or (isqrt(count), isqrt(count))
        if not count or height * width != count:
            raise EncoderError(f"its {count} patches form no grid of regions; use another train.mode or vision encoder")
        if min(height, width) < side:
            raise EncoderError(f"its {height} x {width} patches are fewer than embed.regions {side} a side; lower it")
        grid = self.patches.transpose(1, 2).unflatten(2, (height, width))
        means = nn.functional.adaptive_avg_pool2d(grid, side).flatten(2).transpose(1, 2)
        return _cls_first(self.cls, means)


def _cls_first(cls: Tensor | None, others: Tensor) -> Tensor:
    return others if cls is None else torch.cat([cls[:, None], others], dim=1)


@dataclass(frozen=True)
class VisionEncoder:
    """A frozen vision encoder, ready to use.

    Attributes:
        name: in the study.
        identity: what the manifest records.
        preprocess: turns a PIL image into a [3, h, w] float tensor; runs in worker processes.
        forward: turns [b, 3, h, w] into features.
        pooling: how the study wants one vector an image.
        has_cls: whether the architecture has a CLS token.
        module: the torch module behind ``forward``; None where there is none.
    """

    name: str
    identity: dict[str, Any]
    preprocess: Preprocess
    forward: Callable[[Tensor], VisionFeatures]
    pooling: str
    has_cls: bool
    module: nn.Module | None = None


def load_vision_encoder(
    params: VisionEncoderParams,
    layout: Layout | None,
    *,
    device: str = "cpu",
    precision: str = "float32",
    compiled: bool = False,
) -> VisionEncoder:
    """Loads a vision encoder of the registry.

    Args:
        params: the registry entry.
        layout: of the study, for encoders that it makes itself.
        device: where the model runs.
        precision: ``float32``, or ``bfloat16`` under autocast.
        compiled: whether to use ``torch.compile``.

    Raises:
        EncoderError: when the source is missing or is not a vision model.
    """
    return VISION_LOADERS[params.loader](params, layout, device, precision, compiled)


def _pixels(params: VisionEncoderParams, *_: object) -> VisionEncoder:
    side = params.image_size

    def preprocess(image: Image.Image) -> Tensor:
        small = image.resize((side, side), Image.Resampling.BOX, reducing_gap=None)
        return torch.from_numpy(np.array(small, dtype=np.float32)).permute(2, 0, 1) / 255

    def forward(pixels: Tensor) -> VisionFeatures:
        flat = pixels.flatten(1)
        return VisionFeatures(flat, flat.new_empty(len(flat), 0, flat.shape[1]))

    identity = {"name": params.name, "loader": "pixels", "image_size": side, "pooling": params.pooling, "has_cls": True}
    return VisionEncoder(params.name, identity, preprocess, forward, params.pooling, has_cls=True)


def _transformers(
    params: VisionEncoderParams, layout: Layout | None, device: str, precision: str, compiled: bool
) -> VisionEncoder:
    source = resolve_source(params, layout)
    whole = load_frozen(params, source, "vision_model", "pixel_values")
    model = getattr(whole, "vision_encoder", whole).to(device)  # of SAM, which would go on to masks
    tap = Tap(model, params.module, params.name) if params.module else None
    own = {name.rpartition(".")[2] for name, _ in model.named_parameters()}
    has_cls = not own.isdisjoint(("cls_token", "class_embedding"))
    others = (getattr(model.config, "num_register_tokens", 0) or 0) + ("distillation_token" in own)
    keywords = {}
    if "interpolate_pos_encoding" in inspect.signature(model.forward).parameters and params.image_size:
        keywords["interpolate_pos_encoding"] = True
    run = torch.compile(model) if compiled else model

    def forward(pixels: Tensor) -> VisionFeatures:
        try:
            with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=precision == "bfloat16"):
                output = run(pixel_values=_beside(model, pixels), **keywords)
        except ValueError as error:
            raise EncoderError(f"encoder {params.name!r}: {first_line(error)}; check its image_size") from error
        states = tap.take(pixels, output if has_cls or others else None) if tap else output.last_hidden_state
        return split_tokens(states.float(), has_cls, others)

    identity = _identity(params, source.identity, has_cls, precision)
    return VisionEncoder(
        params.name, identity, load_preprocess(params, source), forward, params.pooling, has_cls, model
    )


def _clip(
    params: VisionEncoderParams, layout: Layout | None, device: str, precision: str, compiled: bool
) -> VisionEncoder:
    source = resolve_source(params, layout)
    model = load_clip(params, source).to(device)
    module = nn.ModuleDict({side: getattr(model, side) for side in ("vision_model", "visual_projection")})
    run = torch.compile(model.get_image_features) if compiled else model.get_image_features
    keywords = {"interpolate_pos_encoding": True} if params.image_size else {}

    def forward(pixels: Tensor) -> VisionFeatures:
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=precision == "bfloat16"):
            projected = run(pixel_values=_beside(module, pixels), **keywords).pooler_output
        return VisionFeatures(projected.float(), None)

    identity = _identity(params, source.identity, True, precision)
    preprocess = load_preprocess(params, source)
    return VisionEncoder(params.name, identity, preprocess, forward, params.pooling, has_cls=True, module=module)


def _contrastive(
    params: VisionEncoderParams, layout: Layout | None, device: str, precision: str, compiled: bool
) -> VisionEncoder:
    source = resolve_source(params, layout)
    model = load_side(params, source, device).model
    run = torch.compile(model.encode_image) if compiled else model.encode_image

    def forward(pixels: Tensor) -> VisionFeatures:
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=precision == "bfloat16"):
            return VisionFeatures(run(_beside(model.image, pixels)).float(), None)

    identity = _identity(params, source.identity, True, precision)
    preprocess = load_preprocess(params, source)
    return VisionEncoder(params.name, identity, preprocess, forward, params.pooling, has_cls=True, module=model.image)


def _beside(module: nn.Module, pixels: Tensor) -> Tensor:
    """Returns pixels on the device of a module, which may have been moved since it was loaded."""
    return pixels.to(next(module.parameters()).device, non_blocking=True)


def _identity(params: VisionEncoderParams, revision: str, has_cls: bool, precision: str) -> dict[str, Any]:
    return {
        "name": params.name,
        "loader": params.loader,
        "source": "this study" if params.recipe else params.source,
        "revision": revision,
        "image_size": params.image_size,
        "pooling": params.pooling,
        "has_cls": has_cls,
        "precision": precision,
        **({"module": params.module} if params.module else {}),
    }


def split_tokens(states: Tensor, has_cls: bool, others: int = 0) -> VisionFeatures:
    """Splits the last hidden state of a vision model into features.

    Args:
        states: [b, t, d] of a transformer, or [b, d, h, w] of a convolutional net.
        has_cls: whether the first token is the CLS token.
        others: register or distillation tokens before the patches, which are left out.
    """
    if states.dim() == 4:
        return VisionFeatures(None, states.flatten(2).transpose(1, 2), tuple(states.shape[2:]))
    cls = states[:, 0] if has_cls else None
    return VisionFeatures(cls, states[:, int(has_cls) + others :])


VISION_LOADERS: dict[str, Callable[..., VisionEncoder]] = {
    "transformers": _transformers,
    "clip": _clip,
    "contrastive": _contrastive,
    "pixels": _pixels,
}
"""Adapters by name. A new one (timm, open_clip) is a function here and a word in ``VisionEncoderParams.loader``."""
