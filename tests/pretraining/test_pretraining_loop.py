"""The loop of a pair of encoders: its steps against a plain loop, its fingerprint, chance, micro-batches and facts."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from coloured_pairs import ALIGNED, SETTINGS, coloured_pairs, make_config, make_tokenizer
from torch.nn import functional
from torch.optim import AdamW

from ligature.data.mixture import Mixture
from ligature.encoders.contrastive.flops import count_pair_flops
from ligature.encoders.contrastive.model import ContrastiveModel
from ligature.errors import DataError, ParamsError
from ligature.pretraining import AlignmentSettings, ImageTextPairs, PretrainSettings
from ligature.pretraining.batches import PairBatches
from ligature.pretraining.flops import alignment_flops
from ligature.pretraining.loop import PretrainingLoop
from ligature.training import Runtime, learning_rate_at
from ligature.training.distributed import Processes

ALONE = Processes(torch.device("cpu"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> ImageTextPairs:
    return coloured_pairs(tmp_path_factory.mktemp("pictures"))


def make_loop(pairs, settings=SETTINGS, runtime=None, processes=ALONE, **changes) -> PretrainingLoop:
    tokenizer = make_tokenizer(pairs)
    with torch.random.fork_rng(devices=[]):
        return PretrainingLoop(
            make_config(tokenizer, **changes), pairs, tokenizer, settings, runtime or Runtime(), processes
        )


def run(loop: PretrainingLoop) -> PretrainingLoop:
    with torch.random.fork_rng(devices=[]):
        loop.run(None, None)
    return loop


def assert_close(loop: PretrainingLoop, other: PretrainingLoop, tolerance: float = 1e-4) -> None:
    for name, expected in other.state.model.state_dict().items():
        torch.testing.assert_close(loop.state.model.state_dict()[name], expected, rtol=1e-3, atol=tolerance, msg=name)


def published_loss(images, texts, scale, semantics, beta) -> torch.Tensor:
    """AlignCLIP's loss straight from its formula."""
    truth, distances = torch.arange(len(images)), 1 - semantics @ semantics.T
    across = scale * images @ texts.T
    loss = functional.cross_entropy(across, truth) + functional.cross_entropy(across.T, truth)
    for side in (images, texts):
        within = scale * (side @ side.T) * distances
        within = within - torch.diag(within.diagonal()) + torch.diag(across.diagonal())
        loss = loss + beta * functional.cross_entropy(within, truth)
    return loss


def plain_training(pairs: ImageTextPairs, settings: PretrainSettings) -> tuple[ContrastiveModel, list[float]]:
    """The published training in a few lines: no micro-batches, no streaming, no checkpoints."""
    tokenizer = make_tokenizer(pairs)
    config = make_config(tokenizer, shared=("blocks", "norm", "projection"))
    torch.manual_seed(settings.seed)
    model = ContrastiveModel(config)
    decayed = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    others = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer, losses = AdamW(groups, betas=settings.betas, eps=settings.eps), []
    batches = PairBatches(pairs, tokenizer, settings, config.image_size, settings.crop)
    for step, [batch] in enumerate(batches.load(0, slice(None), None, torch.device("cpu"))):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(
                step,
                total_steps=settings.total_steps(len(pairs)),
                warmup_steps=settings.warmup_steps,
                learning_rate=settings.learning_rate,
                min_learning_rate=settings.min_learning_rate,
            )
        images, texts, scale = model(batch.pixels, batch.tokens)
        loss = published_loss(images, texts, scale, batch.semantics, settings.loss.beta)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        losses.append(loss.item())
    return model, losses


def test_a_training_is_the_published_one_in_a_few_lines(pairs):
    loop = run(make_loop(pairs, ALIGNED, shared=("blocks", "norm", "projection")))
    with torch.random.fork_rng(devices=[]):
        model, losses = plain_training(pairs, ALIGNED)
    assert [row["train_loss"] for row in loop.state.history] == pytest.approx(losses, rel=1e-4)
    for name, expected in model.state_dict().items():
        torch.testing.assert_close(loop.state.model.state_dict()[name], expected, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("settings", [SETTINGS, ALIGNED], ids=["clip", "aligned"])
def test_micro_batches_and_checkpointed_blocks_change_results_by_rounding_alone(pairs, settings):
    whole = run(make_loop(pairs, settings))
    assert_close(run(make_loop(pairs, settings, Runtime(micro_batch=5))), whole)
    checkpointed = make_loop(pairs, settings, Runtime(checkpoint_activations=True))
    assert checkpointed.state.model.gradient_checkpointing
    assert_close(run(checkpointed), whole)


def test_initial_weights_follow_from_the_seed_alone(pairs):
    one, other = make_loop(pairs), make_loop(pairs, dataclasses.replace(SETTINGS, batch_size=7))
    assert_close(one, other, 0)
    third = make_loop(pairs, dataclasses.replace(SETTINGS, seed=1))
    assert not torch.equal(third.state.model.image.positions, one.state.model.image.positions)


def test_decay_acts_on_matrices_only_with_the_given_coefficients(pairs):
    settings = dataclasses.replace(SETTINGS, betas=(0.8, 0.95), eps=1e-5, weight_decay=0.3)
    loop = make_loop(pairs, settings)
    decayed, others = loop.state.optimizer.param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.3, 0.0)
    assert all(parameter.ndim >= 2 for parameter in decayed["params"])
    assert any(parameter is loop.state.model.logit_scale for parameter in others["params"])
    assert {(group["betas"], group["eps"]) for group in (decayed, others)} == {((0.8, 0.95), 1e-5)}
    assert sum(len(group["params"]) for group in (decayed, others)) == len(list(loop.state.model.parameters()))


@pytest.mark.parametrize(
    ("changes", "lowest", "highest"),
    [
        ({"logit_scale": 20.0, "learn_logit_scale": False, "logit_scale_bounds": None}, 20.0, 20.0),
        ({"logit_scale": 20.0, "logit_scale_bounds": (19.999, 20.001)}, 19.999, 20.001),
    ],
    ids=["fixed", "clamped"],
)
def test_the_scale_stays_where_it_is_told_to(pairs, changes, lowest, highest):
    history = run(make_loop(pairs, **changes)).state.history
    scales = [1 / row["temperature"] for row in history]
    assert all(lowest * (1 - 1e-6) <= scale <= highest * (1 + 1e-6) for scale in scales)
    if lowest < highest:
        assert len({round(scale, 4) for scale in scales}) > 1


def test_chance_is_the_loss_of_features_that_know_nothing(pairs):
    assert make_loop(pairs).chance == pytest.approx(math.log(12))
    assert make_loop(pairs, ALIGNED).chance == pytest.approx((2 + 0.5 * 2) * math.log(12))


def test_the_fingerprint_names_all_that_decides(pairs):
    known = make_loop(pairs).fingerprint
    changed = {
        "seed": make_loop(pairs, dataclasses.replace(SETTINGS, seed=3)),
        "loss": make_loop(pairs, dataclasses.replace(SETTINGS, loss=AlignmentSettings(alpha=2.0))),
        "crop": make_loop(pairs, dataclasses.replace(SETTINGS, crop=(0.5, 1.0))),
        "eps": make_loop(pairs, dataclasses.replace(SETTINGS, eps=1e-8)),
        "precision": make_loop(pairs, runtime=Runtime(precision="bfloat16")),
        "shared": make_loop(pairs, shared=("norm",)),
        "data": make_loop(dataclasses.replace(pairs, content_hash="other")),
    }
    for key, loop in changed.items():
        assert [name for name in known if loop.fingerprint[name] != known[name]] == [key]
    mixed = make_loop(dataclasses.replace(pairs, mixture=Mixture.equal([8, 40])))
    assert mixed.fingerprint["data"] != known["data"]
    captions = [f"{caption} yellow" for caption in pairs.captions]
    retokenized = make_loop(dataclasses.replace(pairs, captions=captions)).fingerprint
    assert retokenized["tokenizer"] != known["tokenizer"]
    unlike = Runtime(micro_batch=5, checkpoint_activations=True, prefetch=0)
    assert make_loop(pairs, dataclasses.replace(SETTINGS, checkpoint_every_seconds=1), unlike).fingerprint == known


def test_facts_count_pairs_cut_captions_and_operations(pairs):
    longest = "a very " + "long " * 40 + "caption"
    long = dataclasses.replace(pairs, captions=[longest, *pairs.captions[1:]])
    loop = run(make_loop(long, ALIGNED))
    facts = loop.facts()
    expected = {"images": 48, "texts": 96, "cut_texts": 1, "steps": 16, "samples_seen": 192}
    assert facts.items() >= expected.items()
    assert facts["longest_text"] == loop.tokenizer.lengths([longest])[0] > 24
    assert facts["trainable_parameters"] == sum(parameter.numel() for parameter in loop.state.model.parameters())
    assert facts["train_loss"] == pytest.approx(np.mean([row["train_loss"] for row in loop.state.history[-4:]]))
    assert facts["temperature"] == pytest.approx(math.exp(-loop.state.model.logit_scale.item()))
    rows = long.sample_epoch(ALIGNED.seed, 0)[1][:12]
    lengths = [min(length, 24) for length in loop.tokenizer.lengths([long.captions[row] for row in rows])]
    length = math.ceil(np.mean(lengths))
    loss = 2 * 12**2 * (3 * 3 * 12 + 8)
    assert facts["flops"] == 16 * (12 * count_pair_flops(loop.state.model, length) + loss)


@pytest.mark.parametrize(
    ("settings", "products"),
    [
        (AlignmentSettings(), [3 * 5]),
        (AlignmentSettings(separate=("text",)), [3 * 5, 3 * 5, 7]),
        (AlignmentSettings(separate=("image", "text")), [3 * 5, 3 * 5, 3 * 5, 7]),
        (AlignmentSettings(separate=("image", "text"), rescaling="none"), [3 * 5, 3 * 5, 3 * 5]),
    ],
)
def test_operations_of_the_loss_are_those_of_its_products(settings, products):
    assert alignment_flops(10, 5, 7, settings) == sum(2 * 10 * 10 * product for product in products)


def test_a_config_of_another_tokenizer_is_refused(pairs):
    tokenizer = make_tokenizer(pairs)
    config = make_config(make_tokenizer(pairs, context_length=20))
    with pytest.raises(ParamsError, match="its context_length is 20, the tokenizer's 24"):
        PretrainingLoop(config, pairs, tokenizer, SETTINGS, Runtime(), ALONE)
    config = make_config(tokenizer, tokenizer_hash="other")
    with pytest.raises(ParamsError, match="its hash is other, the tokenizer's sha256:"):
        PretrainingLoop(config, pairs, tokenizer, SETTINGS, Runtime(), ALONE)


def test_missing_semantic_vectors_are_refused_where_they_count(pairs):
    bare = dataclasses.replace(pairs, semantics=None)
    with pytest.raises(ParamsError, match="rescaling 'cosine' needs semantic vectors"):
        make_loop(bare, ALIGNED)
    unscaled = dataclasses.replace(ALIGNED, loss=AlignmentSettings(separate=("image",), rescaling="none"))
    assert run(make_loop(bare, unscaled)).state.step == 16


def test_batches_without_a_negative_are_refused_with_one_line(pairs, tmp_path):
    with pytest.raises(ParamsError, match="batch_size is 1: it is at least 2"):
        dataclasses.replace(SETTINGS, batch_size=1)
    with pytest.raises(DataError, match="at least 2 images, not 1"):
        coloured_pairs(tmp_path, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crop": (0.0, 1.0)}, r"crop is \(0.0, 1.0\)"),
        ({"crop": (0.9, 0.5)}, r"crop is \(0.9, 0.5\)"),
        ({"crop": (0.9, 1.1)}, r"crop is \(0.9, 1.1\)"),
        ({"betas": (0.9, 1.0)}, r"betas are \(0.9, 1.0\)"),
        ({"eps": 0.0}, "eps is 0.0"),
        ({"epochs": 0}, "epochs is 0"),
    ],
)
def test_impossible_settings_name_their_key(changes, words):
    with pytest.raises(ParamsError, match=words):
        dataclasses.replace(SETTINGS, **changes)
