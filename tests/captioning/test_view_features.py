"""Features of views: computed once in fixed company, or live with a graph; never those of another tower."""

from pathlib import Path

import pytest
import torch
from coloured_captions import coloured_captions
from PIL import Image
from tiny_vlm import tiny_vlm

from ligature.captioning import CaptionData, ViewFeatures
from ligature.captioning.features import CHUNK
from ligature.captioning.vision import split_views
from ligature.errors import DataError

BYTES = 4 * 16 * 32
"""Of the features of one view."""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> CaptionData:
    return coloured_captions(tmp_path_factory.mktemp("pictures"), 20)


@pytest.fixture
def model(tmp_path):
    return tiny_vlm(tmp_path)


class Counting:
    """A tower that counts what it is asked for."""

    def __init__(self, tower, monkeypatch) -> None:
        self.views, forward = [], tower.forward

        def count(pixels: torch.Tensor) -> torch.Tensor:
            self.views.append(len(pixels))
            return forward(pixels)

        monkeypatch.setattr(tower, "forward", count)


def plain_features(model, path: str) -> tuple[torch.Tensor, tuple[int, int]]:
    views = split_views(Image.open(path).convert("RGB"), model.config.chat.tiles, model.vision.side)
    with torch.no_grad():
        return model.vision(torch.stack([model.vision.preprocess(view) for view in views.images])), views.shape


@pytest.mark.parametrize("cache_bytes", [0, 7 * BYTES, 1 << 24])
def test_features_are_the_towers_in_the_order_asked_for(model, data, cache_bytes):
    features = ViewFeatures(model, data.paths, cache_bytes=cache_bytes, workers=2)
    assert len(features) == 20
    assert features.kept_rows == min(20, cache_bytes // BYTES)
    for row, (seen, shape) in zip([13, 2, 2, 19, 6, 7], features.load([13, 2, 2, 19, 6, 7]), strict=True):
        wanted, grid = plain_features(model, data.paths[row])
        torch.testing.assert_close(seen, wanted, rtol=1e-5, atol=1e-6)
        assert shape == grid == (0, 0)
        assert features.encode(seen) is seen


def test_features_are_computed_once_and_the_same_whatever_is_asked_for_first(model, data, monkeypatch):
    counting = Counting(model.vision, monkeypatch)
    one, other = (ViewFeatures(model, data.paths) for _ in range(2))
    forward = [seen for seen, _ in one.load(range(20))]
    backward = [other.load([row])[0][0] for row in reversed(range(20))][::-1]
    assert all(torch.equal(*pair) for pair in zip(forward, backward, strict=True))
    assert counting.views == [CHUNK, 20 - CHUNK] * 1 + [20 - CHUNK, CHUNK]
    one.load(range(20))
    assert len(counting.views) == 4


def test_what_does_not_fit_is_computed_every_time(model, data, monkeypatch):
    features = ViewFeatures(model, data.paths, cache_bytes=5 * BYTES)
    counting = Counting(model.vision, monkeypatch)
    for _ in range(2):
        features.load([0, 9, 12, 9])
    assert counting.views == [5, 2, 2]


def test_tiles_give_several_views_and_their_grid(tmp_path, data):
    model = tiny_vlm(tmp_path, tiles=4)
    path = tmp_path / "wide.png"
    Image.new("RGB", (128, 64), (10, 200, 30)).save(path)
    features = ViewFeatures(model, [str(path), data.paths[0]])
    found = features.load([0, 1])
    assert (tuple(found[0][0].shape), found[0][1]) == ((3, 16, 32), (1, 2))
    for (seen, shape), image in zip(found, features.paths, strict=True):
        wanted, grid = plain_features(model, image)
        torch.testing.assert_close(seen, wanted, rtol=1e-5, atol=1e-6)
        assert shape == grid
    assert ViewFeatures(model, [str(path)] * 9, cache_bytes=11 * BYTES).kept_rows == 2


def test_a_trained_tower_is_run_live_with_a_graph(model, data):
    features = ViewFeatures(model, data.paths, cache_bytes=4 * 3 * 32 * 32 * 4)
    frozen = features.load([1])[0][0]
    model.set_trained({"vision"})
    assert features.live
    assert features.kept_rows == 4
    [(pixels, _)] = features.load([1])
    assert pixels.shape == (1, 3, 32, 32)
    encoded = features.encode(pixels)
    torch.testing.assert_close(encoded.detach(), frozen)
    encoded.sum().backward()
    assert any(weight.grad is not None for weight in model.vision.parameters())


def test_features_of_a_tower_that_was_trained_since_are_not_used(model, data):
    features = ViewFeatures(model, data.paths)
    before = features.load([3])[0][0]
    model.set_trained({"vision"})
    features.load([3])
    with torch.no_grad():
        for weight in model.vision.parameters():
            weight.mul_(1.5)
    model.set_trained(())
    after = features.load([3])[0][0]
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, plain_features(model, data.paths[3])[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cache_bytes", [0, 1 << 24])
def test_an_image_that_cannot_be_read_is_named(model, tmp_path, cache_bytes):
    broken = coloured_captions(tmp_path / "broken", 5)
    Path(broken.paths[2]).write_bytes(b"half")
    with pytest.raises(DataError, match=r"0-2\.png: not an image; replace it or remove it") as raised:
        ViewFeatures(model, broken.paths, cache_bytes=cache_bytes).load([2])
    assert "\n" not in str(raised.value)
