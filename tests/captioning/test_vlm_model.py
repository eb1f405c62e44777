"""Logits of a vision-language model: the same in any batch, those that are asked for alone, and what is trained."""

from dataclasses import replace

import pytest
import torch
from tiny_vlm import tiny_features, tiny_vlm
from torch.nn import functional

from ligature.captioning.chat import IGNORED
from ligature.captioning.config import VisionLanguageConfig
from ligature.captioning.connectors import build_connector
from ligature.captioning.language import LoraSettings, embedding_table, head_weights
from ligature.captioning.model import PARTS, VisionLanguageModel
from ligature.captioning.packing import pack
from ligature.errors import EncoderError, ParamsError

SHAPES = [(0, 0), (1, 2), (0, 0), (2, 1)]
CAPTIONS = ["a red circle", "two green triangles on a grey ground", "a cat", "the small yellow star is left of it"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_vlm(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def chatty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chatty")
    vocabulary = {"chat": True, "vocabulary": 340, "tied": False, "padded": 5}
    return tiny_vlm(folder, kind="pixel-shuffle", language=vocabulary, assembly="in-place", tiles=4)


def rows_of(model):
    return [model.chat.render([shape], text) for shape, text in zip(SHAPES, CAPTIONS, strict=True)]


def logits_of(model, rows, features, keep=None):
    packed = pack(rows, model.tokenizer.pad_token_id)
    visual = model.visual_tokens(torch.cat(features))
    kept = packed.keep if keep is None else keep
    return model.logits(packed.tokens, packed.attention, visual, packed.views, kept), packed


@pytest.mark.parametrize("name", ["model", "chatty"])
@torch.no_grad()
def test_logits_of_a_sample_do_not_depend_on_its_batch(name, request):
    model = request.getfixturevalue(name)
    rows, features = rows_of(model), tiny_features(model, SHAPES)
    batch, packed = logits_of(model, rows, features)
    assert len({len(row.tokens) for row in rows}) >= 3
    for number, (row, own) in enumerate(zip(rows, features, strict=True)):
        alone, single = logits_of(model, [row], [own])
        assert torch.allclose(batch[number, -single.keep :], alone[0], atol=1e-5)
        assert packed.keep >= single.keep


@torch.no_grad()
def test_logits_are_those_of_the_language_model_on_tokens_put_together_by_hand(model):
    row, (features,) = rows_of(model)[1], tiny_features(model, SHAPES[1:2])
    visual = model.connector(features, embedding_table(model.language)).flatten(0, 1)
    table = model.language.get_input_embeddings().weight
    inputs = torch.cat([table[row.tokens[:1]], visual, table[row.tokens[1 + len(visual) :]]])
    expected = model.language(inputs_embeds=inputs[None]).logits
    found, packed = logits_of(model, [row], [features])
    assert found.shape == (1, packed.keep, len(table))
    assert torch.allclose(found, expected[:, -packed.keep :], atol=1e-5)


@torch.no_grad()
def test_logits_of_prompt_positions_are_never_computed(model):
    seen = []
    hook = model.language.get_output_embeddings().register_forward_pre_hook(lambda _, args: seen.append(args[0].shape))
    _, packed = logits_of(model, rows_of(model), tiny_features(model, SHAPES))
    hook.remove()
    assert [shape[1] for shape in seen] == [packed.keep]
    assert packed.keep < packed.tokens.shape[1] // 2


@torch.no_grad()
def test_another_picture_gives_other_logits(model):
    rows = rows_of(model)[:1]
    one, _ = logits_of(model, rows, tiny_features(model, SHAPES[:1]))
    other, _ = logits_of(model, rows, tiny_features(model, SHAPES[:1], seed=1))
    assert (one - other).abs().max() > 1e-3


def test_padding_gets_and_gives_no_gradient_that_is_not_a_number(model):
    model.set_trained(PARTS)
    logits, packed = logits_of(model, rows_of(model), tiny_features(model, SHAPES))
    labels = packed.labels[:, 1 - packed.keep :]
    functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels.flatten(), ignore_index=IGNORED).backward()
    grads = [p.grad for p in [*model.connector.parameters(), *model.language.parameters()]]
    assert all(grad is not None and torch.isfinite(grad).all() for grad in grads)
    assert model.connector.map.weight.grad.abs().sum() > 0
    model.zero_grad(set_to_none=True)
    model.set_trained(())


def trainable(model) -> set[str]:
    return {name.partition(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("parts", [(), ("connector",), ("vision", "language"), PARTS])
def test_exactly_the_parts_that_are_named_are_trained(model, parts):
    assert not model.training
    model.set_trained(parts)
    assert trainable(model) == model.trained == set(parts)
    model.train()
    assert {name for name in PARTS if getattr(model, name).training} == set(parts)
    model.set_trained(())
    assert not any(module.training for name in PARTS for module in getattr(model, name).modules())
    model.eval()
    assert model.count_parameters() == 0


def test_parameters_are_counted_once(model):
    model.set_trained(["connector", "language"])
    tied = head_weights(model.language) is embedding_table(model.language)
    assert tied
    named = sum(p.numel() for _, p in [*model.connector.named_parameters(), *model.language.named_parameters()])
    assert model.count_parameters() == named
    assert model.count_parameters(trainable=False) == sum(p.numel() for p in model.parameters())
    model.set_trained(())


@pytest.mark.parametrize("whole", [(), ("embed_tokens",), ("norm", "lm_head")])
@pytest.mark.parametrize("tied", [True, False])
def test_of_a_language_model_with_adapters_they_and_whole_modules_are_trained(tmp_path, whole, tied):
    settings = LoraSettings(rank=2, targets=("q_proj",), whole=whole)
    model = tiny_vlm(tmp_path, lora=settings, language={"tied": tied})
    model.set_trained(["language"])
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    wanted = ("lora_", *(f"{name}." for name in whole), *(("lm_head.",) if tied and "embed_tokens" in whole else ()))
    wanted += ("embed_tokens.",) if tied and "lm_head" in whole else ()
    assert all(any(part in name for part in wanted) for name in names), names
    assert sum("lora_" in name for name in names) == 4
    assert all(any(f"{part}." in name for name in names) for part in whole if not tied or part == "norm")
    first = set(names)
    model.set_trained(["connector"])
    assert trainable(model) == {"connector"}
    model.set_trained(["language"])
    assert {name for name, p in model.named_parameters() if p.requires_grad} == first
    logits, _ = logits_of(model, rows_of(model), tiny_features(model, SHAPES))
    logits.sum().backward()
    assert {n for n, p in model.named_parameters() if p.grad is not None} == first


def test_a_step_of_a_tied_model_keeps_it_tied(tmp_path):
    model = tiny_vlm(tmp_path)
    model.set_trained(["language", "connector"])
    before = embedding_table(model.language).detach().clone()
    logits, _ = logits_of(model, rows_of(model), tiny_features(model, SHAPES))
    logits.square().mean().backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1).step()
    assert head_weights(model.language) is embedding_table(model.language)
    assert not torch.equal(before, embedding_table(model.language))
    assert not torch.equal(before, model.connector.to_vocabulary)


def test_an_unknown_part_is_refused(model):
    with pytest.raises(ParamsError, match="unknown part 'head'; known: vision, connector, language"):
        model.set_trained(["head"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vision_width": 33}, "vision width 33, but the encoder has 32"),
        ({"language_width": 40}, "language width 40, but the encoder has 32"),
        ({"tokens": 4, "grid": (2, 2)}, "vision tokens 4, but the encoder has 16"),
        ({"vocabulary": 999}, "tokens of the vocabulary 999, but"),
    ],
)
def test_parts_that_do_not_fit_are_refused_with_both_numbers(model, changes, message):
    other = replace(model.config.connector, **changes)
    config = VisionLanguageConfig(other, model.config.chat)
    with pytest.raises(ParamsError, match=message):
        VisionLanguageModel(config, model.vision, build_connector(other), model.language, model.tokenizer)


def test_a_connector_that_is_not_the_configs_is_refused(model):
    other = build_connector(replace(model.config.connector, bias=True))
    with pytest.raises(ParamsError, match="not the one that the config describes"):
        VisionLanguageModel(model.config, model.vision, other, model.language, model.tokenizer)


def test_a_language_model_that_computes_all_logits_is_refused(model, monkeypatch):
    monkeypatch.setattr(type(model.language), "forward", lambda self, inputs_embeds, attention_mask: None)
    with pytest.raises(EncoderError, match="LlamaForCausalLM computes all logits"):
        VisionLanguageModel(model.config, model.vision, model.connector, model.language, model.tokenizer)


def test_a_config_is_what_its_json_says(model):
    values = model.config.to_dict()
    assert VisionLanguageConfig.from_dict(values) == model.config
    for broken, message in [
        ({"connector": values["connector"]}, "needs the keys connector and chat"),
        (values | {"chat": 3}, "chat is 3; use an object"),
        (values | {"chat": {"tile": 1}}, "chat: unknown key 'tile'; known: assembly"),
        (values | {"chat": {"tiles": -1}}, "tiles is -1; use a whole number from 0"),
        (values | {"chat": {"context_length": True}}, "context_length is True"),
        (values | {"chat": {"assembly": "suffix"}}, "assembly is 'suffix'; use one of prefix, in-place"),
        (values | {"chat": {"prompts": "describe"}}, "prompts is 'describe'; use a list of texts"),
        (values | {"chat": {"system": 1}}, "system is 1; use a text, or none"),
    ]:
        with pytest.raises(ParamsError, match=message):
            VisionLanguageConfig.from_dict(broken)
