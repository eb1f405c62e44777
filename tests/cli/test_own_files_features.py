"""From files and texts to features, and from features to a matching: small encoders and plain references."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import colour_encoder, letter_encoder, picture

from ligature.cli.own_files.encoding import encode_files, encode_texts, pooled_images
from ligature.cli.own_files.fitting import Features, Fitting, Matched
from ligature.cli.own_files.folder import list_images
from ligature.encoders.vision import VisionFeatures
from ligature.errors import DataError, EncoderError


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 99))
def test_the_table_is_what_the_scores_say(images, texts, seed):
    random = np.random.default_rng(seed)
    scores, count = random.integers(0, 4, (images, texts)).astype(float), min(images, texts)
    rows, columns = random.permutation(images)[:count], random.permutation(texts)[:count]
    table = Matched(rows, columns, scores.copy()).table()
    assert table["image"].to_list() == sorted(rows)
    for _, entry in table.iterrows():
        row, column = int(entry["image"]), int(entry["text"])
        others = [scores[row, other] for other in range(texts) if other != column]
        before = [other for other in range(texts) if (-scores[row, other], other) < (-scores[row, column], column)]
        assert (entry["score"], entry["rank"]) == (scores[row, column], len(before) + 1)
        assert entry["margin"] == scores[row, column] - max(others) if others else np.isnan(entry["margin"])


def test_texts_that_ask_learn_in_the_other_direction():
    random = np.random.default_rng(0)
    base = Features(random.normal(size=(20, 5)), random.normal(size=(20, 4)))
    own = Features(random.normal(size=(6, 5)), random.normal(size=(6, 4)))
    swapped = Fitting("ridge").match(Features(base.texts, base.images), Features(own.texts, own.images))
    found = Fitting("ridge", texts_ask=True).match(base, own)
    np.testing.assert_array_equal(found.scores, swapped.scores.T)
    np.testing.assert_array_equal(found.images[np.argsort(found.texts)], swapped.texts)


def test_held_out_anchors_of_one_world_are_matched_and_of_two_worlds_are_not():
    random = np.random.default_rng(0)
    hidden = random.normal(size=(70, 4))
    views = [hidden @ random.normal(size=(4, width)) for width in (9, 7)]
    base, among = Features(views[0][:60], views[1][:60]), Features(views[0][60:], views[1][60:])
    wrong = random.permutation(base.texts)
    assert Fitting("ridge").held_out_accuracy(base, base.texts, among) == 1
    assert Fitting("ridge").held_out_accuracy(Features(base.images, wrong), wrong, among) < 0.2
    assert Fitting("ridge").held_out_accuracy(base, wrong, among) < 0.2
    assert Fitting("ridge", neighbours=50).held_out_accuracy(base, base.texts, among) == 1
    assert Fitting("ridge").held_out_accuracy(Features(views[0][:11], views[1][:11]), views[1][:11], among) is None


def test_held_out_anchors_have_the_rivals_of_those_that_are_matched():
    random = np.random.default_rng(1)
    hidden = random.normal(size=(420, 6))
    views = [hidden @ random.normal(size=(6, width)) + random.normal(size=(420, width)) for width in (9, 7)]
    base, own = Features(views[0][:120], views[1][:120]), Features(views[0][120:], views[1][120:])
    few = Fitting("ridge").held_out_accuracy(base, base.texts, Features(own.images[:1], own.texts[:1]))
    many = Fitting("ridge").held_out_accuracy(base, base.texts, own)
    assert many < 0.8 * few
    found = Fitting("ridge").match(base, own)
    assert abs(many - (found.images == found.texts).mean()) < 0.1


def test_texts_are_encoded_once_each_in_batches_of_similar_length(capfd):
    record = []
    vectors = encode_texts(letter_encoder(record, max_length=6), ["aa", "bbbbbbbb", "c", "aa", "dddd"], 12)
    assert record == [["bbbbbbbb", "dddd"], ["aa", "c"]]
    assert sorted(vectors) == ["aa", "bbbbbbbb", "c", "dddd"]
    np.testing.assert_allclose(vectors["c"], [ord("c") / 128, 1])
    assert "1 texts above 6 tokens were cut, the longest has 8" in capfd.readouterr().err


def test_files_are_encoded_in_batches_and_broken_ones_reported(tmp_path):
    for number in range(5):
        picture(number).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"no image")
    record, found = [], list_images(tmp_path)
    encoder = colour_encoder(record)
    files = encode_files(found, encoder.preprocess, pooled_images(encoder), batch_size=2)
    assert (files.names, files.broken) == (["0.png", "1.png", "3.png", "4.png"], {"2.png": "not an image"})
    assert record == [2, 1, 1]
    pixels = encoder.preprocess(picture(3))
    np.testing.assert_allclose(files.of(["3.png"])[0, :3], pixels.mean((1, 2)), atol=1e-6)


def test_a_folder_of_broken_images_is_named(tmp_path):
    encoder = colour_encoder()
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"none of 1 images can be read, the first is 'x\.png' \(not an image\)"):
        encode_files(list_images(tmp_path), encoder.preprocess, pooled_images(encoder), batch_size=2)


def test_a_pooling_that_an_encoder_has_not_is_named():
    encoder = replace(colour_encoder(), forward=lambda pixels: VisionFeatures(pixels.mean((2, 3)), None))
    with pytest.raises(EncoderError, match=r"encoder 'colour': pooling 'cls\+mean' needs patch tokens"):
        pooled_images(encoder)(torch.zeros(1, 3, 8, 8))
