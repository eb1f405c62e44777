"""Embedding with a cache, and what of an encoder the key is made of."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import (
    ARCHITECTURES,
    colour_encoder,
    contents,
    image_dataset,
    layout,
    letter_encoder,
    minilm_params,
    save_text_model,
    text_dataset,
    text_params,
    vision_params,
)

from ligature.data.contents import image_contents
from ligature.data.images import raw_path, read_image
from ligature.encoders import extract_images, extract_texts, load_text_encoder, load_vision_encoder
from ligature.encoders.cached import check_and_say, embed_cached, encoder_content, wanted_store
from ligature.errors import DataError, StoreError
from ligature.params.encoders import EmbedParams, TextEncoderParams, VisionEncoderParams
from ligature.store import EmbeddingStore
from ligature.store.cache import EmbeddingCache
from ligature.store.cache_entry import Use

PARAMS = EmbedParams(shard_rows=5, image_batch=3, token_budget=24, max_skipped=0.5)
PIXELS = VisionEncoderParams(name="pixels", loader="pixels", image_size=4, pooling="cls")
TEXTS = ["one", "a rather long text", "two", "one", "three", "two", "one", "four", "a rather long text", "x", "two"]


def embed(cache, entry, dataset, folder, *, study="one", view="pooled", params=PARAMS):
    """Embeds with a cache; returns whether the encoder had to run."""
    ran = []

    def make():
        ran.append(True)
        if isinstance(entry, VisionEncoderParams):
            model = load_vision_encoder(entry, layout())
            return extract_images(model, dataset, folder, view=view, params=params)
        return extract_texts(load_text_encoder(entry, layout()), dataset, folder, view=view, params=params)

    wanted = wanted_store(entry, layout(), dataset, part="0/1", view=view, params=params)
    check = check_and_say(entry.name, dataset, params)
    embed_cached(cache, wanted, folder, Use.by(study, folder), make, check)
    return bool(ran)


@pytest.mark.parametrize("view", ["pooled", "regions", "tokens", "tokens-int8"])
def test_a_vision_model_runs_once_for_two_studies(view, tmp_path):
    cache, dataset = EmbeddingCache(tmp_path / "cache"), image_dataset(tmp_path / "images", 12)
    (tmp_path / "images" / "004.jpg").write_text("404 not found")
    entry = vision_params(ARCHITECTURES["dinov2"].saved(tmp_path / "model"))
    assert embed(cache, entry, dataset, tmp_path / "one", view=view)
    other = entry.model_copy(update={"name": "other", "source": str(tmp_path / "." / "model")})
    named = replace(dataset, name="pictures")
    assert not embed(cache, other, named, tmp_path / "two", study="two", view=view)
    extract_images(load_vision_encoder(other, layout()), named, tmp_path / "plain", view=view, params=PARAMS)
    assert contents(tmp_path / "two") == contents(tmp_path / "plain")


@pytest.mark.parametrize("view", ["pooled", "tokens"])
def test_a_text_model_runs_once_for_two_studies(view, tmp_path, capsys):
    cache, dataset = EmbeddingCache(tmp_path / "cache"), text_dataset(TEXTS)
    entry = text_params(save_text_model(tmp_path / "model"), max_length=4)
    assert embed(cache, entry, dataset, tmp_path / "one", view=view)
    other = entry.model_copy(update={"name": "other"})
    named = replace(dataset, name="captions", skipped_texts=[{"id": "image-3#9", "reason": "empty caption"}])
    capsys.readouterr()
    assert not embed(cache, other, named, tmp_path / "two", study="two", view=view)
    assert "texts above 4 tokens were cut" in capsys.readouterr().err
    extract_texts(load_text_encoder(other, layout()), named, tmp_path / "plain", view=view, params=PARAMS)
    assert contents(tmp_path / "two") == contents(tmp_path / "plain")


def test_other_shards_of_the_same_store_are_cut_and_not_encoded(tmp_path):
    cache, dataset = EmbeddingCache(tmp_path / "cache"), image_dataset(tmp_path / "images", 12)
    embed(cache, PIXELS, dataset, tmp_path / "one")
    params = PARAMS.model_copy(update={"shard_rows": 4})
    assert not embed(cache, PIXELS, dataset, tmp_path / "two", params=params)
    extract_images(load_vision_encoder(PIXELS, layout()), dataset, tmp_path / "plain", params=params)
    assert contents(tmp_path / "two") == contents(tmp_path / "plain")


def test_an_image_that_changed_is_embedded_again(tmp_path):
    cache, dataset = EmbeddingCache(tmp_path / "cache"), image_dataset(tmp_path / "images", 6)
    embed(cache, PIXELS, dataset, tmp_path / "one")
    (tmp_path / "images" / "003.jpg").write_bytes((tmp_path / "images" / "004.jpg").read_bytes())
    assert embed(cache, PIXELS, dataset, tmp_path / "two")
    assert len(list(cache.folders())) == 2


def test_too_many_skipped_images_stop_a_study_that_allows_fewer(tmp_path):
    cache, dataset = EmbeddingCache(tmp_path / "cache"), image_dataset(tmp_path / "images", 6)
    for number in (1, 2):
        (tmp_path / "images" / f"{number:03d}.jpg").unlink()
    embed(cache, PIXELS, dataset, tmp_path / "one")
    with pytest.raises(DataError, match="2 of 6 images cannot be used"):
        embed(cache, PIXELS, dataset, tmp_path / "two", params=PARAMS.model_copy(update={"max_skipped": 0.1}))
    assert not (tmp_path / "two").exists()


def test_the_key_holds_the_files_of_a_local_model_but_neither_its_name_nor_its_place(tmp_path):
    entry = vision_params(ARCHITECTURES["vit"].saved(tmp_path / "model"))
    (tmp_path / "model").rename(tmp_path / "moved")
    moved = vision_params(tmp_path / "moved", name="other")
    content = encoder_content(moved, layout())
    entry = vision_params(ARCHITECTURES["vit"].saved(tmp_path / "model"))
    assert encoder_content(entry, layout()) == content
    assert sorted(content["files"]) == ["config.json", "preprocessor_config.json"]
    (tmp_path / "moved" / "README.md").write_text("a note changes nothing")
    assert encoder_content(moved, layout()) == content
    settings = json.loads((tmp_path / "moved" / "preprocessor_config.json").read_text())
    (tmp_path / "moved" / "preprocessor_config.json").write_text(json.dumps(settings | {"resample": 0}))
    assert encoder_content(moved, layout()) != content


@pytest.mark.parametrize(
    "change", [{"prompt": "a photo of "}, {"max_length": 5}], ids=lambda change: next(iter(change))
)
def test_settings_of_an_encoder_count(change):
    assert encoder_content(minilm_params(**change), layout()) != encoder_content(minilm_params(), layout())


def test_precision_counts_for_models_only():
    words = TextEncoderParams(name="words", loader="bag-of-words", dims=8)
    assert encoder_content(words, layout(), "bfloat16") == encoder_content(words, layout(), "float32")
    models = [encoder_content(minilm_params(), layout(), precision) for precision in ("bfloat16", "float32")]
    assert models[0] != models[1]
    assert models[1]["weights"].startswith("sha256:53aa5117")


def test_the_grid_of_regions_counts_in_its_view_only(tmp_path):
    dataset = image_dataset(tmp_path, 3)
    for view, same in (("pooled", True), ("regions", False)):
        keys = {
            wanted_store(PIXELS, layout(), dataset, part="0/1", view=view, params=EmbedParams(regions=side)).key
            for side in (2, 3)
        }
        assert (len(keys) == 1) == same


def test_contents_of_images_are_the_hashes_that_stores_record(tmp_path):
    dataset = image_dataset(tmp_path, 5)
    paths = dataset.images["path"].to_list()
    expected = [read_image(path)[1] for path in paths]
    (tmp_path / "raw").write_bytes(bytes(3 * 6 * 4))
    raw = [raw_path(tmp_path / "raw", 0, 6, 4), raw_path(tmp_path / "raw", 0, 4, 6)]
    found = image_contents([*paths, str(tmp_path / "none.jpg"), *raw], threads=2)
    assert found[:5] == expected
    assert found[5] == "(missing file)"
    assert found[6:] == [f"{read_image(raw[0])[1]}!{shape}" for shape in ("6x4", "4x6")]


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("shard", [0, 1, 2])
def test_only_the_images_of_a_damaged_shard_are_encoded_again(shard, tmp_path):
    dataset, sizes = image_dataset(tmp_path / "images", 12), []
    (tmp_path / "images" / "001.jpg").unlink()
    for name in ("plain", "store"):
        extract_images(colour_encoder(), dataset, tmp_path / name, params=PARAMS)
    flip(tmp_path / f"store/img_emb/img_emb_{shard:05d}.npy")
    with pytest.raises(StoreError, match="damaged"):
        EmbeddingStore.open(tmp_path / "store").vectors()
    extract_images(colour_encoder(sizes), dataset, tmp_path / "store", params=PARAMS)
    assert sizes == [[2, 2], [3, 2], [2]][shard]
    assert contents(tmp_path / "store") == contents(tmp_path / "plain")


@pytest.mark.parametrize("view", ["pooled", "tokens"])
@pytest.mark.parametrize("shard", [0, 1, 2])
def test_only_the_texts_of_a_damaged_shard_are_encoded_again(shard, view, tmp_path):
    skipped = [{"id": "image-3#9", "reason": "empty caption"}]
    dataset, batches = replace(text_dataset(TEXTS), skipped_texts=skipped), []
    for name in ("plain", "store"):
        extract_texts(letter_encoder(max_length=6), dataset, tmp_path / name, view=view, params=PARAMS)
    flip(tmp_path / f"store/text_emb/text_emb_{shard:05d}.npy")
    with pytest.raises(StoreError, match="damaged"):
        EmbeddingStore.open(tmp_path / "store").vectors()
    extract_texts(letter_encoder(batches, max_length=6), dataset, tmp_path / "store", view=view, params=PARAMS)
    encoded = {text for batch in batches for text in batch}
    assert encoded <= {*TEXTS[5 * shard : 5 * shard + 5]}
    assert contents(tmp_path / "store") == contents(tmp_path / "plain")


def test_tokens_of_a_text_that_an_interrupted_run_had_seen_are_encoded_again(tmp_path):
    dataset = text_dataset(TEXTS)
    extract_texts(letter_encoder(), dataset, tmp_path / "plain", view="tokens", params=PARAMS)
    encoder = letter_encoder()

    def stop_at_four(texts):
        if "four" in texts:
            raise KeyboardInterrupt
        return encoder.forward(texts)

    with pytest.raises(KeyboardInterrupt):
        extract_texts(
            replace(encoder, forward=stop_at_four), dataset, tmp_path / "killed", view="tokens", params=PARAMS
        )
    extract_texts(encoder, dataset, tmp_path / "killed", view="tokens", params=PARAMS)
    assert contents(tmp_path / "killed") == contents(tmp_path / "plain")
    assert np.isfinite(EmbeddingStore.open(tmp_path / "killed").vectors()).all()
