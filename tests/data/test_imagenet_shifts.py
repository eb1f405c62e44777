"""ImageNet's shifted kin: folders of synset ids, all of ImageNet's classes or some, under ImageNet's own names."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmark_files import touch, write
from dataset_files import the_line
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ligature.data.benchmarks import list_benchmark
from ligature.data.benchmarks.synsets import distinct_names, read_mapping
from ligature.data.open import open_dataset
from ligature.data.remote.resources import find_files
from ligature.errors import DataError
from ligature.evaluation.benchmarks import benchmark_for
from ligature.params.datasets import DatasetParams
from ligature.store import Layout

TABLE = Path(__file__).parents[2] / "workflow/resources/sources.csv"
SYNSETS = {
    "n01440764": "tench, Tinca tinca",
    "n01819313": "sulphur-crested cockatoo, Kakatoe galerita",
    "n02012849": "crane_bird",
    "n02113186": "Cardigan, Cardigan Welsh corgi",
    "n02319095": "sea urchin",
    "n02321529": "sea cucumber, holothurian",
    "n02963159": "cardigan",
    "n03126707": "crane",
    "n03710637": "maillot_1",
    "n03710721": "maillot_2, tank suit",
}
NAMES = {
    "n01440764": "tench",
    "n01819313": "sulphur-crested cockatoo",
    "n02012849": "crane bird",
    "n02113186": "Cardigan Welsh corgi",
    "n02319095": "sea urchin",
    "n02321529": "sea cucumber",
    "n02963159": "cardigan",
    "n03126707": "crane",
    "n03710637": "maillot",
    "n03710721": "tank suit",
}
SOME = ["n01819313", "n02319095", "n02321529", "n03126707"]
SUBSETS = ["imagenet-a", "imagenet-r", "imagenet-o"]
SHIFTS = [*SUBSETS, "imagenet-sketch"]
VERSIONS = {"imagenet-sketch": "2019", "imagenet-a": "2019", "imagenet-r": "2020", "imagenet-o": "2019"}


def write_names(root):
    write(root, "LOC_synset_mapping.txt", *(f"{key} {names}" for key, names in SYNSETS.items()))


def write_shift(root, kind):
    """Writes a release in miniature: the images of some classes with their list, or sketches of all."""
    write_names(root)
    if kind == "imagenet-sketch":
        return touch(root, *(f"sketch/{key}/sketch_{number}.JPEG" for key in SYNSETS for number in (1, 0)))
    touch(root, *(f"{kind}/{key}/{name}_0.99.jpg" for key in reversed(SOME) for name in ("b", "a")))
    listed = (f"{key} {SYNSETS[key].partition(',')[0].replace(' ', '_')}" for key in SOME)
    return write(root / kind, "README.txt", "The data set has some images.", "", "n classes we consider:", *listed)


def keys_of(kind):
    return list(SYNSETS) if kind == "imagenet-sketch" else SOME


@pytest.mark.parametrize("kind", SHIFTS)
def test_classes_are_the_folders_under_imagenets_names_whole_unique_and_clean(tmp_path, kind):
    write_shift(tmp_path, kind)
    found = list_benchmark(kind, tmp_path, split="test")
    assert found.classes == {key: NAMES[key] for key in keys_of(kind)}
    assert len({name.casefold() for name in found.classes.values()}) == len(found.classes)
    assert not any("_" in name or name != name.strip() for name in found.classes.values())


@pytest.mark.parametrize("kind", SHIFTS)
def test_images_bear_the_class_of_their_folder_in_one_order(tmp_path, kind):
    write_shift(tmp_path, kind)
    images = list_benchmark(kind, tmp_path, split="test").images
    keys = list(keys_of(kind))
    assert images["label"].to_list() == sorted(2 * list(range(len(keys))))
    assert [identity.split("/")[1] for identity in images["id"]] == [key for key in keys for _ in range(2)]
    assert images["id"].is_monotonic_increasing
    assert images["path"].to_list() == [str(tmp_path / identity) for identity in images["id"]]


@pytest.mark.parametrize("kind", SHIFTS)
def test_the_root_may_be_the_folder_of_classes_itself(tmp_path, kind):
    write_shift(tmp_path, kind)
    inner = tmp_path / ("sketch" if kind == "imagenet-sketch" else kind)
    write_names(inner)
    found = list_benchmark(kind, inner, split="test")
    assert list(found.classes) == list(keys_of(kind))
    assert found.images["id"][0].startswith(f"{next(iter(found.classes))}/")


@pytest.mark.parametrize("kind", SHIFTS)
def test_a_folder_of_a_synset_that_is_no_class_of_imagenet_is_one_line(tmp_path, kind):
    write_shift(tmp_path, kind)
    folder = tmp_path / ("sketch" if kind == "imagenet-sketch" else kind)
    touch(folder, "n99999999/a.jpg")
    line = the_line(list_benchmark, kind, tmp_path, split="test", error=DataError)
    mapping = tmp_path / "LOC_synset_mapping.txt"
    assert line == f"{folder / 'n99999999'}: no class of {mapping}; remove the folder, or unpack both again"


@pytest.mark.parametrize("kind", SHIFTS)
def test_a_folder_that_is_no_synset_at_all_is_one_line(tmp_path, kind):
    write_shift(tmp_path, kind)
    folder = tmp_path / ("sketch" if kind == "imagenet-sketch" else kind)
    touch(folder, "tench/a.jpg")
    line = the_line(list_benchmark, kind, tmp_path, split="test", error=DataError)
    assert line == f"{folder / 'tench'}: not named by a synset id such as n01440764; unpack the release again"


@pytest.mark.parametrize("kind", SHIFTS)
def test_a_class_whose_folder_is_missing_is_one_line_so_that_no_easier_set_is_measured(tmp_path, kind):
    write_shift(tmp_path, kind)
    folder = tmp_path / ("sketch" if kind == "imagenet-sketch" else kind)
    for file in (folder / "n02319095").iterdir():
        file.unlink()
    line = the_line(list_benchmark, kind, tmp_path, split="test", error=DataError)
    assert line == f"{folder}: class 'n02319095' has no image; unpack the release again"
    (folder / "n02319095").rmdir()
    line = the_line(list_benchmark, kind, tmp_path, split="test", error=DataError)
    assert "class 'n02319095' stands in only one of the folders and the class list" in line


@pytest.mark.parametrize("kind", SUBSETS)
def test_a_class_of_imagenet_that_the_release_does_not_list_is_one_line(tmp_path, kind):
    write_shift(tmp_path, kind)
    touch(tmp_path / kind, "n01440764/a.jpg")
    line = the_line(list_benchmark, kind, tmp_path, split="test", error=DataError)
    assert "class 'n01440764' stands in only one of the folders and the class list" in line


@pytest.mark.parametrize("kind", SUBSETS)
def test_a_release_without_its_list_of_classes_is_one_line(tmp_path, kind):
    write_shift(tmp_path, kind)
    (tmp_path / kind / "README.txt").unlink()
    line = the_line(list_benchmark, kind, tmp_path, split="test", error=DataError)
    assert str(tmp_path / kind / "README.txt") in line


@pytest.mark.parametrize("kind", SHIFTS)
def test_without_imagenets_list_names_come_from_a_file_of_names(tmp_path, kind):
    write_shift(tmp_path, kind)
    (tmp_path / "LOC_synset_mapping.txt").unlink()
    line = the_line(list_benchmark, kind, tmp_path, split="test", error=DataError)
    assert line.endswith("name a file of class keys and names under `classes`")
    write(tmp_path, "names.tsv", *(f"{key}\t{NAMES[key]}, more" for key in SYNSETS))
    found = list_benchmark(kind, tmp_path, split="test", classes=tmp_path / "names.tsv")
    assert found.classes == {key: NAMES[key] for key in keys_of(kind)}


def test_imagenet_itself_its_second_set_and_its_kin_call_a_class_by_one_name(tmp_path):
    write_shift(tmp_path, "imagenet-sketch")
    touch(tmp_path, *(f"val/{key}/a.JPEG" for key in SYNSETS))
    touch(tmp_path, *(f"imagenetv2-matched-frequency/{number}/a.jpeg" for number in range(len(SYNSETS))))
    found = [list_benchmark(kind, tmp_path, split="val").classes for kind in ("imagenet", "imagenet-v2")]
    assert found[0] == found[1] == list_benchmark("imagenet-sketch", tmp_path, split="test").classes == NAMES


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8), st.data())
def test_names_are_synonyms_of_their_class_and_distinct_where_each_has_one_of_its_own(firsts, data):
    synonyms = {str(place): [first, f"{first}{place}"] for place, first in enumerate(firsts)}
    names = distinct_names(synonyms)
    assert all(names[key] in synonyms[key] for key in synonyms)
    assert len(set(names.values())) == len(names)
    alone = [key for key in synonyms if firsts.count(synonyms[key][0]) == 1]
    assert all(names[key] == synonyms[key][0] for key in alone)


def test_two_classes_with_one_name_and_no_other_keep_it(tmp_path):
    write(tmp_path, "LOC_synset_mapping.txt", "n03126707 crane", "n02012849 crane")
    assert read_mapping(tmp_path) == {"n02012849": "crane", "n03126707": "crane"}
    assert list(read_mapping(tmp_path)) == ["n02012849", "n03126707"]


@pytest.mark.parametrize("kind", SHIFTS)
def test_a_study_opens_the_set_with_its_prompts_and_knows_its_sources(tmp_path, kind, monkeypatch):
    key = f"{kind}@{VERSIONS[kind]}"
    monkeypatch.setenv("LIGATURE_DATA", str(tmp_path))
    write_shift(tmp_path / key, kind)
    values = {"format": kind, "split": "test", "root": f"{{data}}/{key}", "resources": [key]}
    params = TypeAdapter(DatasetParams).validate_python(values)
    dataset = open_dataset(Layout(SimpleNamespace(study="tiny", datasets={kind: params})), kind)
    assert dataset.class_names == [NAMES[key] for key in keys_of(kind)]
    assert dataset.texts["text"].to_list() == [f"a photo of a {NAMES[key]}." for key in keys_of(kind)]
    archive, names = find_files(TABLE, key)
    assert (archive.format, names.path) == ("archive", "LOC_synset_mapping.txt")
    assert f"{archive.rows:,}" in benchmark_for(params).description


def test_what_the_out_of_distribution_set_measures_is_said():
    params = TypeAdapter(DatasetParams).validate_python({"format": "imagenet-o", "root": "x"})
    notes = " ".join(benchmark_for(params).notes)
    assert "detection of what belongs to no class" in notes
    assert "makes the same mistake" in notes
