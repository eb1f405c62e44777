import pytest
from study_values import REMOVED, changed, curated

from ligature.errors import ParamsError
from ligature.params import parse_study
from ligature.store import Layout


def refusal(values) -> str:
    """Returns the one line that a study is refused with."""
    with pytest.raises(ParamsError) as caught:
        parse_study(values, "study")
    line = str(caught.value)
    assert "\n" not in line, line
    return line


def test_a_study_with_curation_is_read():
    study = parse_study(curated(), "study")
    assert study.curate.order == "rarest"
    assert study.sources["web"].jobs == 2
    assert Layout(study).sets == ["collected", "clean"]


def test_a_study_without_curation_is_read():
    assert parse_study(changed(), "study").curate is None


MISTAKES = {
    "no files": ({"sources__web__files": REMOVED}, "give exactly one of files and resource"),
    "files and resource": ({"sources__web__resource": "cc3m@1"}, "give exactly one of files and resource"),
    "one file for two parts": ({"sources__web__files": "web.parquet"}, "must contain {part}, since there are 2 parts"),
    "unknown format": ({"sources__web__format": "csv"}, "sources.web.format: got 'csv'"),
    "unknown source": ({"curate__pool": ["wab"]}, "curate: unknown source 'wab'; known: web, clean"),
    "source twice": ({"curate__captioned": ["web"]}, "source 'web' stands twice among pool and captioned"),
    "empty pool": ({"curate__pool": []}, "curate.pool: got []"),
    "prototypes of captions": (
        {"curate__prototypes__dataset": "captions"},
        "curate.prototypes.dataset: dataset 'captions' has captions, not classes",
    ),
    "unknown evaluation set": (
        {"curate__decontaminate__datasets": ["photos"]},
        "curate.decontaminate.datasets: unknown dataset 'photos'",
    ),
    "k below the quota": ({"curate__k": 4}, "curate.k: 4 candidates a concept cannot fill a quota of 5"),
    "k below what is over-collected": ({"curate__over_collect": 9.0}, "times over_collect 9.0; raise k"),
    "unknown order": ({"curate__order": "random"}, "curate.order: got 'random'"),
    "epsilon of one": ({"curate__duplicates__semantic": 1.0}, "curate.duplicates.semantic: got 1.0"),
    "unknown scorer": (
        {"curate__scorer": {"vision": "clip", "text": "words"}},
        "curate.scorer.vision: unknown encoder 'clip'",
    ),
    "no download": ({"download": None}, "download: missing; the curated rows are to be fetched"),
    "unknown set": ({"mixes__both__sets": ["web"]}, "mixes.both: unknown set 'web'; known: collected, random, clean"),
    "set twice": ({"mixes__both__sets": ["clean", "clean"]}, "a set stands twice"),
    "weights for another number": ({"mixes__both__weights": [1.0]}, "2 positive numbers are needed"),
    "weight of zero": ({"mixes__both__weights": [1.0, 0.0]}, "2 positive numbers are needed"),
    "nothing to train on": ({"mixes": {}}, "ablation: there is no mix to train on"),
    "unknown mix to compare": ({"ablation__mixes": ["other"]}, "ablation.mixes: unknown mix 'other'; known: both"),
    "captions to classify": (
        {"ablation__classification": ["captions"]},
        "ablation.classification: dataset 'captions' has captions, not classes",
    ),
    "labels to retrieve": (
        {"ablation__retrieval": ["labels"]},
        "ablation.retrieval: dataset 'labels' has classes, not captions",
    ),
    "tokens": ({"train__mode": "tokens"}, "takes train.mode 'pooled'"),
    "world of none": ({"sources__clean__files": "{world}/clean.tsv"}, "sources.clean: uses {world}"),
    "server of no world": ({"download__server": "{world}/web"}, "download: uses {world}"),
}


@pytest.mark.parametrize(("changes", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_that_names_the_key(changes, expected):
    assert expected in refusal(curated(**changes))


def test_the_name_of_a_data_set_cannot_be_a_source():
    values = curated()
    values["sources"]["captions"] = {"format": "coco", "files": "captions.json"}
    assert "sources.captions: the name is taken" in refusal(values)


@pytest.mark.parametrize("name", ["collected", "random"])
def test_the_names_of_the_sets_are_taken(name):
    values = curated()
    values["datasets"][name] = values["datasets"]["captions"]
    assert f"datasets.{name}: the name is taken by the set" in refusal(values)


@pytest.mark.parametrize("key", ["download", "mixes", "ablation"])
def test_nothing_of_curation_stands_without_it(key):
    values = changed()
    values[key] = curated()[key]
    assert f"{key}: there is nothing to work on without a curate block" in refusal(values)


def test_states_of_scoring_are_merged_as_a_tree():
    layout = Layout(parse_study(curated(sources__web__slices=5, curate__fan_in=3), "study"))
    assert layout.merge_levels == [10, 4, 2, 1]
    assert [len(layout.merge_inputs(1, index)) for index in range(4)] == [3, 3, 3, 1]
    merged = [path for index in range(4) for path in layout.merge_inputs(1, index)]
    assert merged == [layout.top_k(0, number) for number in range(10)]
    assert layout.merge_inputs(3, 0) == [layout.top_k(2, 0), layout.top_k(2, 1)]


def test_stores_of_pools_and_sets_have_groups_of_their_own():
    layout = Layout(parse_study(curated(download__chunks=3, sources__web__slices=2), "study"))
    pool, downloaded = (layout.embedding_parts("pooled", "words", name) for name in ("web", "collected"))
    assert [len(pool), len(downloaded)] == [4, 3]
    assert layout.group("pooled", "words", "web") == "pool"
    assert {layout.group("pooled", "words", name) for name in ("clean", "collected")} == {"sets"}
    assert pool[3].parts[-5:] == ("pool", "pooled", "words", "web", "part-00003")


def test_prototypes_may_come_from_several_data_sets():
    values = curated()
    values["datasets"]["more"] = values["datasets"]["labels"]
    values["curate"]["prototypes"]["dataset"] = ["labels", "more"]
    assert parse_study(values, "study").curate.prototypes.datasets == ["labels", "more"]
    assert parse_study(curated(), "study").curate.prototypes.datasets == ["labels"]


@pytest.mark.parametrize("names", [[], ["labels", "labels"]])
def test_prototypes_of_no_data_set_or_of_one_twice_are_refused(names):
    assert "name at least one data set, and none twice" in refusal(curated(curate__prototypes__dataset=names))


def test_a_study_with_a_scorer_of_its_own_may_train_on_downloaded_sets():
    encoders = {"vision": curated()["encoders"]["vision"][0]["name"], "text": curated()["encoders"]["text"][0]["name"]}
    values = curated(curate__scorer=encoders, train__datasets=["collected", "clean"])
    assert parse_study(values, "study").train.datasets == ["collected", "clean"]
    assert "train.datasets: unknown dataset 'web'" in refusal(
        values | {"train": values["train"] | {"datasets": ["web"]}}
    )


def test_what_its_own_projector_selects_cannot_be_trained_on_before():
    assert "train.datasets: unknown dataset 'collected'" in refusal(curated(train__datasets=["collected"]))


def test_the_ablation_compares_the_mixes_that_it_names_and_otherwise_all():
    more = {"both": {"sets": ["collected", "clean"]}, "narrated": {"sets": ["clean"]}}
    assert parse_study(curated(mixes=more), "study").ablated == ["both", "narrated"]
    assert parse_study(curated(mixes=more, ablation__mixes=["both"]), "study").ablated == ["both"]
    assert parse_study(changed(), "study").ablated == []
