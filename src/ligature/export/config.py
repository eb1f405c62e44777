"""What the file ``ligature.json`` of an exported pair holds, and how it is read from folders of strangers."""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, field_validator

from ligature.data.files import read_text
from ligature.errors import DataError
from ligature.params.base import Block, Positive
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams
from ligature.params.train import Mode

CONFIG_NAME = "ligature.json"
ENCODERS_NAME = "encoders"
MAX_BYTES = 1 << 20
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
Params = TypeVar("Params", VisionEncoderParams, TextEncoderParams)


class Origin(Block):
    """Where an encoder was taken from when the pair was trained.

    Attributes:
        source: Hub id, package, name of a local folder, ``this study``, or None where there are no files.
        revision: Hub commit, or hash of the weights; None where there are no weights.
    """

    source: str | None = None
    revision: str | None = None


class PairConfig(Block):
    """All of an exported pair but its weights and texts for readers.

    Attributes:
        format: version of this file.
        name: of the pair.
        mode: of the training: whether the projector takes pooled features, regions or tokens.
        regions: side of the grid of regions.
        vision: the vision encoder; its source is a Hub id, or ``./encoders/vision`` inside the folder.
        text: the text encoder with its prompt and longest text.
        origins: where ``vision`` and ``text`` came from.
        temperature: of the training at its end; logits are cosine similarities over it.
        logit_bias: added to the logits in training with the sigmoid loss.
        projector: hash of ``projector.safetensors``.
    """

    format: Literal[1] = 1
    name: str = Field(max_length=200)
    mode: Mode
    regions: Positive = 2
    vision: VisionEncoderParams
    text: TextEncoderParams
    origins: dict[Literal["vision", "text"], Origin]
    temperature: float = Field(gt=0)
    logit_bias: float | None = None
    projector: str

    @field_validator("vision", "text")
    @classmethod
    def _source_can_be_had(cls, params: Params) -> Params:
        source = params.source
        if params.recipe is not None:
            raise ValueError("a recipe cannot be followed outside its study; export the pair again")
        if source is not None and not is_inside(source) and not HUB_ID.fullmatch(source):
            raise ValueError(f"source {source!r} is neither a Hub id nor a folder inside this one")
        return params

    def params_in(self, folder: Path) -> tuple[VisionEncoderParams, TextEncoderParams]:
        """Returns both encoders with sources inside ``folder`` as whole paths.

        Raises:
            DataError: a source leads outside, through ``..`` or a link.
        """
        return _in_folder(self.vision, folder), _in_folder(self.text, folder)


def is_inside(source: str | None) -> bool:
    """Whether a source is a folder of the exported pair; no Hub id begins with a dot."""
    return source is not None and source.startswith("./")


def _in_folder(params: Params, folder: Path) -> Params:
    if not is_inside(params.source):
        return params
    parts = PurePosixPath(params.source).parts
    path = folder.joinpath(*parts)
    if ".." in parts or "\0" in params.source or not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{folder / CONFIG_NAME}: source {params.source!r} leaves the folder; do not use this model")
    return params.model_copy(update={"source": str(path.absolute())})


def read_config(folder: Path) -> PairConfig:
    """Reads the config of an exported pair.

    Raises:
        DataError: there is none, or it is not one of this format; one line naming the key.
    """
    path = folder / CONFIG_NAME
    if not path.is_file():
        raise DataError(f"{path}: missing; {folder} holds no exported pair, run `ligature export` first")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path}: above {MAX_BYTES:,} bytes; this is no config of an exported pair")
    try:
        return PairConfig.model_validate(json.loads(read_text(path)))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise DataError(f"{path}: {key}: {first['msg'].removeprefix('Value error, ')}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: not valid json ({str(error).splitlines()[0][:100]}); export the pair again"
        ) from error
