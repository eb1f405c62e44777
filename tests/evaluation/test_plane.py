import numpy as np

from ligature.evaluation import embed_2d


def clusters(seed: int, count: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Two groups of three tight clusters; the same cluster of both groups lies at the same place."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, 12))
    owner = np.arange(count) % 3
    return tuple(centres[owner] + 0.05 * rng.normal(size=(count, 12)) for _ in range(2))


def test_shapes_and_determinism():
    images, texts = clusters(0)
    first, second = embed_2d(images, texts, seed=1), embed_2d(images, texts, seed=1)
    assert first[0].shape == first[1].shape == (30, 2)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_aligned_clusters_stay_together_and_unaligned_ones_do_not():
    images, texts = clusters(0)
    place_images, place_texts = embed_2d(images, texts, seed=0)
    nearest = np.linalg.norm(place_images[:, None] - place_texts[None], axis=-1).argmin(axis=1)
    assert (nearest % 3 == np.arange(30) % 3).all()
    place_images, place_texts = embed_2d(images, np.roll(texts, 6, axis=1)[:, :10], seed=0)
    within = np.linalg.norm(place_images[0::3] - place_images[0::3].mean(axis=0), axis=1).mean()
    assert np.linalg.norm(place_images[0] - place_texts[0]) > 3 * within


def test_scale_of_rows_does_not_matter_and_zero_rows_are_allowed():
    images, texts = clusters(2)
    images[4] = 0
    scaled = images * np.random.default_rng(0).uniform(0.5, 3, size=(30, 1))
    np.testing.assert_allclose(embed_2d(images, texts, seed=0)[0], embed_2d(scaled, texts, seed=0)[0], atol=1e-2)
