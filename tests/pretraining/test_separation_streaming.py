"""The separation tile by tile: derivatives, parts of a batch, and memory."""

import math

import pytest
import torch
from alignment_reference import batch, unit_rows
from torch.autograd import gradcheck

from ligature.pretraining.losses import AlignmentSettings, alignment_loss
from ligature.pretraining.losses.dense import dense_separation
from ligature.pretraining.losses.semantics import log_distances
from ligature.pretraining.losses.streaming import TiledSeparation, streaming_separation

RESCALINGS = ["cosine", "exponent", "none"]


@pytest.mark.parametrize("tile", [None, 2])
@pytest.mark.parametrize("rescaling", RESCALINGS)
def test_gradients_of_the_loss_are_derivatives(rescaling, tile):
    inputs, semantics = batch(4, width=3, log_scale=1.5)
    settings = AlignmentSettings(("image", "text"), rescaling, tile=tile)
    assert gradcheck(lambda *three: alignment_loss(*three, semantics, settings), inputs)


@pytest.mark.parametrize(("offset", "tile"), [(0, 2), (1, 2), (3, 3), (2, 10)])
@pytest.mark.parametrize("rescaling", RESCALINGS)
def test_gradients_of_the_tiles_are_derivatives(rescaling, offset, tile):
    columns, semantics = unit_rows(7, 3, 1), unit_rows(7, 4, 2)
    inputs = [2 * columns[offset : offset + 4], columns, torch.linspace(-1, 2, 4, dtype=torch.float64)]
    inputs = [value.clone().requires_grad_() for value in inputs]
    assert gradcheck(lambda *three: TiledSeparation.apply(*three, semantics, offset, rescaling, tile), inputs)


@pytest.mark.parametrize("tile", [None, 1, 3, 20])
@pytest.mark.parametrize("rescaling", RESCALINGS)
def test_parts_of_a_batch_sum_to_the_batch(rescaling, tile):
    columns, positives, semantics = unit_rows(10, 4, 1), torch.linspace(-2, 9, 10).double(), unit_rows(10, 5, 2)

    def separation(first, end):
        arguments = 9 * columns[first:end], columns[first:end], positives[first:end], semantics
        gather = lambda _: (columns, first)  # noqa: E731
        if tile is None:
            return dense_separation(*arguments, gather, rescaling).item()
        return streaming_separation(*arguments, gather, rescaling, tile).item()

    parts = [separation(*part) for part in ((0, 3), (3, 3), (3, 10), (10, 10))]
    assert parts[1] == parts[3] == 0
    assert sum(parts) == pytest.approx(separation(0, 10), abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_distances_up_to_rounding_are_those_of_the_same_meaning(dtype):
    step = torch.finfo(dtype).eps
    found = log_distances(torch.tensor([-3 * step, 0, 20 * step, 1e-3, 1, 2], dtype=dtype))
    assert found[:3].tolist() == [-torch.inf] * 3
    torch.testing.assert_close(found[3:].exp(), torch.tensor([1e-3, 1, 2], dtype=dtype))


def test_large_logits_in_float32_lose_no_digits_of_the_loss():
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    losses = TiledSeparation.apply(95 * rows, rows, torch.tensor([96.0, 96.0]), None, 0, "none", 1)
    assert losses.tolist() == pytest.approx([math.log1p(math.exp(-1))] * 2, abs=1e-7)


def kept_bytes(pairs, rescaling, tile):
    """What the loss holds for backward."""
    inputs, semantics = batch(pairs, width=8)
    sizes = {}

    def note(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        alignment_loss(*inputs, semantics, AlignmentSettings(("image", "text"), rescaling, tile=tile))
    return sum(sizes.values())


@pytest.mark.parametrize("rescaling", RESCALINGS)
def test_backward_keeps_nothing_that_grows_with_the_square(rescaling):
    assert kept_bytes(512, rescaling, 64) < 2.1 * kept_bytes(256, rescaling, 64) < kept_bytes(256, rescaling, None)
    assert kept_bytes(512, rescaling, None) > 3.5 * kept_bytes(256, rescaling, None)
