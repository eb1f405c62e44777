"""The registry knows every benchmark that can be read, and what every data set of a study is."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from ligature.data.benchmarks import READERS
from ligature.evaluation.benchmarks import Benchmark, BenchmarkMetadata, benchmark_for, benchmark_table, benchmarks
from ligature.evaluation.benchmarks.metadata import Task
from ligature.params.datasets import BenchmarkDataset, DatasetParams, kind_of

FORMATS = get_args(BenchmarkDataset.model_fields["format"].annotation)
METRICS = {
    "classification": {"top1", "top5", "mean_per_class"},
    "retrieval": {"i2t_recall@1", "t2i_recall@1"},
    "segmentation": {"iou", "iou_per_class", "miou", "pixel_accuracy"},
    "gap": {"alignment_score", "centroid_gap", "relative_modality_gap", "linear_separability"},
}


def params_of(**values):
    return TypeAdapter(DatasetParams).validate_python(values)


def captioned(kind, captions, **values):
    return params_of(format=kind, images="images", captions=captions, **values)


def test_names_are_unique_and_every_task_has_a_benchmark():
    names = [metadata.name for metadata in benchmarks()]
    assert len(names) == len(set(names))
    assert {metadata.task for metadata in benchmarks()} == set(get_args(Task))


@pytest.mark.parametrize("metadata", benchmarks(), ids=lambda metadata: metadata.name)
def test_metadata_are_complete_and_in_one_style(metadata):
    family = next(key for key in METRICS if metadata.task.endswith(key))
    assert metadata.main_metric in METRICS[family]
    texts = [metadata.description, metadata.protocol, *metadata.notes]
    assert all(text == text.strip() and text.endswith(".") and "  " not in text for text in texts)
    assert len(set(metadata.languages)) == len(metadata.languages)
    assert ("multilingual" in metadata.task) == (len(metadata.languages) > 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_public_format_has_its_own_benchmark_with_the_splits_of_its_reader(kind):
    metadata = benchmark_for(params_of(format=kind, root="x"))
    assert metadata.task == "classification"
    assert metadata.dataset.startswith(f"{kind}: ")
    assert metadata.splits == READERS[kind][1]


def test_no_two_public_formats_share_a_benchmark():
    assert len({benchmark_for(params_of(format=kind, root="x")).name for kind in FORMATS}) == len(FORMATS) == 19


@pytest.mark.parametrize(
    ("params", "name"),
    [
        (captioned("karpathy", "${DATA}/dataset_flickr30k.json"), "Flickr30k"),
        (captioned("karpathy", "${DATA}/dataset_coco.json"), "COCO 5K (Karpathy)"),
        (captioned("karpathy", "mine.json"), "Captioned images"),
        (captioned("coco", "annotations/captions_val2017.json"), "COCO val2017"),
        (captioned("coco", "{world}/coco/annotations/captions_val.json"), "Captioned images"),
        (captioned("flickr", "captions.csv"), "Captioned images"),
        (captioned("parallel", "XTD10/en.txt", names="n.txt"), "XTD10"),
        (captioned("parallel", "test_1kcaptions_en.txt", names="n.txt"), "XTD10"),
        (captioned("parallel", "raw/test_2016_flickr.en", names="n.txt"), "Multi30k"),
        (captioned("parallel", "mine.txt", names="n.txt"), "Captioned images"),
        (params_of(format="imagefolders", images="a", classes="b"), "Class folders"),
        (params_of(format="voc", root="a"), "Pascal VOC 2012"),
        (params_of(format="pascal-context", root="a"), "Pascal Context"),
        (params_of(format="masks", images="a", masks="b/{id}.png"), "Images with masks"),
    ],
)
def test_a_data_set_of_a_study_is_known_by_format_and_captions(params, name):
    metadata = benchmark_for(params)
    assert metadata.name == name
    family = {"captions": "retrieval", "classes": "classification", "masks": "segmentation"}
    assert metadata.task.endswith(family[kind_of(params)])


def test_known_defects_are_told():
    notes = {metadata.name: " ".join(metadata.notes) for metadata in benchmarks()}
    assert "800 of its images are training images of COCO" in notes["XTD10"]
    assert "oracle presence" in notes["Pascal VOC 2012"]
    assert "oracle presence" in notes["Pascal Context"]
    assert "val2017" in notes["COCO 5K (Karpathy)"]


def test_the_table_has_a_row_a_benchmark_with_text_in_every_cell():
    table = benchmark_table()
    assert table["name"].to_list() == [metadata.name for metadata in benchmarks()]
    assert table.map(lambda value: isinstance(value, str) and value != "").all(axis=None)
    assert table.set_index("name").loc["Multi30k", "languages"] == "en, de, fr, cs"


def test_unknown_keys_and_wrong_tags_are_refused():
    values = benchmarks()[0].model_dump()
    assert BenchmarkMetadata(**values) == benchmarks()[0]
    for wrong in ({"score": "top1"}, {"languages": ("English",)}, {"reference": "image-net"}, {"splits": ()}):
        with pytest.raises(ValidationError):
            BenchmarkMetadata(**values | wrong)


def test_a_benchmark_that_is_a_panel_reads_no_data_set_of_its_own():
    assert not Benchmark.reads(params_of(format="voc", root="a"))
