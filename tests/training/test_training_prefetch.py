"""Batches made ahead: same order, same results, errors as themselves, and an honest clock."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_pairs import CONFIG, planted_pairs

from ligature.errors import StoreError
from ligature.projection import ImageFeatures, PairedFeatures, TrainSettings, train
from ligature.projection.batches import Batches
from ligature.training.prefetch import Prefetch
from ligature.training.runtime import Runtime

SETTINGS = TrainSettings(epochs=3, batch_size=16, warmup_steps=3, learning_rate=3e-3, seed=1)
CPU = torch.device("cpu")


def prefetch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 20), ahead=st.integers(0, 4))
def test_items_come_in_their_order_and_end(count, ahead):
    assert list(Prefetch(iter(list(range(count))) if ahead else (n for n in range(count)), ahead)) == list(range(count))
    assert prefetch_threads() == []


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_no_more_is_made_ahead_than_asked_for(ahead):
    made = []

    def items() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    with closing(iter(Prefetch(items(), ahead))) as stream:
        assert next(stream) == 0
        deadline = time.monotonic() + 10
        while len(made) < 1 + ahead and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(made) == 1 + ahead
    assert prefetch_threads() == []


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_error_surfaces_as_itself_after_the_items_before_it(ahead):
    def items() -> Iterator[int]:
        yield 1
        raise StoreError("shard 7 is short")

    stream = iter(Prefetch(items(), ahead))
    assert next(stream) == 1
    with pytest.raises(StoreError, match="shard 7 is short"):
        next(stream)
    assert prefetch_threads() == []


def test_waiting_is_counted_and_work_beside_it_is_not():
    def slow() -> Iterator[int]:
        for number in range(4):
            time.sleep(0.05)
            yield number

    direct, ahead = Prefetch(slow(), 0), Prefetch(slow(), 2)
    for source in (direct, ahead):
        for _ in source:
            time.sleep(0.1)
    assert direct.waited >= 0.2
    assert 0.04 < ahead.waited < direct.waited


@settings(max_examples=25, deadline=None)
@given(
    images=st.integers(2, 40),
    batch_size=st.integers(2, 12),
    epochs=st.integers(1, 4),
    max_steps=st.one_of(st.none(), st.integers(1, 9)),
    data=st.data(),
)
def test_rows_from_any_step_on_are_those_of_the_whole_training(images, batch_size, epochs, max_steps, data):
    chosen = TrainSettings(epochs=epochs, batch_size=batch_size, warmup_steps=0, max_steps=max_steps, seed=3)
    pairs = planted_pairs(images)
    batches = Batches(pairs, chosen)
    whole = list(batches.rows(0))
    per_epoch = chosen.steps_per_epoch(images)
    plain = [
        tuple(rows[index * batches.size : (index + 1) * batches.size] for rows in pairs.sample_epoch(3, epoch))
        for epoch in range(epochs)
        for index in range(per_epoch)
    ][: chosen.total_steps(images)]
    first = data.draw(st.integers(0, len(whole)))
    for ours, expected in zip(whole, plain, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, expected, strict=True))
    for ours, expected in zip(batches.rows(first), whole[first:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, expected, strict=True))


def test_micro_batches_of_a_share_put_together_are_the_share():
    pairs = planted_pairs(30)
    batches = Batches(pairs, TrainSettings(epochs=1, batch_size=20, warmup_steps=0))
    (parts,) = batches.load(0, slice(4, 15), 4, CPU)
    assert [len(part.texts[0]) for part in parts] == [4, 4, 3]
    image_rows, text_rows = next(batches.rows(0))
    expected = batches.collate(image_rows[4:15], text_rows[4:15]).to(CPU)
    for key in ("cls", "local"):
        assert torch.equal(torch.cat([part.images[key] for part in parts]), expected.images[key])
    assert torch.equal(torch.cat([part.texts[0] for part in parts]), expected.texts[0])
    assert expected.images["mask"] is None
    assert expected.inputs()[0] is expected.images["cls"]


@pytest.mark.parametrize("ahead", [1, 4])
def test_prefetching_changes_no_byte_of_a_training(tmp_path, ahead):
    for name, count in (("ahead", ahead), ("direct", 0)):
        train(CONFIG, planted_pairs(80), SETTINGS, tmp_path / name, runtime=Runtime(prefetch=count))
    for name in ("projector.safetensors", "projector.json", "history.csv"):
        assert (tmp_path / "ahead" / name).read_bytes() == (tmp_path / "direct" / name).read_bytes()


class BrokenImages(ImageFeatures):
    """Features of which one batch cannot be read."""

    def select(self, branches) -> "BrokenImages":
        return self

    def collate(self, rows: np.ndarray, device: torch.device) -> dict:
        if 7 in rows:
            raise StoreError("img_emb_00003.npy is gone: embed again")
        return super().collate(rows, device)


def test_a_store_that_breaks_while_training_is_named_and_leaves_no_thread():
    data = planted_pairs(80)
    broken = PairedFeatures(BrokenImages(data.images.cls, data.images.local), data.texts, data.image_of_text)
    with pytest.raises(StoreError, match=r"img_emb_00003\.npy is gone"):
        train(CONFIG, broken, dataclasses.replace(SETTINGS, epochs=2))
    assert prefetch_threads() == []
