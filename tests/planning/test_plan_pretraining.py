"""The cost of pre-training against sums done by hand."""

import pytest
from plan_examples import facts_of, tiny_values

from ligature.params.pretraining import TowersParams
from ligature.planning import Job, cost_of
from ligature.planning.architectures import towers
from ligature.planning.pretraining_costs import FORWARD_AND_BACKWARD

IMAGE_FLOP = 4 * 2 * 768 * 32 + 5 * (8 * 32**2 + 4 * 32 * 128 + 4 * 5 * 32)
"""The tiny study's image tower: 4 patches of 16 x 16 x 3 values, then 5 tokens through one layer."""


def on_captions(**changes) -> dict:
    values = tiny_values()
    values["pretraining"] |= {"mix": None, "datasets": ["captions-train"], **changes}
    return values


def text_flop(tokens):
    return tokens * (8 * 32**2 + 4 * 32 * 128 + 4 * tokens * 32)


def cost(rule, facts, run="alignclip"):
    found = cost_of(facts, Job(rule, {"pretrained": run, "seed": "0"}))
    return dict(found.works), found


def test_a_training_decodes_and_encodes_every_pair_in_every_epoch():
    facts = facts_of(on_captions())
    works, found = cost("pretrain", facts)
    pairs, steps = 2 * 240, 2 * 240 / 30
    assert (works["decode"], works["step"]) == (pairs * 32**2, steps)
    losses = 2 * 6 * 30 * 30 * 16
    assert works["train"] == FORWARD_AND_BACKWARD * pairs * (IMAGE_FLOP + text_flop(facts.tokens("captions-train"))) + (
        steps * losses
    )
    assert found.gpu


@pytest.mark.parametrize(("separation", "losses"), [("none", 1), ("image", 2), ("text", 2), ("both", 3)])
def test_every_separated_modality_is_one_more_loss(separation, losses):
    run = {"separation": separation} if separation != "none" else {}
    works, _ = cost("pretrain", facts_of(on_captions(runs={"alignclip": run})))
    plain, _ = cost("pretrain", facts_of(on_captions(runs={"alignclip": {}})))
    assert works["train"] - plain["train"] == pytest.approx((losses - 1) * 6 * 30 * 30 * 16 * 2 * 240 / 30)


def test_a_text_counts_up_to_the_context_and_no_further():
    short = on_captions()
    short["pretraining"]["towers"]["context_length"] = 3
    works, _ = cost("pretrain", facts_of(short))
    whole, _ = cost("pretrain", facts_of(on_captions()))
    assert works["train"] < whole["train"]


def test_measuring_encodes_every_data_set_once_and_fits_the_probe():
    facts = facts_of(on_captions())
    works, found = cost("gauge", facts)
    images = sum(map(facts.images, ("labels-val", "captions-test", "labels-train")))
    assert works["decode"] == images * 32**2
    assert works["encode"] > images * IMAGE_FLOP
    without, _ = cost("gauge", facts_of(on_captions(probe=None)))
    assert works["similarity"] > without["similarity"] > 0
    assert found.gpu


def test_towers_of_their_own_sizes():
    params = TowersParams(
        image_size=64,
        patch_size=16,
        width=96,
        layers=3,
        heads=3,
        text_width=64,
        text_layers=2,
        text_heads=2,
        embed_dim=8,
    )
    image, text = towers(params, 500)
    assert (image.width, image.layers, image.mlp, image.image_tokens(), image.dims) == (96, 3, 384, 17, 8)
    assert (text.width, text.layers, text.vocabulary, text.dims) == (64, 2, 500, 8)
    assert text.parameters == 2 * (4 * 64**2 + 2 * 64 * 256) + 500 * 64


def test_an_encoder_that_was_pretrained_has_the_size_of_its_tower():
    facts = facts_of(tiny_values())
    assert facts.architecture("alignclip-vision") == facts.towers[0]
    assert facts.architecture("alignclip-text") == facts.towers[1]
