"""A tiny random contrastive pair, saved as the pre-training saves it."""

import torch

from ligature.encoders.contrastive import ContrastiveConfig, ContrastiveModel, save_pair, train_tokenizer

SIDE, WIDTH, CONTEXT = 16, 12, 10
CAPTIONS = ["a red dog", "the blue dog", "a cat on a red house", "two cats", "the old house by the sea"]


def tiny_tokenizer(vocabulary=280, context_length=CONTEXT, texts=CAPTIONS):
    return train_tokenizer(texts, vocabulary, context_length)


def tiny_pair_model(tokenizer, seed=0, **changes):
    """Returns a random model of two layers for a tokenizer."""
    shape = {
        f"{side}{key}": size for side in ("", "text_") for key, size in (("width", 16), ("layers", 2), ("heads", 2))
    }
    values = {
        "image_size": SIDE,
        "patch_size": 8,
        "embed_dim": WIDTH,
        "context_length": tokenizer.context_length,
        "vocabulary_size": tokenizer.vocabulary_size,
        "end_token": tokenizer.end_token,
        "pad_token": tokenizer.pad_token,
        "tokenizer_hash": tokenizer.hash,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ContrastiveModel(ContrastiveConfig(**{**shape, **values, **changes})).eval()


def save_tiny_pair(folder, seed=0, context_length=CONTEXT, **changes):
    """Saves a random pair and returns its folder."""
    tokenizer = tiny_tokenizer(context_length=context_length)
    save_pair(tiny_pair_model(tokenizer, seed, **changes), tokenizer, folder)
    return folder
