"""The loss of AlignCLIP on one process, against its formulas and at the edges."""

import itertools
import math

import pytest
import torch
from alignment_reference import batch, plain_alignment, unit_rows, with_gradients

from ligature.pretraining.losses import AlignmentSettings, alignment_loss, chance_alignment_loss
from ligature.training.losses import LossSettings, contrastive_loss

SEPARATED = [("image",), ("text",), ("image", "text")]
RESCALINGS = ["cosine", "exponent", "none"]
TERMS = list(itertools.product(SEPARATED, RESCALINGS, [False, True]))


def assert_all_close(found, wanted, tolerance):
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("tile", [None, 1, 3, 4, 100])
@pytest.mark.parametrize(("separate", "rescaling", "halved"), TERMS)
def test_value_and_gradients_are_those_of_the_formula(separate, rescaling, halved, tile):
    inputs, semantics = batch(8)
    settings = AlignmentSettings(separate, rescaling, halved, tile=tile)
    found = with_gradients(alignment_loss, inputs, semantics, settings)
    assert_all_close(found, with_gradients(plain_alignment, inputs, semantics, settings), 1e-10)


@pytest.mark.parametrize("tile", [None, 5])
@pytest.mark.parametrize(("separate", "rescaling", "halved"), TERMS)
def test_float32_is_close_to_the_formula(separate, rescaling, halved, tile):
    wide, semantics = batch(24, width=16, log_scale=4.0)
    inputs = [value.detach().float().requires_grad_() for value in wide]
    settings = AlignmentSettings(separate, rescaling, halved, tile=tile)
    found = with_gradients(alignment_loss, inputs, semantics.float(), settings)
    assert {value.dtype for value in found} == {torch.float32}
    assert_all_close(found, with_gradients(plain_alignment, wide, semantics, settings), 3e-5)


@pytest.mark.parametrize("tile", [None, 3])
def test_alpha_and_beta_weigh_their_terms(tile):
    inputs, semantics = batch(6)
    settings = AlignmentSettings(("image", "text"), alpha=0.3, beta=1.7, tile=tile)
    found = with_gradients(alignment_loss, inputs, semantics, settings)
    assert_all_close(found, with_gradients(plain_alignment, inputs, semantics, settings), 1e-10)


@pytest.mark.parametrize("tile", [None, 1])
def test_two_orthogonal_pairs_by_hand(tile):
    rows = torch.eye(2, dtype=torch.float64)
    settings = AlignmentSettings(("image", "text"), alpha=2.0, beta=0.25, tile=tile)
    loss = alignment_loss(rows, rows, torch.tensor(3.0).log(), rows, settings)
    assert loss.item() == pytest.approx((2 * 2.0 + 2 * 0.25) * math.log(1 + math.exp(-3)), abs=1e-7)


@pytest.mark.parametrize("tile", [None, 3])
@pytest.mark.parametrize("alpha", [1.0, 0.7])
@pytest.mark.parametrize("form", ["local", "gathered"])
@pytest.mark.parametrize("halved", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_separation_it_is_alpha_times_the_contrastive_loss(tile, alpha, form, halved, dtype):
    inputs, _ = batch(7, dtype=dtype)
    settings = AlignmentSettings(alpha=alpha, tile=tile, form=form, halved=halved)
    found = with_gradients(alignment_loss, inputs, None, settings)
    wanted = with_gradients(lambda *three: alpha * contrastive_loss(*three, None, LossSettings(tile=tile)), inputs)
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("tile", [None, 1, 8])
@pytest.mark.parametrize(("separate", "rescaling", "halved"), TERMS)
def test_one_pair_has_nothing_to_lose(separate, rescaling, halved, tile):
    inputs, semantics = batch(1, dtype=torch.float32)
    settings = AlignmentSettings(separate, rescaling, halved, tile=tile)
    found = with_gradients(alignment_loss, inputs, semantics, settings)
    assert [value.abs().max().item() for value in found] == [0, 0, 0, 0]


def separation_alone(inputs, semantics, rescaling, tile):
    """The loss of separated images without the contrastive part, which both calls share."""
    settings = AlignmentSettings(("image",), rescaling, halved=True, beta=1.0, tile=tile)
    without = AlignmentSettings(tile=tile)
    return alignment_loss(*inputs, semantics, settings) - alignment_loss(*inputs, None, without)


@pytest.mark.parametrize("tile", [None, 1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_negatives_of_the_same_meaning_count_nothing_in_the_exponent(tile, dtype):
    inputs, _ = batch(6, log_scale=math.log(100), dtype=dtype)
    same = torch.rand(1, 768, generator=torch.Generator().manual_seed(5), dtype=dtype).expand(6, -1)
    assert separation_alone(inputs, same, "exponent", tile).item() == 0
    meanings = torch.cat([3 * same[:5], -same[:1]])
    (gradient,) = torch.autograd.grad(separation_alone(inputs, meanings, "exponent", tile), inputs[:1])
    assert gradient.isfinite().all()
    assert gradient[:5].abs().amax() > 0


@pytest.mark.parametrize("tile", [None, 2])
def test_negatives_of_the_same_meaning_keep_a_logit_of_zero_in_the_cosine(tile):
    inputs, _ = batch(6, log_scale=1.0)
    positives = inputs[2].exp() * (inputs[0] * inputs[1]).sum(dim=1)
    wanted = (1 + 5 / positives.exp()).log().mean()
    found = separation_alone(inputs, torch.ones(6, 3), "cosine", tile)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-6)


@pytest.mark.parametrize("tile", [None, 3])
@pytest.mark.parametrize("rescaling", RESCALINGS)
def test_the_lowest_temperature_does_not_overflow(rescaling, tile):
    wide, semantics = batch(8, log_scale=math.log(600))
    inputs = [value.detach().float().requires_grad_() for value in wide]
    settings = AlignmentSettings(("image", "text"), rescaling, tile=tile)
    found = with_gradients(alignment_loss, inputs, semantics, settings)
    assert all(value.isfinite().all() for value in found)
    if rescaling == "cosine":  # the plain exponentials overflow in float64, too
        assert_all_close(found, with_gradients(plain_alignment, wide, semantics, settings), 2e-3)


@pytest.mark.parametrize("tile", [None, 3])
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("rescaling", RESCALINGS)
def test_half_precision_is_computed_in_float32(rescaling, tile, autocast):
    (images, texts, scale), semantics = batch(8, dtype=torch.float32)
    half = [images.detach().bfloat16().requires_grad_(), texts.detach().bfloat16(), scale]
    settings = AlignmentSettings(("image", "text"), rescaling, tile=tile)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = alignment_loss(*half, semantics, settings)
    assert loss.dtype == torch.float32
    wanted = plain_alignment(half[0].float(), half[1].float(), scale, semantics, settings)
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=1e-5)
    (gradient,) = torch.autograd.grad(loss, half[:1])
    assert gradient.dtype == torch.bfloat16


@pytest.mark.parametrize("tile", [None, 3])
@pytest.mark.parametrize("rescaling", ["cosine", "exponent"])
def test_semantic_vectors_have_any_length_and_no_gradient(rescaling, tile):
    inputs, semantics = batch(6)
    settings = AlignmentSettings(("image",), rescaling, tile=tile)
    lengths = torch.rand(6, 1, generator=torch.Generator().manual_seed(4)) + 0.1
    longer = (lengths * semantics).requires_grad_()
    found = alignment_loss(*inputs, longer, settings)
    torch.testing.assert_close(found, alignment_loss(*inputs, semantics, settings))
    found.backward()
    assert longer.grad is None


@pytest.mark.parametrize("separate", [(), *SEPARATED])
@pytest.mark.parametrize("rescaling", ["cosine", "none"])
@pytest.mark.parametrize("halved", [False, True])
def test_features_without_any_information_have_the_loss_of_chance(separate, rescaling, halved):
    settings = AlignmentSettings(separate, rescaling, halved, alpha=0.5, beta=2.0)
    nothing = torch.zeros(9, 4)
    loss = alignment_loss(nothing, nothing, torch.tensor(2.0), unit_rows(9, 3, 0), settings)
    assert loss.item() == pytest.approx(chance_alignment_loss(settings, 9), rel=1e-6)


def test_the_loss_of_chance_is_one_logarithm_a_term():
    assert chance_alignment_loss(AlignmentSettings(), 16) == pytest.approx(math.log(16))
    published = AlignmentSettings(("image", "text"))
    assert chance_alignment_loss(published, 16) == pytest.approx(3 * math.log(16))
    assert chance_alignment_loss(AlignmentSettings(("image",), halved=True), 16) == pytest.approx(1.5 * math.log(16))
