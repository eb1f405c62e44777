"""`ligature gauge`: its values are those of the evaluation of features that are computed one by one."""

import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from gauge_study import CLASSES, make_layout, save_untrained, study_values, write_data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ligature.cli.pretraining import gauge as verb
from ligature.cli.pretraining import pair as pairs
from ligature.cli.pretraining.gauge import (
    first_captions,
    gauge,
    measure,
    principal_plane,
    probe_labels,
    similarity_histogram,
)
from ligature.cli.pretraining.pair import CaptionedSet, PretrainedPair
from ligature.cli.series import read_results
from ligature.data import open_dataset
from ligature.encoders.contrastive.folder import load_pair
from ligature.encoders.contrastive.images import resize_and_crop, to_pixels
from ligature.errors import DataError, EncoderError, ParamsError
from ligature.evaluation import (
    RESULT_COLUMNS,
    class_embeddings,
    linear_probe_accuracy,
    modality_gap,
    retrieval_recall,
    zero_shot_accuracy,
)

few = settings(max_examples=15, deadline=None)
FILES = ("results.csv", "similarities.csv", "features_2d.csv")
SEED = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gauge")
    write_data(folder)
    return folder


@pytest.fixture(scope="module")
def gauged(folder):
    """Layout and options of the study after one pair was measured."""
    layout, where = make_layout(folder, study_values(folder))
    save_untrained(layout, "clip", SEED)
    gauge("clip", SEED, **where)
    return layout, where


@pytest.fixture
def changed(folder, gauged, tmp_path):
    """Returns a function that makes a study of a copy of the data, changed, with the same pair."""

    def make(**blocks):
        copy = tmp_path / "copy"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("results"))
        values = study_values(copy)
        for name, block in blocks.items():
            values[name] = values[name] | block
        layout, where = make_layout(copy, values)
        save_untrained(layout, "clip", SEED)
        return copy, layout, where

    return make


@torch.no_grad()
def plain_features(layout, dataset):
    """Images and own texts of a data set, one forward pass each."""
    pair = load_pair(layout.pretrained("clip", SEED) / "model")
    model, tokenizer = pair.model, pair.tokenizer
    data = open_dataset(layout, dataset).of_variant()
    images = [np.array(resize_and_crop(Image.open(path).convert("RGB"), 16)) for path in data.images["path"]]
    encoded = [model.encode_image(to_pixels(image[None])) for image in images]
    texts = [model.encode_text(tokenizer.encode([text])) for text in data.texts["text"]]
    return data, torch.cat(encoded).numpy(), torch.cat(texts).numpy()


def values_of(layout, task, model="clip"):
    rows = read_results(layout.pretrained("clip", SEED) / "results.csv")
    rows = rows[(rows["task"] == task) & (rows["model"] == model)]
    return dict(zip(rows["metric"], rows["value"], strict=True))


def test_classification_is_that_of_the_main_prompts_alone(gauged):
    layout, _ = gauged
    data, images, prompts = plain_features(layout, "told")
    assert len(prompts) == 2 * len(CLASSES)
    classes = class_embeddings(prompts, data.texts["label"].to_numpy(), len(CLASSES))
    expected = zero_shot_accuracy(images, classes, data.images["label"].to_numpy(), (1,))
    assert values_of(layout, "classification") == pytest.approx(expected, abs=1e-9)
    rows = read_results(layout.pretrained("clip", SEED) / "results.csv")
    assert set(rows["task"]) == {"classification", "retrieval", "gap", "linear probe"}
    assert set(rows["variant"]) == {""}


def test_retrieval_and_gap_are_those_of_plain_features(gauged):
    layout, _ = gauged
    data, images, texts = plain_features(layout, "photos")
    owners = np.array([int(id_) for id_ in data.texts["image_id"]])
    assert values_of(layout, "retrieval") == pytest.approx(retrieval_recall(images, texts, owners), abs=1e-9)
    expected = modality_gap(images[:11], texts[::2], seed=SEED)
    assert values_of(layout, "gap") == pytest.approx(expected, abs=1e-5)


def test_the_linear_probe_learns_from_one_set_and_is_told_the_other(gauged):
    layout, _ = gauged
    learned, told = plain_features(layout, "learn"), plain_features(layout, "told")
    labels = [data.images["label"].to_numpy() for data, _, _ in (learned, told)]
    expected = linear_probe_accuracy(learned[1], labels[0], told[1], labels[1], [0.1, 10.0], SEED)
    assert values_of(layout, "linear probe") == pytest.approx(expected, abs=1e-9)


def test_chance_stands_beside_every_share(gauged):
    layout, _ = gauged
    assert values_of(layout, "classification", "chance") == pytest.approx({"top1": 1 / 3, "mean_per_class": 1 / 3})
    assert values_of(layout, "linear probe", "chance") == pytest.approx({"top1": 1 / 3, "mean_per_class": 1 / 3})
    assert values_of(layout, "retrieval", "chance")["t2i_recall@1"] == pytest.approx(1 / 12)
    assert values_of(layout, "gap", "chance") == {}


def test_rows_have_the_columns_of_results_with_run_seed_and_counts(gauged):
    layout, _ = gauged
    rows = read_results(layout.pretrained("clip", SEED) / "results.csv")
    assert tuple(rows.columns) == RESULT_COLUMNS
    assert set(rows["model"]) == {"clip", "chance"}
    assert set(rows["seed"]) == {SEED}
    counts = rows.groupby(["task", "dataset"])["n"].unique().map(sorted).to_dict()
    assert counts == {
        ("classification", "told"): [12],
        ("gap", "photos"): [11],
        ("linear probe", "told"): [12],
        ("retrieval", "photos"): [11, 22],
    }


def test_the_same_pair_gives_the_same_bytes_twice(gauged):
    layout, where = gauged
    folder = layout.pretrained("clip", SEED)
    before = [(folder / name).read_bytes() for name in FILES]
    gauge("clip", SEED, **where)
    assert [(folder / name).read_bytes() for name in FILES] == before


def test_the_histogram_and_the_plane_are_of_the_first_captions(gauged):
    layout, _ = gauged
    _, images, texts = plain_features(layout, "photos")
    folder = layout.pretrained("clip", SEED)
    written = pd.read_csv(folder / "similarities.csv")
    counts = written.groupby("kind")["count"].sum()
    assert counts.to_dict() == {"paired": 11, "unpaired": 110}
    paired = written[written["kind"] == "paired"]
    cosines = (images[:11] * texts[::2]).sum(1)
    assert paired["count"].to_list() == np.histogram(cosines, 80, (-1, 1))[0].tolist()
    plane = pd.read_csv(folder / "features_2d.csv")
    assert plane.groupby("modality").size().to_dict() == {"image": 7, "text": 7}
    shown = plane["pair"][:7].to_numpy()
    expected = principal_plane(images[shown], texts[2 * shown], shown)
    np.testing.assert_allclose(plane[["x", "y"]], expected[["x", "y"]], atol=2e-4)


def test_every_data_set_is_encoded_once(gauged, monkeypatch):
    _, where = gauged
    encoded, decode = [], pairs.decoded_batches
    monkeypatch.setattr(
        pairs, "decoded_batches", lambda paths, *a, **k: encoded.append(len(paths)) or decode(paths, *a, **k)
    )
    gauge("clip", SEED, **where)
    assert sorted(encoded) == [12, 12, 18]  # the set that is classified is also the test of the probe


def test_a_broken_image_is_left_out_counted_and_said(changed, capsys):
    copy, layout, where = changed()
    (copy / "photos" / "4.png").write_bytes(b"no image")
    gauge("clip", SEED, **where)
    assert "gauge clip/photos: 1 images skipped, the first '4' (not an image)" in capsys.readouterr().err
    rows = read_results(layout.pretrained("clip", SEED) / "results.csv")
    assert sorted(rows["n"][rows["dataset"] == "photos"].unique()) == [10, 20]
    joint = PretrainedPair.load(layout, "clip", SEED).captioned("photos")
    Image.new("RGB", (20, 20)).save(copy / "photos" / "4.png")
    _, images, texts = plain_features(layout, "photos")
    np.testing.assert_allclose(joint.images, np.delete(images, 4, 0), atol=1e-5)
    np.testing.assert_allclose(joint.texts, np.delete(texts, [8, 9], 0), atol=1e-5)
    assert joint.image_of_text.tolist() == np.arange(10).repeat(2).tolist()


@pytest.mark.parametrize(
    ("embed", "broken", "message"),
    [
        ({"max_skipped": 0.2}, 3, "'photos': 3 of 12 images cannot be used, the first is '0'"),
        ({"max_skipped": 0.0}, 1, "'photos': 1 of 12 images cannot be used"),
        ({"max_skipped": 1.0}, 11, "'photos': no image that has a text can be used"),
        ({"max_skipped": 1.0}, 12, "'photos': no image that has a text can be used"),
    ],
)
def test_too_many_broken_images_are_one_line(changed, embed, broken, message):
    copy, layout, where = changed(embed=embed)
    for number in range(broken):
        (copy / "photos" / f"{number}.png").unlink()
    with pytest.raises(DataError, match=message) as error:
        gauge("clip", SEED, **where)
    assert "\n" not in str(error.value)
    assert not any((layout.pretrained("clip", SEED) / name).exists() for name in FILES)


def test_without_a_probe_and_class_names_there_is_retrieval_and_gap(changed):
    _, layout, where = changed(pretraining={"probe": None, "classification": []})
    gauge("clip", SEED, **where)
    rows = read_results(layout.pretrained("clip", SEED) / "results.csv")
    assert list(dict.fromkeys(rows["task"])) == ["retrieval", "gap"]


def test_decoding_in_another_process_changes_nothing(gauged):
    layout, _ = gauged
    alone, helped = (PretrainedPair.load(layout, "clip", SEED, workers=workers) for workers in (0, 1))
    assert np.array_equal(alone.labelled("told")[0], helped.labelled("told")[0])


def test_texts_above_the_context_are_said(gauged, capsys):
    layout, _ = gauged
    pair = PretrainedPair.load(layout, "clip", SEED)
    pair._encode_texts("photos", ["short", "far too long a text " * 20])
    assert "gauge clip/photos: 1 texts above 16 tokens are cut" in capsys.readouterr().err


def test_reduced_precision_gives_nearly_the_same_unit_features(gauged):
    layout, _ = gauged
    full = PretrainedPair.load(layout, "clip", SEED).captioned("photos")
    half = PretrainedPair.load(layout, "clip", SEED, precision="bfloat16").captioned("photos")
    assert not np.array_equal(full.images, half.images)
    for side in ("images", "texts"):
        np.testing.assert_allclose(getattr(half, side), getattr(full, side), atol=0.05)
        np.testing.assert_allclose(np.linalg.norm(getattr(half, side), axis=1), 1, atol=1e-5)


def test_what_cannot_be_measured_is_one_line(gauged):
    _, where = gauged
    with pytest.raises(ParamsError, match="unknown run 'clop'; known: clip, align"):
        gauge("clop", SEED, **where)
    with pytest.raises(ParamsError, match="seed 4"):
        gauge("clip", 4, **where)
    with pytest.raises(DataError, match=r"missing; run `ligature pretrain align --seed 5` first"):
        gauge("align", 5, **where)
    with pytest.raises(ParamsError, match="float16"):
        gauge("clip", SEED, **where, precision="float16")


def test_a_folder_without_weights_is_refused(changed):
    _, layout, where = changed()
    (layout.pretrained("clip", SEED) / "model" / "tokenizer.json").write_text("{}")
    with pytest.raises((EncoderError, DataError)) as error:
        gauge("clip", SEED, **where)
    assert "\n" not in str(error.value)


class Collapsed:
    """A model that maps everything nearly to one point."""

    def __init__(self, layout):
        self.layout, self.name, self.seed = layout, "point", 0

    def captioned(self, dataset):
        generator = np.random.default_rng(0)
        sides = [np.eye(8)[0] + 0.01 * generator.normal(size=(40, 8)) for _ in range(2)]
        return CaptionedSet(*sides, np.arange(40))


def test_a_collapsed_model_is_said_to_be_one(gauged, capsys):
    layout, _ = gauged
    model = Collapsed(layout)
    rows = measure(model, [], {"photos": model.captioned("photos")})
    gap = {row.metric: row.value for row in rows if row.task == "gap"}
    assert gap["alignment_score"] > 0.99
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in said] == ["point, seed 0, photos"] * 3


def named(train, test):
    """A pair that knows only labels: one image a class, in the order of the classes."""
    names = {"train": train, "test": test}
    return SimpleNamespace(
        class_names=names.__getitem__, labelled=lambda name: (None, np.arange(len(names[name])))
    ), SimpleNamespace(train="train", test="test")


def test_classes_of_a_probe_are_matched_by_name():
    learned, told = probe_labels(*named(["crane", "kite", "crane"], ["crane", "kite", "crane"]))
    assert learned.tolist() == told.tolist() == [0, 1, 2]
    learned, told = probe_labels(*named(["crane", "kite", "owl"], ["owl", "crane"]))
    assert learned.tolist() == ["crane", "kite", "owl"]
    assert told.tolist() == ["owl", "crane"]


@pytest.mark.parametrize(
    ("train", "test", "which"), [(["a", "a"], ["a"], "'train'"), (["a", "b", "c"], ["b", "b"], "'test'")]
)
def test_a_name_that_stands_twice_cannot_be_matched(train, test, which):
    with pytest.raises(DataError, match=f"data set {which} has two classes named"):
        probe_labels(*named(train, test))


@few
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(2, 6), st.integers(1, 50))
def test_the_histogram_counts_every_pair_by_itself(seed, n, width, tile):
    generator = np.random.default_rng(seed)
    images, texts = (generator.normal(size=(n, width)) for _ in range(2))
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, texts))
    cosines = {"paired": [x[i] @ y[i] for i in range(n)]}
    cosines["unpaired"] = [x[i] @ y[j] for i in range(n) for j in range(n) if i != j]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verb, "BLOCK_ROWS", tile)
        found = similarity_histogram(images, texts)
    for kind, values in cosines.items():
        rows = found[found["kind"] == kind]
        np.testing.assert_allclose(rows["low"], np.linspace(-1, 1, 81)[:-1], atol=1e-12)
        np.testing.assert_allclose(rows["high"], np.linspace(-1, 1, 81)[1:], atol=1e-12)
        assert rows["count"].to_list() == np.histogram(values, 80, (-1, 1))[0].tolist()


def test_the_ends_of_the_histogram_hold_equal_and_opposite_features():
    found = similarity_histogram(np.array([[2.0, 0], [0, 1]]), np.array([[1.0, 0], [0, -3]]))
    paired = found[found["kind"] == "paired"]["count"].to_numpy()
    assert (paired[0], paired[-1], paired.sum()) == (1, 1, 2)
    assert found[found["kind"] == "unpaired"]["count"].to_numpy()[40] == 2


def test_the_plane_is_that_of_principal_components():
    from sklearn.decomposition import PCA

    generator = np.random.default_rng(2)
    images, texts = generator.normal(size=(9, 5)), 1 + generator.normal(size=(9, 5))
    found = principal_plane(images, texts, np.arange(9))
    expected = PCA(2, svd_solver="full").fit(np.concatenate([images, texts]))
    signs = np.sign([row[np.abs(row).argmax()] for row in expected.components_])
    points = expected.transform(np.concatenate([images, texts])) * signs
    np.testing.assert_allclose(found[["x", "y"]], points, atol=1e-4)
    assert found["modality"].to_list() == ["image"] * 9 + ["text"] * 9
    assert found["pair"].to_list() == [*range(9), *range(9)]


def test_a_gap_is_as_wide_in_the_plane_as_it_is():
    generator = np.random.default_rng(3)
    images = 0.01 * generator.normal(size=(30, 6))
    found = principal_plane(images + np.eye(6)[0], images - np.eye(6)[0], np.arange(30))
    centres = found.groupby("modality")[["x", "y"]].mean()
    assert np.linalg.norm(centres.loc["image"] - centres.loc["text"]) == pytest.approx(2, abs=1e-3)


def test_first_captions_leave_out_images_without_one():
    joint = CaptionedSet(np.arange(4)[:, None], np.arange(5)[:, None], np.array([3, 3, 0, 2, 0]))
    images, texts, owners = first_captions(joint)
    assert owners.tolist() == images[:, 0].tolist() == [0, 2, 3]
    assert texts[:, 0].tolist() == [2, 3, 0]
