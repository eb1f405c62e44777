"""Tiny random vision encoders and language models, saved as their authors save theirs; nothing is downloaded."""

from pathlib import Path
from typing import Any

import torch
from tiny_models import ARCHITECTURES, SIDE, vision_params

from ligature.encoders.contrastive.tokenizer import train_tokenizer
from ligature.params.encoders import VisionEncoderParams

TEXTS = [
    "a red circle above a blue square",
    "two green triangles on a grey ground",
    "the small yellow star is left of the large black cross",
    "a photo of a dog that sleeps beside the old house by the sea",
    "describe the image in one sentence",
]
"""What the tokenizer is trained on."""

TILE_MARKS = [f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)]
MARKS = ["<fake_token_around_image>", "<global-img>", "<image>", "<end_of_utterance>", *TILE_MARKS]
"""Special tokens of SmolVLM's vocabulary."""

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}"
)
"""A chat template in SmolVLM's manner, of messages whose content is a string."""


def tiny_tokenizer(folder: Path, *, vocabulary: int = 300, chat: bool = False, pad: bool = True) -> Any:
    """Saves a byte-level BPE with start, end and padding, with SmolVLM's marks and a chat template where ``chat``."""
    import transformers

    train_tokenizer(TEXTS, vocabulary - (len(MARKS) if chat else 0), 256).save(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if chat:
        tokenizer.add_special_tokens({"additional_special_tokens": MARKS})
        tokenizer.eos_token = "<end_of_utterance>"
        tokenizer.chat_template = TEMPLATE
    if not pad:
        tokenizer.pad_token = None
    tokenizer.save_pretrained(folder)
    return tokenizer


def tiny_language(
    folder: Path,
    *,
    vocabulary: int = 300,
    width: int = 32,
    layers: int = 2,
    heads: int = 2,
    tied: bool = True,
    padded: int = 0,
    chat: bool = False,
    pad: bool = True,
    seed: int = 0,
) -> Path:
    """Saves a random Llama and its tokenizer.

    Args:
        folder: where to save.
        vocabulary: tokens that the tokenizer may have; it has fewer where the texts hold no more.
        width: of the transformer.
        layers: of the transformer.
        heads: attention heads; half as many key and value heads.
        tied: whether the head is the embedding table.
        padded: rows of the table beyond those of the tokenizer.
        chat: whether the tokenizer has SmolVLM's marks and a chat template.
        pad: whether the tokenizer has a padding token.
        seed: of the weights.
    """
    import transformers

    tokenizer = tiny_tokenizer(folder, vocabulary=vocabulary, chat=chat, pad=pad)
    config = transformers.LlamaConfig(**text_shape(tokenizer, width, layers, heads, padded), tie_word_embeddings=tied)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def text_shape(tokenizer: Any, width: int, layers: int, heads: int, padded: int = 0) -> dict[str, Any]:
    """Returns the settings of a small Llama for a tokenizer."""
    return {
        "vocab_size": len(tokenizer) + padded,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": max(1, heads // 2),
        "max_position_embeddings": 512,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def tiny_vision_params(folder: Path, kind: str = "vit", **changes: Any) -> VisionEncoderParams:
    """Saves a random vision encoder and returns its registry entry: 16 patches of width 32 from 32 pixels a side.

    Args:
        folder: where to save.
        kind: of ``tiny_models.ARCHITECTURES``, such as ``vit``, ``siglip``, ``dinov2`` or ``resnet``.
        changes: of the entry.
    """
    return vision_params(ARCHITECTURES[kind].saved(folder), **changes)


def tiny_smolvlm(folder: Path, *, kind: str = "SmolVLM", tied: bool = True, width: int = 32) -> Path:
    """Saves a random vision-language model of transformers with tokenizer and chat template.

    Args:
        folder: where to save.
        kind: ``SmolVLM``, ``Idefics3`` or ``Llava``.
        tied: whether the head is the embedding table.
        width: of the language model.
    """
    import transformers

    tokenizer = tiny_tokenizer(folder, vocabulary=340, chat=True)
    vision = {"image_size": SIDE, "patch_size": 8, "hidden_size": 32, "intermediate_size": 64}
    vision |= {"num_hidden_layers": 2, "num_attention_heads": 2}
    text = {"model_type": "llama", **text_shape(tokenizer, width, 2, 2), "tie_word_embeddings": tied}
    image = tokenizer.convert_tokens_to_ids("<image>")
    if kind == "Llava":
        vision["model_type"] = "siglip_vision_model"
        extra = {"image_token_index": image, "vision_feature_select_strategy": "full"}
    else:
        extra = {"image_token_id": image, "scale_factor": 2, "pad_token_id": tokenizer.pad_token_id}
    config = getattr(transformers, f"{kind}Config")(
        vision_config=vision, text_config=text, tie_word_embeddings=tied, **extra
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        getattr(transformers, f"{kind}ForConditionalGeneration")(config).save_pretrained(folder)
    return folder
