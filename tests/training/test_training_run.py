"""The loop that all contrastive trainings share, on a toy: what a step does, what is written, how a run goes on."""

import dataclasses
import math
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ligature.errors import ParamsError, TrainingError
from ligature.training import (
    ContrastiveLoop,
    LossSettings,
    Runtime,
    Schedule,
    contrastive_loss,
    learning_rate_at,
    make_optimizer,
    run_training,
)
from ligature.training.distributed import Processes
from ligature.training.stopping import EXIT_STATUS

PAIRS, WIDTH = 40, 6
SETTINGS = Schedule(epochs=4, batch_size=8, warmup_steps=3, learning_rate=1e-2, checkpoint_every_steps=1)
ALONE = Processes(torch.device("cpu"))


class Toy(nn.Module):
    """Two linear maps and a temperature; it counts how often it is clamped."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.text = nn.Linear(WIDTH, 4), nn.Linear(WIDTH, 4)
        self.logit_scale = nn.Parameter(torch.tensor(2.0))
        self.clamped = 0

    @property
    def temperature(self) -> float:
        return math.exp(-self.logit_scale.item())

    def clamp_temperature(self) -> None:
        self.clamped += 1

    def encode(self, side: nn.Linear, values: Tensor) -> Tensor:
        return functional.normalize(functional.dropout(side(values), 0.2, self.training), dim=1)


@dataclass
class ToyPart:
    images: Tensor
    texts: Tensor

    def inputs(self) -> list[Tensor | None]:
        return [self.images, None, self.texts]


class ToyLoop(ContrastiveLoop[ToyPart]):
    """Learns pairs of vectors; ``draw`` chooses them."""

    def __init__(self, settings: Schedule, runtime: Runtime, processes: Processes, draw: int = 0) -> None:
        generator = torch.Generator().manual_seed(draw)
        latent = torch.randn(PAIRS, WIDTH, generator=generator)
        self.draw, self.images, self.texts = draw, latent, latent.flip(1)
        torch.manual_seed(settings.seed)
        model = Toy()
        super().__init__(model, make_optimizer(model, settings.weight_decay), PAIRS, settings, runtime, processes)

    @property
    def fingerprint(self) -> dict:
        return self.settings.decisive() | {"draw": self.draw}

    @property
    def chance(self) -> float:
        return math.log(self.batch_size)

    def load(self, first_step: int) -> Iterator[list[ToyPart]]:
        for step in range(first_step, self.total_steps):
            rows = np.random.default_rng([self.settings.seed, step]).permutation(PAIRS)[: self.batch_size][self.share]
            size = self.runtime.micro_batch or len(rows)
            parts = [rows[start : start + size] for start in range(0, len(rows), size)]
            yield [ToyPart(self.images[part], self.texts[part]) for part in parts]

    def encode(self, part: ToyPart) -> tuple[Tensor, Tensor]:
        model = self.state.model
        return model.encode(model.image, part.images), model.encode(model.text, part.texts)

    def loss(self, images: Tensor, texts: Tensor, parts: list[ToyPart]) -> Tensor:
        assert len(images) == sum(len(part.images) for part in parts)
        return contrastive_loss(images, texts, self.state.model.logit_scale, None, LossSettings())


def train_toy(folder=None, settings=SETTINGS, validate=None, runtime=None, *, draw=0, written=None) -> ToyLoop:
    def write(loop: ToyLoop, checkpoint) -> None:
        assert checkpoint.run_folder == folder
        (folder / "weights").write_bytes(contents(loop))
        if written is not None:
            written.append(checkpoint.path.exists())

    runtime = runtime or Runtime()
    return run_training(
        lambda processes: ToyLoop(settings, runtime, processes, draw),
        lambda loop: loop,
        write,
        runtime=runtime,
        run_folder=folder,
        validate=validate,
        what="toy",
    )


def contents(loop: ToyLoop) -> bytes:
    return b"".join(tensor.numpy().tobytes() for tensor in loop.state.model.state_dict().values())


def without_dropout(monkeypatch) -> None:
    monkeypatch.setattr(Toy, "encode", lambda self, side, values: functional.normalize(side(values), dim=1))


def raising(epoch: int, error: Exception):
    calls = iter(range(1, 100))

    def validate(model: Toy) -> dict[str, float]:
        if next(calls) == epoch:
            raise error
        return {}

    return validate


def test_a_loop_without_its_own_parts_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        ContrastiveLoop(Toy(), make_optimizer(Toy(), 0.0), PAIRS, SETTINGS, Runtime(), ALONE)


def test_a_training_is_the_plain_loop_of_ten_lines(monkeypatch):
    without_dropout(monkeypatch)
    trained = train_toy().state
    with torch.random.fork_rng(devices=[]):
        loop = ToyLoop(SETTINGS, Runtime(), ALONE)
    model, optimizer, losses = loop.state.model, loop.state.optimizer, []
    rates = {"warmup_steps": 3, "learning_rate": 1e-2, "min_learning_rate": SETTINGS.min_learning_rate}
    for step, [part] in enumerate(loop.load(0)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, total_steps=20, **rates)
        images, texts = loop.encode(part)
        logits = model.logit_scale.exp() * images @ texts.T
        truth = torch.arange(len(logits))
        loss = (functional.cross_entropy(logits, truth) + functional.cross_entropy(logits.T, truth)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert [row["train_loss"] for row in trained.history] == pytest.approx(losses, rel=1e-5)
    for name, expected in model.state_dict().items():
        torch.testing.assert_close(trained.model.state_dict()[name], expected, rtol=1e-4, atol=1e-6)


def test_the_loss_falls_and_every_step_is_a_row_and_clamps_the_temperature():
    loop = train_toy(settings=dataclasses.replace(SETTINGS, epochs=20))
    history = loop.state.history
    assert [row["step"] for row in history] == list(range(1, 101))
    assert [row["epoch"] for row in history] == [epoch for epoch in range(1, 21) for _ in range(5)]
    assert history[0]["temperature"] == pytest.approx(math.exp(-2.0))
    assert history[0]["learning_rate"] == SETTINGS.min_learning_rate
    losses = [row["train_loss"] for row in history]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    assert loop.state.model.clamped == 100


def test_results_are_written_once_before_the_checkpoint_goes(tmp_path):
    written = []
    loop = train_toy(tmp_path, written=written)
    assert written == [True]
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]
    assert (tmp_path / "weights").read_bytes() == contents(loop)


def test_without_a_run_folder_nothing_is_written_and_the_result_is_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = []
    alone = train_toy(written=written)
    assert written == []
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "run").mkdir()
    assert contents(train_toy(tmp_path / "run")) == contents(alone)


def test_results_that_cannot_be_written_leave_the_checkpoint_and_are_written_by_the_next_run(tmp_path):
    (tmp_path / "weights").mkdir()
    with pytest.raises(IsADirectoryError):
        train_toy(tmp_path)
    assert (tmp_path / "checkpoint" / "state.pt").is_file()
    (tmp_path / "weights").rmdir()
    assert train_toy(tmp_path).state.step == 20
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_micro_batches_train_what_whole_batches_do_where_nothing_is_random(monkeypatch):
    without_dropout(monkeypatch)
    whole, parts = train_toy(), train_toy(runtime=Runtime(micro_batch=3))
    for name, expected in whole.state.model.state_dict().items():
        torch.testing.assert_close(parts.state.model.state_dict()[name], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("micro_batch", [None, 3])
def test_dropout_is_a_function_of_seed_and_step(micro_batch):
    runtime = Runtime(micro_batch=micro_batch)
    torch.manual_seed(1)
    one = train_toy(runtime=runtime)
    torch.manual_seed(2)
    expected = torch.get_rng_state()
    assert contents(train_toy(runtime=runtime)) == contents(one)
    assert torch.equal(torch.get_rng_state(), expected)
    assert contents(train_toy(settings=dataclasses.replace(SETTINGS, seed=1), runtime=runtime)) != contents(one)


def test_validation_sees_evaluation_mode_at_the_measured_epochs_and_at_the_end():
    seen = []

    def validate(model: Toy) -> dict[str, float]:
        seen.append((model.training, torch.is_grad_enabled()))
        return {"count": len(seen)}

    settings = dataclasses.replace(SETTINGS, epochs=5, validate_every_epochs=2)
    history = train_toy(settings=settings, validate=validate).state.history
    assert seen == [(False, False)] * 3
    assert {row["step"]: row["validation_count"] for row in history if "validation_count" in row} == {
        10: 1.0,
        20: 2.0,
        25: 3.0,
    }


@pytest.mark.parametrize("epoch", [1, 2, 4])
def test_an_interrupted_training_goes_on_to_the_same_bytes(tmp_path, capsys, epoch):
    whole = train_toy()
    with pytest.raises(KeyboardInterrupt):
        train_toy(tmp_path, validate=raising(epoch, KeyboardInterrupt()))
    resumed = train_toy(tmp_path)
    assert f"training goes on after step {5 * epoch - 1}\n" in capsys.readouterr().err
    assert contents(resumed) == contents(whole)
    assert [row["train_loss"] for row in resumed.state.history] == [row["train_loss"] for row in whole.state.history]


def test_another_training_in_the_folder_is_passed_over_with_one_line(tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt):
        train_toy(tmp_path, validate=raising(2, KeyboardInterrupt()))
    other = train_toy(tmp_path, draw=1)
    assert "the checkpoint is of another training (draw was 0, is 1); training starts anew\n" in capsys.readouterr().err
    assert contents(other) == contents(train_toy(draw=1))


def test_sigterm_ends_a_training_after_its_step_with_a_status(tmp_path, capsys):
    def terminate(model: Toy) -> dict[str, float]:
        signal.raise_signal(signal.SIGTERM)
        return {}

    with pytest.raises(SystemExit) as stopped:
        train_toy(tmp_path, validate=terminate)
    assert stopped.value.code == EXIT_STATUS
    assert "stopped by SIGTERM after step 5; the same command goes on from there\n" in capsys.readouterr().err
    assert contents(train_toy(tmp_path)) == contents(train_toy())


def test_a_flat_loss_stops_at_the_chance_of_the_loop(monkeypatch):
    monkeypatch.setattr(ToyLoop, "chance", 0.001)
    with pytest.raises(TrainingError, match=r"the loss does not fall: .* 0\.0010 by chance"):
        train_toy(settings=dataclasses.replace(SETTINGS, epochs=25))


def test_inputs_that_are_not_finite_are_named(monkeypatch):
    monkeypatch.setattr(ToyPart, "inputs", lambda part: [torch.tensor(math.nan)])
    monkeypatch.setattr(ToyLoop, "loss", lambda loop, images, texts, parts: (images * math.nan).sum())
    with pytest.raises(TrainingError, match=r"nan at step 1 with learning rate .* features of this batch are NaN"):
        train_toy()


def test_a_metric_that_is_not_finite_stops():
    with pytest.raises(TrainingError, match="validation metric recall is inf at step 5"):
        train_toy(validate=lambda model: {"recall": math.inf})


def test_a_warm_up_without_an_end_and_a_batch_of_one_pair_are_refused():
    with pytest.raises(ParamsError, match="warmup_steps is 20, but the training has only 20 steps"):
        train_toy(settings=dataclasses.replace(SETTINGS, warmup_steps=20))
    with pytest.raises(ParamsError, match="batch_size is 1: it is at least 2"):
        dataclasses.replace(SETTINGS, batch_size=1)
