"""The loop of a stage: its steps against a plain loop, micro-batches, frozen parts, rates, and what it reports."""

import dataclasses
import math
from itertools import pairwise

import pytest
import torch
from coloured_captions import FIRST, SECOND, coloured_captions, make_loop
from tiny_vlm import LORA, tiny_vlm
from torch.nn import functional

from ligature.captioning import CaptionData, StageSettings, ViewFeatures, VisionLanguageModel, validation_loss
from ligature.captioning.loop import CaptionLoop
from ligature.captioning.packing import pack
from ligature.data.mixture import Mixture
from ligature.errors import ParamsError
from ligature.training import Runtime, learning_rate_at
from ligature.training.weights import trained_weights

ALL = StageSettings(
    epochs=2, batch_size=8, warmup_steps=1, learning_rates={"vision": 1e-3, "connector": 4e-3, "language": 2e-3}
)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> CaptionData:
    return coloured_captions(tmp_path_factory.mktemp("pictures"))


def run(loop: CaptionLoop) -> CaptionLoop:
    with torch.random.fork_rng(devices=[]):
        loop.run(None, None)
    return loop


def weights(loop: CaptionLoop) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in loop.state.model.state_dict().items()}


def assert_close(found: dict, wanted: dict, tolerance: float = 1e-4) -> None:
    for name, expected in wanted.items():
        torch.testing.assert_close(found[name], expected, rtol=1e-3, atol=tolerance, msg=lambda m, n=name: f"{n}: {m}")


def plain_loss(model: VisionLanguageModel, loop: CaptionLoop, rows: tuple, step: int) -> torch.Tensor:
    """The mean over all labelled tokens, sample by sample, from all logits of the language model."""
    losses = []
    for image, text in zip(*rows, strict=True):
        rendered = model.chat.render([(0, 0)], loop.data.captions[text])
        visual = model.visual_tokens(model.vision(loop.batches.features.inputs(image)[0]))
        packed = pack([rendered], 0)
        inputs = model.embed(packed.tokens, visual, packed.views)
        logits = model.language(inputs_embeds=inputs).logits[0, :-1]
        losses.append(functional.cross_entropy(logits, packed.labels[0, 1:], reduction="none", ignore_index=-100))
        losses[-1] = losses[-1][packed.labels[0, 1:] != -100]
    return torch.cat(losses).mean()


def test_a_training_is_the_plain_one_in_a_few_lines(tmp_path, data):
    loop = run(make_loop(tmp_path / "loop", data, ALL))
    model = tiny_vlm(tmp_path / "plain")
    model.set_trained(ALL.learning_rates)
    model.train()
    groups = []
    for part, rate in ALL.learning_rates.items():
        trained = [weight for weight in getattr(model, part).parameters() if weight.requires_grad]
        for decay, dims in ((ALL.weight_decay, (2, 3, 4)), (0.0, (0, 1))):
            members = [weight for weight in trained if weight.ndim in dims]
            groups.append({"params": members, "weight_decay": decay, "share": rate / 4e-3})
    optimizer, losses = torch.optim.AdamW(groups), []
    for step in range(6):
        rate = learning_rate_at(step, total_steps=6, warmup_steps=1, learning_rate=4e-3, min_learning_rate=0)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]
        images, texts = data.sample_epoch(0, step // 3)
        place = slice(step % 3 * 8, step % 3 * 8 + 8)
        loss = plain_loss(model, loop, (images[place], texts[place]), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert [row["train_loss"] for row in loop.state.history] == pytest.approx(losses, rel=1e-3)
    assert_close(weights(loop), model.state_dict(), 2e-3)


ALL_OF_THE_TEXT = {"loss": "all", "prompts": ("what is there", "name it")}


@pytest.mark.parametrize(
    ("micro_batch", "options"),
    [
        (3, {}),
        (5, ALL_OF_THE_TEXT),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in ((1, {}), (5, {}), (1, ALL_OF_THE_TEXT))),
    ],
)
def test_micro_batches_and_checkpointed_blocks_give_the_same_gradient(tmp_path, data, options, micro_batch):
    def gradients(name: str, runtime: Runtime) -> tuple[float, dict]:
        loop = make_loop(tmp_path / name, data, ALL, runtime, **options)
        if runtime.checkpoint_activations:
            loop.state.model.language.gradient_checkpointing_enable({"use_reentrant": False})
        loop.state.model.train()
        loss = loop.backward(next(loop.load(3)))
        named = loop.state.model.named_parameters()
        return loss, {name: weight.grad for name, weight in named if weight.grad is not None}

    loss, whole = gradients("whole", Runtime())
    assert {name.split(".")[0] for name in whole} == {"vision", "connector", "language"}
    found, parts = gradients("parts", Runtime(micro_batch=micro_batch, checkpoint_activations=True))
    assert found == pytest.approx(loss, rel=1e-6)
    assert_close(parts, whole, 1e-5)


def test_a_frozen_language_model_computes_its_blocks_again_too(tmp_path, data):
    loop = make_loop(tmp_path, data, FIRST, Runtime(checkpoint_activations=True))
    language, calls = loop.state.model.language, []
    language.gradient_checkpointing_enable({"use_reentrant": False})
    block = language.model.layers[0].mlp
    block.register_forward_pre_hook(lambda *_: calls.append(block.training))
    loop.state.model.train()
    loop.backward(next(loop.load(0)))
    assert calls == [False, False]


@pytest.mark.parametrize(
    "settings", [FIRST, SECOND, dataclasses.replace(FIRST, learning_rates={"vision": 1e-3})], ids=["1", "2", "vision"]
)
def test_frozen_parts_stay_as_they_are_and_trained_ones_move(tmp_path, data, settings):
    loop = make_loop(tmp_path, data, dataclasses.replace(settings, epochs=1))
    before = weights(loop)
    after = weights(run(loop))
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(settings.learning_rates)
    saved = {name.split(".")[0] for name in trained_weights(loop.state.model)}
    assert saved == set(settings.learning_rates)


def test_adapters_are_all_of_the_language_model_that_is_trained_and_saved(tmp_path, data):
    loop = run(make_loop(tmp_path, data, SECOND, lora=LORA))
    names = [name for name in trained_weights(loop.state.model) if name.startswith("language")]
    assert names
    assert all("lora_" in name for name in names)
    assert loop.facts()["trainable_parameters"] == sum(t.numel() for t in trained_weights(loop.state.model).values())


def test_every_part_has_its_rate_and_decay_acts_on_matrices_only(tmp_path, data):
    loop = make_loop(tmp_path, data, dataclasses.replace(ALL, weight_decay=0.3))
    groups = loop.state.optimizer.param_groups
    assert {group["share"] for group in groups} == {0.25, 1.0, 0.5}
    for group in groups:
        assert all((weight.ndim >= 2) == (group["weight_decay"] == 0.3) for weight in group["params"])
    loop.step(next(loop.load(0)))
    loop.step(next(loop.load(1)))
    assert {group["lr"] for group in groups} == {1e-3, 4e-3, 2e-3}


@pytest.mark.parametrize("decay", ["cosine", "linear"])
def test_rates_rise_and_fall_to_zero(tmp_path, data, decay):
    loop = make_loop(tmp_path, data, dataclasses.replace(FIRST, epochs=4, decay=decay))
    rates = []
    for loop.state.step in range(12):
        rates.append(loop.learning_rate())
    assert rates[:3] == pytest.approx([0, 5e-3, 1e-2])
    assert rates[11] == pytest.approx(0, abs=1e-12)
    falls = [before - after for before, after in pairwise(rates[2:])]
    assert (max(falls) - min(falls) < 1e-9) == (decay == "linear")
    assert min(falls) > 0


def test_the_fingerprint_names_all_that_decides(tmp_path, data):
    model = tiny_vlm(tmp_path)
    known = make_loop(tmp_path, data, model=model).fingerprint
    mixed = dataclasses.replace(data, mixture=Mixture.equal([8, 16]))
    changed = {
        "seed": make_loop(tmp_path, data, dataclasses.replace(FIRST, seed=3), model=model),
        "decay": make_loop(tmp_path, data, dataclasses.replace(FIRST, decay="linear"), model=model),
        "weight_decay": make_loop(tmp_path, data, dataclasses.replace(FIRST, weight_decay=0.5), model=model),
        "precision": make_loop(tmp_path, data, runtime=Runtime(precision="bfloat16"), model=model),
        "data": make_loop(tmp_path, mixed, model=model),
    }
    for key, loop in changed.items():
        assert [name for name in known if loop.fingerprint[name] != known[name]] == [key]
    unlike = Runtime(micro_batch=5, prefetch=0)
    often = dataclasses.replace(FIRST, checkpoint_every_seconds=1)
    assert make_loop(tmp_path, data, often, unlike, model=model).fingerprint == known


def test_chance_and_facts(tmp_path, data):
    loop = run(make_loop(tmp_path, data))
    rows = loop.state.model.config.connector.vocabulary
    assert loop.chance == pytest.approx(math.log(rows))
    facts = loop.facts()
    expected = {"images": 24, "pairs": 48, "cut_captions": 0, "steps": 9, "samples_seen": 72}
    assert facts.items() >= expected.items()
    assert facts["trainable_parameters"] == sum(w.numel() for w in loop.state.model.connector.parameters())


def test_operations_count_the_way_back_only_where_a_gradient_passes(tmp_path, data):
    model = tiny_vlm(tmp_path, kind="linear")
    flops = {}
    for name, parts in {"c": ["connector"], "cl": ["connector", "language"], "v": ["vision"]}.items():
        settings = dataclasses.replace(FIRST, learning_rates=dict.fromkeys(parts, 1e-3), max_steps=3)
        loop = make_loop(tmp_path, data, settings, model=model)
        loop.state.step = 1
        flops[name] = loop._flops()
        tokens = len(loop.batches.typical_sample(torch.device("cpu"))[1].tokens[0])
    layers = sum(w.numel() for n, w in model.language.named_parameters() if "layers" in n and w.ndim > 1)
    connector = 2 * 16 * sum(w.numel() for w in model.connector.parameters() if w.ndim > 1)
    trained_language = flops["cl"] - flops["c"]
    assert trained_language >= 8 * 2 * tokens * layers
    assert trained_language < 2 * 8 * 2 * tokens * layers
    assert flops["c"] > 8 * (3 * connector + 2 * trained_language / 8)
    assert flops["v"] > flops["c"] - 24 * 40 * connector


def test_bfloat16_runs_and_stays_close(tmp_path, data):
    full, half = (
        run(make_loop(tmp_path / name, data, dataclasses.replace(SECOND, epochs=1), Runtime(precision=name)))
        for name in ("float32", "bfloat16")
    )
    assert half.state.history[-1]["train_loss"] == pytest.approx(full.state.history[-1]["train_loss"], rel=0.05)
    assert {weight.dtype for weight in half.state.model.parameters()} == {torch.float32}
    assert not torch.equal(*(loop.state.model.connector.state_dict().popitem()[1] for loop in (full, half)))


def test_validation_loss_is_the_mean_over_all_tokens_of_all_captions(tmp_path, data):
    loop = make_loop(tmp_path, data)
    model = loop.state.model.train()
    with torch.no_grad():
        wanted = plain_loss(model, loop, (data.image_of_text, range(48)), 0).item()
    for batch_size in (1, 7, 64):
        assert validation_loss(model, data, batch_size=batch_size) == pytest.approx(wanted, rel=1e-5)
    assert model.training
    features = ViewFeatures(model, data.paths)
    assert validation_loss(model, data, features=features) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rates": {}}, "learning_rates is empty"),
        ({"learning_rates": {"head": 1e-3}}, "names 'head': the parts are vision, connector, language"),
        ({"learning_rates": {"vision": 0.0}}, r"learning_rates.vision is 0.0: it is above 0"),
        ({"decay": "step"}, "decay is 'step': use one of cosine, linear"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"min_learning_rate": 1.0}, "min_learning_rate 1.0"),
    ],
)
def test_impossible_settings_name_their_key(changes, words):
    with pytest.raises(ParamsError, match=words):
        dataclasses.replace(FIRST, **changes)


def test_the_largest_rate_is_the_learning_rate():
    assert (SECOND.learning_rate, SECOND.shares) == (3e-3, {"connector": 1.0, "language": pytest.approx(1 / 3)})
    assert SECOND.min_learning_rate == 0
