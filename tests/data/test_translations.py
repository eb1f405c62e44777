import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dataset_files import the_line, write_coco
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data import Dataset, limits, read_coco, read_flickr
from ligature.data.dataset import captioned_dataset
from ligature.data.parallel import read_parallel
from ligature.data.scenes import LANGUAGES, write_world
from ligature.data.translations import with_descriptions, with_translations
from ligature.errors import DataError
from ligature.params.texts import DescriptionParams, TranslationParams

REALDATA = os.environ.get("LIGATURE_REALDATA")


def toy(names=("a", "b", "c")):
    """Returns images with two captions each; ids are numbers, file names letters."""
    images = pd.DataFrame({"id": [str(n) for n in range(len(names))], "path": [f"/x/{name}.jpg" for name in names]})
    captions = pd.DataFrame({"image_id": [*images["id"], *images["id"]], "text": ["one", "two"] * len(names)})
    return captioned_dataset("toy", "val", images, captions, "captions.json")


def write_lines(folder, *rows, name="rows.jsonl"):
    path = folder / name
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def translate(dataset, path, *languages):
    params = TranslationParams(format="jsonl", file=str(path), languages=languages)
    return with_translations(dataset, params, Path)


def describe(dataset, path, *words):
    return with_descriptions(dataset, DescriptionParams(file=str(path), words=words), Path)


def refusal(call, dataset, path, *arguments):
    line = the_line(call, dataset, path, *arguments, error=DataError)
    assert line.startswith(f"{path}")
    return line.removeprefix(f"{path}").removeprefix(": ").removeprefix(", ")


def texts_of(dataset, variant):
    texts = dataset.of_variant(variant).texts
    return dict(zip(texts["image_id"], texts["text"], strict=True))


@pytest.mark.parametrize("named", [lambda n: str(n), lambda n: n, lambda n: "abc"[n], lambda n: "abc"[n] + ".jpg"])
@pytest.mark.parametrize("key", ["id", "image"])
def test_an_entry_names_its_image_by_id_file_name_or_stem(tmp_path, named, key):
    rows = [{key: named(n), "de": f"Bild {n}", "fr": f"image {n}", "split": "val"} for n in (2, 0)]
    dataset = translate(toy(), write_lines(tmp_path, *rows), "de", "fr")
    assert texts_of(dataset, "de") == {"0": "Bild 0", "2": "Bild 2"}
    assert texts_of(dataset, "fr") == {"0": "image 0", "2": "image 2"}
    assert dataset.of_variant("de").texts["id"].to_list() == ["0#de", "2#de"]


def test_texts_stand_image_by_image_the_own_ones_first(tmp_path):
    dataset = translate(toy("ab"), write_lines(tmp_path, {"id": 1, "de": " eins\n"}, {"id": 0, "de": "null"}), "de")
    assert dataset.texts.to_dict("list") == {
        "id": ["0#0", "0#1", "0#de", "1#0", "1#1", "1#de"],
        "image_id": ["0", "0", "0", "1", "1", "1"],
        "text": ["one", "one", "null", "two", "two", "eins"],
        "variant": ["", "", "de", "", "", "de"],
    }
    own = dataset.of_variant().texts.drop(columns="variant")
    pd.testing.assert_frame_equal(own, toy("ab").texts)


def test_only_the_languages_asked_for_are_read_and_an_image_may_lack_one(tmp_path):
    path = write_lines(tmp_path, {"id": "a", "de": "A", "fr": None}, {"id": "b", "fr": "B", "cs": "x"})
    dataset = translate(toy(), path, "fr", "de")
    assert texts_of(dataset, "de") == {"0": "A"}
    assert texts_of(dataset, "fr") == {"1": "B"}
    assert set(dataset.texts["variant"]) == {"", "de", "fr"}


def test_an_empty_text_is_counted_and_follows_its_image(tmp_path):
    dataset = translate(toy(), write_lines(tmp_path, {"id": "a", "de": " "}, {"id": "b", "de": "B"}), "de")
    assert dataset.skipped_texts == [{"id": "0#de", "reason": "empty caption"}]
    assert dataset.of_variant("de").skipped_texts == dataset.skipped_texts
    assert dataset.of_variant("").skipped_texts == dataset.keep_images(np.array([1])).skipped_texts == []


def test_entries_of_other_images_are_counted_and_said(tmp_path, capsys):
    path = write_lines(tmp_path, *({"id": name, "de": name} for name in ("x", "a", "y")))
    assert texts_of(translate(toy(), path, "de"), "de") == {"0": "a"}
    assert capsys.readouterr().err == (
        f"{path}: 2 of 3 entries name no image of data set 'toy', such as 'x'; they are left out\n"
    )


@given(st.lists(st.sampled_from(["de", "fr", "16w"]), min_size=1), st.integers(1, 4), st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_parts_and_folds_keep_every_text_with_its_image(variants, parts, seed):
    own = toy("abcdefg")
    further = [
        (f"{image}#{v}", image, f"{v} {image}", v) for v in dict.fromkeys(variants) for image in own.images["id"]
    ]
    table = pd.concat([own.texts.assign(variant=""), pd.DataFrame(further, columns=[*own.texts.columns, "variant"])])
    table = table.sort_values("image_id", kind="stable", ignore_index=True)
    dataset = Dataset("toy", "val", own.images, table)
    joined = pd.concat([dataset.part(index, parts).texts for index in range(parts)], ignore_index=True)
    pd.testing.assert_frame_equal(joined, table)
    for variant in dict.fromkeys(variants):
        half = dataset.fold(1, 2, seed).of_variant(variant)
        assert half.texts["image_id"].to_list() == half.images["id"].to_list()
        assert half.texts["text"].to_list() == [f"{variant} {image}" for image in half.images["id"]]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"id": "a", "de": "A", "cs": "B", "split": "x"}], "no line in language 'fr'; there are: cs, de"),
        ([{"id": "a", "fr": None}], "no line in language 'fr'; there are: none"),
        ([{"id": "z", "fr": "A"}], "no entry names an image of data set 'toy', such as 'z'; check the file"),
        ([{"id": "a", "fr": 5}], "line 1: what stands under 'fr' is no text; give a string"),
        ([{"id": "a", "fr": "A"}, {"id": "0", "fr": "B"}], "image '0' has two texts 'fr'; remove one of them"),
        ([{"id": "a", "fr": "A"}, "{"], "line 2: not a json object with an id or an image"),
        ([{"fr": "A"}], "line 1: not a json object with an id or an image"),
        (["[" * 100_000], "line 1: not a json object with an id or an image"),
        ([{"id": ["a"], "fr": "A"}], "line 1: id \"['a']\" is neither a string nor a number"),
        ([], "no line in language 'fr'; there are: none"),
    ],
)
def test_a_wrong_file_of_translations_is_one_line(tmp_path, rows, expected):
    assert refusal(translate, toy(), write_lines(tmp_path, *rows), "fr") == expected


def test_a_language_that_only_other_images_have_is_refused(tmp_path):
    path = write_lines(tmp_path, {"id": "a", "de": "A"}, {"id": "z", "fr": "Z"})
    expected = "no image of data set 'toy' has a text 'fr'; leave it out of the study"
    assert refusal(translate, toy(), path, "de", "fr") == expected


def test_indonesian_cannot_stand_under_the_key_of_images(tmp_path):
    path = write_lines(tmp_path, {"id": "a", "id-ID": "satu"})
    assert refusal(translate, toy(), path, "id").startswith("the key id names the image, so Indonesian must stand")
    assert texts_of(translate(toy(), path, "id-ID"), "id-ID") == {"0": "satu"}


def test_a_name_that_two_images_share_is_refused_but_an_id_never_is(tmp_path):
    images = pd.DataFrame({"id": ["1", "2", "x"], "path": ["/one/x.jpg", "/two/x.jpg", "/one/y.jpg"]})
    dataset = captioned_dataset("toy", "val", images, pd.DataFrame({"image_id": ["1"], "text": ["a"]}), "c.json")
    path = write_lines(tmp_path, {"id": "x.jpg", "de": "A"})
    assert refusal(translate, dataset, path, "de") == "'x.jpg' may be image '1' or '2'; name it by its id"
    assert texts_of(translate(dataset, write_lines(tmp_path, {"id": "x", "de": "A"}), "de"), "de") == {"x": "A"}


def test_a_variant_that_stands_there_already_is_refused(tmp_path):
    path = write_lines(tmp_path, {"id": "a", "de": "A"})
    dataset = translate(toy(), path, "de")
    assert refusal(translate, dataset, path, "de") == ("data set 'toy' has texts 'de' already; name each of them once")


def parallel(folder, names, **texts):
    write_lines(folder, *names, name="names.txt")
    for language, lines in texts.items():
        write_lines(folder, *lines, name=f"captions_{language}.txt")
    return TranslationParams(
        format="parallel", file="{here}/captions_{language}.txt", names="{here}/names.txt", languages=list(texts)
    )


def test_parallel_files_are_read_one_a_language(tmp_path, capsys):
    params = parallel(tmp_path, ["c.jpg", "a.jpg"], de=["C!", "A!"], fr=["c?", "a?"])
    dataset = with_translations(toy(), params, lambda text: Path(text.replace("{here}", str(tmp_path))))
    assert texts_of(dataset, "de") == {"0": "A!", "2": "C!"}
    assert texts_of(dataset, "fr") == {"0": "a?", "2": "c?"}
    assert (dataset.notes, capsys.readouterr().err) == ((), "")


def test_cocos_training_images_are_noted_once(tmp_path, capsys):
    names = ["COCO_train2014_000000000009.jpg", "COCO_val2014_000000000042.jpg"]
    params = parallel(tmp_path, names, en=["a", "b"], de=["A", "B"])
    dataset = read_parallel(tmp_path, tmp_path / "names.txt", tmp_path / "captions_en.txt")
    translated = with_translations(dataset, params, lambda text: Path(text.replace("{here}", str(tmp_path))))
    assert translated.notes == dataset.notes
    assert "1 of 2 images are of COCO's training set" in translated.notes[0]
    assert capsys.readouterr().err.count("training set") == 1
    fresh = with_translations(toy(names), params, lambda text: Path(text.replace("{here}", str(tmp_path))))
    assert fresh.notes == dataset.notes


def test_parallel_files_of_different_length_are_one_line(tmp_path):
    params = parallel(tmp_path, ["c.jpg", "a.jpg"], de=["C!", "A!"], fr=["c?"])
    line = the_line(
        with_translations, toy(), params, lambda text: Path(text.replace("{here}", str(tmp_path))), error=DataError
    )
    assert line == (f"{tmp_path}/captions_fr.txt: 1 lines, but {tmp_path}/names.txt has 2; they must go together")


def plain_cut(text, count):
    words = text.split()
    return " ".join(word for number, word in enumerate(words) if number < count)


@given(
    st.lists(st.text("ab é", min_size=1).filter(str.strip), min_size=1, max_size=5),
    st.lists(st.integers(1, 9), min_size=1),
)
@settings(max_examples=25, deadline=None)
def test_every_length_has_a_text_of_every_description(tmp_path_factory, descriptions, words):
    path = write_lines(
        tmp_path_factory.mktemp("long"), *({"id": number, "text": text} for number, text in enumerate(descriptions))
    )
    dataset = describe(toy([f"image {n}" for n in range(len(descriptions))]), path, *words)
    assert set(dataset.texts["variant"]) == {"", "all", *(f"{count}w" for count in words)}
    for count in words:
        assert list(texts_of(dataset, f"{count}w").values()) == [plain_cut(text, count) for text in descriptions]
    assert list(texts_of(dataset, "all").values()) == [" ".join(text.split()) for text in descriptions]


def test_lengths_stand_in_order_and_the_whole_text_last(tmp_path):
    path = write_lines(tmp_path, {"image": "b.jpg", "text": "one two three four", "source": "x"})
    dataset = describe(toy(), path, 3, 1, 9, 3)
    further = dataset.texts[dataset.texts["variant"] != ""]
    assert list(zip(further["id"], further["text"], strict=True)) == [
        ("1#1w", "one"),
        ("1#3w", "one two three"),
        ("1#9w", "one two three four"),
        ("1#all", "one two three four"),
    ]


def test_descriptions_come_beside_translations(tmp_path):
    both = translate(toy(), write_lines(tmp_path, {"id": "a", "de": "A"}), "de")
    both = describe(both, write_lines(tmp_path, {"id": "a", "text": "one two"}, name="long.jsonl"), 1)
    first = both.texts[both.texts["image_id"] == "0"]
    assert first["variant"].to_list() == ["", "", "de", "1w", "all"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"id": "a"}], "line 1: no text; give a string under the key text"),
        ([{"id": "a", "text": ["x"]}], "line 1: no text; give a string under the key text"),
        ([{"id": "z", "text": "x"}], "no entry names an image of data set 'toy', such as 'z'; check the file"),
        ([], "no entry names an image of data set 'toy'; check the file"),
        ([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}], "image '0' has two texts '4w'; remove one of them"),
    ],
)
def test_a_wrong_file_of_descriptions_is_one_line(tmp_path, rows, expected):
    assert refusal(describe, toy(), write_lines(tmp_path, *rows), 4) == expected


def test_a_file_above_the_limit_is_one_line(tmp_path, monkeypatch):
    path = write_lines(tmp_path, {"id": "a", "de": "A", "text": "x"})
    monkeypatch.setattr(limits, "MAX_TEXT_BYTES", 10)
    for call, argument in ((translate, "de"), (describe, 4)):
        assert "more than the 10 that are read; split or shorten it" in refusal(call, toy(), path, argument)


def test_the_files_of_a_world_belong_to_its_images(tmp_path):
    world = tmp_path / "world"
    write_world(world, seed=1, image_size=32, coco={"val": 3}, imagenet={}, voc={})
    folder = world / "coco/annotations"
    dataset = read_coco(world / "coco/val", folder / "captions_val.json")
    translated = translate(dataset, folder / "multilingual_val.jsonl", *LANGUAGES)
    described = describe(translated, folder / "long_val.jsonl", 8, 16)
    assert described.texts.groupby("variant").size().to_dict() == {
        "": 15,
        "8w": 3,
        "16w": 3,
        "all": 3,
        **dict.fromkeys(LANGUAGES, 3),
    }
    assert all(len(text.split()) == 8 for text in texts_of(described, "8w").values())


def test_ids_with_leading_zeros_meet_the_file_names_of_coco(tmp_path):
    captions = write_coco(tmp_path, [(7, "000000000007.jpg")], [(1, 7, "a cat")])
    path = write_lines(tmp_path, {"id": "000000000007", "ja": "猫"})
    assert texts_of(translate(read_coco(tmp_path, captions), path, "ja"), "ja") == {"7": "猫"}


@pytest.mark.realdata
@pytest.mark.skipif(not REALDATA, reason="LIGATURE_REALDATA is not set")
def test_photographs_have_captions_in_four_languages():
    folder = Path(REALDATA) / "flickr8k"
    dataset = read_flickr(folder / "images", folder / "captions.csv")
    translated = translate(dataset, folder / "multilingual.jsonl", "en", "de", "fr", "cs")
    for language in ("en", "de", "fr", "cs"):
        texts = translated.of_variant(language).texts
        assert texts["image_id"].is_unique
        assert len(texts) == 460
    assert "there are: cs, de, en, fr" in refusal(translate, dataset, folder / "multilingual.jsonl", "ja")
