import math

import pytest
import torch
from torch import nn

from ligature.encoders.unimodal.architectures import ResNetSize, VitSize, build_vision_model
from ligature.encoders.unimodal.objectives import Outcome, SimCLR, Supervised
from ligature.encoders.unimodal.training import epoch_batches, rate_factor, train
from ligature.errors import TrainingError
from ligature.params.encoders import VisionRecipe

TINY = {"vit": VitSize(8, 16, 1, 2, 2), "resnet": ResNetSize(8, (16,), (1,))}


def recipe(**values):
    defaults = {"architecture": "resnet", "objective": "supervised", "dataset": "d", "epochs": 2, "batch_size": 8}
    return VisionRecipe(**(defaults | values))


def coloured_squares(count=48, side=16):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(100, 140, (count, 3, side, side), generator=generator).to(torch.uint8)
    labels = torch.arange(count) % 3
    for image, label in zip(pixels, labels, strict=True):
        left, top = torch.randint(0, side - 6, (2,), generator=generator).tolist()
        image[label, top : top + 6, left : left + 6] = 250
    return pixels, labels


class Constant(nn.Module):
    def __init__(self, *losses):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.losses = list(losses)

    def forward(self, pixels, rows, generator):
        return Outcome(self.losses.pop(0) * self.weight.sum(), None)


def test_rate_warms_up_and_falls_to_zero_as_a_cosine():
    factors = [rate_factor(step, 100) for step in range(101)]
    assert factors[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert factors[10:] == pytest.approx([(1 + math.cos(math.pi * i / 90)) / 2 for i in range(91)])


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_rate_of_very_short_trainings_is_a_fraction(steps):
    assert all(0 <= rate_factor(step, steps) <= 1 for step in range(steps + 1))
    assert rate_factor(0, steps) == 1


def test_an_epoch_is_a_permutation_cut_into_whole_batches():
    generator = torch.Generator().manual_seed(0)
    first, second = ([b.tolist() for b in epoch_batches(11, 3, generator)] for _ in range(2))
    assert [len(batch) for batch in first] == [3, 3, 3]
    assert len({row for batch in first for row in batch}) == 9
    assert first != second


@pytest.mark.parametrize("architecture", ["vit", "resnet"])
def test_supervised_training_learns_colours(architecture):
    pixels, labels = coloured_squares()
    torch.manual_seed(0)
    objective = Supervised(build_vision_model(architecture, 16, size=TINY[architecture]), labels + 7)
    settings = recipe(architecture=architecture, epochs=20, learning_rate=1e-2)
    history = train(objective, pixels, settings, "tiny")
    assert list(history.columns) == ["epoch", "loss", "accuracy"]
    assert history["epoch"].tolist() == list(range(1, 21))
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] - 0.3
    assert history["accuracy"].iloc[-1] > 0.8


@pytest.mark.parametrize("architecture", ["vit", "resnet"])
def test_self_supervised_training_tells_images_apart(architecture):
    pixels, _ = coloured_squares()
    torch.manual_seed(0)
    objective = SimCLR(build_vision_model(architecture, 16, size=TINY[architecture]))
    settings = recipe(architecture=architecture, objective="self-supervised", epochs=8, batch_size=16)
    history = train(objective, pixels, settings, "tiny")
    assert list(history.columns) == ["epoch", "loss"]
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] - 0.3


def test_history_is_the_mean_of_an_epoch():
    losses = [4.0, 2.0, 1.0, 0.5]
    pixels = torch.zeros(5, 3, 4, 4, dtype=torch.uint8)
    history = train(Constant(*losses), pixels, recipe(batch_size=2, learning_rate=1e-12), "tiny")
    assert history["loss"].tolist() == pytest.approx([3.0, 0.75], abs=1e-5)


def test_a_batch_larger_than_the_data_is_all_of_it():
    pixels = torch.zeros(3, 3, 4, 4, dtype=torch.uint8)
    history = train(Constant(1.0, 1.0), pixels, recipe(batch_size=100), "tiny")
    assert len(history) == 2


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_training(loss):
    pixels = torch.zeros(4, 3, 4, 4, dtype=torch.uint8)
    with pytest.raises(TrainingError, match=f"tiny, epoch 2: the loss is {loss}; lower the learning_rate"):
        train(Constant(1.0, loss), pixels, recipe(batch_size=4), "tiny")


def test_progress_counts_images_and_shows_the_loss(capsys):
    pixels = torch.zeros(4, 3, 4, 4, dtype=torch.uint8)
    train(Constant(1.0, 0.5), pixels, recipe(batch_size=4), "tiny")
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("train tiny: 8/8 images")
    assert line.endswith("epoch 2, loss 0.500")
