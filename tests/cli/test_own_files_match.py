"""`ligature match` on pictures whose captions are known: what it writes, says, leaves out and refuses."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from own_files_inputs import PAIR, run, write_own
from PIL import Image

from ligature.cli.own_files.features import choose_encoders, encode_own
from ligature.cli.own_files.folder import list_images
from ligature.cli.own_files.match import match
from ligature.encoders.text import hashed_counts
from ligature.errors import DataError, EncoderError
from ligature.matching.local_cka import LocalCKA
from ligature.params import load_study
from ligature.store import Layout


@pytest.fixture
def own(tmp_path):
    return write_own(tmp_path)


def matched(own, *arguments):
    """Returns the table that was written, and what was printed."""
    output = own.folder / "out" / "matches.csv"
    printed = run(match, *own.paths, *PAIR, *own.where, "--output", output, *arguments)
    return pd.read_csv(output), printed


def plain_features(own, names):
    """Returns pixels and hashed words, as the two encoders of the study have them."""
    images = []
    for name in names:
        small = Image.open(own.folder / "photos" / name).resize((8, 8), Image.Resampling.BOX)
        images.append((np.asarray(small, dtype=np.float32) / 255).transpose(2, 0, 1).ravel())
    return np.array(images), hashed_counts([own.captions[name] for name in names], 128)


def plain_scores(own):
    base = plain_features(own, own.anchors)
    return LocalCKA().fit(*base).score(*plain_features(own, own.others))


def test_every_image_gets_its_caption(own):
    table, printed = matched(own)
    assert list(table.columns) == ["image", "caption", "line", "score", "margin", "rank"]
    assert table["image"].to_list() == own.others
    assert (table["caption"] == table["image"].map(own.captions)).mean() == 1
    lines = (own.folder / "captions.txt").read_text().splitlines()
    assert [lines[line - 1] for line in table["line"]] == table["caption"].to_list()
    assert "matched: 16 pairs; left over: 0 images, 0 captions" in printed
    assert "pixels + bag-of-words, local-cka-rbf, 24 anchors" in printed
    assert re.search(r"other methods: kernel-ridge \d+ %, cca \d+ %\n", printed)
    accuracy = int(re.search(r"held-out anchors: (\d+) % of 24 matched correctly, chance 3.6 %\n", printed)[1])
    assert accuracy > 40


def test_score_margin_and_rank_are_those_of_the_scores(own):
    table, _ = matched(own)
    scores, columns = plain_scores(own), [own.captions[name] for name in own.others]
    for row, entry in table.iterrows():
        own_score = scores[row, columns.index(entry["caption"])]
        others = np.delete(scores[row], columns.index(entry["caption"]))
        assert entry["score"] == pytest.approx(own_score, abs=2e-8)
        assert entry["margin"] == pytest.approx(own_score - others.max(), abs=2e-8)
        assert entry["rank"] == 1 + (others > own_score).sum()


def test_the_same_input_gives_the_same_bytes(own):
    matched(own)
    before = (own.folder / "out" / "matches.csv").read_bytes()
    matched(own)
    assert (own.folder / "out" / "matches.csv").read_bytes() == before
    assert [path.name for path in (own.folder / "out").iterdir()] == ["matches.csv"]


@pytest.mark.parametrize(
    "arguments", [["--method", "qap"], ["--method", "ridge"], ["--stretch"], ["--csls", "5"], ["--method", "cca"]]
)
def test_other_methods_match_too(own, arguments):
    table, printed = matched(own, *arguments)
    assert sorted(table["caption"]) == sorted(own.captions[name] for name in own.others)
    assert (table["caption"] == table["image"].map(own.captions)).mean() > 0.5
    assert "held-out anchors: " in printed


def test_scores_beside_a_quadratic_assignment_are_those_of_local_cka(own):
    table, _ = matched(own, "--method", "qap")
    scores, columns = plain_scores(own), [own.captions[name] for name in own.others]
    expected = [scores[row, columns.index(caption)] for row, caption in enumerate(table["caption"])]
    np.testing.assert_allclose(table["score"], expected, atol=2e-8)


def test_csls_changes_scores_as_its_formula_says(own):
    table, _ = matched(own, "--csls", "3")
    scores, columns = plain_scores(own), [own.captions[name] for name in own.others]
    near = 2 * scores - np.sort(scores, 1)[:, -3:].mean(1)[:, None] - np.sort(scores, 0)[-3:].mean(0)
    expected = [near[row, columns.index(caption)] for row, caption in enumerate(table["caption"])]
    np.testing.assert_allclose(table["score"], expected, atol=2e-8)


def test_with_more_images_than_captions_every_caption_gets_an_image(own):
    own.write_lines([own.captions[name] for name in own.others[:5]])
    table, printed = matched(own)
    assert sorted(table["caption"]) == sorted(own.captions[name] for name in own.others[:5])
    assert len(set(table["image"])) == 5
    assert table["image"].is_monotonic_increasing
    assert (table["caption"] == table["image"].map(own.captions)).mean() > 0.5
    assert "matched: 5 pairs; left over: 11 images, 0 captions" in printed


def test_a_single_caption_has_no_margin(own):
    own.write_lines([own.captions[own.others[0]]])
    table, _ = matched(own)
    assert table["margin"].isna().all()
    assert table["rank"].to_list() == [1]


def test_captions_of_anchors_and_empty_lines_are_left_out_and_lines_keep_their_numbers(own):
    kept = [own.captions[name] for name in own.others]
    own.write_lines(["", own.captions[own.anchors[0]], *kept, "  ", "", "a caption too many"])
    table, printed = matched(own)
    assert sorted(table["line"]) == sorted({*range(3, len(kept) + 3), len(kept) + 5})[: len(kept)]
    assert "left over: 0 images, 1 captions" in printed
    assert "left out: 1 lines with captions of anchors, 3 empty lines" in printed


def test_anchors_are_not_matched(own):
    table, _ = matched(own)
    assert not set(table["image"]) & set(own.anchors)


def test_few_anchors_hold_none_out(tmp_path):
    own = write_own(tmp_path, anchors=11)
    _, printed = matched(own)
    assert "held-out anchors: none, for 11 are fewer than 12" in printed


def test_an_estimate_of_chance_comes_out_as_chance(tmp_path):
    own = write_own(tmp_path, count=100, anchors=90)
    shuffled = np.random.default_rng(0).permutation(own.anchors)
    own.write_pairs([(name, own.captions[other]) for name, other in zip(own.anchors, shuffled, strict=True)])
    _, printed = matched(own)
    assert int(re.search(r"held-out anchors: (\d+) % of 90 matched correctly, chance 1.8 %", printed)[1]) < 10


def test_unreadable_images_are_left_out_and_named(own, capfd):
    photos = own.folder / "photos"
    (photos / "broken.jpg").write_bytes(b"no image")
    (photos / "notes.txt").write_text("x")
    (photos / "link.png").symlink_to(own.folder / "params.yaml")
    output = own.folder / "matches.csv"
    match(
        photos, *own.paths[1:2], own.paths[3], *PAIR[1::2], output=output,
        params=own.folder / "params.yaml", results=own.folder / "results",
    )  # fmt: skip
    said = capfd.readouterr().err
    assert "1 files that are no images by their ending" in said
    assert "2 left out: 'link.png' (link out of the folder), 'broken.jpg' (not an image)" in said
    assert pd.read_csv(output)["image"].to_list() == own.others


def test_names_with_quotes_and_line_ends_stand_in_one_cell(own):
    odd = {name: f'{number} "x",\r\n y.png' for number, name in enumerate(own.others)}
    for name, new in odd.items():
        (own.folder / "photos" / name).rename(own.folder / "photos" / new)
    table, _ = matched(own)
    assert table["image"].to_list() == sorted(odd.values())


def test_the_default_pair_is_the_one_chosen(own):
    chosen = own.folder / "results" / "tiny" / "pairs" / "chosen.json"
    output = own.folder / "matches.csv"
    with pytest.raises(DataError, match="run `ligature select` first"):
        run(match, *own.paths, *own.where, "--output", output)
    chosen.parent.mkdir(parents=True)
    chosen.write_text(json.dumps({"vision": "pixels", "text": "bag-of-words"}))
    assert "pixels + bag-of-words" in run(match, *own.paths, *own.where, "--output", output)


def test_features_are_those_of_a_store(own):
    layout = Layout(load_study(own.folder / "params.yaml"), own.folder / "results")
    found = list_images(own.folder / "photos")
    texts = [own.captions[name] for name in found.names]
    names = choose_encoders(layout, "pixels", "bag-of-words")
    encoded = encode_own(layout, names, found, texts, workers=0, device="cpu")
    images, words = plain_features(own, found.names)
    np.testing.assert_array_equal(encoded.files.of(found.names), images)
    np.testing.assert_array_equal(encoded.of(texts), words)
    assert encoded.files.names == found.names


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["--text", "nothing"], EncoderError, "unknown encoder 'nothing'"),
        (["--vision", "bag-of-words"], EncoderError, "'bag-of-words' is no vision encoder; the study has pixels"),
        (["--csls", "3", "--method", "qap"], DataError, "--csls corrects scores"),
        (["--csls", "99"], DataError, "99 neighbours among 16 queries"),
        (["--output", "."], DataError, "is a folder; name a file"),
        (["--method", "cosine"], DataError, "cosine"),
    ],
)
def test_wrong_options_are_named(own, arguments, error, words):
    with pytest.raises(error, match=words):
        matched(own, *arguments)


def test_one_encoder_alone_is_no_pair(own):
    with pytest.raises(DataError, match="--vision and --text go together"):
        run(match, *own.paths, "--vision", "pixels", *own.where)


@pytest.mark.parametrize("name", ["captions.txt", "pairs.csv"])
def test_what_is_read_is_not_written(own, name):
    before = (own.folder / name).read_bytes()
    with pytest.raises(DataError, match="is one of the files that are read"):
        matched(own, "--output", own.folder / "photos" / ".." / name)
    assert (own.folder / name).read_bytes() == before


def test_an_anchor_that_cannot_be_read_is_named_with_its_row(own):
    (own.folder / "photos" / own.anchors[1]).write_bytes(b"no image")
    with pytest.raises(DataError, match=r"pairs\.csv: row 3: 'inner/001\.png': not an image"):
        matched(own)


def test_nothing_is_left_but_anchors(own):
    for name in own.others:
        (own.folder / "photos" / name).write_bytes(b"no image")
    with pytest.raises(DataError, match="no image but the anchors can be read"):
        matched(own)
    for name in own.others:
        (own.folder / "photos" / name).unlink()
    with pytest.raises(DataError, match="all 24 images are anchors"):
        matched(own)


def test_several_captions_of_an_anchor_are_averaged(own):
    first = own.anchors[0]
    own.write_pairs([(name, own.captions[name]) for name in own.anchors] + [(first, "a guitar in a cloud")])
    table, _ = matched(own)
    images, texts = plain_features(own, own.anchors)
    texts = texts.astype(np.float64)
    texts[0] = (texts[0] + hashed_counts(["a guitar in a cloud"], 128)[0]) / 2
    scores = LocalCKA().fit(images, texts).score(*plain_features(own, own.others))
    columns = [own.captions[name] for name in own.others]
    expected = [scores[row, columns.index(caption)] for row, caption in enumerate(table["caption"])]
    np.testing.assert_allclose(table["score"], expected, atol=2e-8)
