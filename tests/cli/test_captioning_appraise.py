"""`ligature appraise`: what is measured of a trained model agrees with the captions that it makes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from captioning_study import contents, make_layout, measured_study, study_values
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.captioning import (
    ConnectorConfig,
    GenerationSettings,
    ViewFeatures,
    VisionLanguageModel,
    caption_images,
    generate_captions,
)
from ligature.captioning.connectors import make_connector
from ligature.captioning.diagnostics import add_noise, cosine_distance, effective_vocabulary
from ligature.captioning.language import embedding_table
from ligature.cli.captioning import noise
from ligature.cli.captioning.appraise import appraise
from ligature.cli.captioning.data import load_sets
from ligature.cli.captioning.examples import draw_examples
from ligature.cli.captioning.generating import Captioner
from ligature.cli.captioning.images import load_images
from ligature.cli.captioning.noise import blind_caption, visual_tokens
from ligature.cli.captioning.scores import CONTROLS, partners, protocol
from ligature.cli.captioning.speed import peak_memory
from ligature.cli.captioning.tokens import mixed_rows, token_text, visual_grid
from ligature.cli.captions import hash_image
from ligature.data.images import read_image
from ligature.errors import DataError, ParamsError
from ligature.evaluation import RESULT_COLUMNS
from ligature.evaluation.captions import caption_scores, per_image_cider
from ligature.params.captioning import GenerationParams
from ligature.reporting.captioning.controls import CONTROLS as PAGE_CONTROLS
from ligature.reporting.captioning.controls import runs_of

FILES = {"results.csv", "captions.jsonl", "words.csv", "speed.json"}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return measured_study(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def model(study) -> VisionLanguageModel:
    return VisionLanguageModel.from_pretrained(study[0].captioned("align", 8, 3) / "model")


def results_of(study, run: str = "align") -> pd.DataFrame:
    return pd.read_csv(study[0].captioned(run, 8, 3) / "results.csv")


def captions_of(study, run: str = "align", dataset: str = "told") -> list[dict]:
    lines = (study[0].captioned(run, 8, 3) / "captions.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["dataset"] == dataset]


def value(rows: pd.DataFrame, **conditions) -> float:
    for key, wanted in conditions.items():
        rows = rows[rows[key] == wanted]
    assert len(rows) == 1, conditions
    return rows["value"].iloc[0]


def test_every_data_set_number_of_examples_and_level_has_its_rows(study):
    rows = results_of(study)
    assert tuple(rows.columns) == RESULT_COLUMNS
    own = rows[rows["model"] == "align"]
    metrics = {"cider", "bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "ended", "words", "distinct"}
    for dataset, split, n in (("told", "test", 8), ("more", "val", 6)):
        for variant in ("pairs=8", "pairs=8;shots=1"):
            of_one = own[(own["task"] == "captioning") & (own["dataset"] == dataset) & (own["variant"] == variant)]
            assert set(of_one["metric"]) == metrics
            assert set(of_one["n"]) == {n}
            assert set(of_one["split"]) == {split}
    noise = own[own["task"] == "captioning noise"]
    assert set(noise["variant"]) == {"pairs=8;noise=0.0", "pairs=8;noise=2.0"}
    assert set(noise["metric"]) == {"cider", "cosine_distance", "cosine_distance_centred"}
    assert (set(noise["dataset"]), set(noise["n"])) == ({"told"}, {5})
    assert set(own[own["task"] == "visual tokens"]["metric"]) == {
        "effective_vocabulary",
        "entropy_share",
        "token_spread",
    }
    tokens = results_of(study, "mlp").query("task == 'visual tokens'")
    assert tokens["metric"].tolist() == ["token_spread"]


def test_captions_are_those_of_the_saved_model_with_all_references(study, model):
    found = captions_of(study)
    images = [read_image(row["path"])[0] for row in found]
    expected = caption_images(model, images, GenerationSettings(max_new_tokens=6), batch_size=4)
    assert [row["caption"] for row in found] == [each.text for each in expected]
    assert len({row["caption"] for row in found}) > 1
    assert [row["id"] for row in found] == [str(number) for number in range(8)]
    assert found[1]["references"] == ["a green picture", "number 1 is very green"]


def test_scores_are_those_of_the_captions_and_chance_those_of_other_images(study):
    rows, found = results_of(study), captions_of(study)
    texts, references = [row["caption"] for row in found], [row["references"] for row in found]
    for metric, score in caption_scores(texts, references).items():
        plain = {"task": "captioning", "dataset": "told", "variant": "pairs=8", "metric": metric}
        assert value(rows, model="align", **plain) == pytest.approx(score)
        shuffled = [texts[row] for row in partners(8, 3)]
        assert value(rows, model="shuffled", **plain) == pytest.approx(caption_scores(shuffled, references)[metric])
    ciders = per_image_cider(texts, references)
    np.testing.assert_allclose([row["cider"] for row in found], ciders, atol=1e-6)
    plain = {"task": "captioning", "dataset": "told", "variant": "pairs=8", "model": "align"}
    assert value(rows, metric="distinct", **plain) == len(set(texts)) / 8
    assert value(rows, metric="words", **plain) == np.mean([len(text.split()) for text in texts])
    assert 0 <= value(rows, metric="ended", **plain) <= 1


def test_the_blind_caption_is_that_of_the_mean_of_all_images_and_stands_for_each(study, model):
    rows, found = results_of(study), captions_of(study)
    images = load_images(study[0], "told", max_failed=0.0)
    settings = GenerationSettings(max_new_tokens=6)
    with torch.no_grad():
        inputs = torch.stack([model.vision.preprocess(read_image(path)[0]) for path in images.paths])
        mean = model.vision(inputs).mean(dim=0, keepdim=True)
        (expected,) = generate_captions(model, [mean], [(0, 0)], settings)
    captioner = Captioner(model, settings, 4)
    assert blind_caption(captioner, ViewFeatures(model, images.paths)) == expected
    references = [row["references"] for row in found]
    blind = rows[(rows["model"] == "blind") & (rows["dataset"] == "told")]
    scores = caption_scores([expected.text] * len(found), references)
    assert blind.set_index("metric")["value"].to_dict() == pytest.approx(scores)
    assert (set(blind["variant"]), set(blind["n"]), set(blind["task"])) == ({"pairs=8"}, {8}, {"captioning"})
    assert set(rows.loc[rows["model"] == "blind", "dataset"]) == {"told", "more"}


@pytest.mark.parametrize("block", [1, 2, 256])
def test_the_mean_is_over_views_whatever_their_number(model, monkeypatch, block):
    monkeypatch.setattr(noise, "BLOCK", block)
    seen, got = [torch.randn(views, 16, model.vision.width) for views in (1, 5, 3)], []

    class Images:
        def __len__(self):
            return len(seen)

        def load(self, rows):
            return [(seen[row], (0, 0)) for row in rows]

    monkeypatch.setattr(
        noise, "generate_captions", lambda _, features, shapes, *__, **___: got.append((features, shapes)) or [0]
    )
    blind_caption(Captioner(model, GenerationSettings(), 4), Images())
    ((features, shapes),) = got
    assert shapes == [(0, 0)]
    torch.testing.assert_close(features[0], torch.cat(seen).mean(dim=0, keepdim=True))


def test_controls_name_their_run_as_the_page_reads_it(study):
    for run in ("align", "mlp"):
        rows = results_of(study, run)
        controls = rows[rows["model"].isin(CONTROLS)]
        assert set(controls["model"]) == set(CONTROLS) == set(PAGE_CONTROLS)
        assert set(runs_of(controls)) == {run}
        assert set(controls.loc[controls["model"] == "shuffled", "protocol"]) == {
            f"captions of {run}, references of other images, plain words"
        }


def test_noise_and_diagnostics_follow_from_the_features(study, model):
    layout, rows = study[0], results_of(study)
    images = load_images(layout, "told", max_failed=0.0).first(5)
    with torch.no_grad():
        inputs = torch.stack([model.vision.preprocess(read_image(path)[0]) for path in images.paths])
        features = model.vision(inputs)
        clean, noisy = (model.visual_tokens(each) for each in (features, add_noise(features, 2.0, 3)))
        entropy = model.connector.entropy(features)
    for metric, centred in (("cosine_distance", False), ("cosine_distance_centred", True)):
        distance = cosine_distance(clean, noisy, centred=centred)
        assert value(rows, variant="pairs=8;noise=2.0", metric=metric) == pytest.approx(distance, rel=1e-3)
        assert value(rows, variant="pairs=8;noise=0.0", metric=metric) == 0
    vocabulary = value(rows, task="visual tokens", metric="effective_vocabulary")
    assert vocabulary == pytest.approx(effective_vocabulary(entropy), rel=1e-4)
    share = value(rows, task="visual tokens", metric="entropy_share")
    assert share == pytest.approx(vocabulary / len(embedding_table(model.language)))
    first = captions_of(study)[:5]
    clean_score = caption_scores([row["caption"] for row in first], [row["references"] for row in first], ["cider"])
    assert value(rows, variant="pairs=8;noise=0.0", metric="cider") == pytest.approx(clean_score["cider"])
    captioner = Captioner(model, GenerationSettings(), 4)
    torch.testing.assert_close(visual_tokens(captioner, features), clean, rtol=1e-4, atol=1e-6)


def test_words_stand_on_the_grid_of_visual_tokens(study, model):
    for run, side in (("align", 2), ("mlp", 4)):
        words = pd.read_csv(study[0].captioned(run, 8, 3) / "words.csv", keep_default_na=False, dtype={"image_id": str})
        assert words["image_id"].unique().tolist() == ["0", "1", "2"]
        assert len(words) == 3 * side * side
        assert set(words["rows"]) == set(words["columns"]) == {side}
        places = list(words[words["image_id"] == "1"][["row", "column"]].itertuples(index=False, name=None))
        assert places == [(row, column) for row in range(side) for column in range(side)]
        assert words["weight"].abs().max() <= 1
        assert (words["token"] != "").all()
    words = pd.read_csv(study[0].captioned("align", 8, 3) / "words.csv", keep_default_na=False)
    with torch.no_grad():
        features = model.vision(model.vision.preprocess(read_image(words["path"][0])[0])[None])
        ids, weights = model.connector.top_tokens(features, 1)
    assert words["token"][:4].tolist() == [token_text(model.tokenizer, token) for token in ids[0, :, 0].tolist()]
    np.testing.assert_allclose(words["weight"][:4], weights[0, :, 0], atol=1e-5)


def test_speed_is_measured(study):
    speed = json.loads((study[0].captioned("align", 8, 3) / "speed.json").read_text())
    assert set(speed) == {"images_per_second", "tokens_per_second", "step_seconds", "peak_mib"}
    assert all(figure > 0 for figure in speed.values())
    assert peak_memory(torch.device("cpu")) > 50


def test_all_but_the_speed_are_the_same_bytes_again(study):
    layout, where = study
    before = contents(layout.captioned("align", 8, 3))
    appraise("align", "8", 3, batch=4, workers=2, **where)
    after = contents(layout.captioned("align", 8, 3))
    assert set(after) == set(before)
    assert {name for name in after if after[name] != before[name]} <= {"speed.json"}
    assert set(before) >= FILES


def test_examples_are_other_images_by_id_and_by_file(study):
    layout, _ = study
    data = load_sets(layout, ["photos"], hashed=False)
    ids = [*data.image_ids[:4], "stranger"]
    contents_of = [hash_image(path) for path in data.paths[:4]] + [hash_image(data.paths[7])]
    drawn = draw_examples(data, ids, contents_of, 3, 0)
    for number, examples in enumerate(drawn):
        own = 7 if number == 4 else number
        assert own not in [image for image, _ in examples]
        assert len({image for image, _ in examples}) == 3
        assert all(data.image_of_text[text] == image for image, text in examples)
    assert drawn == draw_examples(data, ids, contents_of, 3, 0)
    assert drawn != draw_examples(data, ids, contents_of, 3, 1)
    fewer = draw_examples(data, ids, contents_of, 2, 0)
    assert fewer == [examples[:2] for examples in drawn]


def test_too_few_examples_are_named(study):
    data = load_sets(study[0], ["photos"], hashed=False)
    with pytest.raises(DataError, match="image '0': 11 other training images for 12 examples; lower shots"):
        draw_examples(data, ["0"], ["none"], 12, 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(0, 5))
def test_partners_are_other_rows_each_once(count, seed):
    found = partners(count, seed)
    assert sorted(found.tolist()) == list(range(count))
    assert (found != np.arange(count)).all()


@pytest.mark.parametrize(
    ("kind", "changes", "grid"),
    [
        ("align", {"factor": 2}, (2, 2)),
        ("mlp", {}, (4, 4)),
        ("h-reducer", {"reduction": 4}, (4, 1)),
        ("perceiver", {"queries": 3, "heads": 2}, None),
        ("linear", {"grid": None}, None),
        ("linear", {"grid": None, "tokens": 1}, (1, 1)),
    ],
)
def test_visual_tokens_have_places_where_the_connector_keeps_them(kind, changes, grid):
    sizes = {"vision_width": 6, "language_width": 8, "vocabulary": 50, "tokens": 16, "grid": (4, 4)} | changes
    assert visual_grid(ConnectorConfig(kind=kind, **sizes)) == grid


@pytest.mark.parametrize(
    ("kind", "changes", "rows"),
    [("align", {}, 50), ("align", {"pruned": 20}, 20), ("visual-table", {}, 50), ("visual-table", {"table": 9}, 9)],
)
def test_the_share_is_of_the_rows_that_are_mixed(kind, changes, rows):
    config = ConnectorConfig(kind=kind, vision_width=6, language_width=8, vocabulary=50, tokens=4, **changes)
    kept = torch.arange(20) if "pruned" in changes else None
    connector = make_connector(config, embeddings=torch.randn(50, 8), head=torch.zeros(50, 8), kept=kept)
    assert mixed_rows(config) == rows
    assert connector.entropy(torch.zeros(1, 4, 6)).exp().max().item() == pytest.approx(rows, rel=1e-3)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "greedy, at most 64 tokens, plain words"),
        ({"method": "beam", "beams": 3}, "beam search of 3, at most 64 tokens, plain words"),
        (
            {"method": "sample", "top_p": 0.9},
            "draws at temperature 1, top-p 0.9, seed 0, at most 64 tokens, plain words",
        ),
    ],
)
def test_the_protocol_says_how_captions_are_made(params, words):
    assert protocol(GenerationParams(**params), "plain") == words


def elsewhere(study, folder: Path, **changes):
    """The measured study with its trainings and another block."""
    layout, _ = study
    other, where = make_layout(folder, study_values(layout.results.parent, **changes))
    other.root.mkdir(parents=True)
    for name in ("encoders", "captioning"):
        (other.root / name).symlink_to((layout.root / name).resolve())
    return other, where


def test_unreadable_images_are_counted_up_to_a_share(study, tmp_path, capsys):
    layout, _ = study
    path = Path(load_sets(layout, ["told"], hashed=False).paths[3])
    original = path.read_bytes()
    path.write_bytes(original[: len(original) // 2])
    try:
        with pytest.raises(
            DataError, match=r"'told': 1 of 8 .*told3\.png \(broken image.*raise captioning\.max_failed"
        ):
            load_images(layout, "told", max_failed=0.1)
        kept = load_images(layout, "told", max_failed=0.2)
        assert kept.ids == ["0", "1", "2", "4", "5", "6", "7"]
        assert kept.references[3] == ["a green picture", "number 4 is very green"]
        assert "1 of 8 images cannot be read" in capsys.readouterr().err
        _, where = elsewhere(study, tmp_path)
        with pytest.raises(DataError, match="max_failed") as raised:
            appraise("align", "8", 3, **where)
        assert "\n" not in str(raised.value)
    finally:
        path.write_bytes(original)


def test_a_missing_training_and_unknown_names_are_one_line(study):
    _, where = study
    with pytest.raises(DataError, match="missing; run `ligature connect align --pairs all --seed 5` first"):
        appraise("align", "all", 5, **where)
    with pytest.raises(ParamsError, match=r"^unknown run 'other'"):
        appraise("other", "8", 3, **where)


def test_tokens_that_say_nothing_are_named(model):
    tokenizer = model.tokenizer
    space = tokenizer.encode(" ", add_special_tokens=False)[0]
    assert token_text(tokenizer, space) == tokenizer.convert_ids_to_tokens(space)
    piece = tokenizer.encode("ü", add_special_tokens=False)[0]
    assert "\ufffd" not in token_text(tokenizer, piece)
    assert token_text(tokenizer, tokenizer.encode("a", add_special_tokens=False)[0]) == "a"
