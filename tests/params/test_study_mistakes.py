import pytest
import yaml
from study_values import REMOVED, STUDY, changed, write_study

from ligature.errors import ParamsError
from ligature.params import load_study

VIT = "encoders__vision__1"
BERT = "encoders__text__1"


def the_line(path) -> str:
    """Returns the one line that a study file is refused with, without the file's name."""
    with pytest.raises(ParamsError) as caught:
        load_study(path)
    line = str(caught.value)
    assert "\n" not in line, line
    assert line.startswith(f"{path}: "), line
    return line.removeprefix(f"{path}: ")


MISTAKES = {
    "unknown key": ({"train__epoch": 3}, "train.epoch: unknown key (value 3); remove it or correct its spelling"),
    "unknown block": ({"trian": {}}, "trian: unknown key (value {}); remove it or correct its spelling"),
    "unknown key of a data set": ({"datasets__captions__spilt": "val"}, "datasets.captions.spilt: unknown key"),
    "missing key": ({"train__epochs": REMOVED}, "train.epochs: missing; this key is required"),
    "missing block": ({"pairs": REMOVED}, "pairs: missing; this key is required"),
    "missing world": ({"world": REMOVED}, "world: missing; this key is required"),
    "missing path": ({"datasets__captions__captions": REMOVED}, "datasets.captions.captions: missing; this key"),
    "missing format": ({"datasets__captions__format": REMOVED}, "datasets.captions.format: missing; this key"),
    "wrong type": ({"train__epochs": "many"}, "train.epochs: got 'many'; input should be a valid integer"),
    "fraction of an epoch": ({"train__epochs": 1.5}, "train.epochs: got 1.5; input should be a valid integer"),
    "list for a block": ({"train__projector": [16]}, "train.projector: got [16]; expected a mapping"),
    "name for a list": (
        {"train__datasets": "captions"},
        "train.datasets: got 'captions'; input should be a valid list",
    ),
    "empty list": ({"pairs__datasets": []}, "pairs.datasets: got []; list should have at least 1 item"),
    "out of range": ({"train__batch_size": 1}, "train.batch_size: got 1; input should be greater than or equal to 2"),
    "dropout of one": ({"train__projector__dropout": 1.0}, "train.projector.dropout: got 1.0; input should be less"),
    "endless rate": ({"train__learning_rate": float("inf")}, "train.learning_rate: got inf; input should be a finite"),
    "no number": ({"train__weight_decay": float("nan")}, "train.weight_decay: got nan; input should be a finite"),
    "unknown choice": ({"pairs__rank_by": "cka"}, "pairs.rank_by: got 'cka'; input should be 'cka_debiased', "),
    "unknown format": ({"datasets__captions__format": "csv"}, "datasets.captions.format: got 'csv'; expected 'coco', "),
    "study name unfit for a path": ({"study": "../other"}, "study: got '../other'; string should match pattern"),
    "data set name with a space": (
        {"datasets__my set": STUDY["datasets"]["captions"]},
        "datasets.my set: got 'my set'",
    ),
    "long value": ({"train__epochs": "x" * 500}, "train.epochs: got 'xxx"),
}

COMBINATIONS = {
    "revision without a source": ({f"{VIT}__revision": "main"}, "revision pins a source; this encoder has none"),
    "learning rate that would rise": (
        {"train__min_learning_rate": 1.0},
        "min_learning_rate 1.0 is above learning_rate",
    ),
    "unknown data set": (
        {"train__datasets": ["caption"]},
        "train.datasets: unknown dataset 'caption'; known: captions, ",
    ),
    "unknown data set of a probe": ({"pairs__probe__test": "x"}, "pairs.probe.test: unknown dataset 'x'; known: "),
    "unknown data set of a recipe": (
        {f"{BERT}__recipe__dataset": "x"},
        "encoders.bert.recipe.dataset: unknown dataset 'x'; known: captions, sentences, labels",
    ),
    "class folders as captions": (
        {"train__validation": "labels"},
        "train.validation: dataset 'labels' has classes, not captions",
    ),
    "class folders in retrieval": (
        {"evaluate__retrieval": ["labels"]},
        "evaluate.retrieval: dataset 'labels' has classes, not captions",
    ),
    "class folders for a vocabulary": (
        {f"{BERT}__recipe__dataset": "labels"},
        "dataset 'labels' has classes, not captions",
    ),
    "captions as class folders": (
        {"evaluate__classification": ["captions"]},
        "evaluate.classification: dataset 'captions' has captions, not classes",
    ),
    "captions as labels of a recipe": (
        {f"{VIT}__recipe__dataset": "captions"},
        "encoders.vit.recipe.dataset: dataset 'captions' has captions, not classes",
    ),
    "unknown vision encoder": (
        {"pairs__choose": {"vision": "bert", "text": "bert"}},
        "pairs.choose.vision: unknown encoder 'bert'; known: pixels, vit",
    ),
    "unknown text encoder": (
        {"pairs__choose": {"vision": "vit", "text": "gpt"}},
        "pairs.choose.text: unknown encoder 'gpt'; known: words, bert",
    ),
    "world placeholder without a world": (
        {"datasets__captions__images": "{world}/coco/val"},
        "datasets.captions: uses {world}, but the study has no world block",
    ),
    "fold out of range": (
        {"datasets__captions__fold": {"index": 2, "of": 2}},
        "datasets.captions.fold: fold index 2 must be below the number of folds, 2",
    ),
    "single fold": ({"datasets__captions__fold": {"index": 0, "of": 1}}, "datasets.captions.fold.of: got 1; "),
    "template without a place": (
        {"datasets__labels__templates": ["a photo"]},
        "datasets.labels: template 'a photo' must contain {} exactly once",
    ),
    "template with two places": ({"datasets__labels__templates": ["{} or {}"]}, "must contain {} exactly once"),
    "no template": ({"datasets__labels__templates": []}, "datasets.labels.templates: got []; list should have"),
    "encoder name used twice": ({f"{BERT}__name": "vit"}, "encoders: encoder name 'vit' is used twice"),
    "encoder name like a pair": ({f"{BERT}__name": "a--b"}, "encoders: encoder name 'a--b' must not contain '--'"),
    "training without data": (
        {f"{VIT}__recipe__dataset": REMOVED},
        "encoders.vision.1.recipe: objective 'supervised' needs a dataset and epochs above 0",
    ),
    "training without epochs": ({f"{VIT}__recipe__epochs": 0}, "needs a dataset and epochs above 0"),
    "epochs without training": (
        {f"{VIT}__recipe": {"architecture": "vit", "objective": "none", "epochs": 1}},
        "encoders.vision.1.recipe: objective 'none' takes neither dataset nor epochs",
    ),
    "neither source nor recipe": (
        {f"{VIT}__recipe": REMOVED},
        "encoders.vision.1: give exactly one of source and recipe",
    ),
    "source and recipe": ({f"{BERT}__source": "folder"}, "encoders.text.1: give exactly one of source and recipe"),
    "pixels with a source": (
        {"encoders__vision__0__source": "folder"},
        "encoders.vision.0: loader 'pixels' takes image_size and pooling 'cls', no source and no recipe",
    ),
    "pixels without a size": ({"encoders__vision__0__image_size": REMOVED}, "loader 'pixels' takes image_size"),
    "words without a width": (
        {"encoders__text__0__dims": REMOVED},
        "encoders.text.0: loader 'bag-of-words' takes dims, no source and no recipe",
    ),
    "width of another loader": ({f"{BERT}__dims": 8}, "encoders.text.1: dims belongs to loader 'bag-of-words'"),
    "transformers without pooling": (
        {f"{BERT}__pooling": REMOVED},
        "encoders.text.1: loader 'transformers' needs pooling 'cls' or 'mean'",
    ),
    "words with a pooling": ({"encoders__text__0__pooling": "mean"}, "encoders.text.0: loader 'transformers' needs"),
    "clip with a recipe": (
        {f"{VIT}__loader": "clip"},
        "encoders.vision.1: loader 'clip' takes a source and pooling 'cls', its only vector, and no recipe",
    ),
    "clip without a source": (
        {"encoders__vision__0__loader": "clip"},
        "loader 'clip' takes a source and pooling 'cls'",
    ),
    "clip with another pooling": (
        {"encoders__vision__0": {"name": "clip", "loader": "clip", "source": "folder"}},
        "encoders.vision.0: loader 'clip' takes a source and pooling 'cls', its only vector, and no recipe",
    ),
    "clip's texts with a recipe": (
        {f"{BERT}__loader": "clip"},
        "encoders.text.1: loader 'clip' takes a source and no recipe",
    ),
    "clip's texts with a pooling": (
        {"encoders__text__0": {"name": "clip", "loader": "clip", "source": "folder", "pooling": "mean"}},
        "encoders.text.0: loader 'transformers' needs pooling 'cls' or 'mean'; the others have their own",
    ),
    "clip with a width": (
        {"encoders__text__0__loader": "clip"},
        "encoders.text.0: dims belongs to loader 'bag-of-words'",
    ),
    "no vision encoder": ({"encoders__vision": []}, "encoders.vision: got []; list should have at least 1 item"),
}


@pytest.mark.parametrize(("changes", "expected"), (MISTAKES | COMBINATIONS).values(), ids=MISTAKES | COMBINATIONS)
def test_a_mistake_is_one_line_with_file_key_value_and_what_was_expected(tmp_path, changes, expected):
    line = the_line(write_study(tmp_path, changed(**changes)))
    assert expected in line
    assert len(line) < 450


def test_the_study_of_these_tests_is_valid_without_a_mistake(tmp_path):
    assert load_study(write_study(tmp_path, changed())).study == "small"


def test_every_mistake_has_a_line_of_its_own(tmp_path):
    path = write_study(tmp_path, changed(train__epochs="many", embed__shards=1, pairs__probe__steps=0))
    with pytest.raises(ParamsError) as caught:
        load_study(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{path}: ") for line in lines)
    for key in ("train.epochs: got 'many'", "embed.shards: unknown key", "pairs.probe.steps: got 0"):
        assert sum(key in line for line in lines) == 1


def text_of(*replacement: str) -> str:
    return yaml.safe_dump(STUDY, sort_keys=False).replace(*replacement, 1)


TEXTS = {
    "duplicate key": (
        text_of("study: small\n", "study: small\nstudy: other\n"),
        "key 'study' stands twice, line 2; remove one of them",
    ),
    "duplicate key in a block": (
        text_of("  epochs: 1\n", "  epochs: 1\n  batch_size: 8\n"),
        "key 'batch_size' stands twice",
    ),
    "not yaml": (text_of("study: small", "study: [small"), "not valid YAML: "),
    "braces without quotes": (text_of("images: images", "images: {{world}}/coco"), "not valid YAML: "),
    "a mapping as key": (text_of("study: small", "study: {{a: 1}: 2}"), "not valid YAML: "),
    "a date that is none": (text_of("study: small", "study: 2024-13-45"), "not valid YAML: "),
    "python object": (text_of("study: small", "study: !!python/object:os.system x"), "not valid YAML: "),
    "empty": ("", "got None; expected a mapping of keys to values"),
    "a list": ("- study\n", "got ['study']; expected a mapping of keys to values"),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_a_file_that_is_no_study_is_one_line(tmp_path, text, expected):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    assert expected in the_line(path)


def test_a_missing_file_is_one_line(tmp_path):
    assert the_line(tmp_path / "none.yaml") == "cannot be read (No such file or directory); name a study file"


def test_a_folder_is_one_line(tmp_path):
    assert the_line(tmp_path) == "cannot be read (Is a directory); name a study file"


def test_a_file_in_another_encoding_is_one_line(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_bytes("study: café\n".encode("latin-1"))
    assert "not valid YAML" in the_line(path)
