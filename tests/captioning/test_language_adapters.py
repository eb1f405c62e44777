"""Low-rank adapters: what they add, what is trained, and the plain model they become."""

import math
import sys
from dataclasses import replace
from itertools import product

import pytest
import torch
from tiny_towers import tiny_language, tiny_smolvlm

from ligature.captioning.language import (
    LoraSettings,
    add_lora,
    embedding_table,
    head_weights,
    load_language,
    merge_lora,
)
from ligature.errors import ParamsError

TOKENS = torch.tensor([[0, 40, 70, 90, 200, 5, 6], [0, 9, 9, 100, 210, 7, 1]])
SETTINGS = LoraSettings(rank=4, alpha=8.0, targets=("q_proj", "down_proj"))
WIDTH, LAYERS, HIDDEN = 32, 2, 64


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("languages")
    return {
        True: tiny_language(root / "tied"),
        False: tiny_language(root / "untied", tied=False),
        "smolvlm": tiny_smolvlm(root / "smolvlm"),
    }


def adapted(folder, settings=SETTINGS):
    torch.manual_seed(0)
    return add_lora(load_language(folder).model, settings)


def logits(model):
    with torch.no_grad():
        return model(input_ids=TOKENS).logits


def train(model, steps=3):
    """A few large steps, so that B is no longer zero."""
    optimiser = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=1.0)
    for _ in range(steps):
        optimiser.zero_grad()
        model(input_ids=TOKENS, labels=TOKENS).loss.backward()
        optimiser.step()
    return model.eval()


def trainable(model):
    return {name: each.numel() for name, each in model.named_parameters() if each.requires_grad}


def test_at_first_nothing_changes(folders):
    model = load_language(folders[True]).model
    expected = logits(model)
    assert torch.equal(logits(add_lora(model, SETTINGS).eval()), expected)


def test_trainable_parameters_are_those_of_the_formula(folders):
    counts = trainable(adapted(folders[True]))
    per_layer = SETTINGS.rank * (WIDTH + WIDTH) + SETTINGS.rank * (HIDDEN + WIDTH)
    assert sum(counts.values()) == LAYERS * per_layer
    assert all("lora_" in name for name in counts)
    everything = adapted(folders[True], LoraSettings(rank=4))
    key_and_value = 2 * (WIDTH + WIDTH // 2)
    maps = 2 * 2 * WIDTH + key_and_value + 3 * (WIDTH + HIDDEN)
    assert sum(trainable(everything).values()) == LAYERS * 4 * maps


@pytest.mark.parametrize(("stabilised", "divisor"), [(True, math.sqrt(4)), (False, 4)])
def test_the_scale_is_alpha_over_the_rank_or_its_root(stabilised, divisor, folders):
    settings = replace(SETTINGS, rank_stabilised=stabilised)
    model = train(adapted(folders[True], settings))
    layer = model.base_model.model.model.layers[1].mlp.down_proj
    product = layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    inputs = torch.randn(5, HIDDEN, generator=torch.Generator().manual_seed(0))
    expected = inputs @ (layer.base_layer.weight + settings.alpha / divisor * product).T
    torch.testing.assert_close(layer(inputs), expected, rtol=1e-5, atol=1e-6)


def test_dropout_is_on_the_inputs_of_adapters_in_training_alone(folders):
    model = train(adapted(folders[True], replace(SETTINGS, dropout=0.5)))
    assert torch.equal(logits(model), logits(model))
    model.train()
    assert not torch.equal(logits(model), logits(model))


WHOLE = [(), ("lm_head",), ("embed_tokens",), ("lm_head", "embed_tokens"), ("input_layernorm", "norm")]
FAST = [(True, WHOLE[1]), (True, WHOLE[2]), (False, WHOLE[3]), (False, WHOLE[4]), ("smolvlm", WHOLE[0])]
SLOW = [each for each in product((True, False, "smolvlm"), WHOLE) if each not in FAST]


@pytest.mark.parametrize(("kind", "whole"), [*FAST, *(pytest.param(*each, marks=pytest.mark.slow) for each in SLOW)])
@pytest.mark.filterwarnings("error::UserWarning")
def test_a_merged_model_is_plain_and_gives_the_same_logits_saved_and_loaded(kind, whole, folders, tmp_path):
    model = train(adapted(folders[kind], replace(SETTINGS, whole=whole)))
    expected = logits(model)
    merged = merge_lora(model)
    assert type(merged).__name__ == "LlamaForCausalLM"
    assert not any("lora" in name or "modules_to_save" in name for name, _ in merged.named_modules())
    torch.testing.assert_close(logits(merged), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(logits(model), expected), "the model with adapters stays as it is"
    assert (head_weights(merged) is embedding_table(merged)) is (kind is not False)

    merged.save_pretrained(tmp_path)
    load_language(folders[kind]).tokenizer.save_pretrained(tmp_path)
    torch.testing.assert_close(logits(load_language(tmp_path).model), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("whole", [("lm_head",), ("embed_tokens",), ("lm_head", "embed_tokens")])
def test_a_tied_table_that_is_trained_whole_stays_one(whole, folders):
    model = adapted(folders[True], replace(SETTINGS, whole=whole))
    assert embedding_table(model) is head_weights(model)
    assert embedding_table(model).requires_grad
    before = embedding_table(model).detach().clone()
    vocabulary = len(before)
    whole_parameters = sum(trainable(model).values()) - sum(trainable(adapted(folders[True])).values())
    assert whole_parameters == vocabulary * WIDTH
    train(model)
    assert embedding_table(model) is head_weights(model)
    assert not torch.equal(embedding_table(model), before)
    token = model.get_input_embeddings()(torch.tensor([5]))
    assert torch.equal(token[0], embedding_table(model)[5])


def test_an_untied_table_and_head_are_trained_apart(folders):
    model = train(adapted(folders[False], replace(SETTINGS, whole=("lm_head", "embed_tokens"))))
    original = load_language(folders[False]).model
    assert embedding_table(model).requires_grad
    assert head_weights(model).requires_grad
    assert not torch.equal(embedding_table(model), embedding_table(original))
    assert not torch.equal(head_weights(model), head_weights(original))


def test_a_table_without_adapters_is_frozen_and_found(folders):
    model = adapted(folders[True])
    assert torch.equal(embedding_table(model), embedding_table(load_language(folders[True]).model))
    assert not embedding_table(model).requires_grad


def test_of_a_head_with_adapters_the_effective_weights_are_given(folders):
    model = train(adapted(folders[False], replace(SETTINGS, targets=("lm_head",))))
    merged = merge_lora(model)
    torch.testing.assert_close(head_weights(model), head_weights(merged), rtol=1e-5, atol=1e-6)
    head_weights(model).sum().backward()
    layer = model.base_model.model.lm_head
    assert layer.lora_A["default"].weight.grad.abs().sum() > 0


def test_a_tied_head_cannot_have_adapters(folders):
    with pytest.raises(ParamsError, match=r"'lm_head' is the table of embeddings .*; name it in lora\.whole"):
        adapted(folders[True], replace(SETTINGS, targets=("q_proj", "lm_head")))


@pytest.mark.parametrize("whole", ["self_attn", "q_proj", "model"])
def test_a_map_is_adapted_or_trained_whole(whole, folders):
    with pytest.raises(ParamsError, match=r"'model\.layers\.0\.self_attn\.q_proj' is trained whole already"):
        adapted(folders[True], replace(SETTINGS, targets=("q_proj",), whole=(whole,)))


def test_a_target_that_is_not_there_is_named_with_those_that_are(folders):
    with pytest.raises(ParamsError, match=r"lora\.targets: .* no 'qkv'; it has .*down_proj.*v_proj") as caught:
        adapted(folders[True], replace(SETTINGS, targets=("q_proj", "qkv")))
    assert "\n" not in str(caught.value)
    with pytest.raises(ParamsError, match=r"lora\.targets: .* no 'embed_tokens'"):
        adapted(folders[True], replace(SETTINGS, targets=("embed_tokens",)))


def test_a_whole_module_that_is_not_there_is_named_with_those_that_are(folders):
    with pytest.raises(ParamsError, match=r"lora\.whole: .* no 'head'; it has .*embed_tokens.*lm_head"):
        adapted(folders[True], replace(SETTINGS, whole=("head",)))


def test_the_same_seed_gives_the_same_adapters(folders):
    first, second = adapted(folders[True]), adapted(folders[True])
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_model_without_adapters_is_its_own_merger(folders):
    model = load_language(folders[True]).model
    assert merge_lora(model) is model


def test_without_peft_adapters_are_refused_in_one_line_and_saving_goes_on(monkeypatch, tmp_path):
    plain = load_language(str(tiny_language(tmp_path))).model
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ParamsError, match=r"lora needs the package peft: pip install 'ligature\[captions\]'"):
        add_lora(plain, LoraSettings(rank=2))
    assert merge_lora(plain) is plain
