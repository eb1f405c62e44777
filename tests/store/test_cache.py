"""The cache of stores: what one study puts there another finds, whole and under its own names."""

import json
import os
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from cache_examples import contents, flip, make, of_another_study, use_by, wanted_images

from ligature.errors import StoreError
from ligature.store import EmbeddingStore, Manifest
from ligature.store import cache as cache_module
from ligature.store.cache import EmbeddingCache
from ligature.store.cache_entry import Entry, Use, user_name

WANTED = wanted_images()


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


def put(cache, folder, wanted=WANTED, study="one"):
    make(wanted, folder)
    cache.put(wanted, folder, use_by(study, folder))
    return cache.place(wanted.key)


def take(cache, folder, wanted, study="two"):
    entry = cache.find(wanted)
    return None if entry is None else cache.bring(entry, wanted, folder, use_by(study, folder))


@pytest.mark.parametrize("view", ["pooled", "tokens", "tokens-int8"])
@pytest.mark.parametrize("shard_rows", [4, 3, 100])
def test_another_study_gets_byte_for_byte_what_it_would_have_computed(cache, tmp_path, view, shard_rows, capsys):
    wanted = wanted_images(view=view)
    other = of_another_study(wanted, shard_rows=shard_rows)
    put(cache, tmp_path / "one", wanted)
    computed = make(other, tmp_path / "computed")
    assert take(cache, tmp_path / "two", other) == computed
    assert contents(tmp_path / "two") == contents(tmp_path / "computed")
    assert f"found in the cache: {other.key}, embedded by study one" in capsys.readouterr().err


def test_where_nothing_is_there_nothing_is_found(cache):
    assert cache.find(WANTED) is None
    assert [*cache.folders(), *cache.leftovers()] == []


def test_files_are_hard_links_and_a_new_extraction_leaves_the_cache_alone(cache, tmp_path):
    folder = put(cache, tmp_path / "one")
    take(cache, tmp_path / "two", of_another_study(WANTED))
    name = "img_emb/img_emb_00000.npy"
    inodes = {(path / name).stat().st_ino for path in (tmp_path / "one", tmp_path / "two", folder)}
    assert len(inodes) == 1
    before = contents(folder)
    make(replace(WANTED, shard_rows=3), tmp_path / "two")
    make(replace(WANTED, shard_rows=2), tmp_path / "one")
    assert contents(folder) == before


def test_where_links_are_not_allowed_files_are_copied(cache, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("no links here")

    monkeypatch.setattr(cache_module.os, "link", refuse)
    put(cache, tmp_path / "one")
    assert take(cache, tmp_path / "two", of_another_study(WANTED)).rows == 9
    name = "img_emb/img_emb_00000.npy"
    assert (tmp_path / "one" / name).stat().st_ino != (tmp_path / "two" / name).stat().st_ino


def test_the_manifest_names_the_version_that_would_have_computed_it(cache, tmp_path, monkeypatch):
    put(cache, tmp_path / "one")
    monkeypatch.setattr(cache_module, "__version__", "99.0")
    assert take(cache, tmp_path / "two", WANTED).code_version == "99.0"


def test_two_jobs_that_set_one_entry_aside_say_no_more_than_that(cache, tmp_path, capsys):
    folder = put(cache, tmp_path / "one")
    for _ in range(2):
        cache.set_aside(folder, StoreError("broken"))
    assert (
        capsys.readouterr().err.splitlines()[1:] == ["damaged in the cache: broken; set aside, and embedded anew"] * 2
    )


def test_what_stood_in_the_folder_is_replaced_whole(cache, tmp_path):
    put(cache, tmp_path / "one")
    (tmp_path / "two").mkdir()
    for name in ("resume.json", "manifest.json.damaged"):
        (tmp_path / "two" / name).write_text("{}")
    take(cache, tmp_path / "two", of_another_study(WANTED))
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["img_emb", "manifest.json", "metadata"]


def test_an_entry_says_what_it_is_and_who_uses_it(cache, tmp_path):
    entry = Entry.read(put(cache, tmp_path / "one"))
    take(cache, tmp_path / "two", of_another_study(WANTED))
    take(cache, tmp_path / "two", of_another_study(WANTED))
    assert (entry.values, entry.shard_rows, entry.made.study) == (WANTED.values, 4, "one")
    stored = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert entry.nbytes == sum(path.stat().st_size for path in stored)
    assert sorted((use.study, use.store) for use in entry.uses()) == [
        ("one", str(tmp_path / "one")),
        ("two", str(tmp_path / "two")),
    ]
    assert entry.in_use
    for study in ("one", "two"):
        (tmp_path / study / "manifest.json").unlink()
    assert not entry.in_use


DAMAGES = {
    "a flipped bit of an array": lambda folder: flip(folder / "img_emb/img_emb_00001.npy"),
    "a truncated array": lambda folder: os.truncate(folder / "img_emb/img_emb_00000.npy", 130),
    "a missing array": lambda folder: (folder / "img_emb/img_emb_00002.npy").unlink(),
    "a flipped bit of metadata": lambda folder: flip(folder / "metadata/metadata_00001.parquet", 60),
    "missing metadata": lambda folder: (folder / "metadata/metadata_00000.parquet").unlink(),
    "a flipped bit of the manifest": lambda folder: flip(folder / "manifest.json", 40),
    "a missing manifest": lambda folder: (folder / "manifest.json").unlink(),
    "a broken entry": lambda folder: (folder / "entry.json").write_text("{"),
    "a symbolic link": lambda folder: (
        (folder / "img_emb/img_emb_00000.npy").unlink(),
        (folder / "img_emb/img_emb_00000.npy").symlink_to("/etc/hostname"),
    ),
}


@pytest.mark.parametrize("shard_rows", [4, 3])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_entry_is_set_aside_said_in_a_line_and_made_anew(cache, tmp_path, damage, shard_rows, capsys):
    folder = put(cache, tmp_path / "one")
    damage(folder)
    capsys.readouterr()
    other = of_another_study(WANTED, shard_rows=shard_rows)
    assert take(cache, tmp_path / "two", other) is None
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"damaged in the cache: {folder}/")
    assert lines[0].endswith("; set aside, and embedded anew")
    assert not (tmp_path / "two").exists()
    assert [path.name.endswith(".damaged") for path in cache.leftovers()] == [True]
    put(cache, tmp_path / "two", other)
    assert take(cache, tmp_path / "three", WANTED) == Manifest.read(tmp_path / "one")


def test_an_entry_under_the_key_of_another_is_not_taken(cache, tmp_path, capsys):
    folder = put(cache, tmp_path / "one")
    other = replace(WANTED, encoder={"loader": "other"})
    cache.place(other.key).parent.mkdir(parents=True, exist_ok=True)
    folder.rename(cache.place(other.key))
    assert cache.find(other) is None
    assert f"belongs to the key {WANTED.key}" in capsys.readouterr().err


def test_an_entry_with_other_items_than_its_key_says_is_not_taken(cache, tmp_path, capsys):
    folder = put(cache, tmp_path / "one")
    facts = json.loads((folder / "entry.json").read_text())
    other = replace(WANTED, contents=["0" * 32] * 10)
    place = cache.place(other.key)
    place.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(place)
    (place / "entry.json").write_text(json.dumps(facts | {"values": other.values}))
    assert cache.find(other) is None
    assert "holds other items than its key says" in capsys.readouterr().err


def test_a_shard_name_that_leads_out_of_the_folder_is_refused(cache, tmp_path):
    folder = put(cache, tmp_path / "one")
    text = (folder / "manifest.json").read_text().replace('"00000"', '"../../00000"')
    (folder / "manifest.json").write_text(text)
    with pytest.raises(Exception, match=r"not a manifest \(shard name '../../00000'\)"):
        Manifest.read(folder)


def test_items_that_changed_while_they_were_embedded_are_not_put(cache, tmp_path, capsys):
    make(WANTED, tmp_path / "one")
    before = replace(WANTED, contents=["0" * 32] * 10)
    cache.put(before, tmp_path / "one", use_by("one", tmp_path / "one"))
    assert "not put into the cache, since its items changed" in capsys.readouterr().err
    assert list(cache.folders()) == []


def test_a_damaged_store_is_not_put(cache, tmp_path, capsys):
    make(WANTED, tmp_path / "one")
    flip(tmp_path / "one/img_emb/img_emb_00000.npy")
    cache.put(WANTED, tmp_path / "one", use_by("one", tmp_path / "one"))
    assert "embedded, but not put into the cache" in capsys.readouterr().err
    assert [*cache.folders(), *cache.leftovers()] == []


@pytest.mark.parametrize("broken", ["link and copy", "rename", "mkdir"])
def test_a_full_or_read_only_disk_is_a_line_and_no_failure(cache, tmp_path, monkeypatch, capsys, broken):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    if broken == "mkdir":
        (tmp_path / "cache").write_text("a file where the folder should stand")
    elif broken == "rename":
        monkeypatch.setattr(cache_module.os, "rename", full)
    else:
        monkeypatch.setattr(cache_module.os, "link", full)
        monkeypatch.setattr(cache_module.shutil, "copyfile", full)
    put(cache, tmp_path / "one")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"warning: {tmp_path / 'one'}: embedded, but not put into the cache")
    assert EmbeddingStore.open(tmp_path / "one").vectors().shape == (9, 3)
    assert cache.find(WANTED) is None
    assert list(cache.leftovers()) == []


def test_a_use_that_cannot_be_noted_is_a_line(cache, tmp_path, monkeypatch, capsys):
    put(cache, tmp_path / "one")

    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(cache_module.Entry, "note", read_only)
    assert take(cache, tmp_path / "two", of_another_study(WANTED)).rows == 9
    assert "the use cannot be noted (Read-only file system)" in capsys.readouterr().err


def test_an_entry_that_cannot_be_read_is_embedded_here(cache, tmp_path, monkeypatch, capsys):
    put(cache, tmp_path / "one")

    def no(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cache_module, "_place_files", no)
    assert take(cache, tmp_path / "two", WANTED) is None
    assert "cannot be taken from the cache" in capsys.readouterr().err
    assert cache.place(WANTED.key).is_dir()


def put_from(root, number):
    put(EmbeddingCache(Path(root) / "cache"), Path(root) / f"study-{number}", study=f"study-{number}")


def test_two_jobs_that_put_one_key_at_once_both_end_well(cache, tmp_path):
    context = get_context("fork")
    jobs = [context.Process(target=put_from, args=(tmp_path, number)) for number in range(3)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0, 0, 0]
    (folder,) = cache.folders()
    assert list(cache.leftovers()) == []
    Entry.read(folder).check()


def test_a_job_that_comes_second_at_the_last_moment_gives_way(cache, tmp_path, monkeypatch):
    rename = os.rename

    def after_another(source, target):
        monkeypatch.setattr(cache_module.os, "rename", rename)
        put(cache, tmp_path / "fast", study="fast")
        rename(source, target)

    monkeypatch.setattr(cache_module.os, "rename", after_another)
    put(cache, tmp_path / "slow", study="slow")
    assert cache.find(WANTED).made.study == "fast"
    assert list(cache.leftovers()) == []


def test_the_folder_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("LIGATURE_CACHE", raising=False)
    assert EmbeddingCache.from_environment() is None
    monkeypatch.setenv("LIGATURE_CACHE", "")
    assert EmbeddingCache.from_environment() is None
    monkeypatch.setenv("LIGATURE_CACHE", "~/cache")
    assert EmbeddingCache.from_environment().folder == Path.home() / "cache"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIGATURE_CACHE", "here")
    assert EmbeddingCache.from_environment().folder == tmp_path / "here"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"study": 1, "store": 2, "user": 3, "host": 4, "time": 5}'])
def test_notes_of_use_that_are_none_are_left_out(cache, tmp_path, text):
    folder = put(cache, tmp_path / "one")
    (folder / "used_by" / "0.json").write_text(text)
    assert [use.study for use in Entry.read(folder).uses()] == ["one"]


def test_a_user_without_a_name_is_a_number(monkeypatch, tmp_path):
    def nobody():
        raise KeyError("uid not found")

    monkeypatch.setattr("ligature.store.cache_entry.getpass.getuser", nobody)
    assert user_name() == str(os.getuid())
    assert Use.by("one", tmp_path).user == str(os.getuid())
