"""Public resources of data sets: named like rows of the table, and named where a path lies in them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from ligature.params.datasets import DatasetParams

COCO = {
    "format": "coco",
    "resources": ["coco-val-images@2017", "coco-annotations@2017"],
    "images": "{data}/coco-val-images@2017/val2017",
    "captions": "{data}/coco-annotations@2017/annotations/captions_val2017.json",
}


def block(**changes):
    return TypeAdapter(DatasetParams).validate_python(COCO | changes)


def test_a_data_set_names_the_resources_that_its_paths_lie_in():
    assert block().resources == COCO["resources"]
    assert block(resources=[], images="photos", captions="photos.json").resources == []


@pytest.mark.parametrize(
    "changes",
    [
        {"resources": ["coco-annotations@2017"]},
        {"images": "{data}/coco-val-images/val2017"},
        {"images": "{data}"},
        {"descriptions": {"file": "{data}/docci@2024/docci_descriptions.jsonlines", "words": [8]}},
    ],
)
def test_a_path_in_a_resource_that_is_not_named_is_refused(changes):
    with pytest.raises(ValidationError, match="which must be one of the block's resources"):
        block(**changes)


@pytest.mark.parametrize("key", ["coco", "coco@", "@2017", "../up@1", "coco@2017/x", "co co@1"])
def test_a_resource_is_named_by_name_and_version(key):
    with pytest.raises(ValidationError, match="String should match pattern"):
        block(resources=[*COCO["resources"], key])
