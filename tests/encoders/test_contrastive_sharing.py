"""Sharing: one module in both towers, counted, trained and stored once."""

import copy
from dataclasses import replace
from itertools import combinations

import pytest
import torch
from plain_contrastive import ALIKE, SHARED, model_of, pixels_of, tokens_of
from safetensors.torch import load_file

from ligature.encoders.contrastive import ContrastiveModel
from ligature.training.optimisation import make_optimizer

PARTS = ("blocks", "norm", "projection")
SUBSETS = [subset for size in range(4) for subset in combinations(PARTS, size)]
WIDTH, LAYERS, EMBED = 16, 2, 10
SIZES = {"blocks": LAYERS * (12 * WIDTH**2 + 13 * WIDTH), "norm": 2 * WIDTH, "projection": WIDTH * EMBED}
every_subset = pytest.mark.parametrize("shared", SUBSETS, ids=lambda subset: "-".join(subset) or "none")


def part_of(name: str) -> str:
    return name.split(".")[1]


def optimiser_step(model: ContrastiveModel) -> None:
    optimizer = make_optimizer(model, 0.1)
    for group in optimizer.param_groups:
        group["lr"] = 0.01
    images, texts, scale = model(pixels_of(3), tokens_of(3, 5, 8))
    torch.nn.functional.cross_entropy(scale * images @ texts.T, torch.arange(3)).backward()
    optimizer.step()


def check_ties(model: ContrastiveModel, shared: tuple[str, ...]) -> None:
    """Checks that exactly the ``shared`` parts are one module, down to the memory of their weights."""
    for part in PARTS:
        image, text = getattr(model.image, part), getattr(model.text, part)
        assert (image is text) == (part in shared)
        pairs = zip(image.parameters(), text.parameters(), strict=True)
        assert all((one.data_ptr() == other.data_ptr()) == (part in shared) for one, other in pairs)


@every_subset
def test_exactly_the_named_parts_are_one(shared):
    model = ContrastiveModel(replace(ALIKE, shared=shared))
    check_ties(model, shared)
    assert model.image.first_norm is not model.text.norm


@every_subset
def test_a_shared_part_counts_once(shared):
    both = ContrastiveModel(ALIKE).count_parameters()
    one = ContrastiveModel(replace(ALIKE, shared=shared)).count_parameters()
    assert both - one == sum(SIZES[part] for part in shared)


def test_nothing_but_the_stems_is_left_when_all_is_shared():
    model = ContrastiveModel(SHARED)
    stem_of_images = WIDTH * 3 * 8**2 + WIDTH + (4 + 1) * WIDTH + 2 * WIDTH
    stem_of_texts = 30 * WIDTH + 12 * WIDTH
    assert model.count_parameters() == stem_of_images + stem_of_texts + sum(SIZES.values()) + 1
    own = {name.split(".")[1] for name, _ in model.named_parameters() if name.startswith("text.")}
    assert own == {"embedding", "positions"}


@every_subset
def test_the_file_holds_a_shared_part_once_and_loading_restores_the_tie(shared, tmp_path):
    model = model_of(replace(ALIKE, shared=shared))
    model.save_pretrained(tmp_path)
    names = set(load_file(tmp_path / "model.safetensors"))
    stored = {part_of(name) for name in names if name.startswith("text.")}
    assert stored & set(PARTS) == set(PARTS) - set(shared)
    assert {part_of(name) for name in names if name.startswith("image.")} >= set(PARTS)
    loaded = ContrastiveModel.from_pretrained(tmp_path)
    check_ties(loaded, shared)
    for one, other in zip(loaded.state_dict().values(), model.state_dict().values(), strict=True):
        assert torch.equal(one, other)


@every_subset
def test_a_trained_loaded_model_still_shares(shared, tmp_path):
    model_of(replace(ALIKE, shared=shared)).save_pretrained(tmp_path)
    model = ContrastiveModel.from_pretrained(tmp_path).train()
    before = {part: next(getattr(model.text, part).parameters()).clone() for part in PARTS}
    optimiser_step(model)
    check_ties(model, shared)
    assert not any(torch.equal(next(getattr(model.text, part).parameters()), weight) for part, weight in before.items())


@every_subset
def test_copies_moves_and_checkpoints_keep_the_tie(shared):
    model = model_of(replace(ALIKE, shared=shared))
    check_ties(copy.deepcopy(model), shared)
    check_ties(copy.deepcopy(model).double(), shared)
    with torch.device("meta"):
        empty = ContrastiveModel(model.config)
    fresh = empty.to_empty(device="cpu")
    fresh.load_state_dict(model.state_dict())
    check_ties(fresh, shared)
    with torch.no_grad():
        assert torch.equal(fresh.encode_text(tokens_of(4)), model.encode_text(tokens_of(4)))


def test_the_gradient_of_a_shared_weight_is_the_sum_over_both_towers():
    model, pixels, tokens = model_of(SHARED), pixels_of(3), tokens_of(3, 5, 8)
    weights = [*model.image.blocks.parameters(), *model.image.norm.parameters(), *model.image.projection.parameters()]
    towers = [torch.autograd.grad(features[:, 0].sum(), weights) for features in model(pixels, tokens)[:2]]
    images, texts, _ = model(pixels, tokens)
    together = torch.autograd.grad((images + texts)[:, 0].sum(), weights)
    for total, *parts in zip(together, *towers, strict=True):
        torch.testing.assert_close(total, parts[0] + parts[1])
    assert all(gradient.any() for gradient in (*towers[0], *towers[1]))


def test_a_shared_weight_is_decayed_once():
    torch.manual_seed(0)
    model = ContrastiveModel(SHARED)
    optimizer = make_optimizer(model, 0.1)
    held = [weight for group in optimizer.param_groups for weight in group["params"]]
    assert len(held) == len({id(weight) for weight in held}) == len(list(model.parameters()))


@torch.no_grad()
def test_two_towers_with_equal_weights_are_the_shared_model():
    shared, apart = model_of(SHARED), ContrastiveModel(ALIKE)
    apart.load_state_dict(shared.state_dict())
    for one, other in zip(shared(pixels_of(3), tokens_of(3, 5)), apart(pixels_of(3), tokens_of(3, 5)), strict=True):
        assert torch.equal(one, other)


@torch.no_grad()
def test_shared_blocks_of_unlike_projections_still_differ_by_tower():
    model = model_of(replace(ALIKE, shared=("blocks", "norm")))
    before = model.encode_image(pixels_of(2)), model.encode_text(tokens_of(4, 5))
    model.text.projection.weight.mul_(-1)
    after = model.encode_image(pixels_of(2)), model.encode_text(tokens_of(4, 5))
    assert torch.equal(after[0], before[0])
    torch.testing.assert_close(after[1], -before[1])
