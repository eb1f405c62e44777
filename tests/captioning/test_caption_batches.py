"""Batches of captions: what stands in a step follows from the seed; like lengths stand together."""

from itertools import chain

import numpy as np
import pytest
import torch
from coloured_captions import FIRST, coloured_captions, make_loop
from tiny_vlm import tiny_vlm

from ligature.captioning import CaptionData, ViewFeatures
from ligature.captioning.batches import CaptionBatches, collate
from ligature.captioning.chat import IMAGE

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> CaptionData:
    return coloured_captions(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_vlm(tmp_path_factory.mktemp("model"), prompts=("describe", "name it", "what is there"))


@pytest.fixture(scope="module")
def batches(model, data) -> CaptionBatches:
    return CaptionBatches(data, ViewFeatures(model, data.paths), model.chat, FIRST)


def samples_of(parts) -> list[tuple[tuple[int, ...], bytes]]:
    """Returns the samples of micro-batches, without padding, in an order of their own."""
    found = []
    for part in parts:
        packed = part.packed
        assert packed.views.tolist() == [1] * len(packed.tokens)
        for tokens, attention, seen in zip(packed.tokens, packed.attention, part.seen, strict=True):
            found.append((tuple(tokens[attention == 1].tolist()), seen.numpy().tobytes()))
    return sorted(found)


def test_a_step_has_the_pairs_of_its_epoch_with_their_images(batches, model, data):
    images, texts = data.sample_epoch(FIRST.seed, 0)
    [part] = next(batches.load(0, slice(None), None, CPU))
    wanted = []
    for image, text in zip(images[:8], texts[:8], strict=True):
        seen = batches.features.load([image])[0][0][0].numpy().tobytes()
        tokens = [model.chat.render([(0, 0)], data.captions[text], prompt=number).tokens for number in range(3)]
        wanted.append((seen, {tuple(each) for each in tokens}))
    for tokens, seen in samples_of([part]):
        assert any(seen == image and tokens in renderings for image, renderings in wanted)
    assert len(part.packed.tokens) == 8
    assert sum(1 for _ in batches.load(0, slice(None), None, CPU)) == 9


@pytest.mark.parametrize("micro_batch", [1, 3, 8, 50])
def test_micro_batches_hold_the_same_samples_in_like_lengths(batches, micro_batch):
    [whole] = next(batches.load(2, slice(None), None, CPU))
    parts = next(batches.load(2, slice(None), micro_batch, CPU))
    assert samples_of(parts) == samples_of([whole])
    assert sum(part.count for part in parts) == whole.count
    lengths = [part.packed.attention.sum(dim=1).tolist() for part in parts]
    in_order = list(chain.from_iterable(lengths))
    assert in_order == sorted(in_order)
    assert all(part.packed.tokens.shape[1] == max(each) for part, each in zip(parts, lengths, strict=True))


def test_shares_of_processes_are_parts_of_the_batch(batches):
    [whole] = next(batches.load(1, slice(None), None, CPU))
    shares = [next(batches.load(1, share, None, CPU))[0] for share in (slice(0, 2), slice(2, 5), slice(5, 8))]
    assert samples_of(shares) == samples_of([whole])
    assert sum(part.count for part in shares) == whole.count


def test_batches_go_on_from_any_step_as_they_would_have(batches):
    steps = [samples_of(parts) for parts in batches.load(0, slice(None), None, CPU)]
    assert [samples_of(parts) for parts in batches.load(5, slice(None), 3, CPU)] == steps[5:]
    assert steps[0] != steps[3] != steps[6]


def test_prompts_are_drawn_and_all_come_up(batches):
    drawn = np.concatenate([batches._draw_prompts(step, 8) for step in range(9)])
    assert set(drawn) == {0, 1, 2}
    assert np.array_equal(batches._draw_prompts(4, 8), drawn[32:40])


def test_targets_are_the_labels_that_something_real_comes_before(model, batches):
    chat, seen = model.chat, torch.zeros(1, 16, 32)
    samples = [(chat.render([(0, 0)], text), seen) for text in ("a red circle", "sea")]
    alone, together = [collate([sample], chat) for sample in samples], collate(samples, chat)
    assert together.count == sum(batch.count for batch in alone)
    assert together.count == sum(label != -100 for rendered, _ in samples for label in rendered.labels)
    assert together.targets.shape[1] == together.packed.tokens.shape[1] - 1
    assert not (together.targets == IMAGE).any()
    first = samples[1][0]
    first.labels[0] = first.tokens[0]  # a label of the first token, which nothing foretells
    assert [collate([samples[1]], chat).count, collate(samples, chat).count] == [alone[1].count, together.count]
    assert together.to(CPU).count == together.count
    assert torch.equal(together.inputs()[0], torch.zeros(2, 16, 32))


def test_cut_captions_are_counted(tmp_path, data):
    long = CaptionData(data.paths, data.image_ids, ["sea " * 60] * 48, data.image_of_text, "long")
    loop = make_loop(tmp_path, long, context_length=40)
    [part] = next(loop.load(0))
    assert part.cut == 8
    assert part.packed.tokens.shape == (8, 40)
