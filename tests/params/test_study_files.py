import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from study_values import STUDY, changed, write_study

from ligature.params import Study, load_study, parse_study, study_schema
from ligature.params.datasets import CocoDataset, FlickrDataset, ImageFoldersDataset

ROOT = Path(__file__).parents[2]
STUDY_FILES = [ROOT / "params.yaml", *sorted(ROOT.glob("studies/*.yaml")), *sorted(ROOT.glob("tests/studies/*.yaml"))]


@pytest.mark.parametrize("path", STUDY_FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_study_file_of_the_repository_is_valid_and_points_to_the_schema(path):
    study = load_study(path)
    assert study.study == yaml.safe_load(path.read_text())["study"]
    header = path.read_text().splitlines()[0]
    assert header.startswith("# yaml-language-server: $schema=")
    assert (path.resolve().parent / header.partition("=")[2]).resolve() == ROOT / "workflow/schemas/study.schema.json"


def test_a_study_bears_the_name_of_its_file_so_that_results_do_not_mix():
    paths = STUDY_FILES[1:]
    assert [load_study(path).study for path in paths] == [path.stem for path in paths]
    assert len({path.stem for path in paths}) == len(paths)


def test_the_mini_study_is_the_params_of_the_root_and_no_copy_that_may_differ():
    assert (ROOT / "studies/mini.yaml").resolve() == ROOT / "params.yaml"


def test_schema_on_disk_is_the_generated_one():
    stored = (ROOT / "workflow/schemas/study.schema.json").read_text(encoding="utf-8")
    assert stored == study_schema(), "the models of params changed; run `make format` to write the schema again"


def test_schema_explains_every_block_and_refuses_unknown_keys():
    schema = json.loads(study_schema())
    for name, block in {"Study": schema, **schema["$defs"]}.items():
        assert block["description"], name
        assert block["additionalProperties"] is False, name


def test_every_key_of_the_shipped_study_stands_in_the_schema():
    schema = json.loads(study_schema())
    assert set(yaml.safe_load((ROOT / "params.yaml").read_text())) <= set(schema["properties"])


def test_values_become_typed_blocks_with_defaults(tmp_path):
    study = load_study(write_study(tmp_path, STUDY))
    kinds = {name: type(dataset) for name, dataset in study.datasets.items()}
    assert kinds == {"captions": CocoDataset, "sentences": FlickrDataset, "labels": ImageFoldersDataset}
    assert study.datasets["labels"].templates == ["a photo of a {}."]
    assert study.datasets["captions"].parts == 1
    assert study.world is None
    assert study.embed.shard_rows == 64
    assert study.embed.max_skipped == 0.01
    assert study.train.projector.text_global == "mlp"


def test_both_sides_of_clip_are_encoders_of_one_source():
    clip = {"loader": "clip", "source": "openai/clip-vit-large-patch14"}
    values = changed(
        encoders__vision__0={"name": "clip-image", "pooling": "cls", "image_size": 336, **clip},
        encoders__text__0={"name": "clip-text", "prompt": "a photo of ", "max_length": 77, **clip},
    )
    encoders = parse_study(values, "here").encoders
    assert encoders.vision[0].source == encoders.text[0].source == clip["source"]
    assert (encoders.vision[0].pooling, encoders.text[0].pooling) == ("cls", "own")


def test_a_path_as_text_serves_too(tmp_path):
    path = write_study(tmp_path, STUDY)
    assert load_study(str(path)) == load_study(path) == parse_study(STUDY, "here")


def test_a_study_cannot_be_changed_after_reading():
    study = parse_study(STUDY, "here")
    with pytest.raises(ValidationError, match="frozen"):
        study.train.epochs = 5


def test_dumped_values_read_back_as_the_same_study():
    study = parse_study(changed(world={"coco": {"val": 3}, "imagenet": {"val": 1}}), "here")
    assert Study.model_validate(study.model_dump(mode="json")) == study


def test_yaml_anchors_and_merge_keys_are_not_taken_for_duplicates(tmp_path):
    text = yaml.safe_dump(STUDY, sort_keys=False)
    path = tmp_path / "study.yaml"
    path.write_text(
        text.replace("  captions:\n    format: coco\n", "  captions: &base\n    format: coco\n", 1).replace(
            "encoders:\n", "  more:\n    <<: *base\n    split: test\nencoders:\n", 1
        )
    )
    datasets = load_study(path).datasets
    assert datasets["more"] == datasets["captions"].model_copy(update={"split": "test"})
    assert datasets["captions"].split == "val"
