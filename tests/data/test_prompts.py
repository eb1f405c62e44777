"""Prompt sets: templates, sets of the package, sentences a class, other languages; and what is refused."""

import json
import os
from pathlib import Path

import pytest
from dataset_files import the_line
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data import open_dataset
from ligature.data.prompts import (
    builtin_templates,
    names_of,
    prompt_table,
    read_class_names,
    read_prompts,
    read_sentences,
    variant_of,
)
from ligature.errors import DataError, ParamsError
from ligature.params import load_study, parse_study
from ligature.params.datasets import ImageFoldersDataset
from ligature.params.texts import PromptParams
from ligature.store import Layout

ROOT = Path(__file__).parents[2]
REALDATA = os.environ.get("LIGATURE_REALDATA")
CLASSES = {"n01": "cat", "n02": "great white shark"}


def block(**prompts):
    values = {"format": "imagefolders", "images": "a", "classes": "b", "templates": ["a {}."]}
    return ImageFoldersDataset(**values, prompts=prompts)


def rows(table):
    return [tuple(row) for row in table.itertuples(index=False)]


def write_json(path, values):
    path.write_text(json.dumps(values), encoding="utf-8")
    return str(path)


def test_main_templates_have_plain_ids_and_no_variant():
    params = PromptParams(templates=["a {}.", "the {}"])
    assert rows(read_prompts(params, CLASSES, Path)) == [
        ("0#0", 0, "a cat.", ""),
        ("0#1", 0, "the cat", ""),
        ("1#0", 1, "a great white shark.", ""),
        ("1#1", 1, "the great white shark", ""),
    ]


def test_a_named_set_bears_its_name_in_ids_and_variant():
    params = PromptParams(templates=["my {}"])
    assert rows(read_prompts(params, CLASSES, Path, name="mine")) == [
        ("0#mine#0", 0, "my cat", "mine"),
        ("1#mine#0", 1, "my great white shark", "mine"),
    ]


def test_a_set_of_another_language_has_translated_names_and_the_language_as_variant(tmp_path):
    (tmp_path / "de.tsv").write_text("n02\tWeißer Hai, Hai\nn99\tunbenutzt\nn01\tKatze\n", encoding="utf-8")
    params = PromptParams(templates=["ein Foto: {}"], classes=str(tmp_path / "de.tsv"), language="de")
    assert rows(read_prompts(params, CLASSES, Path, name="german")) == [
        ("0#german#0", 0, "ein Foto: Katze", "de"),
        ("1#german#0", 1, "ein Foto: Weißer Hai", "de"),
    ]


def test_paths_are_resolved_before_they_are_read(tmp_path):
    (tmp_path / "de.tsv").write_text("n01\tKatze\nn02\tHai\n")
    params = PromptParams(templates=["{}"], classes="{world}/de.tsv", language="de")
    table = read_prompts(params, CLASSES, lambda path: Path(path.replace("{world}", str(tmp_path))), name="de")
    assert table["text"].to_list() == ["Katze", "Hai"]


def test_the_single_set_is_the_sentence_of_the_paper():
    assert builtin_templates("single") == ["a photo of a {}."]
    params = PromptParams(builtin="single")
    assert read_prompts(params, CLASSES, Path)["text"].to_list() == [
        "a photo of a cat.",
        "a photo of a great white shark.",
    ]


def test_the_eighty_are_eighty_different_templates_with_one_place():
    eighty = builtin_templates("eighty")
    assert len(eighty) == len(set(eighty)) == 80
    assert all(template.count("{}") == 1 and template.endswith(".") for template in eighty)
    assert len(read_prompts(PromptParams(builtin="eighty"), CLASSES, Path)) == 160


def test_sentences_are_used_whole_by_key_or_name_and_are_not_padded(tmp_path):
    file = write_json(
        tmp_path / "vdt.json", {"great white shark": ["grey  fish.\n", "big fish."], "n01": ["it purrs."]}
    )
    assert read_sentences(Path(file), CLASSES) == [["it purrs."], ["grey fish.", "big fish."]]
    assert rows(read_prompts(PromptParams(sentences=file), CLASSES, Path, name="vdt")) == [
        ("0#vdt#0", 0, "it purrs.", "vdt"),
        ("1#vdt#0", 1, "grey fish.", "vdt"),
        ("1#vdt#1", 1, "big fish.", "vdt"),
    ]


def test_a_key_comes_before_a_name_that_another_class_bears(tmp_path):
    file = write_json(tmp_path / "a.json", {"crane": ["a bird."], "n2": ["a machine."]})
    assert read_sentences(Path(file), {"crane": "crane", "n2": "crane"}) == [["a bird."], ["a machine."]]


def test_half_a_character_in_json_becomes_a_question_mark(tmp_path):
    file = tmp_path / "a.json"
    file.write_text('{"n01": ["half \\ud83d."], "n02": ["b"]}')
    assert read_sentences(file, CLASSES)[0] == ["half ?."]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"n01": ["a"]}, "no sentences for class 'n02' (great white shark); add them under its key or name"),
        ({"n01": ["a"], "n02": []}, "class 'n02' (great white shark) needs a list of at least one sentence"),
        ({"n01": ["a"], "n02": "b"}, "class 'n02' (great white shark) needs a list of at least one sentence"),
        ({"n01": ["a", " "], "n02": ["b"]}, "class 'n01' (cat): ' ' is no sentence; correct it"),
        ({"n01": ["a", 3], "n02": ["b"]}, "class 'n01' (cat): '3' is no sentence; correct it"),
        ([["a"], ["b"]], "expected one json object of class keys or names and their lists of sentences"),
    ],
)
def test_sentences_that_lack_a_class_are_one_line(tmp_path, values, reason):
    file = write_json(tmp_path / "vdt.json", values)
    assert the_line(read_prompts, PromptParams(sentences=file), CLASSES, Path, error=DataError) == f"{file}: {reason}"


def test_a_translation_that_lacks_a_class_is_one_line(tmp_path):
    (tmp_path / "fr.tsv").write_text("n01\tchat\n")
    params = PromptParams(templates=["{}"], classes=str(tmp_path / "fr.tsv"), language="fr")
    line = the_line(read_prompts, params, CLASSES, Path, error=DataError)
    assert line == f"{tmp_path / 'fr.tsv'}: no line for class 'n02' (1 missing); add a name for each"


@given(st.dictionaries(st.text("abc", min_size=1, max_size=4), st.text("xyz", min_size=1), min_size=1), st.data())
@settings(max_examples=25, deadline=None)
def test_names_follow_the_order_of_the_classes_whatever_that_of_the_file(classes, data):
    shuffled = dict(data.draw(st.permutations(list(classes.items()))))
    assert list(names_of(dict.fromkeys(classes, ""), shuffled, Path("x")).items()) == list(classes.items())


def test_class_names_are_read_in_the_order_of_the_file(tmp_path):
    (tmp_path / "a.tsv").write_text("b\tdog, hound\na\tcat\n")
    assert list(read_class_names(tmp_path / "a.tsv").items()) == [("b", "dog"), ("a", "cat")]


def test_the_table_has_the_main_set_first_then_the_others_in_order(tmp_path):
    vdt = {"sentences": write_json(tmp_path / "a.json", {"n01": ["x."], "n02": ["y.", "z."]})}
    table = prompt_table(block(vdt=vdt, de={"templates": ["das {}"], "language": "de"}), CLASSES, Path)
    assert list(table.columns) == ["id", "label", "text", "variant"]
    assert table["variant"].to_list() == ["", "", "vdt", "vdt", "vdt", "de", "de"]
    assert table["text"].to_list()[:2] == ["a cat.", "a great white shark."]
    assert table["id"].is_unique
    assert table["label"].dtype.kind == "i"


def test_a_data_set_without_further_sets_has_its_templates_alone():
    assert prompt_table(block(), CLASSES, Path)["id"].to_list() == ["0#0", "1#0"]


def test_the_variant_is_the_language_or_the_name():
    assert variant_of(PromptParams(builtin="single"), "plain") == "plain"
    assert variant_of(PromptParams(builtin="single", language="zh-Hans"), "plain") == "zh-Hans"


@pytest.mark.parametrize(
    "prompts",
    [
        {"one": {"templates": ["{}"], "language": "de"}, "two": {"templates": ["x {}"], "language": "de"}},
        {"one": {"templates": ["{}"], "language": "two"}, "two": {"templates": ["x {}"]}},
    ],
)
def test_two_sets_of_one_language_are_one_line(prompts):
    line = the_line(prompt_table, block(**prompts), CLASSES, Path, name="mine", error=ParamsError)
    assert line.startswith("datasets.mine.prompts: one and two would both be reported as ")


@pytest.mark.realdata
@pytest.mark.skipif(not REALDATA, reason="set LIGATURE_REALDATA to the folder of real data")
def test_tiny_imagenet_with_eighty_templates_and_german_names(tmp_path):
    values = load_study(ROOT / "studies/photos.yaml").model_dump(mode="json")
    folders = values["datasets"]["tiny-imagenet"]
    keys = read_class_names(Path(REALDATA) / "tiny_imagenet/classes.tsv")
    (tmp_path / "de.tsv").write_text("".join(f"{key}\tDing {number}\n" for number, key in enumerate(keys)))
    german = {"templates": ["ein Bild: {}"], "classes": str(tmp_path / "de.tsv"), "language": "de"}
    folders["prompts"] = {"eighty": {"builtin": "eighty"}, "german": german}
    dataset = open_dataset(Layout(parse_study(values, "photos"), tmp_path), "tiny-imagenet")
    assert dataset.texts["variant"].value_counts().to_dict() == {"eighty": 16000, "": 600, "de": 200}
    assert "a watercolour of a goldfish." in set(dataset.texts["text"])
    assert dataset.texts["id"].is_unique
    assert dataset.texts.groupby("label")["variant"].nunique().eq(3).all()
