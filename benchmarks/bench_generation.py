"""Captions of a whole model, its key-value cache and batches against a loop that computes every token anew, one image
at a time: the same captions, connector by connector, with tokens a second and, on a GPU, the peak of memory.

On a CPU the model has the size of the mini study; with CUDA that of SmolVLM2-500M (random weights, bfloat16).
"""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from harness import Row
from ligature.captioning.config import ChatSettings, VisionLanguageConfig
from ligature.captioning.connectors import ConnectorConfig, make_connector
from ligature.captioning.generation import GenerationSettings, generate_captions
from ligature.captioning.language import embedding_table
from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.vision import load_tower
from ligature.encoders.contrastive.tokenizer import train_tokenizer
from ligature.encoders.unimodal.architectures import VitSize, build_vision_model
from ligature.encoders.unimodal.images import image_processor
from ligature.params.encoders import VisionEncoderParams

KINDS = {
    "linear": {"kind": "linear"},
    "mlp": {"kind": "mlp"},
    "perceiver": {"kind": "perceiver", "queries": 16, "heads": 4},
    "visual-table": {"kind": "visual-table"},
    "align": {"kind": "align"},
}
PLAIN_IMAGES = 2
TARGET = 2.0


@dataclass(frozen=True)
class Size:
    """Side and patch of an image, widths, layers, heads and vocabulary of a model; images, and tokens of a caption."""

    image: int
    patch: int
    vision_width: int
    width: int
    layers: int
    heads: int
    keys: int
    vocabulary: int
    images: int
    new_tokens: int


MINI = Size(64, 16, 128, 64, 2, 4, 4, 4000, 32, 32)
SMOLVLM = Size(512, 64, 768, 960, 32, 15, 5, 49280, 32, 64)


def run() -> list[Row]:
    cuda = torch.cuda.is_available()
    size, device = (SMOLVLM, "cuda") if cuda else (MINI, "cpu")
    with TemporaryDirectory() as folder:
        return [_row(name, settings, size, device, Path(folder) / name) for name, settings in KINDS.items()]


def _row(name: str, settings: dict, size: Size, device: str, folder: Path) -> Row:
    model = _model(settings, size, folder).to(device, torch.bfloat16 if device == "cuda" else torch.float32)
    generator = torch.Generator().manual_seed(1)
    grid = model.vision.tokens, model.vision.width
    features = [torch.randn(1, *grid, generator=generator) for _ in range(size.images)]
    settings = GenerationSettings(max_new_tokens=size.new_tokens)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    generate_captions(model, features[:1], [(0, 0)], settings)
    start = time.perf_counter()
    captions = generate_captions(model, features, [(0, 0)] * size.images, settings, batch_size=size.images)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    plain = [_plain(model, each, size.new_tokens) for each in features[:PLAIN_IMAGES]]
    plain_seconds = (time.perf_counter() - start) * size.images / PLAIN_IMAGES
    agree = sum(one == other.text for one, other in zip(plain, captions, strict=False))
    tokens = sum(caption.tokens for caption in captions)
    peak = f", peak {torch.cuda.max_memory_allocated() / 2**20:,.0f} MiB" if device == "cuda" else ""
    note = (
        f"{size.images} images, {tokens} tokens, {tokens / seconds:,.0f} tokens/s{peak}; width {size.width}, "
        f"{size.layers} layers, {size.vocabulary:,} tokens; {agree} of {PLAIN_IMAGES} captions equal, plain on these"
    )
    return Row(f"captions: {name}", plain_seconds, seconds, TARGET, None, note)


@torch.no_grad()
def _plain(model: VisionLanguageModel, features: Tensor, new_tokens: int) -> str:
    """Returns a greedy caption: visual tokens, all states and all logits computed anew for every token."""
    row = model.chat.render([(0, 0)], None).tokens
    start = len(row)
    for _ in range(new_tokens):
        tokens = torch.tensor([row], device=model.device)
        visual = model.visual_tokens(features)
        inputs = model.embed(tokens, visual, torch.tensor([1], device=model.device))
        logits = model.language(inputs_embeds=inputs, use_cache=False).logits
        row = [*row, int(logits[0, -1].argmax())]
        if row[-1] == model.chat.end_token:
            break
    return model.chat.decode(row[start:])


def _model(settings: dict, size: Size, folder: Path) -> VisionLanguageModel:
    """Returns a model with random weights between a random vision transformer and a random Llama."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    vit = VitSize(patch_size=size.patch, hidden_size=size.vision_width, layers=1)
    build_vision_model("vit", size.image, size=vit).save_pretrained(folder / "vision")
    image_processor(size.image).save_pretrained(folder / "vision")
    entry = {"name": "vit", "loader": "transformers", "source": str(folder / "vision"), "pooling": "mean"}
    tower = load_tower(VisionEncoderParams(**entry), None)
    train_tokenizer(["a red circle on a blue square"], 300, 512).save(folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    config = LlamaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        intermediate_size=8 * size.width // 3,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.keys,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    language = LlamaForCausalLM(config)
    table = embedding_table(language)
    sizes = tower.width, size.width, size.vocabulary, tower.tokens, tower.grid
    sizes = dict(zip(("vision_width", "language_width", "vocabulary", "tokens", "grid"), sizes, strict=True))
    connector_config = ConnectorConfig(**sizes, **settings)
    connector = make_connector(connector_config, embeddings=table, head=table)
    whole = VisionLanguageConfig(connector_config, ChatSettings(context_length=256))
    return VisionLanguageModel(whole, tower, connector, language, tokenizer).eval()


if __name__ == "__main__":
    for row in run():
        print(row.name, f"{row.ratio:.1f}x", row.note)
