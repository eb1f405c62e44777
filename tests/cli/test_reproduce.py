"""The verb that reproduces a published table, with a Snakemake of our own in the folder."""

import json
import shutil
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from ligature.cli.reproduce import reproduce, study_file
from ligature.errors import DataError, LigatureError, ParamsError
from ligature.reporting.reproduction import find_target

TINY = Path(__file__).parents[1] / "studies" / "tiny.yaml"
RESULTS = """task,dataset,split,model,protocol,metric,value,n,seed,variant
retrieval,captions-test,test,ours,cosine,i2t_recall@1,0.4321,500,0,
retrieval,captions-test,test,ours,cosine,t2i_recall@1,0.3579,2500,0,
retrieval,captions-test,test,chance,cosine,i2t_recall@1,0.002,500,0,
"""
FAKE = """
import json, os, sys
json.dump({"arguments": sys.argv[1:], "shared": os.environ.get("SHARED")}, open("called.json", "w"))
sys.exit(int(os.environ.get("FAKE_STATUS", "0")))
"""

app = typer.Typer()
app.command("reproduce")(reproduce)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project whose Snakemake writes down how it was called."""
    (tmp_path / "Snakefile").touch()
    (tmp_path / "snakemake.py").write_text(FAKE, encoding="utf-8")
    shutil.copy(TINY, tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str):
    return CliRunner().invoke(app, arguments)


def study_name() -> str:
    return yaml.safe_load(TINY.read_text(encoding="utf-8"))["study"]


def write_results(folder: Path, text: str = RESULTS) -> str:
    file = Path("results") / study_name() / "evaluation" / "results.csv"
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text, encoding="utf-8")
    return str(file)


def called(folder: Path) -> list[str]:
    return json.loads((folder / "called.json").read_text())["arguments"]


def test_the_list_names_every_target_and_its_cost():
    shown = run("--list").output
    names = [*(f"table-{number}" for number in range(1, 8)), "figure-1", "figure-4", "figure-5"]
    assert all(f"| {name} |" in shown for name in names)
    assert "about" in shown
    assert "400 GPU hours" in shown
    assert run().output == shown


def test_snakemake_is_asked_for_the_files_of_the_target_and_ours_stands_beside_the_published(folder):
    file = write_results(folder)
    done = run("table-4")
    assert done.exit_code == 0, done.output
    assert called(folder) == [file, "--config", "params=params.yaml"]
    assert "| ours | 43.2 | 35.8 |" in done.output
    assert "| chance | 0.2 | – |" in done.output
    assert "| DINOv2-ARL | 87.5 | 74.1 | 60.1 | 45.1 |" in done.output
    assert "another scale" in done.output


def test_more_arguments_and_the_environment_are_passed_on(folder, monkeypatch):
    file = write_results(folder)
    monkeypatch.setenv("SHARED", "yes")
    assert run("table-4", "--", "--cores", "4").exit_code == 0
    assert called(folder) == [file, "--cores", "4", "--config", "params=params.yaml"]
    assert json.loads((folder / "called.json").read_text())["shared"] == "yes"


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--", "-n")])
def test_a_dry_run_shows_no_figures(folder, arguments):
    write_results(folder)
    done = run("table-4", *arguments)
    assert done.exit_code == 0
    assert "-n" in called(folder)
    assert done.output == ""


def test_the_exit_status_of_snakemake_is_passed_on(folder, monkeypatch):
    write_results(folder)
    monkeypatch.setenv("FAKE_STATUS", "3")
    done = run("table-4")
    assert done.exit_code == 3
    assert done.output == ""


def test_a_figure_asks_for_all_of_its_files(folder):
    assert run("figure-4", "--dry-run").exit_code == 0
    pairs = f"results/{study_name()}/pairs"
    assert called(folder)[:2] == [f"{pairs}/correlations.csv", f"{pairs}/pairs.csv"]


def failure(*arguments: str) -> BaseException:
    error = run(*arguments).exception
    assert isinstance(error, LigatureError)
    assert "\n" not in str(error)
    return error


def test_mistakes_are_one_line(folder):
    assert "known: table-1," in str(failure("table-8"))
    assert "studies/paper.yaml: not there yet" in str(failure("table-4", "--study", "paper"))
    assert "expected the name of a file" in str(failure("table-4", "--study", "../params"))
    missing = failure("table-4")
    assert isinstance(missing, DataError)
    assert "results.csv: missing" in str(missing)
    (folder / "Snakefile").unlink()
    assert str(failure("table-4")) == "Snakefile: missing here; go to the project's folder"


def test_a_file_that_is_no_table_is_one_line(folder):
    write_results(folder, "")
    assert "no table" in str(failure("table-4"))
    write_results(folder, "a,b\n1,2\n")
    assert "holds no results" in str(failure("table-4"))


@pytest.mark.parametrize("target", ["table-1", "table-2", "table-5"])
def test_a_study_without_the_block_is_told_before_anything_runs(folder, target):
    values = yaml.safe_load(TINY.read_text(encoding="utf-8")) | {"sweep": None, "ablation": None}
    values["evaluate"]["segmentation"] = None
    (folder / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    assert find_target(target).needs in str(failure(target))
    assert not (folder / "called.json").exists()


def test_studies_are_found_by_name(folder):
    (folder / "studies").mkdir()
    (folder / "studies" / "paper.yaml").touch()
    assert study_file("paper") == Path("studies/paper.yaml")
    assert study_file("mini") == Path("params.yaml")
    with pytest.raises(ParamsError, match="other"):
        study_file("other")


def test_without_snakemake_the_line_says_what_to_install(folder, monkeypatch):
    write_results(folder)
    monkeypatch.setattr("ligature.cli.reproduce.find_spec", lambda name: None)
    done = run("table-4")
    assert done.exit_code == 1
    assert str(done.exception) == "snakemake: not installed; pip install 'ligature[workflow]'"
