"""A tiny random CLIP, or SigLIP, saved as its authors save theirs."""

import torch
from tiny_models import SIDE

POSITIONS, WIDTH = 12, 16


def save_clip(folder, kind="CLIP", longest=POSITIONS):
    """Saves a random dual encoder with a tokenizer of letters, some words and an image processor, as one processor."""
    import transformers

    letters = list("adeghnort")
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters), "do", "dog</w>"]
    tokenizer = transformers.CLIPTokenizer(
        vocab={piece: number for number, piece in enumerate(pieces)},
        merges=[("d", "o"), ("do", "g</w>")],
        model_max_length=longest,
    )
    images = transformers.CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    transformers.CLIPProcessor(images, tokenizer).save_pretrained(folder)

    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    text = shape | {"vocab_size": len(pieces), "max_position_embeddings": POSITIONS}
    text |= {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    vision = shape | {"image_size": SIDE, "patch_size": 8}
    config = getattr(transformers, f"{kind}Config")(text_config=text, vision_config=vision)
    if kind == "CLIP":
        config.projection_dim = WIDTH
    torch.manual_seed(0)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    return folder
