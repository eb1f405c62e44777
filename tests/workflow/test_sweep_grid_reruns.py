"""A changed leaf of the training reruns what depends on it and no embedding; DVC compares what came out."""

import csv
import re

import pytest
from study_project import Project, light_study

pytestmark = pytest.mark.slow
POINTS = [
    f"sweep/learning_rate~{rate}/projector.dropout~{dropout}" for rate in (0.003, 0.001) for dropout in (0.0, 0.3)
]


def swept_study() -> dict:
    """The light study with a small grid on its two encoders, which are not models."""
    values = light_study()
    values["sweep"] = {
        **{"vision": "pixels", "text": "bag-of-words", "datasets": ["captions-val"]},
        **{"classification": [], "retrieval": ["captions-val"], "seeds": [0], "steps": 2, "batch_size": 30},
        **{"embed_dim": 8, "runs": {"plain": {}}},
        "grid": {"learning_rate": [0.003, 0.001], "projector.dropout": [0.0, 0.3]},
    }
    values["evaluate"]["classification"] = []
    return values


def test_a_changed_leaf_embeds_nothing_and_dvc_compares_the_experiment(tmp_path):
    values = swept_study()
    project = Project(tmp_path, values)
    project.run("snakemake", "--cores", "2")
    results = project.folder / "results/tiny"
    assert all((results / point / "results.csv").is_file() for point in POINTS)

    more = project.jobs_after(values, lambda study: study["sweep"]["grid"]["learning_rate"].append(0.01))
    assert more == {"vary": 2, "sweep": 1, "report": 1}
    fewer = project.jobs_after(values, lambda study: study["sweep"]["grid"]["learning_rate"].pop())
    assert fewer == {"sweep": 1, "report": 1}
    rate = project.jobs_after(values, lambda study: study["train"].update(learning_rate=0.002))
    assert rate == {"train": 1, "evaluate": 1, "export": 1, "vary": 1, "sweep": 1, "report": 1}, "points have their own"
    dropout = project.jobs_after(values, lambda study: study["train"]["projector"].update(dropout=0.2))
    assert dropout["vary"] == 1
    assert "embed" not in dropout

    project.commit("first run")
    ran = project.run("dvc", "exp", "run", "--set-param", "train.seed=1")
    assert re.search(r"^train +1$", ran, re.MULTILINE)
    assert not re.search(r"^embed +\d+$", ran, re.MULTILINE)
    assert not re.search(r"^vary +\d+$", ran, re.MULTILINE), "a sweep has seeds of its own"
    assert_compared(project)


def assert_compared(project: Project) -> None:
    """Checks that the tables and pictures of DVC show both revisions."""
    changes = project.run("dvc", "metrics", "diff")
    assert re.search(r"captions-test/i2t_recall@1 +[\d.]+ +[\d.]+", changes), changes
    assert "pair/cka_debiased" not in changes, "no encoder was changed"
    rows = list(csv.DictReader(project.run("dvc", "exp", "show", "--csv").splitlines()))
    assert {row["train.seed"] for row in rows} == {"0", "1"}
    assert all(re.fullmatch(r"[\d.]+", row["captions-test/t2i_recall@1"]) for row in rows)
    warnings = project.run("dvc", "plots", "diff", "HEAD", "--out", "pictures")
    assert "could not find" not in warnings
    assert "failed to load" not in warnings
    page = (project.folder / "pictures/index.html").read_text(encoding="utf-8")
    for word in ('"rev": "HEAD"', '"rev": "workspace"', "train_loss", "learning_rate 0.001, dropout 0.3"):
        assert word in page, word
