"""The loss against a double loop, the learning rate against its corners, the weight-decay groups."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import ParamsError
from ligature.projection import Projector, ProjectorConfig, TrainSettings
from ligature.training import LossSettings, contrastive_loss, learning_rate_at, make_optimizer, parameter_groups

SCHEDULE = {"total_steps": 50, "warmup_steps": 10, "learning_rate": 1e-3, "min_learning_rate": 1e-5}


def plain_info_nce(images: list[list[float]], texts: list[list[float]], temperature: float) -> float:
    def similarity(i: int, j: int) -> float:
        return sum(a * b for a, b in zip(images[i], texts[j], strict=True)) / temperature

    count, total = len(images), 0.0
    for i in range(count):
        by_text = math.log(sum(math.exp(similarity(i, j)) for j in range(count)))
        by_image = math.log(sum(math.exp(similarity(j, i)) for j in range(count)))
        total += by_text + by_image - 2 * similarity(i, i)
    return total / (2 * count)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(2, 8), temperature=st.floats(0.02, 0.5), seed=st.integers(0, 1000))
def test_loss_is_the_double_loop(count, temperature, seed):
    generator = torch.Generator().manual_seed(seed)
    images, texts = torch.nn.functional.normalize(
        torch.randn(2, count, 5, dtype=torch.float64, generator=generator), dim=-1
    )
    loss = contrastive_loss(
        images, texts, torch.tensor(-math.log(temperature), dtype=torch.float64), None, LossSettings()
    )
    assert loss.item() == pytest.approx(plain_info_nce(images.tolist(), texts.tolist(), temperature), rel=1e-9)


def test_loss_of_equal_features_is_chance_and_of_orthogonal_pairs_is_low():
    scale = torch.tensor(math.log(100.0))
    same = torch.nn.functional.normalize(torch.ones(8, 8), dim=-1)
    assert contrastive_loss(same, same, scale, None, LossSettings()).item() == pytest.approx(math.log(8), rel=1e-5)
    assert contrastive_loss(torch.eye(8), torch.eye(8), scale, None, LossSettings()).item() < 1e-6


def test_learning_rate_meets_its_corners():
    rates = [learning_rate_at(step, **SCHEDULE) for step in range(50)]
    assert rates[0] == rates[-1] == pytest.approx(1e-5)
    assert rates[10] == max(rates) == pytest.approx(1e-3)
    assert rates[5] == pytest.approx(1e-5 + 0.5 * 0.99e-3)
    assert learning_rate_at(10 + 13, **SCHEDULE) == pytest.approx(1e-5 + 0.99e-3 * (1 + math.cos(math.pi / 3)) / 2)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_learning_rate_without_warm_up_starts_at_the_top_and_never_leaves_its_bounds():
    rates = [learning_rate_at(step, **SCHEDULE | {"warmup_steps": 0, "total_steps": 1}) for step in range(3)]
    assert rates == pytest.approx([1e-3, 1e-5, 1e-5])


def test_decay_touches_matrices_only():
    projector = Projector(ProjectorConfig(6, 5, 4))
    decayed, free = parameter_groups(projector, 0.02)
    names = {id(parameter): name for name, parameter in projector.named_parameters()}
    decayed_names = {names[id(parameter)] for parameter in decayed["params"]}
    free_names = {names[id(parameter)] for parameter in free["params"]}
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.02, 0.0)
    assert decayed_names | free_names == set(names.values())
    assert {"vision_local.linear.weight", "text_global.projection.weight"} <= decayed_names
    assert {"logit_scale", "vision_local.norm.weight", "vision_cls.linear.bias"} <= free_names


def test_optimizer_is_adamw_by_the_book():
    torch.manual_seed(0)
    projector = Projector(ProjectorConfig(6, 5, 4))
    before = {name: parameter.detach().clone() for name, parameter in projector.named_parameters()}
    optimizer = make_optimizer(projector, 0.5)
    for group in optimizer.param_groups:
        group["lr"] = 0.1
    for parameter in projector.parameters():
        parameter.grad = torch.full_like(parameter, 2.0)
    optimizer.step()
    for name, parameter in projector.named_parameters():
        kept = 1 - 0.1 * 0.5 if parameter.ndim >= 2 else 1.0
        torch.testing.assert_close(parameter.detach(), before[name] * kept - 0.1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"warmup_steps": -1}, "warmup_steps is -1"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"weight_decay": math.nan}, "weight_decay is nan"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"learning_rate": 0.0, "min_learning_rate": 0.0}, "learning_rate 0.0"),
        ({"learning_rate": 1e-3, "min_learning_rate": 1e-2}, "min_learning_rate 0.01"),
    ],
)
def test_settings_out_of_range_name_their_keys(changes, words):
    with pytest.raises(ParamsError, match=words):
        TrainSettings(**{"epochs": 1, "batch_size": 2, "warmup_steps": 0} | changes)


def test_steps_follow_from_images_and_batch_size():
    chosen = TrainSettings(epochs=3, batch_size=10, warmup_steps=5)
    assert [chosen.steps_per_epoch(images) for images in (4, 10, 19, 20)] == [1, 1, 1, 2]
    assert chosen.total_steps(29) == 6
    assert TrainSettings(epochs=3, batch_size=10, warmup_steps=3, max_steps=4).total_steps(29) == 4
    with pytest.raises(ParamsError, match="warmup_steps is 5, but the training has only 3 steps"):
        chosen.total_steps(12)
