import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from ligature.cli import evaluate, pairs, report, train
from ligature.cli.features import image_features, load_captioned, load_pairs, open_store, projector_config
from ligature.errors import DataError, StoreError
from ligature.evaluation import RESULT_COLUMNS, retrieval_recall
from ligature.params.pairs import PairChoice
from ligature.projection import load_projector, project_images, project_texts
from ligature.similarity import linear_cka
from ligature.store import require_same_images


def test_results_are_rows_of_the_one_schema_and_above_chance(finished):
    layout, _ = finished
    table = pd.read_csv(layout.evaluation / "results.csv")
    assert tuple(table.columns) == RESULT_COLUMNS
    assert set(table["task"]) == {
        *("retrieval", "multilingual retrieval", "long text retrieval"),
        *("classification", "multilingual classification", "gap"),
    }
    main = table[(table["metric"] == "t2i_recall@10") & (table["task"] == "retrieval")]
    by_model = main.set_index("model")["value"]
    assert by_model["pixels + bag-of-words"] > 1.2 * by_model["chance"]
    assert table.loc[table["task"] != "gap", "value"].ge(0).all()


def test_metrics_json_repeats_the_measured_rows_only(finished):
    layout, _ = finished
    table = pd.read_csv(layout.evaluation / "results.csv", float_precision="round_trip", keep_default_na=False)
    metrics = json.loads((layout.evaluation / "metrics.json").read_text())
    own = table[table["model"] != "chance"]
    assert len(metrics) == len(own)
    main = own[(own["variant"] == "") & own["task"].isin(["classification", "retrieval"])]
    assert {f"{row.dataset}/{row.metric}": row.value for row in main.itertuples()}.items() <= metrics.items()
    german = own[(own["task"] == "multilingual retrieval") & (own["variant"] == "de")]
    for row in german.itertuples():
        assert metrics[f"captions-test/multilingual-retrieval/de/{row.metric}"] == row.value


def test_every_language_and_length_is_measured_on_its_own_texts(finished):
    layout, _ = finished
    table = pd.read_csv(layout.evaluation / "results.csv", dtype={"variant": str}).fillna({"variant": ""})
    variants = table.groupby("task")["variant"].unique().map(set).to_dict()
    assert variants == {
        "classification": {"", "single"},
        "multilingual classification": {"en", "de"},
        "retrieval": {""},
        "multilingual retrieval": {"en", "de", "ja"},
        "long text retrieval": {"8", "32", "all"},
        "gap": {""},
    }
    english = table[(table["variant"] == "en") & (table["metric"] == "top1")]
    main = table[(table["task"] == "classification") & (table["variant"] == "") & (table["metric"] == "top1")]
    assert english["value"].to_list() == main["value"].to_list()
    asked = table[(table["metric"] == "t2i_recall@1") & (table["model"] != "chance")].set_index("variant")["n"]
    assert asked.to_dict() == {"": 200, **dict.fromkeys(("en", "de", "ja", "8", "32", "all"), 40)}


def test_reported_recall_is_what_the_saved_projector_gives(finished):
    layout, _ = finished
    data = load_captioned(layout, "pixels", "bag-of-words", "captions-test")
    projector = load_projector(layout.train)
    recall = retrieval_recall(
        project_images(projector, data.images), project_texts(projector, data.texts), data.image_of_text
    )
    metrics = json.loads((layout.evaluation / "metrics.json").read_text())
    assert metrics["captions-test/i2t_recall@5"] == pytest.approx(recall["i2t_recall@5"])


def test_pairs_table_holds_the_cka_of_the_stored_features(finished):
    layout, _ = finished
    row = pd.read_csv(layout.pairs / "pairs.csv").iloc[0]
    vision, text = pairs.aligned_vectors(layout, "captions-val")
    assert row["n"] == len(vision["pixels"]) == 60
    assert row["cka_biased"] == pytest.approx(linear_cka(vision["pixels"], text["bag-of-words"]), abs=1e-6)
    expected = linear_cka(vision["pixels"], text["bag-of-words"], debiased=True)
    assert row["cka_debiased"] == pytest.approx(expected, abs=1e-6)
    assert row["probe_mean_recall"] > 0


def test_chosen_pair_is_read_by_later_stages(finished):
    layout, _ = finished
    assert pairs.chosen_pair(layout) == ("pixels", "bag-of-words")
    facts = json.loads((layout.train / "projector.json").read_text())
    assert facts["provenance"]["encoders"]["vision"]["name"] == "pixels"


def test_caption_means_against_a_loop():
    rng = np.random.default_rng(0)
    vectors, owners = rng.normal(size=(7, 3)).astype(np.float16), np.array([0, 2, 2, 0, 3, 3, 3])
    means = pairs.caption_means(vectors, owners, 5)
    for image in (0, 2, 3):
        np.testing.assert_allclose(means[image], vectors[owners == image].astype(float).mean(axis=0), rtol=1e-6)
    assert np.isnan(means[[1, 4]]).all()


def test_choose_pair_takes_the_mean_over_data_sets_and_honours_a_fixed_choice(finished):
    layout, _ = finished
    table = pd.DataFrame(
        {
            "vision": ["a", "a", "b", "b"],
            "text": ["t"] * 4,
            "dataset": ["x", "y"] * 2,
            "cka_debiased": [0.9, 0.1, 0.6, 0.6],
        }
    )
    assert pairs.choose_pair(layout, table)["vision"] == "b"
    fixed = layout.study.pairs.model_copy(update={"choose": PairChoice(vision="a", text="t")})
    other = type(layout)(layout.study.model_copy(update={"pairs": fixed}), layout.results)
    assert pairs.choose_pair(other, table) | {"value": 0} == {
        "vision": "a",
        "text": "t",
        "rank_by": "cka_debiased",
        "value": 0,
        "chosen_by": "params",
    }


def test_select_names_the_missing_probe(finished, tmp_path):
    layout, file = finished
    probe = layout.probe("pixels", "bag-of-words")
    hidden = probe.rename(tmp_path / "probe.json")
    try:
        with pytest.raises(DataError, match="run `ligature probe pixels bag-of-words`"):
            pairs.select(file, layout.results)
    finally:
        hidden.rename(probe)


def test_training_again_gives_the_same_bytes(finished):
    layout, file = finished
    names = ("projector.safetensors", "history.csv", "projector.json")
    before = [hashlib.sha256((layout.train / name).read_bytes()).hexdigest() for name in names]
    train.train(file, layout.results)
    assert before == [hashlib.sha256((layout.train / name).read_bytes()).hexdigest() for name in names]


def test_missing_vision_branch_is_left_out_and_said(finished, capsys):
    layout, _ = finished
    data = load_pairs(layout, "pixels", "bag-of-words", ["captions-train"])
    config = projector_config(layout.study.train.projector, data.images, data.texts)
    assert (config.vision_local, config.vision_cls) == ("none", "token")
    assert "vision_local" in capsys.readouterr().err


def test_parts_and_data_sets_are_concatenated_in_order(finished):
    layout, _ = finished
    store = open_store(layout, "pixels", "captions-train")
    assert len(store.folders) == 2
    assert store.rows == 240
    both = load_pairs(layout, "pixels", "bag-of-words", ["captions-val", "captions-train"])
    assert len(both.images) == 300
    np.testing.assert_array_equal(both.images.cls[60:], image_features(store).cls)
    assert both.image_of_text.max() == 299


def test_samples_point_at_pictures_and_mark_right_hits(finished):
    layout, _ = finished
    samples = json.loads((layout.evaluation / "samples.json").read_text())
    assert {sample["direction"] for sample in samples} == {"i2t", "t2i"}
    data = load_captioned(layout, "pixels", "bag-of-words", "captions-test")
    captions = dict(zip(data.captions, data.image_of_text, strict=True))
    for sample in samples:
        assert len(sample["hits"]) == 5
        scores = [hit["score"] for hit in sample["hits"]]
        assert scores == sorted(scores, reverse=True)
    asked = next(sample for sample in samples if sample["direction"] == "t2i")
    right = data.image_ids[captions[asked["query"]["text"]]]
    for hit in asked["hits"]:
        assert hit["correct"] == (hit["image"].endswith(f"{int(right):012d}.jpg"))


def test_map_holds_every_point_before_and_after(finished):
    layout, _ = finished
    table = pd.read_csv(layout.evaluation / "features_2d.csv")
    counts = table.groupby(["stage", "modality"]).size()
    assert (counts == 40).all()
    assert len(counts) == 4


def test_show_prints_the_table_and_the_page(finished, capsys):
    layout, file = finished
    report.show(file, layout.results)
    printed = capsys.readouterr().out
    assert "i2t_recall@1" in printed
    assert str(layout.report / "index.html") in printed


def test_store_facts_has_one_row_a_store(finished):
    layout, _ = finished
    facts = list(report.store_facts(layout))
    assert len(facts) == 10
    assert {fact["modality"] for fact in facts} == {"image", "text"}


def test_flat_metrics_keeps_only_one_model():
    rows = pd.DataFrame(
        {
            "task": ["classification", "classification", "multilingual classification"],
            "dataset": "d",
            "metric": "top1",
            "model": ["m", "chance", "m"],
            "value": [0.5, 0.1, 0.3],
            "variant": ["", "", "de"],
        }
    )
    assert evaluate.flat_metrics(rows, "m") == {"d/top1": 0.5, "d/multilingual-classification/de/top1": 0.3}


def test_encoders_of_other_images_are_not_compared(finished):
    layout, _ = finished
    one, other = (open_store(layout, "pixels", name) for name in ("captions-val", "captions-test"))
    require_same_images(one, one)
    with pytest.raises(StoreError, match=r"captions-val.*captions-test.*id hashes differ"):
        require_same_images(one, other)


def test_an_evaluation_without_retrieval_leaves_no_map_behind(finished, tmp_path):
    layout, file = finished
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    values["evaluate"]["retrieval"] = []
    changed = tmp_path / "params.yaml"
    changed.write_text(yaml.safe_dump(values), encoding="utf-8")
    shutil.copytree(layout.root, tmp_path / "results" / layout.root.name)
    evaluation = tmp_path / "results" / layout.root.name / "evaluation"
    assert (evaluation / "features_2d.csv").exists()
    evaluate.evaluate(changed, tmp_path / "results")
    assert not (evaluation / "features_2d.csv").exists()
    assert set(pd.read_csv(evaluation / "results.csv")["task"]) == {"classification", "multilingual classification"}
