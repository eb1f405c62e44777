"""Regions, eight bits and operation counts: what a store of each view holds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import (
    ARCHITECTURES,
    PATCH,
    SIDE,
    WIDTH,
    colour_encoder,
    contents,
    image_dataset,
    layout,
    letter_encoder,
    save_text_model,
    text_dataset,
    text_params,
    vectors,
    vision_params,
)

from ligature.encoders import extract_images, extract_texts, load_text_encoder, load_vision_encoder
from ligature.encoders.flops import count_flops
from ligature.encoders.vision import VisionFeatures, split_tokens
from ligature.errors import EncoderError
from ligature.params.encoders import EmbedParams
from ligature.store import EmbeddingStore

PARAMS = EmbedParams(shard_rows=5, image_batch=3, token_budget=24, regions=2)
TEXTS = ["one", "a rather long text", "two", "one", "three"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return image_dataset(tmp_path_factory.mktemp("images"), 7)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("views")
    return {name: ARCHITECTURES[name].saved(root / name) for name in ("dinov2-registers", "resnet", "siglip")}


def plain_regions(patches, height, width, side):
    """The mean of every bin, patch by patch, with the bins of adaptive average pooling."""
    grid, means = patches.reshape(height, width, -1), []
    for row in range(side):
        for column in range(side):
            rows = range(row * height // side, -(-(row + 1) * height // side))
            columns = range(column * width // side, -(-(column + 1) * width // side))
            cells = [grid[y, x] for y in rows for x in columns]
            means.append(sum(cells) / len(cells))
    return np.stack(means)


@given(height=st.integers(1, 7), width=st.integers(1, 7), side=st.integers(1, 7), square=st.booleans())
@settings(max_examples=25, deadline=None)
def test_regions_are_the_means_of_bins_row_by_row_after_the_cls_token(height, width, side, square):
    width = height if square else width
    side = min(side, height, width)
    generator = np.random.default_rng(height * 10 + width)
    cls, patches = generator.normal(size=(2, 3)), generator.normal(size=(2, height * width, 3))
    grid = None if square else (height, width)
    found = VisionFeatures(torch.from_numpy(cls), torch.from_numpy(patches), grid).regions(side)
    for row in range(2):
        np.testing.assert_allclose(found[row, 0], cls[row])
        np.testing.assert_allclose(found[row, 1:], plain_regions(patches[row], height, width, side))
    without = VisionFeatures(None, torch.from_numpy(patches), grid).regions(side)
    assert torch.equal(without, found[:, 1:])


def test_a_convolutional_map_brings_its_own_grid():
    states = torch.arange(6.0).view(1, 1, 2, 3)
    features = split_tokens(states, has_cls=False)
    assert features.grid == (2, 3)
    assert features.regions(1).flatten().tolist() == [2.5]
    assert features.regions(2).flatten().tolist() == [0.5, 1.5, 3.5, 4.5]


@pytest.mark.parametrize("name", ["dinov2-registers", "resnet", "siglip"])
def test_a_store_of_regions_holds_those_of_every_image(name, folders, dataset, tmp_path):
    encoder = load_vision_encoder(vision_params(folders[name], pooling="mean"), layout())
    regions, tokens = (tmp_path / view for view in ("regions", "tokens"))
    done = extract_images(encoder, dataset, regions, view="regions", params=PARAMS)
    extract_images(encoder, dataset, tokens, view="tokens", params=PARAMS)
    each = int(encoder.has_cls) + 4
    assert EmbeddingStore.open(regions).metadata()["tokens"].to_list() == [each] * 7
    assert done.encoder == encoder.identity | {"regions": 2}
    for found, every in zip(vectors(regions).reshape(7, each, -1), vectors(tokens).reshape(7, -1, WIDTH), strict=True):
        side = int(len(every[each - 4 :]) ** 0.5)
        np.testing.assert_allclose(
            found[each - 4 :], plain_regions(every[each - 4 :], side, side, 2), rtol=2e-3, atol=2e-3
        )
        np.testing.assert_array_equal(found[: each - 4], every[: each - 4])


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (lambda pixels: VisionFeatures(pixels.mean((2, 3)), None), "its 0 patches form no grid"),
        (lambda pixels: VisionFeatures(pixels.mean((2, 3)), pixels.flatten(2)[..., :2]), "its 3 patches form no grid"),
        (
            lambda pixels: VisionFeatures(None, pixels.flatten(2)[:, :1]),
            "its 1 x 1 patches are fewer than embed.regions 2",
        ),
    ],
)
def test_an_encoder_without_a_grid_large_enough_is_named(features, words, dataset, tmp_path):
    encoder = replace(colour_encoder(), forward=features)
    with pytest.raises(EncoderError, match=f"^encoder 'colour': {words}"):
        extract_images(encoder, dataset, tmp_path, view="regions", params=PARAMS)


def test_another_grid_is_another_store(dataset, folders, tmp_path):
    encoder = load_vision_encoder(vision_params(folders["siglip"], pooling="mean"), layout())
    coarse = extract_images(encoder, dataset, tmp_path / "1", view="regions", params=PARAMS)
    finer = extract_images(
        encoder, dataset, tmp_path / "2", view="regions", params=PARAMS.model_copy(update={"regions": 4})
    )
    assert coarse.encoder != finer.encoder
    assert (coarse.vectors, finer.vectors) == (7 * 4, 7 * 16)


def test_texts_have_no_regions(tmp_path):
    with pytest.raises(EncoderError, match="'letters': texts have no regions; embed them with --view pooled"):
        extract_texts(letter_encoder(), text_dataset(TEXTS), tmp_path, view="regions", params=PARAMS)


def test_eight_bits_hold_the_tokens_within_half_a_scale(dataset, tmp_path):
    for view in ("tokens", "tokens-int8"):
        extract_images(colour_encoder(), dataset, tmp_path / "images" / view, view=view, params=PARAMS)
        extract_texts(letter_encoder(), text_dataset(TEXTS), tmp_path / "texts" / view, view=view, params=PARAMS)
    for kind in ("images", "texts"):
        half, eight = (EmbeddingStore.open(tmp_path / kind / view) for view in ("tokens", "tokens-int8"))
        bound = eight.scales()[:][:, None] / 2 + 1e-3
        assert (np.abs(half.vectors() - eight.vectors()) <= bound).all()
        assert half.metadata().equals(eight.metadata())


def plain_vit_flops(tokens, layers, width, hidden, patches):
    """Multiply-adds, twice, of patch embedding, four projections, two products of attention and the MLP."""
    embedding = 2 * patches * 3 * PATCH * PATCH * width
    layer = 2 * tokens * 4 * width * width + 2 * 2 * tokens * tokens * width + 2 * 2 * tokens * width * hidden
    return embedding + layers * layer


def test_operations_of_a_transformer_are_those_counted_by_hand(folders, dataset, tmp_path):
    encoder = load_vision_encoder(vision_params(folders["dinov2-registers"]), layout())
    patches = (SIDE // PATCH) ** 2
    expected = plain_vit_flops(patches + 1 + 3, 2, WIDTH, 4 * WIDTH, patches)
    pixels = torch.zeros(3, 3, SIDE, SIDE)
    with torch.inference_mode():
        features, flops = count_flops(lambda: encoder.forward(pixels))
        assert torch.equal(features.patches, encoder.forward(pixels).patches)
    assert flops == 3 * expected
    for view in ("pooled", "regions", "tokens"):
        assert extract_images(encoder, dataset, tmp_path / view, view=view, params=PARAMS).flops == 7 * expected


def test_a_compiled_model_is_counted_and_still_compiled_afterwards(recwarn):
    from torch._dynamo.testing import CompileCounter

    compiled, layer = CompileCounter(), torch.nn.Linear(4, 5)
    model = torch.compile(layer, backend=compiled)
    batch = torch.ones(3, 4)
    with torch.inference_mode():
        result, flops = count_flops(lambda: model(batch))
        assert (flops, compiled.frame_count) == (2 * 3 * 4 * 5, 0)
        assert not [warning for warning in recwarn if "torch.compile" in str(warning.message)]
        torch.testing.assert_close(model(batch), result)
    assert compiled.frame_count == 1


def test_operations_of_texts_grow_with_their_tokens(tmp_path):
    encoder = load_text_encoder(text_params(save_text_model(tmp_path / "model")), layout())
    short, long = "red", "a big red circle on the small blue square"
    counts = {}
    for name, texts in {"short": [short], "twice": [short, short], "long": [long], "both": [short, long]}.items():
        counts[name] = extract_texts(encoder, text_dataset(texts), tmp_path / name, params=PARAMS).flops
    assert counts["short"] == counts["twice"] > 0
    assert counts["long"] > 2.5 * counts["short"]
    assert counts["both"] > counts["long"]


def test_what_does_not_compute_counts_nothing(dataset, tmp_path):
    assert extract_texts(letter_encoder(), text_dataset(TEXTS), tmp_path / "texts", params=PARAMS).flops == 0
    assert extract_images(colour_encoder(), dataset, tmp_path / "images", params=PARAMS).flops == 0


def test_a_resumed_store_counts_the_operations_of_one_run(folders, dataset, tmp_path):
    encoder = load_vision_encoder(vision_params(folders["siglip"], pooling="mean"), layout())
    extract_images(encoder, dataset, tmp_path / "whole", view="tokens-int8", params=PARAMS)
    calls = []

    def dying(pixels):
        calls.append(len(pixels))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return encoder.forward(pixels)

    with pytest.raises(KeyboardInterrupt):
        extract_images(
            replace(encoder, forward=dying), dataset, tmp_path / "resumed", view="tokens-int8", params=PARAMS
        )
    extract_images(encoder, dataset, tmp_path / "resumed", view="tokens-int8", params=PARAMS)
    assert contents(tmp_path / "resumed") == contents(tmp_path / "whole")
