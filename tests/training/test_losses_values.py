"""The contrastive losses on one process, against their formulas in NumPy and at the edges."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from ligature.errors import ParamsError
from ligature.training.losses import LossSettings, contrastive_loss, gather_rows

KINDS = ["infonce", "siglip"]
TILES = [None, 1, 3, 4, 5, 12, 100]


def unit_rows(pairs, width=6, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(pairs, width, generator=generator, dtype=torch.float64)).to(dtype)


def leaves(pairs, temperature=0.07, bias=-2.0, dtype=torch.float64, width=6):
    """Images, texts, logit scale and bias, with gradients."""
    values = [unit_rows(pairs, width, 1, dtype), unit_rows(pairs, width, 2, dtype)]
    values += [torch.tensor(-math.log(temperature), dtype=dtype), torch.tensor(bias, dtype=dtype)]
    return [value.requires_grad_() for value in values]


def loss_and_gradients(inputs, settings):
    loss = contrastive_loss(*inputs, settings)
    return loss, *torch.autograd.grad(loss, inputs, allow_unused=settings.kind == "infonce")


def plain_infonce(images, texts, scale):
    logits = np.exp(scale) * images @ texts.T
    pairs = range(len(logits))
    to_texts = [-logits[i, i] + np.log(sum(np.exp(logits[i, j]) for j in pairs)) for i in pairs]
    to_images = [-logits[i, i] + np.log(sum(np.exp(logits[j, i]) for j in pairs)) for i in pairs]
    return (np.mean(to_texts) + np.mean(to_images)) / 2


def plain_siglip(images, texts, scale, bias):
    total = 0.0
    for i, j in itertools.product(range(len(images)), range(len(texts))):
        sign = 1 if i == j else -1
        total += np.log1p(np.exp(-sign * (np.exp(scale) * images[i] @ texts[j] + bias)))
    return total / len(images)


@pytest.mark.parametrize("tile", TILES)
def test_infonce_is_its_formula(tile):
    inputs = leaves(12)
    images, texts, scale, _ = (value.detach().numpy() for value in inputs)
    loss = contrastive_loss(*inputs[:3], None, LossSettings(tile=tile))
    assert loss.item() == pytest.approx(plain_infonce(images, texts, scale), abs=1e-12)


@pytest.mark.parametrize("tile", TILES)
def test_siglip_is_its_formula(tile):
    inputs = leaves(12)
    plain = plain_siglip(*(value.detach().numpy() for value in inputs))
    assert contrastive_loss(*inputs, LossSettings("siglip", tile=tile)).item() == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize("tile", [None, 3])
def test_local_negatives_are_the_mean_over_groups(tile):
    inputs = leaves(12)
    images, texts, scale, bias = (value.detach().numpy() for value in inputs)
    groups = [slice(start, start + 4) for start in (0, 4, 8)]
    softmax = np.mean([plain_infonce(images[own], texts[own], scale) for own in groups])
    sigmoid = np.mean([plain_siglip(images[own], texts[own], scale, bias) for own in groups])
    found = [contrastive_loss(*inputs, LossSettings(kind, "local", 4, tile)).item() for kind in KINDS]
    assert found == pytest.approx([softmax, sigmoid], abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("pairs", "tile"), [(50, 16), (50, 50), (50, 64), (257, 100), (1, 1)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_streaming_is_dense_forward_and_backward(kind, pairs, tile, dtype, tolerance):
    inputs = leaves(pairs, dtype=dtype, width=32)
    dense = loss_and_gradients(inputs, LossSettings(kind, tile=None))
    for found, wanted in zip(loss_and_gradients(inputs, LossSettings(kind, tile=tile)), dense, strict=True):
        assert (found is None) == (wanted is None)
        if wanted is not None:
            torch.testing.assert_close(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("tile", [None, 1, 8])
def test_one_pair_has_no_softmax_to_lose(tile):
    inputs = leaves(1, dtype=torch.float32)
    loss, *gradients = loss_and_gradients(inputs, LossSettings(tile=tile))
    assert loss == 0
    assert [gradient.abs().max().item() for gradient in gradients[:3]] == [0, 0, 0]


@pytest.mark.parametrize("tile", [None, 1, 8])
def test_the_sigmoid_of_one_pair_is_its_positive_term(tile):
    images, texts, scale, bias = leaves(1)
    positive = -functional.logsigmoid(scale.exp() * (images * texts).sum() + bias)
    loss = contrastive_loss(images, texts, scale, bias, LossSettings("siglip", tile=tile))
    assert loss.item() == pytest.approx(positive.item(), abs=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tile", [None, 3])
def test_the_lowest_temperature_does_not_overflow(kind, tile):
    inputs = leaves(8, temperature=0.001, dtype=torch.float32)
    reference = leaves(8, temperature=0.001)
    found = loss_and_gradients(inputs, LossSettings(kind, tile=tile))
    wanted = loss_and_gradients(reference, LossSettings(kind, tile=None))
    for one, other in zip(found, wanted, strict=True):
        if one is not None:
            assert one.isfinite().all()
            torch.testing.assert_close(one.double(), other, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("tile", [None, 3])
def test_identical_rows_cannot_be_told_apart(tile):
    rows = unit_rows(1, dtype=torch.float32).expand(7, -1)
    loss = contrastive_loss(rows, rows, torch.tensor(4.6), None, LossSettings(tile=tile))
    assert loss.item() == pytest.approx(math.log(7), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tile", [None, 3])
@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_is_computed_in_float32(kind, tile, autocast):
    images, texts, scale, bias = leaves(8, dtype=torch.float32)
    half = [images.detach().bfloat16().requires_grad_(), texts.detach().bfloat16(), scale, bias]
    whole = [half[0].detach().float(), half[1].float(), scale, bias]
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = contrastive_loss(*half, LossSettings(kind, tile=tile))
    wanted = contrastive_loss(*whole, LossSettings(kind, tile=None))
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, wanted, rtol=1e-6, atol=1e-6)
    (gradient,) = torch.autograd.grad(loss, half[:1])
    assert gradient.dtype == torch.bfloat16


@pytest.mark.parametrize("tile", [None, 3])
def test_a_missing_bias_is_zero(tile):
    images, texts, scale, _ = leaves(5)
    settings = LossSettings("siglip", tile=tile)
    with_zero = contrastive_loss(images, texts, scale, torch.tensor(0.0), settings)
    assert torch.equal(contrastive_loss(images, texts, scale, None, settings), with_zero)


@pytest.mark.parametrize("kind", KINDS)
def test_backward_keeps_nothing_that_grows_with_the_square(kind):
    def kept(pairs, tile):
        sizes = {}

        def note(tensor):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            contrastive_loss(*leaves(pairs, width=8), LossSettings(kind, tile=tile))
        return sum(sizes.values())

    assert kept(512, 64) < 2.1 * kept(256, 64) < kept(256, None)
    assert kept(512, None) > 3.5 * kept(256, None)


def test_without_processes_the_rows_are_one_s_own():
    rows = unit_rows(3)
    gathered, offset = gather_rows(rows)
    assert gathered is rows
    assert offset == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "triplet"}, "kind is 'triplet'"),
        ({"negatives": "all"}, "negatives is 'all'"),
        ({"negatives": "local"}, "group is None"),
        ({"group": 4}, "negatives is 'global' and group is 4"),
        ({"negatives": "local", "group": 1}, "group is 1"),
        ({"tile": 0}, "tile is 0"),
    ],
)
def test_settings_out_of_range_are_named(change, said):
    with pytest.raises(ParamsError, match=said):
        LossSettings(**change)


def test_rows_that_are_no_whole_groups_are_named_with_the_group():
    with pytest.raises(ParamsError, match="holds 10 pairs, which are not whole groups of 4"):
        contrastive_loss(*leaves(10), LossSettings(negatives="local", group=4))


def test_features_that_are_no_pairs_are_refused():
    images, texts, scale, _ = leaves(4)
    with pytest.raises(ValueError, match=r"\[4, 6\] and \[3, 6\]"):
        contrastive_loss(images, texts[:3], scale, None, LossSettings())
    with pytest.raises(ValueError, match="no pairs"):
        contrastive_loss(images[:0], texts[:0], scale, None, LossSettings())
