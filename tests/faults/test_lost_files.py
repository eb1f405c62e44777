"""Files that were set aside, or lost with a killed job, are asked for by name; what a user deleted is not."""

from base64 import urlsafe_b64encode
from pathlib import Path

from ligature.cli.repair import lost_files


def test_what_was_set_aside_or_left_unfinished_is_lost_until_it_stands_there_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root, state = Path("results/tiny"), Path(".snakemake")
    long = root / ("x" * 250) / "a.csv"
    for path in (root / "train" / "projector.json", root / "pairs" / "pairs.csv", long):
        path.parent.mkdir(parents=True)
    (root / "train" / "projector.json.damaged").touch()
    (root / "pairs" / "pairs.csv.damaged").touch()
    (root / "pairs" / "pairs.csv").touch()
    for path in (root / "report" / "index.html", long, Path("results/mini/report/index.html")):
        name = urlsafe_b64encode(str(path).encode()).decode()
        pieces = [name[start : start + 254] for start in range(0, len(name), 254)]
        record = state.joinpath("incomplete", *[f"@{piece}" for piece in pieces[:-1]], pieces[-1])
        record.parent.mkdir(parents=True, exist_ok=True)
        record.touch()
    assert lost_files(root, state) == sorted([root / "report/index.html", root / "train/projector.json", long])


def test_a_study_that_was_never_hurt_has_lost_nothing(tmp_path):
    assert lost_files(tmp_path / "results", tmp_path / ".snakemake") == []
