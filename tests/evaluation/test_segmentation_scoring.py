import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn.functional import avg_pool2d, normalize

from ligature.errors import EncoderError
from ligature.evaluation.segmentation import ScoreMaps, cut_windows, pixel_table, score_maps
from ligature.evaluation.segmentation.windows import merge_windows, resize_maps

MEAN, DEVIATION = np.array([0.4, 0.5, 0.6], np.float32), np.array([0.2, 0.3, 0.25], np.float32)


def cropping_preprocess(image):
    """Resizes to 36, crops the middle 32 and normalises, as many encoders do."""
    pixels = np.asarray(image.resize((36, 36)).crop((2, 2, 34, 34)), np.float32) / 255
    return torch.from_numpy((pixels - MEAN) / DEVIATION).permute(2, 0, 1)


def patch_means(pixels):
    """An encoder whose patches are the mean colours of a 4 x 4 grid."""
    return avg_pool2d(pixels, pixels.shape[-1] // 4).flatten(2).transpose(1, 2)


def test_the_table_is_the_normalisation_without_resizing_and_cropping():
    table = pixel_table(cropping_preprocess)
    levels = np.arange(256, dtype=np.float32)[None] / 255
    assert table.shape == (3, 256)
    assert np.allclose(table, (levels - MEAN[:, None]) / DEVIATION[:, None], atol=1e-5)


def windows_of(seed, size=(48, 40), window=16, stride=12):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return cut_windows(Image.fromarray(pixels), min(size), window, stride)


def random_texts(seed, count):
    return normalize(torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 3))).float(), dim=1)


def plain_maps(windows, texts):
    """Cosines of patch colours with texts, window by window and patch by patch."""
    maps = np.zeros((len(windows.pixels), len(texts), 4, 4))
    for number, window in enumerate(windows.pixels):
        normalised = (window.astype(np.float64) / 255 - MEAN) / DEVIATION
        for y in range(4):
            for x in range(4):
                patch = normalised[4 * y : 4 * y + 4, 4 * x : 4 * x + 4].mean(axis=(0, 1))
                maps[number, :, y, x] = texts.numpy() @ patch / np.linalg.norm(patch)
    return maps


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_score_maps_are_the_cosines_of_patches_with_texts(batch_size):
    windows, texts = windows_of(0), random_texts(0, 5)
    scores = score_maps(windows, pixel_table(cropping_preprocess), patch_means, texts, batch_size=batch_size)
    assert np.allclose(scores.maps, plain_maps(windows, texts), atol=1e-4)


@pytest.mark.parametrize("tokens", [0, 15])
def test_patches_that_are_no_square_grid_are_refused(tokens):
    with pytest.raises(EncoderError, match=f"^{tokens} patch tokens are no square grid"):
        score_maps(
            windows_of(0), np.zeros((3, 256), np.float32), lambda p: p.new_zeros(len(p), tokens, 3), random_texts(0, 1)
        )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 4))
def test_the_best_class_is_that_of_one_argmax_over_all_texts(seed, count, chunk):
    rng = np.random.default_rng(seed)
    windows = windows_of(seed)
    maps = torch.from_numpy(rng.integers(0, 3, (len(windows.corners), count, 4, 4))).float()
    texts, shape = rng.permutation(count).tolist(), (23, 31)
    classes = rng.integers(0, 5, count).tolist()
    whole = resize_maps(merge_windows(maps[:, texts], windows.corners, windows.size, 16), shape)
    best = ScoreMaps(maps, windows).best(texts, classes, shape, chunk=chunk)
    assert best.dtype == np.uint8
    top = whole.max(dim=0).values
    of_class = {name: whole[np.flatnonzero(np.array(classes) == name)].max(dim=0).values for name in set(classes)}
    chosen = np.select([best == name for name in of_class], list(of_class.values()))
    assert np.abs(chosen - top.numpy()).max() < 1e-5, "scores that tie may round either way, by the size of the chunk"
    for name, scores in of_class.items():
        rivals = [other for key, other in of_class.items() if key != name]
        clear = scores > torch.stack(rivals).max(dim=0).values + 1e-5 if rivals else torch.ones(shape, dtype=torch.bool)
        assert (best[clear.numpy()] == name).all()


def test_maps_come_at_the_size_of_the_mask_and_in_the_order_asked():
    windows, texts = windows_of(1), random_texts(1, 3)
    scores = score_maps(windows, pixel_table(cropping_preprocess), patch_means, texts)
    maps = scores.at([2, 0], (80, 96))
    assert maps.shape == (2, 80, 96)
    assert torch.equal(maps[1], scores.at([0], (80, 96))[0])
    assert maps.abs().max() <= 1.0001


def test_a_picture_of_two_colours_falls_into_its_halves():
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32, 0] = pixels[:, 32:, 1] = 255
    texts = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    table = np.tile(np.arange(256, dtype=np.float32), (3, 1))
    scores = score_maps(cut_windows(Image.fromarray(pixels), 32, 32, 16), table, patch_means, texts)
    best = scores.best([0, 1, 2], [0, 1, 2], (32, 64))
    assert (best[:, :28] == 1).all()
    assert (best[:, 36:] == 2).all()
