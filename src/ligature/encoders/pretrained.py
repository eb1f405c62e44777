"""Loading pretrained models: safetensors only, no code of theirs, and one line when it fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch

from ligature.encoders.source import EncoderParams, Source, first_line
from ligature.errors import EncoderError


@contextmanager
def loading(params: EncoderParams, source: Source) -> Iterator[None]:
    """Turns whatever the loading library raises into one line that names the encoder; its own bars are switched off."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        yield
    except Exception as error:
        raise EncoderError(f"encoder {params.name!r}: {source.folder} cannot be loaded: {first_line(error)}") from error


def load_frozen(params: EncoderParams, source: Source, tower: str, takes: str) -> Any:
    """Loads a transformers model in float32, frozen, in evaluation mode.

    Args:
        params: the registry entry.
        source: its files.
        tower: attribute of a two-tower model that holds the tower to use, for example ``vision_model``.
        takes: name of the model's main input, ``pixel_values`` or ``input_ids``.

    Raises:
        EncoderError: when it cannot be loaded, takes something else, or would run on random weights.
    """
    from transformers import AutoModel

    keywords = {"use_safetensors": True, "trust_remote_code": False, "dtype": torch.float32}
    with loading(params, source):
        model, facts = AutoModel.from_pretrained(source.folder, output_loading_info=True, **keywords)
    name = f"encoder {params.name!r}"
    missing = sorted(weight for weight in facts["missing_keys"] if "pooler" not in weight)
    if missing:
        raise EncoderError(f"{name}: {source.folder} lacks {len(missing)} weights of its model, one is {missing[0]!r}")
    model = getattr(model, tower, model)
    if model.main_input_name != takes and takes not in signature(model.forward).parameters:
        raise EncoderError(f"{name}: {source.folder} takes {model.main_input_name!r}, not {takes!r}; check its source")
    return model.eval().requires_grad_(False)
