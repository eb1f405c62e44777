"""Loading CLIP, whose image and text side are aligned as they come."""

from typing import Any

from ligature.encoders.pretrained import load_frozen, loading
from ligature.encoders.source import EncoderParams, Source
from ligature.errors import EncoderError


def load_clip(params: EncoderParams, source: Source) -> Any:
    """Loads both sides of a CLIP model, frozen; its ``get_image_features`` and ``get_text_features`` project.

    SigLIP is refused: it reads texts at a fixed length, without a mask, after steps that its tokenizer may lack.

    Raises:
        EncoderError: when it cannot be loaded, is of another type, or would run on random weights.
    """
    from transformers import AutoConfig

    with loading(params, source):
        kind = AutoConfig.from_pretrained(source.folder, trust_remote_code=False).model_type
    if kind != "clip":
        raise EncoderError(
            f"encoder {params.name!r}: {source.folder} holds a model of type {kind!r}, "
            "loader 'clip' takes 'clip' only; choose another loader or source"
        )
    return load_frozen(params, source, "", "input_ids")
