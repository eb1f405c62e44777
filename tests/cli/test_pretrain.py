"""Pre-training by command: a small study from images to a whole folder, and every mistake in one line."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from tiny_study import NO_CURATION, light_values

from ligature.cli import data
from ligature.cli.captions import load_captions
from ligature.cli.pretraining.data import load_pairs_to_pretrain
from ligature.cli.pretraining.features import encode_images, encode_texts
from ligature.cli.pretraining.pretrain import (
    chosen_run,
    make_tokenizer,
    model_config,
    pretrain,
    pretrain_settings,
    validate_on,
)
from ligature.encoders.contrastive.folder import load_pair
from ligature.encoders.contrastive.tokenizer import train_tokenizer
from ligature.errors import DataError, ParamsError, StoreError
from ligature.evaluation import modality_gap, retrieval_recall
from ligature.params import parse_study
from ligature.params.pretraining import PretrainingRun
from ligature.pretraining import AlignmentSettings
from ligature.store import EmbeddingStore, Layout
from ligature.store.damage import read_sealed
from ligature.store.manifest import MANIFEST_NAME

VAL, TEST = "captions-val", "captions-test"
TOWERS = {"image_size": 32, "patch_size": 16, "width": 16, "layers": 1, "heads": 2, "embed_dim": 12}
BLOCK = {
    "datasets": [VAL],
    "validation": TEST,
    "semantics": "bag-of-words",
    "tokenizer": {"vocabulary": 300},
    "towers": TOWERS | {"context_length": 24},
    "epochs": 6,
    "batch_size": 20,
    "learning_rate": 0.01,
    "warmup_steps": 3,
    "gap_every_epochs": 3,
    "seeds": [0, 1],
    "retrieval": [TEST],
    "runs": {
        "clip": {},
        "shared": {"sharing": "all", "logit_scale": 50},
        "aligned": {"sharing": "all", "separation": "both", "logit_scale": "learned"},
    },
}
PANEL = {"alignment_score", "centroid_gap", "linear_separability", "relative_modality_gap", "mean_recall"}


def study_of(values: dict, folder: Path) -> tuple[Layout, dict]:
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    layout = Layout(parse_study(values, "test"), folder / "results")
    return layout, {"params": file, "results": layout.results}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Layout, dict]:
    """Sixty images to train on, whose captions are embedded, and forty with captions in several languages."""
    values = light_values() | NO_CURATION
    values["world"] |= {"coco": {"train": 4, "val": 60, "test": 40}, "web": None}
    values["pretraining"] = BLOCK
    layout, where = study_of(values, tmp_path_factory.mktemp("pretraining"))
    data.world(**where)
    data.embed("bag-of-words", VAL, 0, "pooled", **where)
    return layout, where


@pytest.fixture(scope="module")
def trained(study) -> Path:
    layout, where = study
    pretrain("aligned", 1, **where)
    return layout.pretrained("aligned", 1)


def elsewhere(study, folder: Path, **changes) -> tuple[Layout, dict]:
    """The same study with another block and its own results, but for the world and the stores."""
    layout, _ = study
    values = layout.study.model_dump(mode="json", exclude_unset=True)
    values["pretraining"] = BLOCK | changes
    other, where = study_of(values, folder)
    other.root.mkdir(parents=True)
    for name in ("world", "embeddings"):
        (other.root / name).symlink_to((layout.root / name).resolve())
    return other, where


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_loss_falls_and_the_folder_is_a_whole_pair(trained):
    history = pd.read_csv(trained / "history.csv")
    assert history["train_loss"].iloc[-3:].mean() < 0.8 * history["train_loss"].iloc[:3].mean()
    assert history["step"].tolist() == list(range(1, 19))
    measured = history.dropna()
    assert measured["epoch"].tolist() == [3, 6]
    assert {name.removeprefix("validation_") for name in history if name.startswith("validation_")} >= PANEL
    assert not (trained / "checkpoint").exists()
    pair, card = load_pair(trained / "model"), read_sealed(trained / "training.json")
    assert pair.model.config.shared == ("blocks", "norm", "projection")
    assert pair.tokenizer.context_length == 24
    assert (card["facts"]["images"], card["facts"]["steps"], card["settings"]["seed"]) == (60, 18, 1)
    assert card["provenance"]["run"] == "aligned"
    assert card["provenance"]["semantic_encoder"]["name"] == "bag-of-words"
    assert set(card["provenance"]["variant"]) == set(PretrainingRun.model_fields)


def test_validation_measures_the_saved_pair_as_the_formulas_say(study, trained):
    layout, _ = study
    pair, test = load_pair(trained / "model"), load_captions(layout, TEST)
    images, texts = encode_images(pair, test.images["path"]), encode_texts(pair, test.texts["text"], batch_size=7)
    first = [test.image_of_text.tolist().index(row) for row in range(40)]
    recalls = retrieval_recall(images, texts, test.image_of_text)
    mean = np.mean([recalls[f"{way}_recall@{k}"] for way in ("i2t", "t2i") for k in (1, 5, 10)])
    last = read_sealed(trained / "training.json")["facts"]
    expected = modality_gap(images, texts[first]) | {"mean_recall": mean}
    for name, value in expected.items():
        assert last[f"validation_{name}"] == pytest.approx(value, abs=1e-4), name
    assert validate_on(layout, TEST, pair.tokenizer)(pair.model).keys() == expected.keys()


def test_features_are_unit_rows_that_batches_do_not_change(study, trained):
    layout, _ = study
    pair, captions = load_pair(trained / "model"), load_captions(layout, TEST)
    paths, texts = captions.images["path"].to_list(), captions.texts["text"].to_list()
    whole = encode_images(pair, paths), encode_texts(pair, texts)
    parts = encode_images(pair, paths, batch_size=7), encode_texts(pair, texts, batch_size=9)
    for one, other in zip(whole, parts, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert [len(side) for side in whole] == [40, len(texts)]


def test_the_same_study_gives_the_same_bytes(study, trained, tmp_path):
    layout, where = elsewhere(study, tmp_path)
    pretrain("aligned", 1, **where)
    assert contents(layout.pretrained("aligned", 1)) == contents(trained)
    pretrain("aligned", 0, **where)
    weights = "model/model.safetensors"
    assert contents(layout.pretrained("aligned", 0))[weights] != contents(trained)[weights]


def test_runs_without_separation_need_no_semantic_vectors(study, tmp_path):
    layout, where = elsewhere(study, tmp_path, epochs=1, warmup_steps=0)
    (layout.root / "embeddings").unlink()
    pretrain("shared", 0, micro_batch=7, checkpoint_activations=True, precision="bfloat16", **where)
    pair = load_pair(layout.pretrained("shared", 0) / "model")
    assert 1 / pair.model.temperature == pytest.approx(50)
    with pytest.raises(StoreError, match=r"bag-of-words/captions-val/part-00000.*missing; the store is not complete"):
        pretrain("aligned", 0, **where)


def test_only_the_own_captions_of_a_data_set_are_read(study):
    layout, _ = study
    file = layout.world / "coco" / "annotations" / "captions_test.json"
    own = {" ".join(entry["caption"].split()) for entry in json.loads(file.read_text())["annotations"]}
    assert set(load_captions(layout, TEST).texts["text"]) == own


def test_pairs_are_joined_to_semantic_vectors_by_id(study):
    layout, _ = study
    block = layout.study.pretraining
    pairs = load_pairs_to_pretrain(layout, block.runs["aligned"])
    store = EmbeddingStore.open(layout.embedding_parts("pooled", "bag-of-words", VAL))
    texts = store.metadata()["text"].to_list()
    for row in (0, 7, len(pairs.captions) - 1):
        vector = store.vectors()[texts.index(pairs.captions[row])]
        np.testing.assert_array_equal(pairs.semantics[np.array([row])][0], vector)
    assert load_pairs_to_pretrain(layout, block.runs["clip"]).semantics is None
    assert len(pairs) == 60
    assert pairs.mixture is None


def test_several_sets_stand_one_after_the_other(study, tmp_path):
    layout, _ = elsewhere(study, tmp_path, datasets=[VAL, TEST])
    both = load_pairs_to_pretrain(layout, layout.study.pretraining.runs["clip"])
    assert len(both) == 100
    test = load_captions(layout, TEST)
    assert both.image_ids[60:] == test.images["id"].to_list()
    assert both.captions[-len(test.texts) :] == test.texts["text"].to_list()
    assert both.image_of_text[-len(test.texts) :].tolist() == (test.image_of_text + 60).tolist()


def test_the_hash_of_the_data_follows_bytes_and_captions(study, tmp_path):
    layout, _ = study
    clip = layout.study.pretraining.runs["clip"]
    known = load_pairs_to_pretrain(layout, clip).content_hash
    assert load_pairs_to_pretrain(layout, clip).content_hash == known
    path = Path(load_captions(layout, VAL).images["path"].iloc[3])
    before = path.read_bytes()
    path.write_bytes(before + b"more")
    try:
        assert load_pairs_to_pretrain(layout, clip).content_hash != known
    finally:
        path.write_bytes(before)


def test_stores_of_other_images_or_captions_are_refused(study):
    layout, _ = study
    run = layout.study.pretraining.runs["aligned"]
    manifest = layout.embedding_parts("pooled", "bag-of-words", VAL)[0] / MANIFEST_NAME
    captions = layout.world / "coco" / "annotations" / "captions_val.json"
    before = manifest.read_text(), captions.read_text()
    changed = json.loads(before[1])
    changed["annotations"][5]["caption"] = "something else"
    longer = json.loads(before[1])
    longer["annotations"].append(longer["annotations"][0] | {"id": 10**6})
    mistakes = [
        (manifest, json.loads(before[0]) | {"items_hash": "other"}, "the data set has other images now; embed the"),
        (captions, changed, "is another now; embed the texts of data set 'captions-val' with 'bag-of-words' again"),
        (captions, longer, "is missing; embed the texts of data set"),
    ]
    for path, content, words in mistakes:
        original = path.read_text()
        path.write_text(json.dumps(content))
        try:
            with pytest.raises(StoreError, match=words) as raised:
                load_pairs_to_pretrain(layout, run)
        finally:
            path.write_text(original)
        assert "\n" not in str(raised.value)


def test_an_image_that_is_gone_is_named(study, trained, tmp_path):
    layout, _ = study
    path = Path(load_captions(layout, VAL).images["path"].iloc[0])
    path.rename(tmp_path / "away")
    try:
        with pytest.raises(DataError, match=f"{path.name}: missing file; replace it or remove it"):
            load_pairs_to_pretrain(layout, layout.study.pretraining.runs["clip"])
    finally:
        (tmp_path / "away").rename(path)
    with pytest.raises(DataError, match="missing file"):
        encode_images(load_pair(trained / "model"), [str(tmp_path / "none.png")])


def test_unknown_runs_seeds_and_blocks_are_named(study, tmp_path):
    layout, where = study
    with pytest.raises(ParamsError, match=r"^unknown run 'other'; known: clip, shared, aligned$"):
        pretrain("other", 0, **where)
    with pytest.raises(ParamsError, match=r"^--seed 7: the study trains with seeds 0, 1$"):
        pretrain("clip", 7, **where)
    values = layout.study.model_dump(mode="json", exclude_unset=True) | {"pretraining": None}
    bare, _ = study_of(values, tmp_path)
    with pytest.raises(ParamsError, match="study 'tiny' has no pretraining block"):
        chosen_run(bare, "clip", 0)


def test_a_batch_without_a_negative_is_refused(study, tmp_path):
    values = study[0].study.model_dump(mode="json", exclude_unset=True)
    values["datasets"][VAL]["limit"] = 1
    layout, _ = study_of(values, tmp_path)
    layout.root.mkdir(parents=True)
    (layout.root / "world").symlink_to(study[0].world.resolve())
    with pytest.raises(DataError, match="at least 2 images, not 1"):
        load_pairs_to_pretrain(layout, layout.study.pretraining.runs["clip"])


def test_a_tokenizer_is_trained_on_each_caption_once_or_published(study, tmp_path):
    layout, _ = study
    pairs = load_pairs_to_pretrain(layout, layout.study.pretraining.runs["clip"])
    trained = make_tokenizer(layout, pairs)
    assert trained.hash == train_tokenizer(dict.fromkeys(pairs.captions), 300, 24).hash
    repeated = dataclasses.replace(
        pairs, captions=[*pairs.captions, *pairs.captions], image_of_text=np.tile(pairs.image_of_text, 2)
    )
    assert make_tokenizer(layout, repeated).hash == trained.hash
    trained.save(tmp_path / "published")
    other, _ = elsewhere(study, tmp_path, tokenizer={"source": str(tmp_path / "published")})
    assert make_tokenizer(other, pairs).hash == trained.hash


@pytest.mark.parametrize(
    ("scale", "expected"),
    [("clamped", (1 / 0.07, True, (1.0, 100.0))), ("learned", (1 / 0.07, True, None)), (50, (50, False, None))],
)
def test_the_config_follows_from_towers_run_and_tokenizer(study, scale, expected):
    towers, tokenizer = study[0].study.pretraining.towers, train_tokenizer(["a picture"], 260, 24)
    wide = towers.model_copy(update={"text_width": 24, "text_heads": 3})
    run = PretrainingRun(logit_scale=scale)
    config = model_config(wide, run, tokenizer)
    assert (config.logit_scale, config.learn_logit_scale, config.logit_scale_bounds) == expected
    assert (config.width, config.text_width, config.text_layers, config.text_heads) == (16, 24, 1, 3)
    assert (config.vocabulary_size, config.end_token) == (tokenizer.vocabulary_size, tokenizer.end_token)
    assert config.tokenizer_hash == tokenizer.hash
    assert model_config(towers, PretrainingRun(sharing="blocks-norm"), tokenizer).shared == ("blocks", "norm")


@pytest.mark.parametrize(
    ("run", "loss"),
    [
        ({}, AlignmentSettings()),
        ({"separation": "both"}, AlignmentSettings(separate=("image", "text"))),
        (
            {"separation": "image", "rescaling": "exponent", "objective": "halved", "alpha": 2.0, "beta": 0.25},
            AlignmentSettings(separate=("image",), rescaling="exponent", halved=True, alpha=2.0, beta=0.25),
        ),
    ],
)
def test_settings_follow_from_block_and_run(study, run, loss):
    block = study[0].study.pretraining.model_copy(update={"beta2": 0.97, "eps": 1e-5, "crop": [0.5, 1.0]})
    settings = pretrain_settings(block, PretrainingRun(**run), 4, checkpoint_every=9.0)
    assert settings.loss == loss
    assert (settings.seed, settings.epochs, settings.batch_size, settings.warmup_steps) == (4, 6, 20, 3)
    assert (settings.betas, settings.eps, settings.crop) == ((0.9, 0.97), 1e-5, (0.5, 1.0))
    assert (settings.validate_every_epochs, settings.checkpoint_every_seconds) == (3, 9.0)
    assert (settings.learning_rate, settings.min_learning_rate, settings.weight_decay) == (0.01, 0.0, 0.1)


def test_sets_of_a_mix_are_drawn_by_its_weights(curated):
    finished, _ = curated
    values = finished.study.model_dump(mode="json", exclude_unset=True)
    values["pretraining"] = {key: value for key, value in BLOCK.items() if key != "datasets"} | {"mix": "both"}
    layout = Layout(parse_study(values, "test"), finished.results)
    pairs = load_pairs_to_pretrain(layout, layout.study.pretraining.runs["aligned"])
    sizes = [len(load_captions(layout, name).images) for name in ("collected", "cc3m")]
    assert pairs.mixture.sizes == tuple(sizes)
    assert pairs.mixture.weights == (1.0, 1.0)
    assert pairs.semantics.shape == (sum(sizes), 128)
    images = encode_images(_untrained(pairs), pairs.paths[:3] + pairs.paths[-3:])
    assert np.isfinite(images).all()


def _untrained(pairs):
    from ligature.encoders.contrastive.folder import ContrastivePair
    from ligature.encoders.contrastive.model import ContrastiveModel
    from ligature.params.pretraining import TowersParams

    tokenizer = train_tokenizer(pairs.captions, 300, 24)
    with torch.random.fork_rng(devices=[]):
        model = ContrastiveModel(model_config(TowersParams(**TOWERS, context_length=24), PretrainingRun(), tokenizer))
    return ContrastivePair(model.eval(), tokenizer)


@pytest.mark.slow
def test_the_command_itself_says_a_mistake_in_one_line(study):
    _, where = study
    command = [sys.executable, "-m", "ligature.cli.main", "pretrain", "other", "--seed", "0"]
    done = subprocess.run(
        [*command, "--params", str(where["params"]), "--results", str(where["results"])], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "error: unknown run 'other'; known: clip, shared, aligned\n"
