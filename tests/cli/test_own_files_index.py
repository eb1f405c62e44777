"""`ligature index` and `search`: hits are those of direct scores, and nothing but a whole index is read or replaced."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from own_files_inputs import PAIR, run, write_own
from safetensors.numpy import load_file, save_file

from ligature.cli.own_files import stored
from ligature.cli.own_files.features import choose_encoders, encode_own
from ligature.cli.own_files.folder import list_images
from ligature.cli.own_files.index import index
from ligature.cli.own_files.search import search, visible
from ligature.cli.own_files.stored import ANCHORS, FACTS, GALLERY, read_index
from ligature.errors import DataError, EncoderError, StoreError
from ligature.export import AlignedModel, export_pair
from ligature.matching.baselines import Ridge
from ligature.matching.local_cka import LocalCKA
from ligature.matching.stretching import stretch
from ligature.params import load_study
from ligature.store import Layout

sys.path.append(str(Path(__file__).parents[1] / "export"))
QUERIES = ["a dog in a house", "guitar cloud", "apple"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Pictures, and an index of them by anchors."""
    own = write_own(tmp_path_factory.mktemp("own"))
    run(index, own.paths[0], "--output", own.folder / "index", *own.paths[2:], *PAIR, *own.where)
    return own


@pytest.fixture
def copy(world, tmp_path):
    """A copy of the index, to be damaged."""
    return shutil.copytree(world.folder / "index", tmp_path / "index")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A study with an exported pair."""
    from tiny_pairs import make_study

    layout = make_study(tmp_path_factory.mktemp("trained"))
    export_pair(layout, "vit", "bert")
    return layout


def rebuilt(own, folder, *arguments):
    run(index, own.paths[0], "--output", folder, *own.paths[2:], *PAIR, *own.where, *arguments)
    return folder


def searched(folder, where, *arguments, queries=QUERIES):
    return json.loads(run(search, folder, *queries, "--json", *where, *arguments))


def features_of(own):
    """Returns names, features of all images, of the anchors, and of the queries."""
    layout = Layout(load_study(own.folder / "params.yaml"), own.folder / "results")
    found, texts = list_images(own.folder / "photos"), [*own.captions.values(), *QUERIES]
    names = choose_encoders(layout, "pixels", "bag-of-words")
    encoded = encode_own(layout, names, found, texts, workers=0, device="cpu")
    base = encoded.files.of(own.anchors), encoded.of([own.captions[name] for name in own.anchors])
    return found.names, encoded.files.vectors, base, encoded.of(QUERIES)


def assert_hits(found, names, scores):
    """Compares with scores [queries, images], best first; of scores that differ by rounding either may come first."""
    for entry, row in zip(found, scores, strict=True):
        hits = [hit["score"] for hit in entry["images"]]
        assert len({hit["image"] for hit in entry["images"]}) == len(hits)
        np.testing.assert_allclose(hits, [row[names.index(hit["image"])] for hit in entry["images"]], atol=2e-7)
        np.testing.assert_allclose(hits, np.sort(row)[::-1][: len(hits)], atol=2e-7)


def test_search_by_anchors_gives_what_local_cka_gives(world):
    names, images, (base_images, base_texts), queries = features_of(world)
    found = searched(world.folder / "index", world.where, "-k", 40)
    assert [entry["query"] for entry in found] == QUERIES
    assert_hits(found, names, LocalCKA().fit(base_texts, base_images).score(queries, images))


def test_a_method_and_stretching_are_part_of_the_index(world, tmp_path):
    names, images, (base_images, base_texts), queries = features_of(world)
    rebuilt(world, tmp_path / "ridge", "--method", "ridge", "--stretch")
    base_texts, queries = stretch(base_texts, queries)
    base_images, images = stretch(base_images, images)
    scores = Ridge().fit(base_texts, base_images).score(queries, images)
    assert_hits(searched(tmp_path / "ridge", world.where), names, scores)


def test_three_anchors_are_enough(tmp_path):
    own = write_own(tmp_path, anchors=3)
    rebuilt(own, tmp_path / "index")
    names, images, (base_images, base_texts), queries = features_of(own)
    scores = LocalCKA().fit(base_texts, base_images).score(queries, images)
    assert_hits(searched(tmp_path / "index", own.where), names, scores)


def test_captions_find_their_own_pictures(world):
    queries = [world.captions[name] for name in world.others]
    found = searched(world.folder / "index", world.where, "-k", 3, queries=queries)
    hits = [name in [hit["image"] for hit in entry["images"]] for name, entry in zip(world.others, found, strict=True)]
    assert np.mean(hits) > 0.6


def test_lines_are_printed_with_tabs_and_as_many_as_asked_for(world):
    printed = run(search, world.folder / "index", "apple", "a\tdog", "-k", 2, *world.where).splitlines()
    assert [line.split("\t")[0] for line in printed] == ["apple", "apple", r"a\tdog", r"a\tdog"]
    text, score, name = printed[0].split("\t")
    hit = searched(world.folder / "index", world.where, queries=["apple"])[0]["images"][0]
    assert (text, score, name) == ("apple", f"{hit['score']:.6f}", hit["image"])


def test_more_hits_than_images_are_all_images(world):
    found = searched(world.folder / "index", world.where, "-k", 1000)
    assert [len(entry["images"]) for entry in found] == [40, 40, 40]


def test_control_characters_never_reach_the_terminal():
    assert visible("a\x1b[2Jb\n\tü\u2028👩‍🚒\x9b") == r"a\x1b[2Jb\n\tü\u2028👩‍🚒\x9b"


def test_the_same_files_give_the_same_index(world, tmp_path):
    rebuilt(world, tmp_path / "again")
    for name in (FACTS, GALLERY, ANCHORS):
        assert (tmp_path / "again" / name).read_bytes() == (world.folder / "index" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again"]


def test_facts_say_what_was_indexed(world):
    facts = read_index(world.folder / "index").facts
    assert (facts.images, facts.left_out, facts.method, facts.model) == (40, 0, "local-cka-rbf", None)
    assert facts.encoders["vision"] == {
        "name": "pixels", "loader": "pixels", "image_size": 8, "pooling": "cls", "has_cls": True
    }  # fmt: skip


def test_an_index_is_replaced_and_other_files_are_not(world, copy, tmp_path):
    before = (copy / GALLERY).read_bytes()
    rebuilt(world, copy, "--method", "ridge")
    assert (copy / GALLERY).read_bytes() != before
    (tmp_path / "empty").mkdir()
    rebuilt(world, tmp_path / "empty")
    (copy / "mine.txt").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / GALLERY).write_text("x")
    for folder in (copy, tmp_path / "other"):
        with pytest.raises(DataError, match="holds other files than an index"):
            rebuilt(world, folder)
    with pytest.raises(DataError, match="is a file; name a folder"):
        rebuilt(world, copy / "mine.txt")
    assert (copy / "mine.txt").read_text() == "x"


def test_a_write_that_fails_leaves_the_index_before(world, copy, monkeypatch):
    def fails(*_):
        raise OSError(28, "No space left on device")

    before = (copy / GALLERY).read_bytes()
    monkeypatch.setattr(stored, "write_json", fails)
    with pytest.raises(OSError, match="No space"):
        rebuilt(world, copy, "--method", "ridge")
    assert (copy / GALLERY).read_bytes() == before
    assert [path.name for path in copy.parent.iterdir()] == ["index"]
    read_index(copy)


def test_an_index_behind_a_link_is_replaced_where_it_is(world, copy):
    link = copy.parent / "link"
    link.symlink_to(copy)
    rebuilt(world, link, "--method", "ridge")
    assert link.is_symlink()
    assert read_index(copy).facts.method == "ridge"


def change(folder, **values):
    """Changes facts of an index."""
    facts = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(facts | values))


def cut(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])


def flip(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)


def rehash(folder):
    change(folder, files={name: stored.hash_files([folder / name]) for name in (GALLERY, ANCHORS)})


def no_anchors(folder):
    anchors = load_file(folder / ANCHORS)
    save_file({"images": anchors["images"]}, folder / ANCHORS)
    rehash(folder)


def other_space(folder):
    anchors = load_file(folder / ANCHORS)
    save_file(anchors | {"probe": -anchors["probe"]}, folder / ANCHORS)
    rehash(folder)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / FACTS).unlink(), "holds no index, run `ligature index` first"),
        (lambda folder: (folder / FACTS).write_text("{"), "cannot be read or is not json"),
        (lambda folder: (folder / FACTS).write_text("[" * 100_000), "cannot be read or is not json"),
        (lambda folder: (folder / FACTS).write_bytes(b"\xff"), "cannot be read or is not json"),
        (lambda folder: (folder / FACTS).write_text(" " * (1 << 21)), "this is no index"),
        (lambda folder: change(folder, format=2), "format: "),
        (lambda folder: change(folder, unknown=2), "unknown: "),
        (lambda folder: change(folder, method=None), r"index\.json: an index has either a method or a model"),
        (lambda folder: change(folder, method="guess"), "method: "),
        (lambda folder: change(folder, encoders={"text": {}}), "encoders: "),
        (lambda folder: change(folder, images=39), f"40 images, {FACTS} says 39"),
        (lambda folder: change(folder, files={}), "gallery.safetensors: missing or damaged"),
        (lambda folder: (folder / GALLERY).unlink(), "gallery.safetensors: missing or damaged"),
        (lambda folder: cut(folder, GALLERY), "gallery.safetensors: missing or damaged"),
        (lambda folder: flip(folder, GALLERY), "gallery.safetensors: missing or damaged"),
        (lambda folder: flip(folder, ANCHORS), "anchors.safetensors: missing or damaged"),
        (lambda folder: (cut(folder, ANCHORS), rehash(folder)), "anchors.safetensors: cannot be read"),
        (no_anchors, "does not hold the anchors of an index"),
        (other_space, "the anchors give another space"),
        (lambda folder: shutil.rmtree(folder), "holds no index"),
    ],
)
def test_a_damaged_index_is_refused(world, copy, damage, words):
    damage(copy)
    with pytest.raises(StoreError, match=words):
        searched(copy, world.where)


def test_an_index_whose_method_has_no_scores_is_refused(world, copy):
    change(copy, method="qap")
    with pytest.raises(DataError, match="'qap' matches one to one"):
        searched(copy, world.where)


def other_study(world, folder, **changes):
    """Returns options with a study whose text encoder is another one."""
    values = yaml.safe_load((world.folder / "params.yaml").read_text())
    values["encoders"]["text"][0] |= changes
    (folder / "other.yaml").write_text(yaml.safe_dump(values))
    return ["--params", folder / "other.yaml", "--results", folder]


def test_a_changed_encoder_is_refused(world, copy, tmp_path):
    with pytest.raises(StoreError, match=r"'bag-of-words' is not that of the index.*dims differ"):
        searched(copy, other_study(world, tmp_path, dims=64))
    with pytest.raises(EncoderError, match="unknown encoder 'bag-of-words'; known: pixels, "):
        searched(copy, other_study(world, tmp_path, name="words"))
    change(copy, encoders={"vision": {}, "text": {"name": "pixels"}})
    with pytest.raises(EncoderError, match="'pixels' is no text encoder"):
        searched(copy, world.where)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "x"], "--model does not go with --anchors"),
        (["--revision", "x"], "--revision does not go with --anchors"),
        (["--method", "qap"], "--method qap: matches one to one"),
        (["--text", "bag-of-words", "--vision", "vit"], "unknown encoder 'vit'"),
    ],
)
def test_wrong_options_of_an_index_are_named(world, tmp_path, arguments, words):
    with pytest.raises((DataError, EncoderError), match=words):
        rebuilt(world, tmp_path / "index", *arguments)
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("arguments", [["--vision", "pixels"], ["--text", "x"], ["--method", "ridge"], ["--stretch"]])
def test_options_of_anchors_need_anchors(world, tmp_path, arguments):
    with pytest.raises(DataError, match=f"{arguments[0]} goes with --anchors"):
        run(index, world.paths[0], "--output", tmp_path / "index", *world.where, *arguments)


@pytest.mark.parametrize(("query", "words"), [(" ", "query 2: is empty"), ("x" * 10_001, "query 2: 10,001 characters")])
def test_wrong_queries_are_named(world, query, words):
    with pytest.raises(DataError, match=words):
        searched(world.folder / "index", world.where, queries=["apple", query])


def test_a_trained_pair_is_not_asked_of_an_index_by_anchors(world):
    with pytest.raises(DataError, match="the index was made with anchors"):
        searched(world.folder / "index", world.where, "--model", "x")


def study_of(trained):
    return ["--params", trained.results.parent / "params.yaml", "--results", trained.results]


def test_search_by_a_trained_pair_gives_its_cosines(world, trained, tmp_path, capfd):
    run(index, world.paths[0], "--output", tmp_path / "index", *study_of(trained))
    pair = AlignedModel.from_pretrained(trained.model)
    names = sorted(world.captions)
    images = pair.encode_image([world.folder / "photos" / name for name in names])
    queries = ["a red circle", "small square"]
    found = searched(tmp_path / "index", [], "-k", 5, queries=queries)
    assert_hits(found, names, pair.encode_text(queries) @ images.T)
    facts = read_index(tmp_path / "index").facts
    assert (facts.model.source, facts.method) == (str(trained.model), None)
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == [GALLERY, FACTS]


@pytest.fixture
def of_pair(world, trained, tmp_path):
    """An index by a copy of the exported pair, and the copy."""
    model = shutil.copytree(trained.model, tmp_path / "model")
    run(index, world.paths[0], "--output", tmp_path / "index", "--model", model)
    return tmp_path / "index", model


def test_a_pair_that_moved_is_named_by_hand(of_pair, tmp_path):
    folder, model = of_pair
    before = searched(folder, [])
    model.rename(tmp_path / "moved")
    with pytest.raises(DataError, match="model: no such folder"):
        searched(folder, [])
    assert searched(folder, [], "--model", tmp_path / "moved") == before


def test_another_pair_is_refused(of_pair):
    folder, _ = of_pair
    facts = json.loads((folder / FACTS).read_text())
    change(folder, model=facts["model"] | {"projector": "sha256:0"})
    with pytest.raises(StoreError, match=r"is not the pair of the index, .*model; name that one with --model"):
        searched(folder, [])
    encoders = facts["encoders"]
    encoders["text"]["revision"] = "sha256:0"
    change(folder, model=facts["model"], encoders=encoders)
    with pytest.raises(StoreError, match=r"'bert' is not that of the index, 'bert' \(revision differ\)"):
        searched(folder, [])


def test_what_an_index_names_is_not_fetched_from_the_hub(of_pair, monkeypatch):
    asked = []

    def download(name, **options):
        asked.append((name, options["local_files_only"]))
        raise OSError("not there")

    folder, _ = of_pair
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    change(folder, model={"source": "team/pair", "projector": "sha256:0"})
    with pytest.raises(DataError, match="team/pair is neither a folder"):
        searched(folder, [])
    assert asked == [("team/pair", True)]


def test_broken_images_are_counted_in_both_kinds(world, trained, tmp_path, capfd):
    photos = shutil.copytree(world.folder / "photos", tmp_path / "photos")
    (photos / "broken.jpg").write_bytes(b"no image")
    (photos / "out.png").symlink_to(world.folder / "params.yaml")
    for folder, arguments in (
        ("trained", study_of(trained)),
        ("matched", [*world.paths[2:], *PAIR, *world.where]),
    ):
        printed = run(index, photos, "--output", tmp_path / folder, *arguments)
        assert "indexed: 40 images" in printed
        assert read_index(tmp_path / folder).facts.left_out == 2


def test_a_missing_model_is_named(world, tmp_path):
    with pytest.raises(DataError, match="model: no such folder"):
        run(index, world.paths[0], "--output", tmp_path / "index", *world.where)
