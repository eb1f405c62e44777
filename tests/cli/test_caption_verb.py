"""`ligature caption`: captions of one's own images, broken ones among them, and runs that go on where they stopped."""

import json
import os
import re
import shutil

import numpy as np
import pytest
from captioning_study import picture
from tiny_vlm import tiny_vlm

from ligature.captioning import GenerationSettings, VisionLanguageModel, caption_images
from ligature.captioning.generation import Generated
from ligature.cli import caption as verb
from ligature.cli.caption import append_lines, caption, generation_settings, line_of, open_image, read_done
from ligature.data.images import read_image
from ligature.errors import DataError, EncoderError, ParamsError


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Returns the folder of a model."""
    folder = tmp_path_factory.mktemp("used")
    tiny_vlm(folder / "parts", connector={"pruned": 60}, prompts=("describe",)).save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture
def images(tmp_path):
    """Returns the paths of five pictures."""
    generator = np.random.default_rng(7)
    paths = [tmp_path / "images" / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        picture(generator, number % 3, path)
    return paths


def run(images, model, **options) -> int:
    try:
        caption(list(images), model, **options)
    except SystemExit as left:
        return left.code
    return 0


def lines_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_path_and_caption_of_every_image_are_printed(trained, images, capsys):
    assert run(images, trained, max_new_tokens=5, batch=2) == 0
    model = VisionLanguageModel.from_pretrained(trained)
    pictures = [read_image(str(path))[0] for path in images]
    expected = caption_images(model, pictures, GenerationSettings(max_new_tokens=5))
    lines = [line_of({"image": str(path), "caption": each.text}) for path, each in zip(images, expected, strict=True)]
    assert capsys.readouterr().out.splitlines() == lines


def test_a_broken_image_is_one_line_and_the_others_go_on(trained, images, tmp_path, capsys):
    images[1].write_bytes(b"no image")
    images[3].unlink()
    os.mkfifo(tmp_path / "pipe")
    assert run([*images, tmp_path, tmp_path / "pipe"], trained, max_new_tokens=3) == 1
    lines = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert len(lines) == 7
    assert lines[str(images[1])] == "error: not an image"
    assert lines[str(images[3])] == "error: missing file"
    assert lines[str(tmp_path)] == lines[str(tmp_path / "pipe")] == "error: no regular file"
    assert not lines[str(images[4])].startswith("error")


def test_images_that_are_captioned_already_are_left_out(trained, images, tmp_path, monkeypatch, capsys):
    out = tmp_path / "new" / "captions.jsonl"
    assert run(images[:3], trained, out=out, batch=2, max_new_tokens=3) == 0
    first = out.read_bytes()
    assert [row["image"] for row in lines_of(out)] == [str(path) for path in images[:3]]
    assert all(set(row) == {"image", "caption", "ended", "made_by"} for row in lines_of(out))
    seen = []
    monkeypatch.setattr(verb, "open_image", lambda name: seen.append(name) or open_image(name))
    assert run(images, trained, out=out, batch=2, max_new_tokens=3) == 0
    assert seen == [str(path) for path in images[3:]]
    assert out.read_bytes().startswith(first)
    assert [row["image"] for row in lines_of(out)] == [str(path) for path in images]
    assert "3 of 5 images are captioned there already" in capsys.readouterr().err


def test_a_killed_run_goes_on_behind_its_last_whole_line(trained, images, tmp_path):
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    run(images, trained, out=whole, max_new_tokens=3, batch=1)
    content = whole.read_bytes()
    for length in (0, 1, 9, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:length])
        assert run(images, trained, out=cut, max_new_tokens=3, batch=1) == 0
        assert cut.read_bytes() == content


def test_images_that_failed_are_tried_again(trained, images, tmp_path):
    out, good = tmp_path / "out.jsonl", images[0].read_bytes()
    images[0].write_bytes(good[:100])
    assert run(images[:2], trained, out=out, max_new_tokens=3) == 1
    assert "error" in lines_of(out)[0]
    images[0].write_bytes(good)
    assert run(images[:2], trained, out=out, max_new_tokens=3) == 0
    assert [row["image"] for row in lines_of(out)] == [str(images[row]) for row in (0, 1, 0)]
    assert "caption" in lines_of(out)[2]


def test_captions_of_another_model_or_with_other_settings_are_not_mixed(trained, images, tmp_path):
    out = tmp_path / "out.jsonl"
    run(images[:1], trained, out=out, max_new_tokens=3)
    before = out.read_bytes()
    for options in ({"max_new_tokens": 4}, {"max_new_tokens": 3, "prompt": "what else?"}):
        with pytest.raises(DataError, match=r"out\.jsonl, line 1: by another model or with other settings"):
            run(images, trained, out=out, **options)
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        "one line\n",
        "[]\n",
        '{"image": 3, "made_by": "x"}\n',
        "{}\n",
        "a text without an end",
        pytest.param("[" * 100_000 + "\n", id="deep"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_stays(content, tmp_path):
    out = tmp_path / "notes.txt"
    out.write_text(content)
    with pytest.raises(DataError, match=r"notes\.txt.*name another file") as raised:
        read_done(out, "x")
    assert "\n" not in str(raised.value)
    assert out.read_text() == content


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match="is no regular file; name another"):
        read_done(tmp_path, "x")


def test_nothing_that_is_printed_speaks_to_a_terminal(trained, images, tmp_path, monkeypatch, capsys):
    evil = tmp_path / "a\x1b[2J\n\udcff.png"
    shutil.copy(images[0], os.fsencode(str(evil)))
    text = "a\x1b]0;title\x07 \u2028b\nc\td\x9b"
    monkeypatch.setattr(
        verb, "caption_images", lambda _, images, *a, **k: [Generated(text, 3, ended=True) for _ in images]
    )
    out = tmp_path / "out.jsonl"
    assert run([evil], trained, out=out) == 0
    printed = capsys.readouterr().out
    assert re.fullmatch(r"[^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028]*\t[^\x00-\x1f\x7f-\x9f\u2028]*\n", printed)
    assert out.read_bytes().isascii()
    assert [row["caption"] for row in lines_of(out)] == [text]
    assert read_done(out, lines_of(out)[0]["made_by"]) == {str(evil)}


def test_lines_are_appended_and_read_again(tmp_path):
    out = tmp_path / "out.jsonl"
    append_lines(out, [{"image": "a", "caption": "x", "made_by": "m"}])
    append_lines(out, [{"image": "b", "error": "x", "made_by": "m"}, {"image": "c", "caption": "\n", "made_by": "m"}])
    assert read_done(out, "m") == {"a", "c"}
    assert len(out.read_bytes().splitlines()) == 3
    assert read_done(tmp_path / "none", "m") == set()
    assert line_of({"image": "a\tb", "caption": ""}) == "a\\tb\t"


def test_options_become_settings_by_the_rules_of_a_study():
    assert generation_settings(method=None, beams=None, seed=None) == GenerationSettings()
    assert generation_settings(beams=3, max_new_tokens=9) == GenerationSettings("beam", 3, max_new_tokens=9)
    assert generation_settings(method="sample", seed=4) == GenerationSettings("sample", seed=4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "other"}, "--method: "),
        ({"beams": 1}, "--beams: .*greater than or equal to 2"),
        ({"max_new_tokens": 0}, "--max-new-tokens: "),
        ({"seed": -1}, "--seed: "),
        ({"method": "greedy", "beams": 3}, "beams has no effect with method 'greedy'"),
    ],
)
def test_impossible_options_are_one_line(options, words):
    with pytest.raises(ParamsError, match=words) as raised:
        generation_settings(**options)
    assert "\n" not in str(raised.value)


def test_beams_draws_and_prompts_change_the_captions_by_rule(trained, images, capsys):
    outputs = []
    for options in ({"beams": 2}, {"beams": 2}, {"method": "sample", "seed": 1}, {"method": "sample", "seed": 1}):
        assert run(images[:2], trained, max_new_tokens=4, **options) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert outputs[2] == outputs[3] != outputs[0]
    assert run(images[:2], trained, prompt="<image> what?", max_new_tokens=4) == 0


def test_a_folder_that_holds_no_model_is_named(images, tmp_path):
    with pytest.raises(EncoderError, match="holds no captioning model") as raised:
        run(images, tmp_path)
    assert "\n" not in str(raised.value)
