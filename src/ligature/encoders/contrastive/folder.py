"""A trained pair of towers as one folder: model, tokenizer and preprocessing, written and read together."""

from dataclasses import dataclass
from pathlib import Path

from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.encoders.contrastive.images import write_preprocessor
from ligature.encoders.contrastive.model import ContrastiveModel
from ligature.encoders.contrastive.saving import read_config
from ligature.encoders.contrastive.tokenizer import DEFINITION, CaptionTokenizer, load_tokenizer
from ligature.encoders.source import EncoderParams, Source
from ligature.encoders.unimodal.saving import CONFIG, check_model_folder, writing_model_folder
from ligature.errors import DamagedError, EncoderError


@dataclass(frozen=True)
class ContrastivePair:
    """A model and the tokenizer that it was trained with.

    Attributes:
        model: both towers.
        tokenizer: of its captions.
    """

    model: ContrastiveModel
    tokenizer: CaptionTokenizer


def save_pair(model: ContrastiveModel, tokenizer: CaptionTokenizer, folder: Path) -> None:
    """Writes a pair into ``folder``, where the files appear only at the end; the same pair gives the same bytes.

    Raises:
        EncoderError: the model was made for another vocabulary.
    """
    folder = Path(folder)
    _check_vocabulary(model.config, tokenizer, folder)
    with writing_model_folder(folder) as beside:
        tokenizer.save(beside)
        write_preprocessor(beside, model.config.image_size)
        model.save_pretrained(beside)


def load_pair(folder: Path, device: str = "cpu") -> ContrastivePair:
    """Loads a pair that ``save_pair`` wrote, in evaluation mode.

    Raises:
        DamagedError: a file is not what was written.
        EncoderError: a file is missing, or the tokenizer is not the one that the model was trained with.
    """
    folder = Path(folder)
    check_model_folder(folder)
    config = read_config(folder)
    tokenizer = load_tokenizer(folder, config.context_length)
    _check_vocabulary(config, tokenizer, folder)
    return ContrastivePair(ContrastiveModel.from_pretrained(folder).to(device), tokenizer)


def load_side(params: EncoderParams, source: Source, device: str) -> ContrastivePair:
    """Loads a pair, frozen, as an encoder of the registry.

    Raises:
        EncoderError: as ``load_pair``, naming the encoder; its folder may be somebody's own, so it is left as it is.
    """
    try:
        pair = load_pair(source.folder, device)
    except (DamagedError, EncoderError) as error:
        raise EncoderError(f"encoder {params.name!r}: {error}") from error
    pair.model.requires_grad_(False)
    return pair


def _check_vocabulary(config: ContrastiveConfig, tokenizer: CaptionTokenizer, folder: Path) -> None:
    """Checks the size of the vocabulary, the token that texts are pooled at, and the hash, where the model has one."""
    needed = config.vocabulary_size, config.end_token, config.tokenizer_hash or tokenizer.hash
    if needed != (tokenizer.vocabulary_size, tokenizer.end_token, tokenizer.hash):
        raise EncoderError(
            f"{folder / CONFIG} asks for {_described(*needed)}, {folder / DEFINITION} has "
            f"{_described(tokenizer.vocabulary_size, tokenizer.end_token, tokenizer.hash)}; "
            "put back the tokenizer that the model was trained with, or train the model with this one"
        )


def _described(size: int, end: int, hash_: str) -> str:
    return f"{size} tokens with end {end} ({hash_[:19]})"
