"""The encoders of the published study of matching without training, each with the layer and pooling that it used.

Preprocessing is that of each checkpoint. All captions of an image are averaged there, without normalising the mean.
Some checkpoints have no safetensors but in the Hub's own conversion, whose branch their revision names.
"""

from collections.abc import Iterator

from ligature.errors import EncoderError
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams

CLIP = "openai/clip-vit-large-patch14"

LEFT_OUT = {"sam-embed": "its output is a code of positions that does not depend on the image"}
"""Published encoders that are no encoders, and why."""


def _vision(name: str, source: str, pooling: str, **more: str | int) -> VisionEncoderParams:
    return VisionEncoderParams(name=name, loader="transformers", source=source, pooling=pooling, **more)


def _detr(depth: int) -> Iterator[VisionEncoderParams]:
    """Yields the three parts of DETR that were used, from the branch whose backbone is transformers' own ResNet."""
    source = f"facebook/detr-resnet-{depth}"
    for part in ("encoder", "decoder", "backbone"):
        yield _vision(f"detr-resnet-{depth}-{part}", source, "mean", revision="no_timm", module=part, image_size=800)


def _all() -> Iterator[VisionEncoderParams | TextEncoderParams]:
    yield _vision("convnext", "facebook/convnext-base-224-22k", "mean", revision="refs/pr/1")
    yield _vision("dinov2", "facebook/dinov2-large", "all")
    yield VisionEncoderParams(name="clip-image", loader="clip", source=CLIP, pooling="cls")
    yield TextEncoderParams(name="clip-text", loader="clip", source=CLIP)
    yield TextEncoderParams(
        name="allroberta", loader="sentence-transformers", source="sentence-transformers/all-roberta-large-v1"
    )
    yield from _detr(50)
    yield from _detr(101)
    yield _vision("sam", "facebook/sam-vit-huge", "mean", module="layers.31")
    yield _vision("segformer", "nvidia/mit-b0", "mean", revision="refs/pr/5")
    yield _vision("segformer-segment", "nvidia/segformer-b0-finetuned-ade-512-512", "mean")
    yield _vision("dpt", "Intel/dpt-large", "all", module="encoder")
    yield _vision("resnet101", "microsoft/resnet-101", "mean", revision="refs/pr/2")
    yield _vision("vit", "google/vit-base-patch16-384", "cls")


PUBLISHED_ENCODERS: dict[str, VisionEncoderParams | TextEncoderParams] = {entry.name: entry for entry in _all()}
"""Entries for a study's `encoders` block, by name; where no module is named, the layer is the model's own output."""

_DETR = "images are squeezed to 800 x 800, published ones kept their shape"
_DETR_NOTES = {
    "encoder": f"mean of the encoder's tokens; {_DETR}",
    "decoder": f"mean of the 100 object queries, which form no grid; {_DETR}",
    "backbone": f"mean of the deepest feature map, its mask ignored; {_DETR}",
}

PUBLISHED_NOTES: dict[str, str] = {
    "convnext": "mean of the 7 x 7 map before the last norm; published vectors are of unit length, these are not",
    "dinov2": "mean of all tokens, the CLS token included",
    "clip-image": "projected vector; published ones are of unit length, these are not",
    "clip-text": "projected vector; published ones are of unit length before the mean over captions, these are not",
    "allroberta": "of unit length, as the model gives it",
    **{f"detr-resnet-{depth}-{part}": note for depth in (50, 101) for part, note in _DETR_NOTES.items()},
    "sam": "last layer of the vision encoder, before its neck; images are padded to a square, the mean counts it",
    "segformer": "mean of the last map of a backbone trained on ImageNet-1k",
    "segformer-segment": "mean of the last map of the backbone, without the head that segments",
    "dpt": "mean of all tokens before the last norm, the CLS token included",
    "resnet101": "mean of the last map",
    "vit": "other weights: published was timm's vit_base_patch16_384.augreg_in1k, of ImageNet-1k alone, these were "
    "trained on ImageNet-21k first; CLS token after the last norm",
}
"""What is particular of each, by name."""


def published_encoder(name: str) -> VisionEncoderParams | TextEncoderParams:
    """Returns a published encoder.

    Raises:
        EncoderError: naming those there are, or why it was left out.
    """
    if name in LEFT_OUT:
        raise EncoderError(f"published encoder {name!r} is left out: {LEFT_OUT[name]}; choose another")
    if name not in PUBLISHED_ENCODERS:
        raise EncoderError(f"unknown published encoder {name!r}; known: {', '.join(PUBLISHED_ENCODERS)}")
    return PUBLISHED_ENCODERS[name]
