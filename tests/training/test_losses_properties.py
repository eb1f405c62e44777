"""What holds for every batch: the streaming losses are the dense ones, and pairs have no order."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from ligature.training.losses import LossSettings, contrastive_loss
from ligature.training.losses.infonce import TiledLogSumExp
from ligature.training.losses.siglip import TiledSigmoidLoss

few = settings(max_examples=25, deadline=None)
kinds = st.sampled_from(["infonce", "siglip"])
tiles = st.none() | st.integers(1, 40)
sizes = {"pairs": st.integers(1, 33), "width": st.integers(1, 9), "seed": st.integers(0, 2**31)}


def batch(pairs, width, seed):
    """Unit images and texts, a logit scale between temperatures 0.5 and 0.01, and a bias; float64."""
    generator = torch.Generator().manual_seed(seed)
    sides = [torch.randn(pairs, width, generator=generator, dtype=torch.float64) for _ in range(2)]
    scale, bias = torch.rand(2, generator=generator, dtype=torch.float64)
    return [*(functional.normalize(side) for side in sides), 0.7 + 3.9 * scale, -10 * bias]


@few
@given(kind=kinds, tile=st.integers(1, 40), **sizes)
def test_streaming_equals_dense(kind, tile, pairs, width, seed):
    inputs = [value.requires_grad_() for value in batch(pairs, width, seed)]
    results = []
    for size in (tile, None):
        loss = contrastive_loss(*inputs, LossSettings(kind, tile=size))
        results.append([loss, *torch.autograd.grad(loss, inputs, allow_unused=True)])
    for found, wanted in zip(*results, strict=True):
        if wanted is not None:
            torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-12)


@few
@given(kind=kinds, tile=tiles, **sizes)
def test_the_order_of_the_pairs_does_not_matter(kind, tile, pairs, width, seed):
    images, texts, *rest = batch(pairs, width, seed)
    order = torch.randperm(pairs, generator=torch.Generator().manual_seed(seed))
    settings = LossSettings(kind, tile=tile)
    there = contrastive_loss(images, texts, *rest, settings)
    torch.testing.assert_close(contrastive_loss(images[order], texts[order], *rest, settings), there)


@few
@given(kind=kinds, tile=tiles, **sizes)
def test_images_and_texts_may_change_places(kind, tile, pairs, width, seed):
    images, texts, *rest = batch(pairs, width, seed)
    settings = LossSettings(kind, tile=tile)
    torch.testing.assert_close(
        contrastive_loss(texts, images, *rest, settings), contrastive_loss(images, texts, *rest, settings)
    )


@few
@given(kind=kinds, tile=tiles, pairs=st.integers(1, 20), seed=st.integers(0, 2**31))
def test_aligned_orthonormal_pairs_have_no_loss(kind, tile, pairs, seed):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.linalg.qr(torch.randn(20, 20, generator=generator, dtype=torch.float64)).Q[:pairs]
    scale = torch.tensor(100.0).log()
    loss = contrastive_loss(rows, rows, scale, torch.tensor(-50.0), LossSettings(kind, tile=tile))
    assert 0 <= loss.item() < 1e-12


@few
@given(tile=tiles, group=st.integers(2, 5), groups=st.integers(1, 4), kind=kinds, seed=st.integers(0, 2**31))
def test_other_groups_do_not_matter_to_local_negatives(tile, group, groups, kind, seed):
    images, texts, *rest = batch(group * groups, 4, seed)
    images.requires_grad_()
    settings = LossSettings(kind, "local", group, tile)
    (gradient,) = torch.autograd.grad(contrastive_loss(images, texts, *rest, settings), images)
    own = images[:group].detach().requires_grad_()
    (alone,) = torch.autograd.grad(contrastive_loss(own, texts[:group], *rest, settings), own)
    torch.testing.assert_close(groups * gradient[:group], alone)


@pytest.mark.parametrize(("offset", "tile"), [(0, 2), (1, 2), (3, 3), (2, 10)])
def test_gradients_of_the_tiles_are_derivatives(offset, tile):
    rows, columns, _, bias = batch(7, 3, 5)
    inputs = [3 * rows[:4], columns]
    for value in (*inputs, bias):
        value.requires_grad_()
    assert torch.autograd.gradcheck(lambda *both: TiledLogSumExp.apply(*both, offset, tile), inputs)
    assert torch.autograd.gradcheck(lambda *three: TiledSigmoidLoss.apply(*three, offset, tile), [*inputs, bias])


def test_the_parts_of_the_softmax_are_those_of_the_matrix():
    rows, columns, *_ = batch(7, 3, 6)
    logits = 50 * rows[:4] @ columns.T
    found = TiledLogSumExp.apply(50 * rows[:4], columns, 2, 3)
    wanted = logits.logsumexp(1), logits.logsumexp(0), logits.diagonal(2)
    torch.testing.assert_close(found, wanted)
