"""A hurt study says in one line what happened, and ends with the same bytes when it is started again."""

import re
from pathlib import Path

import pytest
from fault_harness import (
    RESULTS,
    differences,
    error_lines,
    fingerprint,
    flip_a_byte,
    grow,
    jobs_of,
    made_from,
    read_only,
    run_study,
    run_to_the_end,
    small_disk,
)
from fault_study import fault_study
from image_mirror import ImageMirror
from killing import Killer, job_lives, kill_whole_run
from study_project import ROOT

pytestmark = pytest.mark.slow

NETWORKED = {"fetch", "unpack"}
"""Rules that have no job in a study that makes its own world."""


def rules_with_jobs() -> set[str]:
    """Returns the rules of the workflow that the study has jobs of."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk")]
    found = {rule for text in texts for rule in re.findall(r"^(?:rule|checkpoint) (\w+):", text, re.MULTILINE)}
    return found - NETWORKED


def test_every_rule_is_killed_once_and_the_study_ends_with_the_same_bytes(unhurt, fresh, tried):
    reference, expected = unhurt
    rules = rules_with_jobs()
    with Killer(fresh.folder, rules, job_lives(reference)) as killer:
        run_to_the_end(fresh, tries=2 * len(rules))
        for rule in sorted(killer.waiting):
            for _ in range(10):
                if rule in killer.waiting:
                    run_study(fresh, "--forcerun", rule)
            run_to_the_end(fresh, "--forcerun", rule, tries=3)
    for rule, lived in killer.killed:
        tried(f"a job of {rule} killed after {lived:.1f} s of CPU")
    assert killer.waiting == set()
    run_to_the_end(fresh, tries=1)
    assert differences(expected, fingerprint(fresh)) == []


@pytest.mark.parametrize("after_jobs", [2, 12])
def test_after_a_power_cut_the_one_command_is_named_and_the_study_ends_the_same(unhurt, fresh, after_jobs, tried):
    kill_whole_run(fresh, after_jobs)
    tried(f"Snakemake and all its jobs killed after {after_jobs} jobs")
    assert "--unlock" in run_study(fresh)[1]
    fresh.run("snakemake", "--unlock")
    run_to_the_end(fresh, tries=1)
    assert differences(unhurt[1], fingerprint(fresh)) == []


def test_a_full_disk_is_one_line_and_with_more_room_the_study_ends_the_same(unhurt, mounts, fresh, tried):
    results, size = fresh.folder / "results", 300
    with small_disk(results, size):
        while (ended := run_study(fresh, "--cores", "1"))[0]:
            lines = error_lines(ended[1])
            assert len(lines) == 1, ended[1][-3000:]
            assert re.search("No space left|full", lines[0]), lines
            tried(f"a disk of {size} kB")
            assert size < 500_000, "more room does not help"
            size *= 2
            grow(results, size)
        assert differences(unhurt[1], fingerprint(fresh)) == []


def test_an_embedding_on_a_full_disk_goes_on_where_it_stopped(hurt, mounts, tried):
    project, expected = hurt
    store = next((project.folder / RESULTS / "embeddings").rglob("bag-of-words/captions-train"))
    kilobytes = sum(path.stat().st_size for path in store.rglob("*")) // 1024
    with small_disk(store, kilobytes * 3 // 4):
        lines = error_lines(project.run("ligature", "embed", "bag-of-words", "captions-train", check=False))
        assert len(lines) == 1
        assert "No space left" in lines[0]
        tried("a disk that fills up in the middle of an embedding")
        grow(store, kilobytes * 4)
        assert "resuming" in project.run("ligature", "embed", "bag-of-words", "captions-train")
        found = fingerprint(project)
    here = {name for name in found if "bag-of-words/captions-train" in name}
    assert here
    assert not here & set(differences(expected, found))


CLOSED = {"train": "train", "pairs": "compare", "pool": "dedupe"}
"""Folders and a rule that writes into each."""


@pytest.mark.parametrize(("folder", "rule"), CLOSED.items(), ids=CLOSED)
def test_a_folder_that_cannot_be_written_is_one_line_and_opened_again_the_study_ends_the_same(
    hurt, mounts, folder, rule, tried
):
    project, expected = hurt
    place = project.folder / RESULTS / folder
    with read_only(place):
        status, output = run_study(project, "--forcerun", rule)
        tried(f"{folder}/ closed")
        assert status
        assert re.search("Read-only file system|Write-protected output", output), output[-2000:]
        assert f"{RESULTS}/{folder}" in output
    run_to_the_end(project, "--forcerun", rule, tries=1)
    assert differences(expected, fingerprint(project)) == []


SET_STORE = "embeddings/sets/pooled/bag-of-words/collected/part-00000/manifest.json"
DAMAGED = {
    "embeddings/discovery/pooled/vit-untrained/captions-train/part-00000/img_emb/img_emb_00001.npy": ("embed", "train"),
    "encoders/vit-untrained/model.safetensors": ("encoder", "segment"),
    "encoders/vit-untrained/config.json": ("encoder", "segment"),
    "pairs/similarity.csv": ("compare", "select"),
    "pairs/chosen.json": ("select", "train"),
    "pairs/probes/vit-untrained--bag-of-words.json": ("probe", "select"),
    "train/projector.safetensors": ("train", "evaluate"),
    "train/projector.json": ("train", "evaluate"),
    "pool/laion/part-00000.parquet": ("pool", "dedupe"),
    "pool/duplicates.parquet": ("dedupe", "curate"),
    "curation/prototypes.safetensors": ("prototypes", "score"),
    "curation/prototypes.json": ("prototypes", "score"),
    "curation/top_k/level-0/state-00000.safetensors": ("score", "merge"),
    "curation/top_k/level-0/state-00000.dropped.npy": ("score", "curate"),
    "curation/selected.parquet": ("curate", "download"),
    "download/collected/chunk-00000/images.tar": ("download", SET_STORE),
    "download/collected/chunk-00000/images.parquet": ("download", "assemble"),
    "download/collected/chunk-00000/report.json": ("download", SET_STORE),
    "mixes/kept.parquet": ("assemble", SET_STORE),
    "ablation/class-collected/results.csv": ("ablate", "ablation"),
    "matching/classes/results.csv": ("match_experiment", "matching"),
}
"""The rule that makes each file, and one that reads it, or a file whose job reads it."""


@pytest.mark.parametrize(
    ("victim", "maker", "reader"), [(name, *rules) for name, rules in DAMAGED.items()], ids=DAMAGED
)
def test_a_damaged_artifact_is_named_and_only_what_it_takes_is_made_again(hurt, victim, maker, reader, tried):
    project, expected = hurt
    flip_a_byte(project.folder / RESULTS / victim)
    tried(f"{victim} damaged")
    forced = ["--forcerun", reader]
    if "/" in reader:
        (project.folder / RESULTS / reader).unlink()
        forced = [f"{RESULTS}/{reader}"]
    status, output = run_study(project, "--cores", "1", *forced)
    lines = error_lines(output)
    assert status
    assert len(lines) == 1, output[-3000:]
    assert victim in lines[0]
    assert "set aside" in lines[0]
    ran = jobs_of(run_to_the_end(project, tries=1)[0])
    assert ran[maker] >= 1
    assert set(ran) <= {*made_from(project, maker), reader, "embed", "all"}
    assert differences(expected, fingerprint(project)) == []


def test_a_dropped_image_server_is_one_line_and_when_it_is_back_everything_arrives(hurt, tried):
    project, expected = hurt
    values = fault_study()
    values["download"]["server"] = None
    project.write(values)
    web = project.folder / RESULTS / "world/web"
    report = Path("download/collected/chunk-00000/report.json")
    (project.folder / RESULTS / report).unlink()
    with ImageMirror(web, answers=4) as mirror:
        status, output = run_study(project, LIGATURE_MIRROR=mirror.address)
        tried("the image server dropped after 4 answers")
        assert status
        lines = error_lines(output)
        assert len(lines) == 1, output[-3000:]
        assert "less than min_success" in lines[0]
    with ImageMirror(web) as mirror:
        assert run_study(project, LIGATURE_MIRROR=mirror.address)[0] == 0
    assert differences(expected, fingerprint(project)) == []
