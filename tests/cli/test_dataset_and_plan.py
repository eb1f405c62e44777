import json

import pandas as pd
import pytest
from hub_server import TOKEN, go_online, hub_running

from ligature.cli import plan
from ligature.cli.dataset import card, push
from ligature.errors import DataError, ParamsError


@pytest.fixture(scope="module")
def carded(curated):
    """The curated study with its card."""
    layout, where = curated
    card(**where)
    return layout, where


def test_the_card_gives_the_figures_of_the_study(carded):
    layout, _ = carded
    text = (layout.dataset / "README.md").read_text(encoding="utf-8")
    rows = pd.read_parquet(layout.dataset / "selected.parquet")
    assert f"{len(rows):,}" in text
    assert "labels-train" in text
    assert "pixels" in text
    names = json.loads((layout.curation / "prototypes.json").read_text())["names"]
    assert rows["concept_name"].to_list() == [names[concept] for concept in rows["concept"]]


def test_no_image_is_in_the_data_set(carded):
    layout, _ = carded
    assert sorted(path.name for path in layout.dataset.iterdir()) == ["README.md", "selected.parquet"]


def test_a_card_before_the_mixes_names_the_step(carded, tmp_path):
    _, where = carded
    with pytest.raises(DataError, match=r"concepts.csv: missing; run the study up to `ligature assemble` first"):
        card(where["params"], tmp_path)


def test_the_data_set_arrives_at_a_hub_as_it_is(carded, monkeypatch):
    layout, where = carded
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    go_online(monkeypatch)
    with hub_running() as hub:
        push("someone/selection", endpoint=hub.root, message="first", **where)
    assert set(hub.files) == {"README.md", "selected.parquet"}
    assert hub.files["selected.parquet"] == (layout.dataset / "selected.parquet").read_bytes()
    assert hub.created[0]["visibility"] == "private"


LOGS = {
    "pool/laion-00000.log": "read laion: 2,000 rows, 4,000/s\nlaion, part 0: 1,600 of 2,000 rows are wanted\n",
    "embed/pool-pooled-minilm-laion-00000.log": "embed minilm: 5/10 texts, 90/s\nembed minilm: 10/10 texts, 100/s\n",
    "embed/pool-pooled-minilm-laion-00001.log": "embed minilm/laion: 1,000/1,000 texts, 300/s, ETA 0 s\n",
    "download/random-00000.log": "download chunk-00000: 900/900 rows, 60/s\npack images: 900/900 rows, 2,000/s\n",
    "embed/discovery-pooled-minilm-train-00000.log": "embed minilm/train: 1,000/1,000 texts, 7/s, ETA 0 s\n",
}


@pytest.fixture
def logs(tmp_path):
    for name, text in LOGS.items():
        path = tmp_path / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def make_plan(curated, logs, given=None) -> pd.DataFrame:
    """Plans a small pool and returns the table that was written."""
    layout, where = curated
    small = {"captions": 1_000_000, "concepts": 50, "k": 100, "quota": 10, "dims": 32, "jobs": 4}
    plan.curate(**small, given=given, logs=logs, **where)
    return pd.read_csv(layout.root / "plan" / "curate.csv").set_index("step")


def test_a_plan_takes_the_rates_of_the_studys_own_logs(curated, logs, capsys):
    table = make_plan(curated, logs)
    assert table["units_per_second_per_worker"]["embed captions"] == 200
    assert table["hours_one_worker"]["embed captions"] == pytest.approx(1_000_000 / 200 / 3600)
    assert table["units_per_second_per_worker"]["read metadata"] == 4000
    assert (table["measured"][["read metadata", "embed captions", "score", "merge states", "select"]] == "yes").all()
    assert table["measured"]["download"] == "no", "the world's own server is no network"
    assert table["units_per_second_per_worker"]["pack"] == 2000
    assert "1,000,000 captions, 50 concepts" in capsys.readouterr().out


def test_downloads_from_the_network_have_a_rate_of_their_own(logs):
    assert dict(plan._logged_rates(logs / "tiny", network=True))["download"] == 60


def test_a_given_rate_is_never_called_measured(curated, logs):
    table = make_plan(curated, logs, given=["embed captions=50000"])
    assert table["units_per_second_per_worker"]["embed captions"] == 50000
    assert table["measured"]["embed captions"] == "no"


@pytest.mark.parametrize(("given", "expected"), [("score", "write STEP=UNITS"), ("train=5", "unknown step 'train'")])
def test_a_wrong_rate_is_one_line(curated, logs, given, expected):
    with pytest.raises(ParamsError, match=expected):
        make_plan(curated, logs, given=[given])


def test_a_plan_before_the_pool_names_the_step(curated, tmp_path):
    _, where = curated
    with pytest.raises(DataError, match="run the study up to `ligature pool` first"):
        plan.curate(100, 2, 3, 1, 4, 1, None, tmp_path, where["params"], tmp_path)
