"""Captions as tokens: a byte-level BPE trained on them, or a published vocabulary such as CLIP's."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ligature.encoders.source import fetch_folder, find_folder, first_line
from ligature.errors import EncoderError
from ligature.store import Layout
from ligature.store.atomic import write_json, write_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DEFINITION, SETTINGS = "tokenizer.json", "tokenizer_config.json"
"""What ``CaptionTokenizer.save`` writes; ``transformers.AutoTokenizer`` reads both."""

START, END, PAD = "<|startoftext|>", "<|endoftext|>", "<|pad|>"
"""Special tokens of a vocabulary that is trained here."""

CLIP_FILES = "vocab.json", "merges.txt"
"""A vocabulary as CLIP's is published, where there is no ``tokenizer.json``."""

LARGEST_FILE = 64 << 20
"""Bytes of the largest vocabulary file that is read; CLIP's have 2 MiB."""


class CaptionTokenizer:
    """Turns captions into rows of ids: start, the pieces of the text, end, padding.

    Special tokens spelt out in a caption are plain text; a lone surrogate, which is no character, becomes a question
    mark. It can be pickled, so that worker processes may hold one.

    Attributes:
        definition: what ``tokenizer.json`` holds.
        vocabulary_size: number of ids, one more than the largest.
        start_token: id of the start.
        end_token: id of the end.
        pad_token: id of the padding; CLIP's is its end.
        context_length: longest row; of a longer text the last pieces are cut, never its end.
        hash: ``sha256:...`` of the definition.
    """

    def __init__(self, definition: str, special: Sequence[str], context_length: int) -> None:
        """Takes a tokenizer of the ``tokenizers`` library as JSON.

        Args:
            definition: its JSON.
            special: the start, end and padding as they stand in its vocabulary.
            context_length: longest row, start and end included.

        Raises:
            EncoderError: the JSON is no tokenizer, a special token is not in it, or nothing fits between start and end.
        """
        if context_length < 3:
            raise EncoderError(f"context_length {context_length} leaves no room between start and end; use 3 or more")
        self._special = tuple(special)
        self._backend = _opened(definition, *self._special)
        self.start_token, self.end_token, self.pad_token = map(self._backend.token_to_id, self._special)
        self.context_length = context_length
        self.definition = self._backend.to_str(pretty=True) + "\n"
        self.vocabulary_size = max(self._backend.get_vocab().values()) + 1
        self.hash = "sha256:" + hashlib.sha256(self.definition.encode("utf-8")).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        """Returns what pickle makes it of again."""
        return CaptionTokenizer, (self.definition, self._special, self.context_length)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Returns [b, l] ids, l of the longest row at most ``context_length``; an empty text is start and end."""
        rows = self._rows(texts)
        length = min(max(map(len, rows), default=0), self.context_length)
        tokens = torch.full((len(rows), length), self.pad_token)
        for number, row in enumerate(rows):
            kept = row if len(row) <= length else [*row[: length - 1], self.end_token]
            tokens[number, : len(kept)] = torch.tensor(kept)
        return tokens

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Returns the tokens of each text before any cut, start and end included."""
        return [len(row) for row in self._rows(texts)]

    def decode(self, tokens: Tensor) -> list[str]:
        """Returns the text of every row of [b, l] ids, up to its first end.

        With a vocabulary trained here it is the caption itself, unless it was cut.
        """
        suffix = getattr(self._backend.model, "end_of_word_suffix", None)
        texts = []
        for row in tokens.tolist():
            end = row.index(self.end_token) if self.end_token in row else len(row)
            text = self._backend.decode(row[:end])
            texts.append(text.replace(suffix, " ").strip() if suffix else text)
        return texts

    def save(self, folder: Path) -> None:
        """Writes ``tokenizer.json`` and ``tokenizer_config.json``, from which transformers gives the same ids."""
        start, end, pad = self._special
        write_text(Path(folder) / DEFINITION, self.definition)
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": start,
            "eos_token": end,
            "pad_token": pad,
            "model_max_length": self.context_length,
            "padding_side": "right",
            "truncation_side": "right",
            "split_special_tokens": True,
            "clean_up_tokenization_spaces": False,
        }
        write_json(Path(folder) / SETTINGS, settings)

    def _rows(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._backend.encode_batch_fast([_plain(text) for text in texts])]


def _opened(definition: str, start: str, end: str, pad: str) -> "Tokenizer":
    """Returns a tokenizer that puts start and end around every text, and neither cuts nor pads."""
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    try:
        backend = Tokenizer.from_str(definition)
        ids = {token: backend.token_to_id(token) for token in (start, end, pad)}
        if None not in ids.values():
            frame = [(token, ids[token]) for token in dict.fromkeys((start, end))]
            backend.post_processor = TemplateProcessing(single=[start, "$A", end], special_tokens=frame)
    except Exception as error:  # the library raises no other
        raise EncoderError(f"no tokenizer of the tokenizers library: {first_line(error)}") from error
    for token, id_ in ids.items():
        if id_ is None:
            raise EncoderError(f"its vocabulary lacks the special token {token!r} that it names")
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    return backend


def _plain(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")


def train_tokenizer(texts: Iterable[str], vocabulary: int, context_length: int) -> CaptionTokenizer:
    """Trains a byte-level BPE (Sennrich et al., 2016; on bytes as in GPT-2); the same texts give the same bytes.

    It holds every byte, so that no text is unknown to it, and splits words as GPT-2 does; case is kept. The order of
    the texts does not matter.

    Args:
        texts: captions.
        vocabulary: most tokens, the three special ones and 256 bytes included; fewer where the texts hold no more.
        context_length: longest row, start and end included.

    Raises:
        EncoderError: ``vocabulary`` is below 260.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if vocabulary < 260:
        raise EncoderError(f"a vocabulary of {vocabulary} has no room for 256 bytes and 3 special tokens; use 260")
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[START, END, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(map(_plain, texts), trainer)
    return CaptionTokenizer(backend.to_str(), (START, END, PAD), context_length)


def load_tokenizer(folder: Path, context_length: int) -> CaptionTokenizer:
    """Loads the tokenizer of a folder: one that ``save`` wrote, or a published one with its start, end and padding.

    Args:
        folder: with ``tokenizer.json``, or CLIP's ``vocab.json`` and ``merges.txt``, and ``tokenizer_config.json``.
        context_length: longest row, start and end included.

    Raises:
        EncoderError: naming the file that is missing, too large or not as it should be.
    """
    folder = Path(folder)
    settings = _settings(folder / SETTINGS)
    special = [_spelling(folder / SETTINGS, settings, key) for key in ("bos_token", "eos_token", "pad_token")]
    if (folder / DEFINITION).is_file():
        path, definition = folder / DEFINITION, _bounded(folder / DEFINITION)
    else:
        path, definition = folder / CLIP_FILES[0], _of_clip_files(folder)
    try:
        return CaptionTokenizer(definition, special, context_length)
    except EncoderError as error:
        raise EncoderError(f"{path}: {error}") from error


def find_tokenizer(
    source: str, revision: str | None, context_length: int, layout: Layout | None = None
) -> CaptionTokenizer:
    """Loads a published tokenizer from a local folder, or from the Hub, of which nothing else is fetched.

    Args:
        source: local folder, ``package:NAME/FOLDER`` or Hub id.
        revision: Hub commit; None for the newest.
        context_length: longest row, start and end included.
        layout: of the study; None to take the source literally.

    Raises:
        EncoderError: when it is not to be had, or is no tokenizer with start, end and padding.
    """
    folder = find_folder("tokenizer", source, layout)
    if folder is None:
        folder = fetch_folder("tokenizer", source, revision, (DEFINITION, SETTINGS, *CLIP_FILES))
    elif revision is not None:
        raise EncoderError(f"tokenizer: revision {revision!r} is a commit of the Hub, {folder} is a folder; remove it")
    return load_tokenizer(folder, context_length)


def _of_clip_files(folder: Path) -> str:
    """Returns the definition that transformers makes of CLIP's two vocabulary files."""
    from transformers import CLIPTokenizerFast

    for name in CLIP_FILES:
        _bounded(folder / name)
    try:
        return CLIPTokenizerFast.from_pretrained(folder).backend_tokenizer.to_str()
    except Exception as error:
        raise EncoderError(f"{folder / CLIP_FILES[0]}: cannot be loaded: {first_line(error)}") from error


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(_bounded(path))
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"{path}: no JSON ({first_line(error)}); download the folder again") from error
    if not isinstance(settings, dict):
        raise EncoderError(f"{path}: no JSON object; download the folder again")
    return settings


def _spelling(path: Path, settings: dict[str, Any], key: str) -> str:
    """Returns a special token's spelling, which is a string or stands in an object as ``content``."""
    value = settings.get(key)
    token = value.get("content") if isinstance(value, dict) else value
    if not isinstance(token, str) or not token:
        raise EncoderError(f"{path}: names no {key}; choose a tokenizer with bos_token, eos_token and pad_token")
    return token


def _bounded(path: Path) -> str:
    if not path.is_file():
        raise EncoderError(f"{path}: no such file; choose a folder with {DEFINITION} and {SETTINGS}")
    if path.stat().st_size > LARGEST_FILE:
        raise EncoderError(f"{path}: larger than {LARGEST_FILE >> 20} MiB; choose another tokenizer")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise EncoderError(f"{path}: no UTF-8 text; download the folder again") from error
