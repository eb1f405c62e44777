"""Stages of dvc.yaml, records of Snakemake and answers of DVC, without running either."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from study_project import ROOT

from ligature.cli import checkout, doors, stages
from ligature.errors import LigatureError

METRICS = "results/tiny/evaluation/metrics.json"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(file: Path, text: str = "x") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def record_as_snakemake(file: str, kind: str = "metadata") -> None:
    from snakemake.persistence.file import FilePersistence

    state = Path(".snakemake", kind)
    state.mkdir(parents=True, exist_ok=True)
    limit = SimpleNamespace(_fetch_max_len=lambda subject: 255)
    write(Path(FilePersistence._record_path(limit, str(state), file)), "{}")


def test_what_stands_above_a_stage_is_all_that_it_rests_on(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = stages.read_stages("tiny")
    assert found["discovery"].folder == Path("results/tiny/embeddings/discovery")
    assert stages.above(found, "world") == []
    assert stages.above(found, "train") == [
        *("world", "encoders", "discovery", "pretraining", "pretrained", "pairs", "chosen"),
    ]
    assert {"world", "pairs", "train", "matching", "ablation"} <= set(stages.above(found, "report"))
    assert "report" not in stages.above(found, "report")
    assert (found["report"].target, found["train"].target) == ("all", "stage_train")


def test_every_stage_runs_ligature_stage_under_its_own_name(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = Path("dvc.yaml").read_text(encoding="utf-8")
    for name in stages.read_stages("tiny"):
        assert f"    cmd: ligature stage {name}\n" in text


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=600))
def test_the_record_of_a_file_is_found_where_snakemake_writes_it(tmp_path_factory, name):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("records"))
        path = f"results/tiny/train/{name.strip() or 'x'}"
        assert not doors.is_recorded(Path(path))
        record_as_snakemake(str(Path(path)))
        assert doors.is_recorded(Path(path))
        assert doors.recorded_files() == [str(Path(path))]


def test_a_file_of_a_killed_job_is_known(folder):
    assert not doors.is_recorded(Path(METRICS))
    record_as_snakemake(METRICS, "incomplete")
    assert doors.is_recorded(Path(METRICS))


def test_a_folder_is_strange_when_it_has_files_and_none_is_recorded(folder):
    evaluation = Path("results/tiny/evaluation")
    assert doors.strange_folders([evaluation]) == [], "absent"
    evaluation.mkdir(parents=True)
    assert doors.strange_folders([evaluation]) == [], "empty, as of a stage that this study has not"
    write(Path(METRICS))
    assert doors.strange_folders([evaluation]) == [evaluation]
    record_as_snakemake("results/tiny/evaluation-2/metrics.json")
    assert doors.strange_folders([evaluation]) == [evaluation]
    record_as_snakemake(METRICS)
    assert doors.strange_folders([evaluation]) == []


@pytest.mark.parametrize(
    ("first", "second", "keys"),
    [
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 2}}, []),
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 2, "b": {"c": 2, "d": 4}}, ["t.a", "t.b.d"]),
        ({"a": {"b": 1}}, {"a": None}, ["t.a"]),
        ({"a": [1, 2]}, {"a": [2, 1], "new": 0}, ["t.a", "t.new"]),
        (0.001, 1e-3, []),
    ],
)
def test_only_the_leaves_that_differ_are_named(first, second, keys):
    assert list(stages.differing("t", first, second)) == keys


def test_changed_parameters_are_those_that_the_lock_does_not_hold(folder):
    assert stages.recorded_stages() == {}
    write(Path("params.yaml"), "study: tiny\ntrain: {learning_rate: 3e-05, epochs: 2}\npairs: {probe: {steps: 3}}\n")
    lock = "{study: tiny, train: {learning_rate: 0.00003, epochs: 1}, pairs.probe.steps: 3}"
    write(Path("dvc.lock"), f"schema: '2.0'\nstages:\n  train:\n    cmd: x\n    params:\n      params.yaml: {lock}\n")
    assert stages.changed_parameters("train") == ["train.epochs"]
    assert stages.lookup({"a": {"b": 1}}, "a.c.d") is None


def test_a_broken_lock_is_one_line(folder):
    write(Path("dvc.lock"), "<<<<<<< HEAD\na: [")
    with pytest.raises(LigatureError, match=r"^dvc.lock: not valid YAML: [^\n]*$"):
        stages.recorded_stages()


@pytest.mark.parametrize(
    ("kind", "path", "state", "where", "words"),
    [
        ("changed outs", "results/x/train", "deleted", 0, "missing; `ligature pull`"),
        ("changed deps", "results/x/train", "deleted", 0, "missing; `ligature pull`"),
        ("changed outs", "results/x/train", "not in cache", 0, "`dvc commit train`"),
        ("changed outs", "results/x/train", "modified", 1, "`dvc checkout --force results/x/train`"),
        ("changed deps", "results/x/pairs", "modified", 1, "not what stage train was made from"),
    ],
)
def test_every_answer_of_dvc_status_is_a_line_with_a_remedy(kind, path, state, where, words):
    found = ({}, {})
    checkout.add_difference(*found, "train", kind, path, state)
    [line] = found[where].values()
    assert line.startswith(f"{path}: ")
    assert words in line
    assert not found[1 - where]
    with pytest.raises(LigatureError, match=r"^results/x/"):
        checkout.refuse(found[where])


def test_nothing_is_refused_where_nothing_differs():
    checkout.refuse({})


def test_a_question_runs_under_no_profile_and_its_failure_is_one_line(monkeypatch):
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "profiles/slurm")
    assert "SNAKEMAKE_PROFILE" not in doors.environment()
    assert doors.ask("python", "-c", "print(5)") == "5\n"
    with pytest.raises(LigatureError, match=r"^python -c failed: ValueError: no$"):
        doors.ask("python", "-c", "raise ValueError('no')")
    with pytest.raises(LigatureError, match="snakemaker: not installed"):
        doors.program("snakemaker")


def test_nothing_is_taken_over_while_snakemake_is_at_work(folder):
    write(Path(".snakemake/locks/0.input.lock"))
    with pytest.raises(LigatureError, match="snakemake --unlock"):
        doors.bless(["all"])


def test_the_jobs_left_are_read_from_a_dry_run(monkeypatch):
    table = "job count\n--- ---\nembed  3\ntrain  1\nstage_train  1\ntotal  5\n"
    monkeypatch.setattr(doors, "ask", lambda *command: table)
    assert doors.jobs_left(["stage_train"]) == {"embed": 3, "train": 1}


def test_pending_files_are_those_to_be_made_again_and_those_that_are_missing(folder, monkeypatch):
    write(Path("there"))
    rows = [("there", "no update"), ("old", "update pending"), ("gone", "no update")]
    lines = ["Building DAG", "output_file\tdate\tplan", *(f"{name}\t-\t{plan}" for name, plan in rows)]
    monkeypatch.setattr(doors, "ask", lambda *command: "\n".join(lines))
    assert doors.pending_files() == ["old", "gone"]
    monkeypatch.setattr(doors, "ask", lambda *command: "no table")
    with pytest.raises(LigatureError, match="gave no table: no table"):
        doors.declared_files()
