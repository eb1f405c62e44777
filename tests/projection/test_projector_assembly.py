"""The assembly: which branches enter, which widths fit, how many parameters there are."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DamagedError, DataError, ParamsError
from ligature.projection import Projector, ProjectorConfig, load_projector, masked_mean, save_projector
from ligature.store.damage import read_sealed

TOKEN, MLP = 3_150_848, 2_101_248
TABLE_1 = {
    ("mlp", "identity", "identity", "identity"): MLP,
    ("token", "identity", "identity", "identity"): TOKEN,
    ("token", "identity", "identity", "mlp"): TOKEN + MLP,
    ("token", "identity", "token", "identity"): 2 * TOKEN,
    ("token", "identity", "token", "mlp"): 2 * TOKEN + MLP,
    ("identity", "token", "token", "mlp"): 2 * TOKEN + MLP,
    ("token", "token", "token", "mlp"): 3 * TOKEN + MLP,
}


def configured(
    vision_local="token", vision_cls="token", text_local="token", text_global="mlp", **other
) -> ProjectorConfig:
    widths = {"vision_dim": 6, "text_dim": 5, "embed_dim": 4} | other
    return ProjectorConfig(
        **widths, vision_local=vision_local, vision_cls=vision_cls, text_local=text_local, text_global=text_global
    )


def projector_of(*kinds, **other) -> Projector:
    torch.manual_seed(0)
    return Projector(configured(*kinds, **other)).eval()


def plain_unit(features: torch.Tensor) -> torch.Tensor:
    return torch.stack([row / row.square().sum().sqrt() for row in features])


def test_published_projector_has_its_published_size():
    projector = Projector(ProjectorConfig(1024, 1024, 1024))
    assert projector.count_parameters() == 11_553_793
    projector.text_global.requires_grad_(False)
    assert projector.count_parameters() == 11_553_793 - MLP
    assert projector.count_parameters(trainable=False) == 11_553_793


@pytest.mark.parametrize("kinds", TABLE_1)
def test_every_published_assembly_builds_and_runs(kinds):
    widths = {"vision_dim": 8, "text_dim": 8, "embed_dim": 8}
    projector = projector_of(*kinds, **widths)
    images = projector.encode_image(torch.randn(3, 8), torch.randn(3, 7, 8))
    texts = projector.encode_text(torch.randn(3, 5, 8))
    for features in (images, texts):
        assert features.shape == (3, 8)
        torch.testing.assert_close(features.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize(("kinds", "expected"), TABLE_1.items())
def test_published_assemblies_have_their_size(kinds, expected):
    with torch.device("meta"):
        projector = Projector(configured(*kinds, vision_dim=1024, text_dim=1024, embed_dim=1024))
    assert projector.count_parameters() == expected + 1


@pytest.mark.parametrize("embed_dim", [3, 5, 7])
def test_every_combination_of_blocks_takes_every_width(embed_dim):
    blocks = ["token", "mlp", "linear", "gated", "identity"]
    cls, patches, tokens = torch.randn(2, 6), torch.randn(2, 3, 6), torch.randn(2, 4, 5)
    mask = torch.tensor([[True, True, False, False], [True] * 4])
    for first, second in itertools.product(blocks, blocks):
        if first == second == "identity":
            continue
        projector = projector_of(first, second, first, second, embed_dim=embed_dim)
        assert projector.encode_image(cls, patches).shape == (2, embed_dim)
        assert projector.encode_text(tokens, mask).shape == (2, embed_dim)


def test_image_is_the_mean_of_local_plus_cls():
    projector = projector_of()
    cls, local = torch.randn(3, 6), torch.randn(3, 7, 6)
    mean = torch.stack([torch.stack([projector.vision_local(token) for token in image]).mean(0) for image in local])
    torch.testing.assert_close(projector.encode_image(cls, local), plain_unit(mean + projector.vision_cls(cls)))


def test_text_is_the_global_block_of_the_masked_mean():
    projector, lengths = projector_of(), [2, 5, 1]
    tokens = torch.randn(3, 5, 5)
    means = [projector.text_local(text[:length]).mean(0) for text, length in zip(tokens, lengths, strict=True)]
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    expected = plain_unit(projector.text_global(torch.stack(means)))
    torch.testing.assert_close(projector.encode_text(tokens, mask), expected)


def test_max_pooling_takes_the_largest_projected_token():
    projector, lengths = projector_of(vision_pooling="max", text_pooling="max"), [2, 5, 1]
    cls, local, tokens = torch.randn(3, 6), torch.randn(3, 7, 6), torch.randn(3, 5, 5)
    largest = torch.stack([projector.vision_local(image).max(0).values for image in local])
    torch.testing.assert_close(projector.encode_image(cls, local), plain_unit(largest + projector.vision_cls(cls)))
    texts = [projector.text_local(text[:length]).max(0).values for text, length in zip(tokens, lengths, strict=True)]
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    expected = plain_unit(projector.text_global(torch.stack(texts)))
    torch.testing.assert_close(projector.encode_text(tokens, mask), expected)


@pytest.mark.parametrize("text_local", ["token", "identity"])
def test_cls_pooling_takes_the_first_text_token(text_local):
    projector, tokens = projector_of(text_local=text_local, text_pooling="cls"), torch.randn(3, 5, 5)
    first = tokens[:, 0] if text_local == "identity" else projector.text_local(tokens[:, 0])
    mask = torch.arange(5) < torch.tensor([[2], [5], [1]])
    torch.testing.assert_close(projector.encode_text(tokens, mask), plain_unit(projector.text_global(first)))


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling_decides_only_about_tokens(pooling):
    projector, mean = projector_of(vision_pooling=pooling, text_pooling=pooling), projector_of()
    cls, local, text = torch.randn(3, 6), torch.randn(3, 6), torch.randn(3, 5)
    assert torch.equal(projector.encode_image(cls, local), mean.encode_image(cls, local))
    assert torch.equal(projector.encode_text(text), mean.encode_text(text))


def test_the_bias_of_the_logits_is_learned_where_it_is_asked_for():
    projector = projector_of(logit_bias=-10)
    assert projector.logit_bias.item() == -10
    assert projector.logit_bias.requires_grad
    assert projector_of().logit_bias is None
    assert projector.count_parameters() == projector_of().count_parameters() + 1


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5), padding=st.integers(0, 4))
def test_masked_mean_ignores_padding(lengths, padding):
    generator = torch.Generator().manual_seed(sum(lengths))
    tokens = torch.randn(len(lengths), max(lengths) + padding, 3, generator=generator)
    mask = torch.arange(tokens.shape[1]) < torch.tensor(lengths)[:, None]
    expected = torch.stack([tokens[row, :length].mean(0) for row, length in enumerate(lengths)])
    torch.testing.assert_close(masked_mean(tokens, mask), expected)


def test_masked_mean_sums_half_precision_in_full():
    tokens = torch.full((1, 4000, 1), 0.1, dtype=torch.bfloat16)
    mean = masked_mean(tokens, torch.ones(1, 4000, dtype=torch.bool))
    assert mean.dtype == torch.float32
    assert mean.item() == pytest.approx(tokens[0, 0].item(), rel=1e-5)


@pytest.mark.parametrize("kinds", [("token", "token", "token", "mlp"), ("linear", "mlp", "identity", "token")])
def test_pooled_vector_counts_as_one_token(kinds):
    projector = projector_of(*kinds)
    cls, vision, text = torch.randn(3, 6), torch.randn(3, 6), torch.randn(3, 5)
    torch.testing.assert_close(projector.encode_image(cls, vision), projector.encode_image(cls, vision[:, None]))
    torch.testing.assert_close(projector.encode_text(text), projector.encode_text(text[:, None]))


def test_identity_beside_a_trained_vision_branch_is_left_out():
    kept, left_out = projector_of("identity", "token"), projector_of("none", "token")
    cls = torch.randn(3, 6)
    assert kept.vision_local is None
    torch.testing.assert_close(kept.encode_image(cls, torch.randn(3, 7, 6)), left_out.encode_image(cls))


def test_untrained_vision_branches_pass_through():
    cls, local = torch.randn(3, 6), torch.randn(3, 7, 6)
    both = projector_of("identity", "identity", embed_dim=6)
    torch.testing.assert_close(both.encode_image(cls, local), plain_unit(cls + local.mean(1)))
    only_cls = projector_of("none", "identity", embed_dim=6)
    torch.testing.assert_close(only_cls.encode_image(cls, local), plain_unit(cls))


def test_patches_are_projected_without_norm():
    projector, local = projector_of(), torch.randn(3, 7, 6)
    assert torch.equal(projector.project_patches(local), projector.vision_local(local))
    with pytest.raises(DataError, match="no vision_local branch"):
        projector_of("none").project_patches(local)


def test_global_projector_takes_the_width_that_comes_in():
    assert projector_of(text_dim=9).text_global.projection.in_features == 4
    assert projector_of("token", "token", "identity", "mlp", text_dim=9).text_global.projection.in_features == 9


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vision_local": "none", "vision_cls": "none"}, "vision_local and vision_cls"),
        ({"vision_local": "identity", "vision_cls": "none"}, "vision_dim 6, but embed_dim is 4"),
        ({"vision_local": "identity", "vision_cls": "identity"}, "vision_dim 6, but embed_dim is 4"),
        ({"text_local": "identity", "text_global": "identity"}, "text_dim 5, but embed_dim is 4"),
        ({"text_local": "none"}, "text_local is 'none'"),
        ({"vision_cls": "conv"}, "vision_cls is 'conv'"),
        ({"embed_dim": 0}, "embed_dim is 0"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"temperature": 0.7}, "temperature is 0.7"),
        ({"min_temperature": 0.0}, "temperature is"),
        ({"vision_pooling": "cls"}, "vision_pooling is 'cls': use one of mean, max"),
        ({"text_pooling": "last"}, "text_pooling is 'last': use one of mean, max, cls"),
        ({"logit_bias": math.inf}, "logit_bias is inf"),
    ],
)
def test_impossible_assemblies_name_their_keys(changes, words):
    with pytest.raises(ParamsError, match=words):
        dataclasses.replace(configured(), **changes)


def test_every_setting_comes_back_from_disk(tmp_path):
    projector = projector_of("gated", "linear", vision_pooling="max", text_pooling="cls", logit_bias=-10.0)
    save_projector(projector, tmp_path)
    loaded = load_projector(tmp_path)
    assert loaded.config == projector.config
    assert not loaded.training
    states = (loaded.state_dict(), projector.state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_a_projector_saved_before_there_were_poolings_still_loads(tmp_path):
    save_projector(projector_of(), tmp_path)
    card = read_sealed(tmp_path / "projector.json")
    del card["weights"]
    for key in ("vision_pooling", "text_pooling", "logit_bias"):
        del card["config"][key]
    (tmp_path / "projector.json").write_text(json.dumps(card))
    assert load_projector(tmp_path).config == configured()


def rewritten(folder, **changes) -> None:
    save_projector(projector_of(), folder)
    card = read_sealed(folder / "projector.json")
    card["config"] |= changes
    (folder / "projector.json").write_text(json.dumps(card))


@pytest.mark.parametrize("key", ["vision_dim", "text_dim", "embed_dim"])
def test_a_checkpoint_of_another_width_names_the_widths(tmp_path, key):
    rewritten(tmp_path, **{key: 10**9})
    with pytest.raises(DataError, match=rf"has shape \[.*, but projector.json says .*{key} 1000000000.*") as caught:
        load_projector(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("key", "value"), [("embed_dim", "4"), ("depth", 3), ("logit_bias", -10.0)])
def test_a_config_that_is_not_of_the_weights_is_one_line(tmp_path, key, value):
    rewritten(tmp_path, **{key: value})
    with pytest.raises(DataError, match="do not fit: train the projector again"):
        load_projector(tmp_path)


def test_a_card_that_is_no_json_is_one_line(tmp_path):
    save_projector(projector_of(), tmp_path)
    (tmp_path / "projector.json").write_text("{")
    with pytest.raises(DamagedError, match=r"projector\.json: damaged"):
        load_projector(tmp_path)


def test_missing_features_name_their_branch():
    with pytest.raises(DataError, match="vision_cls"):
        projector_of().encode_image(local=torch.randn(3, 6))
    with pytest.raises(DataError, match="vision_local"):
        projector_of().encode_image(cls=torch.randn(3, 6))


def test_temperature_starts_and_stays_where_it_belongs():
    projector = projector_of()
    assert projector.temperature == pytest.approx(0.07)
    assert projector.logit_scale.item() == pytest.approx(math.log(1 / 0.07))
    for start, expected in ((100.0, 0.001), (-100.0, 0.5), (math.log(1 / 0.2), 0.2)):
        torch.nn.init.constant_(projector.logit_scale, start)
        projector.clamp_temperature()
        assert projector.temperature == pytest.approx(expected, rel=1e-5)


def test_bfloat16_activations_give_float32_unit_vectors():
    projector = projector_of()
    cls, local = torch.randn(3, 6), torch.randn(3, 7, 6)
    with torch.autocast("cpu", torch.bfloat16):
        features = projector.encode_image(cls, local)
    assert features.dtype == torch.float32
    np.testing.assert_allclose(features.detach().norm(dim=1), 1, atol=1e-6)
    torch.testing.assert_close(features, projector.encode_image(cls, local), rtol=0.05, atol=0.05)
