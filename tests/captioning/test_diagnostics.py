import math

import pytest
import torch

from ligature.captioning.diagnostics import (
    add_noise,
    cosine_distance,
    effective_vocabulary,
    nearest_tokens,
    token_spread,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_the_effective_vocabulary_of_even_weights_is_their_number():
    assert effective_vocabulary(torch.full((2, 3), math.log(40))) == pytest.approx(40)
    assert effective_vocabulary(torch.tensor([math.log(10), math.log(1000)])) == pytest.approx(100)


def test_the_nearest_tokens_are_those_of_a_full_sort():
    visual, embeddings = torch.randn(600, 7), torch.randn(50, 7)
    ids, cosines = nearest_tokens(visual, embeddings, 4)
    wanted = torch.cosine_similarity(visual[:, None], embeddings[None], dim=-1).sort(dim=1, descending=True)
    assert ids.tolist() == wanted.indices[:, :4].tolist()
    torch.testing.assert_close(cosines, wanted.values[:, :4])


def test_a_token_is_nearest_to_its_own_embedding_and_length_does_not_count():
    embeddings = torch.randn(50, 7)
    ids, cosines = nearest_tokens(3 * embeddings[[4, 9]], embeddings, 1)
    assert ids.tolist() == [[4], [9]]
    torch.testing.assert_close(cosines, torch.ones(2, 1))


def test_only_allowed_tokens_are_found_under_their_own_ids():
    visual, embeddings, allowed = torch.randn(5, 7), torch.randn(50, 7), torch.tensor([3, 20, 41])
    ids, cosines = nearest_tokens(visual, embeddings, 3, allowed=allowed)
    assert all(sorted(row) == [3, 20, 41] for row in ids.tolist())
    torch.testing.assert_close(cosines, torch.cosine_similarity(visual[:, None], embeddings[ids], dim=-1))


def test_noise_is_as_large_as_its_level_says_and_follows_the_seed():
    features = 5 + 2 * torch.randn(20, 30, 40)
    noise = add_noise(features, 0.3, 1) - features
    assert noise.std().item() == pytest.approx(0.3 * 2, rel=0.02)
    assert noise.mean().abs().item() < 0.02
    assert torch.equal(add_noise(features, 0.3, 1), add_noise(features.clone(), 0.3, 1))
    assert not torch.equal(add_noise(features, 0.3, 1), add_noise(features, 0.3, 2))


def test_two_levels_have_the_same_noise_and_level_zero_changes_nothing():
    features = torch.randn(4, 5, 6)
    once, twice = (add_noise(features, level, 1) - features for level in (1, 2))
    torch.testing.assert_close(twice, 2 * once)
    assert torch.equal(add_noise(features, 0, 1), features)
    assert add_noise(features.half(), 1, 1).dtype == torch.float16


def test_noise_leaves_the_global_generator_alone():
    state = torch.random.get_rng_state()
    add_noise(torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)), 1, 1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_cosine_distance_is_the_mean_over_tokens():
    clean = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    noisy = torch.tensor([[[3.0, 0.0], [1.0, 0.0]]])
    assert cosine_distance(clean, noisy, centred=False) == pytest.approx(0.5)
    assert cosine_distance(clean, clean, centred=True) == pytest.approx(0)


def test_a_large_common_vector_hides_the_noise_unless_it_is_removed():
    tokens, noise = torch.randn(2, 8, 10, 16).unbind()
    apart = cosine_distance(tokens, tokens + noise, centred=True)
    common = 100 + tokens
    assert cosine_distance(common, common + noise, centred=False) < 0.001
    assert cosine_distance(common, common + noise, centred=True) == pytest.approx(apart, rel=1e-4)
    assert apart > 0.1


def test_spread_is_one_for_visual_tokens_that_differ_as_embeddings_do():
    embeddings = 7 + 0.05 * torch.randn(4000, 16)
    assert token_spread(0.05 * torch.randn(20, 200, 16), embeddings) == pytest.approx(1, rel=0.02)
    assert token_spread(embeddings[None, :1].expand(3, 5, 16), embeddings) == pytest.approx(0, abs=1e-6)
    assert token_spread(0.15 * torch.randn(20, 200, 16) - 3, embeddings) == pytest.approx(3, rel=0.02)
