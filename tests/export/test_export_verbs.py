"""`ligature export`, `push` and `classify`."""

import subprocess
import sys

import numpy as np
import pytest
import typer
from hub_server import TOKEN, go_online, hub_running
from tiny_models import picture
from tiny_pairs import make_study
from typer.testing import CliRunner

import ligature
from ligature.cli.classify import best_lines, classify, table_lines
from ligature.cli.export import export
from ligature.cli.push import push
from ligature.errors import DataError, EncoderError
from ligature.export import read_config


def app_of(verb):
    app = typer.Typer()
    app.command()(verb)
    return app


def run(verb, *arguments, study=None):
    """Returns what a verb printed; what it raised is raised."""
    where = ["--params", study.results.parent / "params.yaml", "--results", study.results] if study else []
    outcome = CliRunner().invoke(app_of(verb), list(map(str, [*arguments, *where])), catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


@pytest.fixture
def photos(tmp_path):
    paths = [tmp_path / f"{seed}.png" for seed in range(2)]
    for seed, path in enumerate(paths):
        picture(seed).save(path)
    return paths


def test_export_writes_the_model_of_the_study(tmp_path):
    study = make_study(tmp_path)
    run(export, "--licence", "mit", study=study)
    assert read_config(study.model).name == "vit + bert"
    assert "license: mit\n" in (study.model / "README.md").read_text()
    with pytest.raises(EncoderError, match="leave out --by-id"):
        run(export, "--by-id", study=study)


def test_push_uploads_the_exported_model(study, monkeypatch, tmp_path):
    go_online(monkeypatch)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with hub_running() as hub:
        run(push, "team/pair", "--endpoint", hub.root, "--private", study=study)
        assert hub.files["ligature.json"] == (study.model / "ligature.json").read_bytes()
        assert hub.created[0]["visibility"] == "private"
    with pytest.raises(DataError, match=r"ligature\.json: missing"):
        run(push, "team/pair", study=make_study(tmp_path))


def test_classify_prints_one_line_an_image(study, pair, photos):
    printed = run(classify, *photos, "--labels", "red, blue square", study=study).splitlines()
    probabilities = pair.classify(photos, ["red", "blue square"])
    assert printed == best_lines([str(path) for path in photos], ["red", "blue square"], probabilities)
    assert printed[0].split("\t")[0] == str(photos[0])


def test_classify_takes_templates_a_folder_and_shows_all(study, pair, photos):
    arguments = ["--labels", "red,blue", "--template", "a {}", "--template", "the {}", "--model", study.model, "--all"]
    printed = run(classify, *photos, *arguments).splitlines()
    probabilities = pair.classify(photos, ["red", "blue"], ["a {}", "the {}"])
    assert printed == table_lines([str(path) for path in photos], ["red", "blue"], probabilities)
    assert printed[0] == "image\tred\tblue"


def test_lines_hold_the_largest_probability():
    probabilities = np.array([[0.25, 0.75], [0.9, 0.1]])
    assert best_lines(["x", "y"], ["a", "b"], probabilities) == ["x\tb\t0.7500", "y\ta\t0.9000"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.png", "--labels", "a"], "none.png: "),
        (["0.png"], "--labels: no label is given"),
        (["0.png", "--labels", " , "], "--labels: no label is given"),
        (["0.png", "--labels", "a,a"], "'a' is given twice"),
        (["0.png", "--labels", "a", "--template", "photo"], "in the place of the label"),
    ],
)
def test_mistakes_are_named(study, photos, monkeypatch, arguments, words):
    monkeypatch.chdir(photos[0].parent)
    with pytest.raises(DataError, match=words):
        run(classify, *arguments, "--model", study.model)


def test_a_missing_model_is_named(tmp_path):
    study = make_study(tmp_path)
    with pytest.raises(DataError, match="model: no such folder"):
        run(classify, "0.png", "--labels", "a", study=study)


def test_the_package_is_imported_without_torch():
    code = "import sys, ligature; print('torch' in sys.modules, 'ligature.export' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert set(ligature.LAZY) == {"AlignedModel"}
