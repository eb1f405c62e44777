"""An untrained text encoder: BERT with random weights over word pieces learnt from a study's own texts."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from ligature.encoders.unimodal.saving import save_model, writing_model_folder
from ligature.errors import DataError, EncoderError
from ligature.params.encoders import TextRecipe

MAX_LENGTH = 128
"""Longest text in tokens, and the number of positions of the model."""

HEAD_WIDTH = 32
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def make_text_encoder(recipe: TextRecipe, folder: Path, *, texts: Sequence[str]) -> None:
    """Makes an untrained text encoder and writes it as a transformers folder.

    ``AutoModel`` and ``AutoTokenizer`` load the folder. The same arguments give the same bytes.

    Args:
        recipe: width, layers, size of the vocabulary, seed.
        folder: where to write; files appear only at the end.
        texts: the texts whose words make the vocabulary.

    Raises:
        DataError: the texts hold no words.
        EncoderError: the vocabulary is too small for the letters of the texts.
    """
    from transformers import BertConfig, BertModel, BertTokenizer

    vocabulary = train_vocabulary(texts, recipe.vocabulary)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=recipe.hidden_size,
        num_hidden_layers=recipe.layers,
        num_attention_heads=math.gcd(recipe.hidden_size, max(recipe.hidden_size // HEAD_WIDTH, 1)),
        intermediate_size=4 * recipe.hidden_size,
        max_position_embeddings=MAX_LENGTH,
        pad_token_id=vocabulary["[PAD]"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = BertModel(config)
    with writing_model_folder(folder) as beside:
        save_model(model, beside)
        BertTokenizer(vocab=vocabulary, model_max_length=MAX_LENGTH).save_pretrained(beside)


def train_vocabulary(texts: Sequence[str], size: int) -> dict[str, int]:
    """Returns a WordPiece vocabulary of at most ``size`` pieces with their ids, lower case.

    The trainer numbers letters inside words in the order of a hash table, which differs from run to run
    and decides ties; handing it all letters in order makes the result depend on the texts alone.

    Raises:
        DataError: the texts hold no words.
        EncoderError: ``size`` is too small for the letters of the texts.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    letters = _letters(tokenizer, texts)
    if not letters:
        raise DataError(f"none of {len(texts)} texts holds a word to make a vocabulary of")
    first = [*_SPECIAL, *letters, *("##" + letter for letter in letters)]
    if len(first) > size:
        raise EncoderError(f"a vocabulary of {size} is too small: the texts need {len(first)} pieces for letters")
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=first, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return dict(sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]))


def _letters(tokenizer: "tokenizers.Tokenizer", texts: Sequence[str]) -> list[str]:  # noqa: F821
    """Returns every character of the words of ``texts``, sorted."""
    found: set[str] = set()
    for text in texts:
        words = tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))
        found.update(*(word for word, _ in words))
    return sorted(found)
