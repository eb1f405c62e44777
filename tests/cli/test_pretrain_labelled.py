"""Labelled data sets to pre-train on: every image has the prompts of its class as captions, and each stands once."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gauge_study import CLASSES, make_layout, study_values, write_data
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.cli import data
from ligature.cli.captions import hash_captions, load_captions, prompts_of_images
from ligature.cli.pretraining.data import load_pairs_to_pretrain
from ligature.cli.pretraining.pretrain import make_tokenizer, pretrain
from ligature.cli.pretraining.semantics import SharedRows, load_semantics
from ligature.encoders.contrastive.folder import load_pair
from ligature.errors import StoreError
from ligature.store import EmbeddingStore
from ligature.store.damage import read_sealed
from ligature.store.manifest import MANIFEST_NAME
from ligature.store.rows import Rows

RUNS = {"clip": {}, "align": {"sharing": "all", "separation": "image"}}


def values_of(folder: Path, **changes) -> dict:
    """The small study with a labelled set of two parts, whose templates and further prompts differ, to train on."""
    values = study_values(folder)
    values["datasets"]["told"]["parts"] = 2
    values["pretraining"] |= {"datasets": ["told", "photos"], "semantics": "words", "runs": RUNS, "probe": None}
    values["pretraining"] |= {"classification": [], "seeds": [3]} | changes
    return values


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    write_data(folder)
    return folder


@pytest.fixture
def study(folder, tmp_path):
    """Returns layout and options of a study with results of its own, whose texts are embedded."""
    return embedded(values_of(folder), tmp_path)


def embedded(values: dict, folder: Path):
    layout, where = make_layout(folder, values)
    for name in ("told", "photos"):
        data.embed("words", name, 0, "pooled", **where)
    return layout, where


def run_of(layout, name: str = "align"):
    return layout.study.pretraining.runs[name]


def test_captions_of_an_image_are_the_own_prompts_of_its_class(study):
    layout, _ = study
    pairs = load_pairs_to_pretrain(layout, run_of(layout))
    found = {}
    for row, caption in zip(pairs.image_of_text[:24], pairs.captions[:24], strict=True):
        found.setdefault(pairs.paths[row], []).append(caption)
    assert len(found) == 12
    for path, captions in found.items():
        name = CLASSES[Path(path).parent.name]
        assert captions == [f"a {name}.", f"very {name}"]


def test_labelled_and_captioned_sets_stand_one_after_the_other(study):
    layout, _ = study
    pairs, photos = load_pairs_to_pretrain(layout, run_of(layout)), load_captions(layout, "photos")
    assert len(pairs) == 12 + 11
    assert pairs.captions[24:] == photos.texts["text"].to_list() == photos.captions
    assert pairs.image_of_text[24:].tolist() == (photos.image_of_text + 12).tolist()
    assert pairs.semantics.shape == (24 + 22, 8)


def test_every_caption_gets_the_vector_of_its_text(study):
    layout, _ = study
    pairs = load_pairs_to_pretrain(layout, run_of(layout))
    expected = {}
    for name in ("told", "photos"):
        store = EmbeddingStore.open(layout.embedding_parts("pooled", "words", name))
        expected |= dict(zip(store.metadata()["text"], store.vectors(), strict=True))
    rows = np.random.default_rng(0).permutation(len(pairs.captions))
    np.testing.assert_array_equal(pairs.semantics[rows], np.stack([expected[pairs.captions[row]] for row in rows]))
    np.testing.assert_array_equal(pairs.semantics[3:40], [expected[text] for text in pairs.captions[3:40]])


def test_a_prompt_stands_once_however_many_images_share_it(study):
    layout, _ = study
    pairs, told = load_pairs_to_pretrain(layout, run_of(layout)), load_captions(layout, "told")
    assert len(told.texts) == 6
    assert len({id(caption) for caption in pairs.captions[:24]}) == 6
    shared, photos = pairs.semantics.parts
    assert isinstance(shared, SharedRows)
    assert [len(part) for part in shared._vectors.parts] == [12]  # with the further prompts, which nothing trains on
    assert isinstance(shared._vectors.parts[0], np.memmap)
    assert isinstance(photos, np.memmap)


def test_prompts_do_not_depend_on_the_images_of_other_parts(study):
    """The text store of a labelled set is one part, with the images of the first part alone in its manifest."""
    layout, _ = study
    told = load_captions(layout, "told")
    manifest = layout.embedding_parts("pooled", "words", "told")[0] / MANIFEST_NAME
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"items_hash": "other"}))
    assert told.items_hash is None
    assert load_semantics(layout, "words", [told]).shape == (24, 8)


def reordered(table: pd.DataFrame) -> pd.DataFrame:
    return table.sample(frac=1, random_state=1).reset_index(drop=True)


def test_the_order_of_the_store_says_nothing(study, monkeypatch):
    layout, _ = study
    told = load_captions(layout, "told")
    before = load_semantics(layout, "words", [told])[:]
    store = EmbeddingStore.open(layout.embedding_parts("pooled", "words", "told"))
    table = store.metadata()
    order = reordered(table.assign(row=np.arange(len(table))))
    vectors = store.stored_vectors()[order["row"].to_numpy()]
    monkeypatch.setattr(EmbeddingStore, "metadata", lambda self: order.drop(columns="row"))
    monkeypatch.setattr(EmbeddingStore, "stored_vectors", lambda self: Rows([vectors]))
    np.testing.assert_array_equal(load_semantics(layout, "words", [told])[:], before)


@pytest.mark.parametrize(
    ("templates", "words"),
    [
        (["very {}", "a {}."], "text '0#0' is another now; embed the texts of data set 'told' with 'words' again"),
        (["a {}.", "very {}", "the {}"], "text '0#2' is missing; embed the texts of data set 'told'"),
    ],
)
def test_other_templates_than_the_embedded_ones_are_refused(study, folder, tmp_path, templates, words):
    values = values_of(folder)
    values["datasets"]["told"]["templates"] = templates
    layout, _ = make_layout(tmp_path, values)
    with pytest.raises(StoreError, match=words) as raised:
        load_pairs_to_pretrain(layout, run_of(layout))
    assert "\n" not in str(raised.value)
    assert load_pairs_to_pretrain(layout, run_of(layout, "clip")).semantics is None


@pytest.mark.parametrize("change", [{"label": [2, 2, 2, 1, 0, 0]}, {"label": None}, {"text": ["a", *"bcdef"]}])
def test_a_prompt_of_another_label_or_text_is_refused(study, monkeypatch, change):
    layout, _ = study
    table = load_captions(layout, "told").texts.assign(variant="")
    wrong = table.drop(columns="label") if change == {"label": None} else table.assign(**change)
    monkeypatch.setattr(EmbeddingStore, "metadata", lambda self: wrong)
    with pytest.raises(StoreError, match="is another now; embed the texts of data set 'told'"):
        load_semantics(layout, "words", [load_captions(layout, "told")])


def test_vectors_of_two_revisions_of_an_encoder_are_refused(study):
    layout, _ = study
    manifest = layout.embedding_parts("pooled", "words", "photos")[0] / MANIFEST_NAME
    values = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(values | {"encoder": values["encoder"] | {"revision": "other"}}))
    with pytest.raises(StoreError, match=r"photos.*were not made by one encoder \(revision differ\)"):
        load_pairs_to_pretrain(layout, run_of(layout))


def test_the_hash_follows_images_templates_and_labels(study, folder, tmp_path):
    layout, _ = study
    known = hash_captions(load_captions(layout, "told"))
    assert hash_captions(load_captions(layout, "told")) == known
    values = values_of(folder)
    values["datasets"]["told"]["templates"] = ["the {}.", "very {}"]
    other, _ = make_layout(tmp_path, values)
    assert hash_captions(load_captions(other, "told")) != known
    told = load_captions(layout, "told")
    swapped = prompts_of_images(2 - told.images["label"], told.texts["label"])
    assert hash_captions(type(told)(told.name, told.images, told.texts, *swapped, None)) != known


def test_the_tokenizer_reads_a_prompt_once(study):
    layout, _ = study
    pairs = load_pairs_to_pretrain(layout, run_of(layout))
    assert len(dict.fromkeys(pairs.captions)) == 6 + 22
    assert make_tokenizer(layout, pairs).vocabulary_size <= 270


@pytest.mark.parametrize("name", RUNS)
def test_a_training_on_labelled_and_captioned_images_ends_in_a_pair(study, name):
    layout, where = study
    pretrain(name, 3, **where)
    trained = layout.pretrained(name, 3)
    assert load_pair(trained / "model").model.config.context_length == 16
    facts = read_sealed(trained / "training.json")["facts"]
    assert (facts["images"], facts["steps"]) == (23, 10)


labels = st.lists(st.integers(0, 4), min_size=1, max_size=12)


@given(images=labels, prompts=labels)
@settings(max_examples=25, deadline=None)
def test_prompts_of_images_agree_with_two_loops(images, prompts):
    found = prompts_of_images(pd.Series(images), pd.Series(prompts))
    expected = [(i, p) for i, label in enumerate(images) for p, other in enumerate(prompts) if label == other]
    assert list(zip(*(rows.tolist() for rows in found), strict=True)) == expected


@given(rows=st.lists(st.integers(0, 6), min_size=1, max_size=20), places=st.lists(st.integers(0, 100), max_size=9))
@settings(max_examples=25, deadline=None)
def test_shared_rows_are_those_of_the_array(rows, places):
    array = np.arange(21, dtype=np.float16).reshape(7, 3)
    shared, places = SharedRows(Rows([array[:4], array[4:]]), np.array(rows)), np.array(places, int) % len(rows)
    assert (len(shared), shared.shape, shared.dtype) == (len(rows), (len(rows), 3), np.float16)
    np.testing.assert_array_equal(shared[places], array[rows][places])
    np.testing.assert_array_equal(shared[1:5], array[rows][1:5])
    np.testing.assert_array_equal(Rows([array, shared])[:], np.concatenate([array, array[rows]]))
