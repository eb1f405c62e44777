"""The steps of curation on a tiny study, each checked against what it should have made of the step before."""

import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from ligature.cli import assemble, curate, data, download, pool, scoring
from ligature.cli.ablation import ablate
from ligature.cli.scorer import Scorer
from ligature.cli.scoring import uids_of
from ligature.curation import Prototypes, TopK
from ligature.data.parts import kept_rows, open_part, wanted_rows
from ligature.data.pools import read_pool
from ligature.data.shards import read_bytes, read_table
from ligature.errors import DataError, ParamsError
from ligature.store import EmbeddingStore, Layout


@pytest.fixture
def copied(curated, tmp_path):
    """A copy of the curated study that a test may change."""
    layout, where = curated
    shutil.copytree(layout.results, tmp_path / "results")
    return Layout(layout.study, tmp_path / "results"), {**where, "results": tmp_path / "results"}


def final_state(layout) -> TopK:
    return TopK.load(layout.top_k(len(layout.merge_levels) - 1, 0))[0]


def exact_scores(layout) -> tuple[np.ndarray, np.ndarray]:
    """Returns the uids of all scored captions and their cosines with every prototype, computed at once."""
    scorer = Scorer.of(layout)
    store = EmbeddingStore.open(layout.embedding_parts("pooled", scorer.text, "laion"))
    dropped = [np.load(layout.top_k(0, part).with_suffix(".dropped.npy")) for part in range(4)]
    uids = uids_of(store.metadata()["id"])
    keep = ~np.isin(uids, np.concatenate(dropped))
    texts = scorer.texts(np.asarray(store.vectors()[keep], np.float32)).astype(np.float64)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    return uids[keep], texts @ Prototypes.load(layout.curation).vectors.astype(np.float64).T


def test_slices_of_the_files_are_all_rows_of_the_pool_once(curated):
    layout, _ = curated
    parts = [read_pool(path) for path in layout.pool_parts("laion")]
    assert [int(part["part"].max()) for part in parts] == [0, 0, 1, 1]
    places = pd.concat(parts)[["part", "row"]]
    assert not places.duplicated().any()
    funnels = [json.loads(path.with_suffix(".json").read_text()) for path in layout.pool_parts("laion")]
    assert sum(steps[0]["rows_in"] for steps in funnels) == layout.study.world.web.laion
    for part, steps in zip(parts, funnels, strict=True):
        assert len(part) == steps[-1]["rows_in"] - sum(steps[-1]["dropped"].values())


def test_wanted_rows_have_no_uid_address_or_caption_twice(curated):
    layout, _ = curated
    rows = pd.concat([wanted_rows(layout, source) for source in ("laion", "cc3m")])
    for key in ("uid", "url_key", "caption_key"):
        assert not rows[key].duplicated().any()
    paths = [*layout.pool_parts("laion"), *layout.pool_parts("cc3m")]
    assert len(rows) == sum(map(len, map(read_pool, paths))) - len(pd.read_parquet(layout.duplicates)) < 460


def test_prototypes_are_means_of_projected_images(curated):
    layout, _ = curated
    scorer, built = Scorer.of(layout), Prototypes.load(layout.curation)
    store = scorer.open(scorer.vision, "labels-train")
    images, labels = scorer.images(store), store.metadata()["label"].to_numpy()
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    mean = images[labels == 5].mean(axis=0)
    assert built.shots.tolist() == [2] * 96
    np.testing.assert_allclose(built.vectors[5], mean / np.linalg.norm(mean), atol=1e-5)
    assert built.provenance["encoders"]["vision"] == "pixels"


def test_merged_states_hold_the_best_of_all_parts(curated):
    layout, _ = curated
    state = final_state(layout)
    uids, scores = exact_scores(layout)
    assert state.seen == len(uids)
    for concept in (0, 40, 95):
        best = np.sort(scores[:, concept])[::-1][: state.k]
        np.testing.assert_allclose(state.scores[concept], best, atol=1e-5)
    assert set(state.uids.ravel()) <= set(uids)


def test_captions_near_evaluation_captions_are_never_selected(curated):
    layout, _ = curated
    dropped = [np.load(layout.top_k(0, part).with_suffix(".dropped.npy")) for part in range(4)]
    accounts = [json.loads(layout.top_k(0, part).with_suffix(".json").read_text())[0] for part in range(4)]
    assert [len(part) for part in dropped] == [sum(account["dropped"].values()) for account in accounts]
    assert not np.isin(final_state(layout).uids, np.concatenate(dropped)).any()


def test_every_concept_gets_its_quota_of_its_own_candidates(curated):
    layout, _ = curated
    rows, concepts = (
        pd.read_parquet(layout.curation / "selected.parquet"),
        pd.read_csv(layout.curation / "concepts.csv"),
    )
    state = final_state(layout)
    assert rows["uid"].is_monotonic_increasing
    assert not rows["uid"].duplicated().any()
    assert rows["concept"].value_counts().max() <= 4
    assert (rows["concept"].value_counts().reindex(concepts["concept"], fill_value=0) == concepts["kept"]).all()
    for row in rows.iloc[::20].itertuples():
        place = np.flatnonzero(state.uids[row.concept] == row.uid)
        assert state.scores[row.concept, place] == np.float32(row.score)


def test_the_random_subset_is_as_large_as_the_selection(curated):
    layout, _ = curated
    selected, random = (pd.read_parquet(layout.curation / f"{name}.parquet") for name in ("selected", "random"))
    concepts = pd.read_csv(layout.curation / "concepts.csv")
    assert len(random) == len(selected) == concepts["pool"].sum()
    uids, scores = exact_scores(layout)
    place = np.flatnonzero(uids == random["uid"][0])[0]
    assert random["score"][0] == pytest.approx(scores[place].max(), abs=1e-5)


def test_chunks_are_all_rows_of_a_set_once(curated):
    layout, _ = curated
    chunks = [download.rows_of_chunk(layout, "collected", chunk) for chunk in range(2)]
    assert pd.concat(chunks)["uid"].to_list() == download.rows_of_set(layout, "collected")["uid"].to_list()
    assert abs(len(chunks[0]) - len(chunks[1])) <= 1
    assert (download.rows_of_set(layout, "cc3m")["concept"] == -1).all()


def test_what_is_trained_on_arrived_and_is_within_the_quota(curated):
    layout, _ = curated
    arrived = pd.concat([read_table(folder) for folder in layout.download_chunks("collected")])
    kept = arrived[arrived["uid"].isin(kept_rows(layout, "collected"))]
    assert (kept["status"] == "success").all()
    assert 0 < kept["concept"].value_counts().max() <= layout.study.curate.quota
    table = pd.read_csv(layout.mixes / "funnel.csv")
    table = table[(table["source"] == "collected") & (table["step"] != "download") & (table["reason"] != "kept")]
    above = table["rows"][table["reason"] == "above quota"].sum()
    dropped = arrived[(arrived["status"] == "success") & ~arrived["uid"].isin(kept["uid"])]
    assert len(dropped) == table["rows"].sum()
    counts = kept["concept"].value_counts().reindex(dropped["concept"], fill_value=0)
    assert (counts == layout.study.curate.quota).sum() >= above


def test_the_accounting_closes_from_the_first_row_to_the_last(curated):
    layout, _ = curated
    table = pd.read_csv(layout.mixes / "funnel.csv")
    assert (table.groupby(["step", "source"])["rows"].sum() == table.groupby(["step", "source"])["rows_in"].max()).all()
    kept = table[table["reason"] == "kept"].set_index(["step", "source"])["rows"]
    entered = table.groupby(["step", "source"])["rows_in"].max()
    assert entered["filter", "laion"] == kept["read", "laion"]
    assert entered["duplicates", "laion"] == kept["decontaminate", "laion"]
    assert entered["decontaminate captions", "laion"] == kept["duplicates", "laion"]
    assert entered["download", "collected"] == kept["semantic duplicates", "pool"]
    assert kept["quota", "collected"] == len(kept_rows(layout, "collected"))
    by_status = pd.read_csv(layout.mixes / "download.csv").groupby("set")["rows"].sum()
    assert by_status["cc3m"] == entered["download", "cc3m"]


def test_the_sheet_shows_what_arrived_for_rare_and_frequent_concepts(curated):
    layout, _ = curated
    sheet = json.loads((layout.mixes / "sheet.json").read_text(encoding="utf-8"))
    assert [entry["kind"] for entry in sheet] == ["rare"] * 3 + ["middle"] * 3 + ["frequent"] * 3
    rows = [row for entry in sheet for row in entry["rows"]]
    arrived = pd.concat([read_table(folder) for folder in layout.download_chunks("collected")])
    hashes = {f"{row.uid:016x}": row.sha256 for row in arrived[arrived["status"] == "success"].itertuples()}
    assert {row["uid"] for row in rows if row["image"]} == {row["uid"] for row in rows} & set(hashes)
    for row in rows:
        if row["image"]:
            assert hashlib.sha256(read_bytes(row["image"], 1 << 20)).hexdigest()[:32] == hashes[row["uid"]]


def test_mixes_name_shards_and_copy_none(curated):
    layout, _ = curated
    mix = json.loads((layout.mixes / "both.json").read_text())
    assert [part["set"] for part in mix["sets"]] == ["collected", "cc3m"]
    assert [part["weight"] for part in mix["sets"]] == [0.5, 0.5]
    assert all((layout.root / shard).is_file() for part in mix["sets"] for shard in part["shards"])
    assert not list(layout.mixes.glob("*.tar"))
    assert mix["rows"] == sum(len(kept_rows(layout, name)) for name in ("collected", "cc3m"))


def test_the_ablation_measures_every_mix_on_the_same_data(curated):
    layout, _ = curated
    table = pd.read_csv(layout.ablation / "results.csv")
    assert set(table["model"]) == {"class-collected", "both", "chance"}
    assert set(table[table["model"] == "both"]["dataset"]) == {"labels-val", "captions-test"}
    assert table.groupby(["dataset", "metric"])["n"].nunique().max() == 1


def test_the_page_shows_the_curation(curated):
    page = (curated[0].report / "index.html").read_text(encoding="utf-8")
    for name in ("class-collected", "duplicate caption", "albums.harbour.example"):
        assert name in page


def test_a_selection_with_other_prototypes_is_refused(copied):
    layout, where = copied
    built = Prototypes.load(layout.curation)
    Prototypes([f"{name}s" for name in built.names], built.vectors, built.shots, built.provenance).save(layout.curation)
    with pytest.raises(DataError, match=r"scored against other concepts than .*; score the pool again"):
        curate.curate(**where)


def test_scoring_again_gives_the_same_bytes(copied):
    layout, where = copied
    before = layout.top_k(0, 1).read_bytes()
    layout.top_k(0, 1).unlink()
    scoring.score("laion", 1, **where)
    assert layout.top_k(0, 1).read_bytes() == before


def test_a_spoilt_embedding_is_named(copied):
    layout, where = copied
    folder = layout.embeddings("pooled", "bag-of-words", "laion", 2)
    path = next((folder / "text_emb").glob("*.npy"))
    array = np.load(path)
    array[3, 0] = np.nan
    np.save(path, array)
    facts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    facts["shards"][0]["sha256"] = hashlib.sha256(array.tobytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(DataError, match=r"part-00002: the embedding of caption [0-9a-f]{16} is not finite or zero"):
        scoring.score("laion", 2, **where)


MISTAKES = {
    "source": (lambda where: pool.pool("cc4m", 0, **where), "sources: unknown source 'cc4m'; known: laion, cc3m"),
    "part of a source": (lambda where: pool.pool("laion", 4, **where), "--part 4: source 'laion' has 4 parts"),
    "fetch of local files": (lambda where: pool.fetch("laion", **where), "sources.laion: has local files"),
    "part of the pool": (lambda where: scoring.score("cc3m", 0, **where), "cc3m, part 0: not in curate.pool"),
    "set": (lambda where: download.download("laion", 0, **where), "unknown set 'laion'; known: collected, cc3m"),
    "chunk": (lambda where: download.download("cc3m", 2, **where), "--chunk 2: set 'cc3m' has 2 chunks"),
    "mix": (lambda where: ablate("mixed", **where), "unknown mix 'mixed'; known: class-collected, both"),
    "data set": (lambda where: data.embed("pixels", "flickr", **where), "unknown data set 'flickr'; known: captions"),
    "part to embed": (lambda where: data.embed("pixels", "cc3m", 5, **where), "--part 5: data set 'cc3m' has 2 parts"),
}


@pytest.mark.parametrize(("call", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_name_or_number_is_one_line(curated, call, expected):
    with pytest.raises(ParamsError) as caught:
        call(curated[1])
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_steps_name_the_step_that_is_missing(copied):
    layout, where = copied
    (layout.mixes / "kept.parquet").unlink()
    with pytest.raises(DataError, match="run `ligature assemble` first"):
        open_part(layout, "collected", 0)
    (layout.curation / "selected.parquet").unlink()
    with pytest.raises(DataError, match="run `ligature curate` first"):
        download.download("collected", 0, **where)
    layout.top_k(len(layout.merge_levels) - 1, 0).unlink()
    with pytest.raises(DataError, match="score all parts of the pool and merge them first"):
        curate.curate(**where)
    (layout.download("cc3m", 1) / "report.json").unlink()
    (layout.download("cc3m", 1) / "images.parquet").unlink()
    with pytest.raises(DataError, match=r"images\.parquet: damaged \(it is missing\)"):
        assemble.assemble(**where)
