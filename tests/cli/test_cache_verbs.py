"""`ligature embed` with a cache between two studies, and the verbs `ligature cache ls`, `verify` and `gc`."""

import json
import os
import time
from pathlib import Path

import pytest
from own_cache_study import write_pictures
from typer.testing import CliRunner

from ligature.cli import cache as cache_module
from ligature.cli.cache import cache, open_cache, parse_bytes
from ligature.cli.data import embed
from ligature.errors import ParamsError, StoreError
from ligature.progress import size_of
from ligature.store import Manifest
from ligature.store.cache import EmbeddingCache


@pytest.fixture
def shared(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGATURE_CACHE", str(tmp_path / "shared"))
    return EmbeddingCache(tmp_path / "shared")


@pytest.fixture
def studies(tmp_path):
    return write_pictures(tmp_path / "pictures")


def embed_both(study: Path, results: Path, names: tuple[str, str, str]) -> list[Path]:
    """Embeds images and texts of a study; returns the folders of its stores."""
    vision, text, dataset = names
    for encoder in (vision, text):
        embed(encoder, dataset, params=study, results=results)
    return sorted(path.parent for path in results.rglob("manifest.json"))


FIRST, SECOND = ("pixels", "words", "photos"), ("small", "bag", "pictures")


@pytest.fixture
def embedded(shared, studies, tmp_path):
    """The stores of two studies that share a cache."""
    one = embed_both(studies[0], tmp_path / "one", FIRST)
    return one, embed_both(studies[1], tmp_path / "two", SECOND)


def run(*arguments: str):
    return CliRunner().invoke(cache, list(arguments), catch_exceptions=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_study_finds_what_the_first_embedded(shared, studies, tmp_path, monkeypatch, capsys):
    embed_both(studies[0], tmp_path / "one", FIRST)
    assert capsys.readouterr().err.count("put into the cache: ") == 2
    embed_both(studies[1], tmp_path / "two", SECOND)
    said = capsys.readouterr().err
    assert said.count("found in the cache: ") == 2
    assert "embedded by study first (" in said
    monkeypatch.delenv("LIGATURE_CACHE")
    embed_both(studies[1], tmp_path / "plain", SECOND)
    assert "cache" not in capsys.readouterr().err
    assert contents(tmp_path / "two") == contents(tmp_path / "plain")
    assert len(list(shared.folders())) == 2


def test_an_encoder_that_is_found_is_not_loaded(shared, studies, tmp_path, monkeypatch):
    embed_both(studies[0], tmp_path / "one", FIRST)
    monkeypatch.setattr("ligature.encoders.load_vision_encoder", None)
    monkeypatch.setattr("ligature.encoders.load_text_encoder", None)
    assert len(embed_both(studies[1], tmp_path / "two", SECOND)) == 2


def test_ls_says_what_how_large_and_who(embedded):
    done = run("ls")
    lines = done.stdout.splitlines()
    assert (done.exit_code, len(lines)) == (0, 4)
    row = next(line for line in lines if "pixels" in line).split("  ")
    cells = [cell.strip() for cell in row if cell]
    assert cells[1:6] == ["pixels", "pixels", "pooled", "photos val 0/1", "6"]
    assert cells[7] == "first, second"
    assert lines[-1].startswith("2 entries, ")


def test_ls_as_json_names_every_use(embedded, shared):
    facts = json.loads(run("ls", "--json").stdout)
    assert [fact["key"] for fact in facts] == [folder.name for folder in shared.folders()]
    images = next(fact for fact in facts if fact["modality"] == "image")
    assert images["encoder"] == {
        "name": "pixels",
        "loader": "pixels",
        "image_size": 4,
        "pooling": "cls",
        "has_cls": True,
    }
    stored = [path for folder in embedded[0] for path in folder.rglob("*") if path.is_file()]
    assert sum(fact["bytes"] for fact in facts) == sum(path.stat().st_size for path in stored)
    assert sorted((use["study"], use["exists"]) for use in images["used_by"]) == [("first", True), ("second", True)]


def test_ls_of_an_empty_cache(shared):
    assert run("ls").stdout.splitlines()[-1] == "0 entries, 0 B"
    assert json.loads(run("ls", "--json").stdout) == []


def damage(folder: Path) -> Path:
    path = next(folder.rglob("*.npy"))
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-1] + b"x")
    return path


def test_verify_of_a_whole_cache_is_quiet(embedded, capsys):
    assert run("verify").exit_code == 0
    assert "2 of 2 entries are whole" in run("verify").stderr


def test_verify_names_the_damaged_entry_and_the_remedy(embedded, shared):
    path = damage(next(shared.folders()))
    with pytest.raises(StoreError) as caught:
        run("verify")
    line = str(caught.value)
    assert line.startswith(f"{path}: damaged")
    assert line.endswith("run `ligature cache verify --repair` to remove it")
    assert len(list(shared.folders())) == 2


def test_repair_removes_what_is_damaged_and_the_next_run_puts_it_back(embedded, shared, studies, tmp_path):
    damage(next(shared.folders()))
    done = run("verify", "--repair")
    assert done.exit_code == 0
    assert "removed, the next run embeds it anew" in done.stderr
    assert (len(list(shared.folders())), list(shared.leftovers())) == (1, [])
    embed_both(studies[0], tmp_path / "one", FIRST)
    assert run("verify").exit_code == 0
    assert len(list(shared.folders())) == 2


def test_a_broken_entry_is_a_warning_of_ls(embedded, shared):
    (next(shared.folders()) / "entry.json").write_text("{")
    done = run("ls")
    assert done.stdout.splitlines()[-1].startswith("1 entries")
    assert "not an entry of the cache" in done.stderr


def test_gc_keeps_what_a_study_stands_for(embedded, shared):
    done = run("gc", "--unused-days", "0", "--max-bytes", "0")
    assert len(list(shared.folders())) == 2
    assert "since studies stand for them; --force removes them too" in done.stderr


def test_gc_removes_what_no_study_stands_for(embedded, shared):
    images = Manifest.read(embedded[0][0])
    for folder in (folder for stores in embedded for folder in stores):
        if (folder / "text_emb").is_dir():
            (folder / "manifest.json").unlink()
    dry = run("gc", "--unused-days", "0", "--dry-run")
    assert dry.stdout.count("would remove ") == 1
    assert len(list(shared.folders())) == 2
    assert run("gc", "--unused-days", "0").stdout.count("removed ") == 1
    (left,) = shared.folders()
    assert Manifest.read(left).shards == images.shards
    assert list(shared.leftovers()) == []


def test_gc_by_force_takes_all_and_leaves_the_studies_alone(embedded, shared):
    before = contents(embedded[0][0])
    run("gc", "--max-bytes", "0", "--force")
    assert list(shared.folders()) == []
    assert contents(embedded[0][0]) == before


def test_gc_removes_what_a_killed_job_left(shared):
    left = shared.folder / "embeddings" / "ab" / ".abcd.host.1.partial"
    left.mkdir(parents=True)
    assert "removed" not in run("gc", "--unused-days", "9").stdout
    os.utime(left, (time.time() - 90000,) * 2)
    assert f"removed {left}" in run("gc", "--unused-days", "9").stdout
    assert not left.exists()


def test_gc_must_be_told_what_may_go(shared):
    with pytest.raises(ParamsError, match="give --unused-days, --max-bytes or both"):
        run("gc")


def test_without_the_variable_there_is_no_cache_to_look_at(monkeypatch):
    monkeypatch.delenv("LIGATURE_CACHE", raising=False)
    with pytest.raises(ParamsError, match="LIGATURE_CACHE: not set"):
        open_cache()


@pytest.mark.parametrize(("text", "count"), [("20000", 20000), ("500G", 500 * 10**9), ("1.5tb", 15 * 10**11)])
def test_bytes_may_have_a_unit(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "G", "-1", "1e9", "5 apples"])
def test_other_words_are_no_bytes(text):
    with pytest.raises(ParamsError, match="--max-bytes"):
        parse_bytes(text)


def test_sizes_are_for_people():
    assert [size_of(count) for count in (0, 999, 1500, 2 * 10**9, 3 * 10**15)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.0 GB",
        "3000.0 TB",
    ]


def test_columns_stand_above_their_cells(embedded):
    header, *rows = cache_module.lines_of(json.loads(run("ls", "--json").stdout))[:-1]
    place = header.index("view")
    assert all(row[place:].startswith("pooled") for row in rows)
