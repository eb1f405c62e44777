"""From stores of every view to training pairs: variants, encoder identities, memory maps, costs; synthetic stores."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ligature.cli.costs import COST_COLUMNS, view_costs
from ligature.cli.features import (
    image_features,
    load_captioned,
    load_pairs,
    open_store,
    projector_config,
    require_encoder,
    text_features,
    variants,
)
from ligature.errors import StoreError
from ligature.params.datasets import CocoDataset
from ligature.params.train import LossParams, ProjectorParams
from ligature.projection import ImageFeatures, RaggedTokens
from ligature.store import Layout, StoreWriter
from ligature.store.hashing import hash_strings

WIDTH, TEXT_WIDTH, IMAGES, PARTS = 6, 4, 5, 2
VIEWS = ("pooled", "regions", "tokens", "tokens-int8")
VISION = {"name": "eye", "revision": "one", "pooling": "cls+mean", "has_cls": True}
TEXT = {"name": "word", "revision": "one", "pooling": "mean"}


@pytest.fixture
def layout(tmp_path):
    """Paths of a study of two data sets of two parts, of which only the names are needed."""
    study = SimpleNamespace(
        study="views",
        datasets={name: CocoDataset.model_construct(parts=PARTS) for name in ("train", "more")},
        encoders=SimpleNamespace(
            text=[SimpleNamespace(name="word", source=None)], vision=[SimpleNamespace(name="eye", source=None)]
        ),
        pretraining=None,
        pairs=SimpleNamespace(datasets=[], probe=SimpleNamespace(train="", test="")),
        curate=SimpleNamespace(pool=[]),
    )
    return Layout(study, tmp_path)


def tokens_of(view, count, width, seed):
    """[count items], each a few vectors: one in the pooled view, else as many as their number says, and two more."""
    generator = np.random.default_rng(seed)
    each = [1 if view == "pooled" else 3 + item % 3 for item in range(count)]
    return [generator.normal(size=(length, width)).astype(np.float16) for length in each]


def write_part(layout, view, modality, dataset, part, table, encoder, ids):
    width = (2 * WIDTH if view == "pooled" else WIDTH) if modality == "image" else TEXT_WIDTH
    items = tokens_of(view, len(table), width, [part, len(dataset)])
    folder = layout.embeddings(view, encoder["name"], dataset, part)
    writer = StoreWriter(folder, modality, view, encoder, {"dataset": dataset}, hash_strings(ids), 2)
    for rows in writer.pending(table):
        mine = [items[row] for row in rows.index]
        writer.append(
            np.concatenate(mine), rows.assign(tokens=[len(item) for item in mine]), source_rows=len(rows), flops=100
        )
    writer.finish()
    return items


def caption_rows(ids, part):
    """Two captions an image, none of the last image of a part; German ones of the first two images."""
    rows = [(f"{name}#{number}", name, f"caption {number}", "") for name in ids[:-1] for number in range(2)]
    rows += [(f"{name}#de", name, "Bild", "de") for name in ids[:2]]
    return pd.DataFrame(rows, columns=["id", "image_id", "text", "variant"])


def write_dataset(layout, mode, dataset="train", vision=VISION, text=TEXT):
    """Writes both stores of a data set and returns the items of images and texts, one list over all parts."""
    images, texts = [], []
    for part in range(PARTS):
        ids = [f"{dataset}-{part}-{number}" for number in range(IMAGES)]
        table = pd.DataFrame({"id": ids, "sha256": ids})
        images += write_part(layout, layout.view(mode, "eye"), "image", dataset, part, table, vision, ids)
        captions = caption_rows(ids, part)
        texts += write_part(layout, layout.view(mode, "word"), "text", dataset, part, captions, text, ids)
    return images, texts


def close_to(found, item, mode):
    tolerance = np.abs(item).max(axis=1, keepdims=True) / 250 if mode == "tokens-int8" else 0
    return bool((np.abs(np.asarray(found, np.float32) - item) <= tolerance).all())


@pytest.mark.parametrize("mode", ["regions", "tokens", "tokens-int8"])
def test_pairs_of_several_parts_and_sets_are_those_of_the_stores(layout, mode, capsys):
    written = [write_dataset(layout, mode, dataset) for dataset in ("train", "more")]
    pairs = load_pairs(layout, "eye", "word", ["train", "more"], mode)
    assert "2 images without a caption are left out" in capsys.readouterr().err
    kept = [row for row in range(PARTS * IMAGES) if row % IMAGES != IMAGES - 1]
    images = [items[row] for items, _ in written for row in kept]
    english = [row for row in range(PARTS * 10) if row % 10 < 8]
    texts = [items[row] for _, items in written for row in english]
    assert (len(pairs.images), len(pairs.texts)) == (16, 32)
    assert pairs.image_of_text.tolist() == [row // 2 for row in range(32)]
    for row, item in enumerate(images):
        assert close_to(pairs.images.cls[row], item[:1], mode)
        assert close_to(pairs.images.local.pad(np.array([row]))[0][0], item[1:], mode)
    for row, item in enumerate(texts):
        if mode == "regions":
            assert close_to(pairs.texts[row], item, mode)
        else:
            assert close_to(pairs.texts.pad(np.array([row]))[0][0], item, mode)


@pytest.mark.parametrize("mode", ["tokens", "tokens-int8"])
def test_tokens_stay_on_disk_through_joining_and_concatenation(layout, mode):
    for dataset in ("train", "more"):
        write_dataset(layout, mode, dataset)
    pairs = load_pairs(layout, "eye", "word", ["train", "more"], mode)
    for features in (pairs.images.local, pairs.texts):
        assert isinstance(features, RaggedTokens)
        assert all(isinstance(part, np.memmap) for part in features.tokens.parts)
        assert len(features.tokens.parts) > 2 * PARTS
        if features.scales is not None:
            assert all(isinstance(part, np.memmap) for part in features.scales.parts)


@pytest.mark.parametrize("mode", VIEWS)
def test_images_without_a_caption_stay_candidates_of_the_own_captions_only(layout, mode):
    images, texts = write_dataset(layout, mode)
    own = load_captioned(layout, "eye", "word", "train", mode)
    assert (len(own.images), len(own.image_ids), len(own.texts)) == (10, 10, 16)
    german = load_captioned(layout, "eye", "word", "train", mode, "de")
    assert german.image_ids == ["train-0-0", "train-0-1", "train-1-0", "train-1-1"]
    assert (german.captions, german.image_of_text.tolist()) == (["Bild"] * 4, [0, 1, 2, 3])
    assert german.content_hash != own.content_hash
    for row, (image, text) in enumerate(zip((0, 1, 5, 6), (8, 9, 18, 19), strict=True)):
        first = images[image][:, :WIDTH] if mode == "pooled" else images[image][:1]
        assert close_to(german.images.cls[row], first, mode)
        found = german.texts.pad(np.array([row]))[0][0] if mode.startswith("tokens") else german.texts[row]
        assert close_to(found, texts[text], mode)


def test_variants_are_those_of_the_store_and_others_are_refused(layout):
    write_dataset(layout, "tokens")
    assert variants(layout, "word", "train", "tokens") == ["", "de"]
    with pytest.raises(StoreError, match=r"part-00000: no text of variant 'fr'; there are '', 'de'$"):
        load_captioned(layout, "eye", "word", "train", "tokens", "fr")
    store = open_store(layout, "word", "train", "tokens")
    features = text_features(store, np.array([3, 0]))
    assert len(features) == 2


def test_a_store_without_variants_has_the_own_captions_only(layout):
    ids = [f"image-{number}" for number in range(IMAGES)]
    table = pd.DataFrame({"id": ids, "image_id": ids, "text": ids})
    for part in range(PARTS):
        write_part(layout, "pooled", "text", "train", part, table, TEXT, ids)
    assert variants(layout, "word", "train") == [""]


@pytest.mark.parametrize("which", ["vision", "text"])
@pytest.mark.parametrize("as_validation", [True, False])
def test_sets_of_two_revisions_are_refused_by_name(layout, which, as_validation):
    write_dataset(layout, "regions")
    changed = {which: {"vision": VISION, "text": TEXT}[which] | {"revision": "two"}}
    write_dataset(layout, "regions", "more", **changed)
    names, validation = (["train"], "more") if as_validation else (["train", "more"], None)
    line = r"more/part-00000 \('\w+', revision two\) and [^\n]*train/part-00000 \('\w+', revision one\) were not made"
    with pytest.raises(StoreError, match=line):
        load_pairs(layout, "eye", "word", names, "regions", validation=validation)
    assert len(load_pairs(layout, "eye", "word", ["train"], "regions", validation="train").images) == 8


def test_a_store_of_another_revision_than_the_projector_is_refused(layout):
    write_dataset(layout, "pooled")
    store = open_store(layout, "eye", "train")
    recorded = json.loads(json.dumps(VISION))
    require_encoder(store, recorded)
    with pytest.raises(StoreError, match=r"revision one\) and the projector \('eye', revision zero\)"):
        require_encoder(store, recorded | {"revision": "zero"})


def test_an_encoder_without_a_cls_token_has_local_tokens_only(layout):
    images, _ = write_dataset(layout, "tokens", vision=VISION | {"has_cls": False})
    features = image_features(open_store(layout, "eye", "train", "tokens"))
    assert features.cls is None
    assert np.array_equal(features.local.pad(np.array([7]))[0][0], images[7])


def test_the_costs_of_every_view_are_those_of_the_arrays(layout):
    written = {mode: write_dataset(layout, mode) for mode in VIEWS}
    for folder in layout.root.rglob("metadata"):
        for path in folder.iterdir():
            path.unlink()
    costs = view_costs(layout, "eye", "word", "train", [*VIEWS, "images", "pooled"])
    assert costs.columns.to_list() == COST_COLUMNS
    costs = costs.set_index("mode")
    assert costs.index.to_list() == [*VIEWS, "images"]
    for mode, (images, texts) in written.items():
        vectors = sum(map(len, images)) / len(images)
        width = images[0].shape[1]
        a_vector = width + 4 if mode == "tokens-int8" else 2 * width
        assert costs["image_vectors"][mode] == vectors
        assert costs["image_bytes"][mode] == pytest.approx(vectors * a_vector)
        a_vector = TEXT_WIDTH + 4 if mode == "tokens-int8" else 2 * TEXT_WIDTH
        assert costs["caption_bytes"][mode] == pytest.approx(sum(map(len, texts)) / len(texts) * a_vector)
        assert costs["image_flops"][mode] == 300 * PARTS / (PARTS * IMAGES)
    assert costs["image_bytes"]["images"] == 0
    same = ["caption_bytes", "image_vectors", "image_flops"]
    assert costs.loc["images", same].to_list() == costs.loc["tokens", same].to_list()


def test_images_that_are_encoded_in_training_cost_what_another_set_tells(layout):
    write_dataset(layout, "tokens", "more")
    for part in range(PARTS):
        ids = [f"train-{part}-{number}" for number in range(IMAGES)]
        write_part(layout, "tokens", "text", "train", part, caption_rows(ids, part), TEXT, ids)
    assert view_costs(layout, "eye", "word", "train", ["images"])["image_flops"].to_list() == [60]
    with pytest.raises(StoreError, match=r"manifest.json: missing"):
        view_costs(layout, "eye", "word", "train", ["tokens"])
    with pytest.raises(StoreError, match="no data set has tokens of encoder 'nose'; embed one with --view tokens"):
        view_costs(layout, "nose", "word", "train", ["images"])


def test_the_projector_takes_poolings_and_the_published_start_of_the_sigmoid_loss(capsys):
    params = ProjectorParams(embed_dim=8, vision_pooling="max", text_pooling="cls", temperature=0.05)
    images, texts = ImageFeatures(cls=np.zeros((2, WIDTH))), np.zeros((2, TEXT_WIDTH))
    plain = projector_config(params, images, texts, LossParams())
    assert plain == projector_config(params, images, texts)
    assert (plain.vision_pooling, plain.text_pooling) == ("max", "cls")
    assert (plain.vision_dim, plain.text_dim, plain.vision_local) == (WIDTH, TEXT_WIDTH, "none")
    assert (plain.temperature, plain.logit_bias) == (0.05, None)
    assert "vision_local: this vision encoder gives no such features" in capsys.readouterr().err
    sigmoid = projector_config(params, images, texts, LossParams(kind="siglip"))
    assert (sigmoid.temperature, sigmoid.logit_bias) == (0.1, -10.0)
    assert "temperature starts at 0.1 and the bias at -10, as published" in capsys.readouterr().err
