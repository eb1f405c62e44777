"""The card of an exported pair: complete, honest, escaped, and with code that works as written."""

import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_pairs import make_study

from ligature.evaluation import Result, results_table
from ligature.export import export_pair, read_config
from ligature.export.card import CardFacts, TrainingData, model_card
from ligature.export.text import escaped, items, shown, table
from ligature.intervals import counted, wilson_interval
from ligature.store.atomic import write_csv, write_json
from ligature.store.hashing import hash_files


@pytest.fixture(scope="module")
def card(study):
    return (study.model / "README.md").read_text(encoding="utf-8")


def front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


def facts_of(**changes):
    data = [TrainingData("photos", "train", 6, 6, "abc")]
    results = pd.DataFrame(columns=["task", "dataset", "split", "model", "protocol", "metric", "value", "n", "variant"])
    return CardFacts(
        **{"study": "s", "rendered": False, "data": data, "training": {}, "settings": {}}
        | {"results": results}
        | changes
    )


def test_front_matter_is_what_a_hub_reads(card):
    values = front_matter(card)
    assert values["library_name"] == "sentence-transformers"
    assert {"sentence-transformers", "ligature"} <= set(values["tags"])
    assert "license" not in values
    assert "None is stated by the maker of this pair." in card


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("mit", {"license": "mit"}),
        ("Research only; ask: us", {"license": "other", "license_name": "research-only-ask-us"}),
        ("---\nlicense: mit", {"license": "other", "license_name": "license-mit"}),
        ("!", {"license": "other", "license_name": "other"}),
    ],
)
def test_a_licence_is_stated_only_where_it_is_given(study, licence, expected):
    card = model_card(read_config(study.model), facts_of(licence=licence))
    found = front_matter(card)
    assert {key: value for key, value in found.items() if key.startswith("license")} == expected


def test_encoders_data_settings_and_results_stand_in_it(card, study):
    config = read_config(study.model)
    for revision in (config.vision.revision, config.text.revision):
        assert f"`{revision}`" in card
    assert re.search(r"\| photos \| train \| 6 \| 6 \| \w{32} \|", card)
    for words in ("- epochs: 12", "- `learning_rate`: 0.003", "- `samples_seen`: 720", "9 tokens are cut"):
        assert words in card
    assert "rendered scenes" not in card
    low, high = wilson_interval(0.5, 6)
    row = (
        f"| retrieval | photos | train | – | cosine | `i2t_recall@1` | 0.5000 | {low:.4f} to {high:.4f} | 0.1667 | 6 |"
    )
    assert row in card
    assert "| 16w | cosine | `i2t_recall@1` | 0.2500 |" in card
    assert re.search(r"`i2t_median_rank` \| 1\.5000 \| – \| – \| 6 \|", card)


def test_checksums_are_those_of_the_files(card, study):
    files = sorted(study.model.rglob("*.safetensors"))
    assert len(files) == 3
    for path in files:
        assert f"| {path.relative_to(study.model)} | `{hash_files([path])}` |" in card


def test_what_was_spent_is_shown_where_it_was_counted(tmp_path):
    layout = make_study(tmp_path)
    write_json(tmp_path / "compute.json", {"samples": 12345, "seconds": 3.5, "blocks": {"a": 1}, "energy": None})
    card = (export_pair(layout, "vit", "bert", compute=tmp_path / "compute.json") / "README.md").read_text()
    assert "- `samples_seen`: 720\n- samples: 12,345\n- seconds: 3.5\n" in card
    assert "blocks" not in card


def test_segmentation_is_shown_where_it_was_measured(tmp_path):
    layout = make_study(tmp_path)
    row = Result("segmentation", "masks", "val", "vit + bert", "standard", "miou", 0.125, 6, 0)
    write_csv(layout.segmentation / "results.csv", results_table([row]))
    card = (export_pair(layout, "vit", "bert") / "README.md").read_text()
    assert "| segmentation | masks | val | – | standard | miou | 0.1250 | – | – | 6 |" in card


def test_a_rendered_world_is_named_as_a_limit(study):
    assert "rendered scenes, not on photographs" in model_card(read_config(study.model), facts_of(rendered=True))


@pytest.mark.slow
def test_the_code_works_as_written(card, study):
    blocks = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        command = [sys.executable, "-c", block]
        done = subprocess.run(command, cwd=study.model.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "[[" in done.stdout


def test_names_of_others_cannot_break_out(study):
    evil = "</td><script>x</script>|![](http://x)\n# head"
    data = [TrainingData(evil, evil, 1, 1, evil)]
    config = read_config(study.model).model_copy(update={"name": evil})
    card = model_card(config, facts_of(data=data, settings={evil: evil}, study=evil, compute={evil: evil}))
    assert "<script>" not in card
    assert "\n# head" not in card
    assert "![](" not in card


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=400))
def test_a_cell_stays_one_cell(text):
    (line,) = table(["a"], [[text]]).splitlines()[2:]
    assert len(re.findall(r"(?<!\\)\|", line)) == 2
    assert "<" not in shown(text)
    assert "\n" not in escaped(text)


def test_values_are_shown_for_readers():
    assert shown(12345) == "12,345"
    assert shown(True) == "yes"
    assert shown(float("nan")) == shown(None) == "–"
    assert shown({"a_b": [1, "x"]}) == "`a_b` 1, x"
    assert shown([]) == shown({}) == "none"
    assert items({}) == table(["a"], []) == "Not recorded.\n"


def test_intervals_are_those_of_the_textbook():
    """Wilson's interval solves (p - share)^2 = z^2 p (1 - p) / n."""
    for share, n in ((0.5, 10), (0.0, 20), (1.0, 7), (0.953, 480)):
        for bound in wilson_interval(share, n):
            assert (bound - share) ** 2 == pytest.approx(1.959964**2 * bound * (1 - bound) / n, rel=1e-6, abs=1e-12)
    assert counted("top5")
    assert counted("t2i_recall@10")
    assert not counted("i2t_median_rank")
    assert not counted("mean_per_class")
