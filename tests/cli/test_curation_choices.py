"""Choices of a study's curation other than the default ones: prompts, aligned encoders, fetched sources, retries."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from download_stub import Img2dataset
from fetch_server import Page, serving

from ligature.cli import assemble, data, download, pool, scoring
from ligature.cli.scoring import uids_of
from ligature.curation import Prototypes, TopK
from ligature.data.download import fetching
from ligature.data.pools import read_pool
from ligature.data.remote.resources import COLUMNS
from ligature.data.shards import read_report
from ligature.errors import DataError
from ligature.params import load_study
from ligature.store import EmbeddingStore, Layout


@pytest.fixture
def variant(curated, tmp_path):
    """Returns a function that changes the study's values and gives layout and arguments over a copy of its results."""
    layout, where = curated
    shutil.copytree(layout.results, tmp_path / "results")

    def make(change) -> tuple[Layout, dict]:
        values = yaml.safe_load(where["params"].read_text(encoding="utf-8"))
        change(values)
        file = tmp_path / "variant.yaml"
        file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        results = tmp_path / "results"
        return Layout(load_study(file), results), {"params": file, "results": results}

    return make


def test_prototypes_of_prompts_are_their_projected_means(variant):
    def change(values: dict) -> None:
        values["curate"]["prototypes"]["kind"] = "prompts"
        values["datasets"]["labels-train"]["templates"] = ["a {}.", "one {}."]

    layout, where = variant(change)
    data.embed("bag-of-words", "labels-train", 0, "pooled", **where)
    scoring.prototypes(**where)
    built = Prototypes.load(layout.curation)
    assert built.shots.tolist() == [2] * 96
    assert built.provenance["kind"] == "prompts"


def test_encoders_that_are_aligned_as_they_come_score_without_a_projector(variant):
    def change(values: dict) -> None:
        values["encoders"]["text"][0]["dims"] = 192
        values["curate"]["scorer"] = {"vision": "pixels", "text": "bag-of-words"}

    layout, where = variant(change)
    shutil.rmtree(layout.train)
    data.embed("bag-of-words", "captions-test", 0, "pooled", **where)
    data.embed("bag-of-words", "laion", 0, "pooled", **where)
    scoring.prototypes(**where)
    scoring.score("laion", 0, **where)
    state, _ = TopK.load(layout.top_k(0, 0))
    store = EmbeddingStore.open(layout.embeddings("pooled", "bag-of-words", "laion", 0))
    vectors = np.asarray(store.vectors(), np.float64)
    scores = vectors @ Prototypes.load(layout.curation).vectors[7] / np.linalg.norm(vectors, axis=1)
    kept = ~np.isin(uids_of(store.metadata()["id"]), np.load(layout.top_k(0, 0).with_suffix(".dropped.npy")))
    np.testing.assert_allclose(state.scores[7], np.sort(scores[kept])[::-1][: state.k], atol=1e-5)


def test_aligned_encoders_of_different_widths_are_refused(variant):
    layout, where = variant(lambda values: values["curate"].update(scorer={"vision": "pixels", "text": "bag-of-words"}))
    scoring.prototypes(**where)
    with pytest.raises(DataError, match="embed rows and prototypes in one space"):
        scoring.score("laion", 0, **where)
    assert layout.study.curate.scorer is not None


def test_a_source_is_fetched_by_its_row_in_the_table_and_read(variant, tmp_path):
    layout, where = variant(lambda values: values["sources"].update(cc3m={"format": "cc12m", "resource": "tiny@1"}))
    with serving() as web:
        web.pages["/tiny.tsv"] = Page(b"http://a.example/1.jpg\ta red star on white\n")
        row = dict.fromkeys(COLUMNS, "") | {"name": "tiny", "version": "1", "format": "cc12m", "parts": "1"}
        row |= {"address": f"{web.root}/tiny.tsv", "licence": "CC0", "gated": "no", "home": "https://example.org"}
        table = tmp_path / "sources.csv"
        table.write_text(f"{','.join(COLUMNS)}\n{','.join(row[column] for column in COLUMNS)}\n", encoding="utf-8")
        pool.fetch("cc3m", 0, table, **where)
    pool.pool("cc3m", 0, **where)
    assert read_pool(layout.pool("cc3m", 0))["caption"].to_list() == ["a red star on white"]


def test_a_part_of_which_nothing_is_wanted_says_why(variant):
    layout, where = variant(lambda values: values["curate"]["filters"].update(min_words=1000))
    before = layout.pool("cc3m", 0).read_bytes()
    with pytest.raises(DataError, match=r"cc3m.tsv: no row of part 0 is wanted, most for 'few words'; change curate"):
        pool.pool("cc3m", 0, **where)
    assert layout.pool("cc3m", 0).read_bytes() == before


def test_what_failed_is_tried_again_and_nothing_is_lost(variant, monkeypatch):
    layout, where = variant(lambda values: None)
    monkeypatch.setattr(fetching, "_run", lambda *call: Img2dataset(call[3])(*call))
    folders = [folder for name in layout.sets for folder in layout.download_chunks(name)]
    before = [read_report(folder) for folder in folders]
    download.retry_failed(**where)
    after = [read_report(folder) for folder in folders]
    assert [report["rows"] for report in after] == [report["rows"] for report in before]
    assert all(new["success"] >= old["success"] for new, old in zip(after, before, strict=True))


def test_the_random_subset_is_cut_to_the_size_of_the_selection_and_the_cut_is_counted():
    rows = pd.DataFrame({"uid": np.arange(9, dtype=np.uint64), "caption": "a", "url": "b"})
    kept = {"collected": rows.head(5), "random": rows}
    (funnel,) = assemble._trim_random(kept, seed=0)
    assert (len(kept["random"]), funnel.dropped, funnel.rows_in) == (5, {"more than the selection": 4}, 9)
    assert assemble._trim_random({"collected": rows}, seed=0) == []


def test_prototypes_of_two_data_sets_are_those_of_each(variant):
    layout, where = variant(lambda values: None)
    scoring.prototypes(**where)
    one = Prototypes.load(layout.curation)
    first, second = layout.study.datasets["labels-train"], layout.study.datasets["labels-val"]

    def change(values: dict) -> None:
        values["curate"]["prototypes"] |= {"dataset": ["labels-train", "labels-val"], "shots": 1}

    layout, where = variant(change)
    scoring.prototypes(**where)
    both = Prototypes.load(layout.curation)
    assert first != second
    assert len(both) == 2 * len(one)
    assert both.names[: len(one)] == one.names
    assert both.names[len(one)] == f"{one.names[0]} (2)"
    assert both.shots.tolist() == [1] * len(both)
    assert not np.array_equal(both.vectors[: len(one)], both.vectors[len(one) :])
