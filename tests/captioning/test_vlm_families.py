"""Language models of other families: learned positions, none at all, and heads of their own."""

from typing import Any

import pytest
import torch
from tiny_vlm import tiny_features, tiny_vlm

from ligature.captioning.config import ChatSettings, VisionLanguageConfig
from ligature.captioning.connectors import ConnectorConfig, make_connector
from ligature.captioning.generation import GenerationSettings, generate_captions
from ligature.captioning.language import embedding_table, head_weights
from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.packing import pack
from ligature.errors import ParamsError

SHAPES, CAPTIONS = [(0, 0), (1, 2), (0, 0)], ["a red circle", "two green triangles on a grey ground", "a cat"]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return tiny_vlm(tmp_path_factory.mktemp("llama"))


def language_of(family: str, vocabulary: int) -> Any:
    import transformers

    shape = {"vocab_size": vocabulary, "hidden_size": 32, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 256}
    configs = {
        "GPT2": lambda: transformers.GPT2Config(**shape, n_embd=32, n_layer=2, n_head=2, n_positions=256),
        "Bloom": lambda: transformers.BloomConfig(**shape, n_layer=2, n_head=2),
        "Qwen2": lambda: transformers.Qwen2Config(**shape, **sizes, intermediate_size=64, num_key_value_heads=1),
        "Gemma2": lambda: transformers.Gemma2Config(
            **shape, **sizes, intermediate_size=64, num_key_value_heads=1, head_dim=16, sliding_window=16
        ),
    }
    name = "GPT2LMHeadModel" if family == "GPT2" else f"{family}ForCausalLM"
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = getattr(transformers, name)(configs[family]())
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.3)
    return model.eval()


def model_of(family: str, llama: VisionLanguageModel, context_length: int = 128) -> VisionLanguageModel:
    language, tower = language_of(family, len(llama.tokenizer)), llama.vision
    table = embedding_table(language)
    sizes = ConnectorConfig("align", tower.width, table.shape[1], table.shape[0], tower.tokens, tower.grid)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        connector = make_connector(sizes, embeddings=table, head=head_weights(language))
    config = VisionLanguageConfig(sizes, ChatSettings(context_length=context_length))
    return VisionLanguageModel(config, tower, connector, language, llama.tokenizer).eval()


@pytest.mark.parametrize("family", ["GPT2", "Bloom", "Qwen2", "Gemma2"])
@torch.no_grad()
def test_logits_and_captions_do_not_depend_on_the_batch(family, llama):
    model, features = model_of(family, llama), tiny_features(llama, SHAPES)
    rows = [model.chat.render([shape], text) for shape, text in zip(SHAPES, CAPTIONS, strict=True)]

    def logits(chosen: list[int]) -> torch.Tensor:
        packed = pack([rows[row] for row in chosen], model.tokenizer.pad_token_id)
        visual = model.visual_tokens(torch.cat([features[row] for row in chosen]))
        return model.logits(packed.tokens, packed.attention, visual, packed.views, packed.keep)

    batch = logits([0, 1, 2])
    for row in range(3):
        alone = logits([row])[0]
        assert torch.allclose(batch[row, -len(alone) :], alone, atol=2e-5)
    settings = GenerationSettings(max_new_tokens=6)
    found = generate_captions(model, features, SHAPES, settings)
    assert found == generate_captions(model, features, SHAPES, settings, batch_size=1)
    assert len({caption.text for caption in found}) > 1


def test_a_context_above_learned_positions_is_refused_and_rotary_ones_have_no_end(llama):
    with pytest.raises(ParamsError, match="context_length 257 is above the 256 positions of the language model"):
        model_of("GPT2", llama, 257)
    assert model_of("GPT2", llama, 256).positions == 256
    assert model_of("Qwen2", llama, 5000).positions is None
    assert model_of("Bloom", llama, 5000).positions is None


def test_a_caption_never_grows_beyond_learned_positions(llama):
    model = model_of("GPT2", llama, 256)
    features, limit = tiny_features(model, [(7, 2)]), 256 - 15 * 16 - 1
    (caption,) = generate_captions(model, features, [(7, 2)], GenerationSettings(max_new_tokens=100))
    assert (caption.tokens, caption.ended) == (limit, False)
    (short,) = generate_captions(model, features, [(7, 2)], GenerationSettings(max_new_tokens=limit - 3))
    assert short.tokens == limit - 3
