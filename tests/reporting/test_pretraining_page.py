"""Pre-training on the page: its section stands in its place, fetches nothing, and ours stand apart from published."""

import base64
import io
import re
from pathlib import Path

import pandas as pd
import pytest
from page_parser import Page
from PIL import Image
from pretraining_inputs import HOSTILE_RUN, four_rows, pretraining_inputs, run_row, write_pretraining
from reporting_inputs import STORES, small_study, write_inputs

from ligature.reporting import ReportSources, pair_figures, write_report
from ligature.reporting import report as writer
from ligature.reporting import sections as page_sections
from ligature.reporting.experiments import gap_bars
from ligature.reporting.pretraining import sections as on_pretraining
from ligature.reporting.pretraining.sections import pretraining_sections
from ligature.reporting.pretraining.sources import PretrainingSources, read_pretraining
from ligature.reporting.sections import sections
from ligature.reporting.sources import read_sources

DRAWN = (
    *((pair_figures, name) for name in ("similarity_heatmaps", "prediction_scatters")),
    *((page_sections, name) for name in ("training_curves", "feature_maps")),
    *((on_pretraining, name) for name in ("trajectory_figures", "cosine_figures", "map_figures")),
)
"""What takes time to draw and has no say in the order of the sections."""
BOX = re.compile(r'<aside class="published">.*?</aside>', re.DOTALL)
PART = re.compile(r'<section id="pretraining">.*?</section>', re.DOTALL)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretraining-results")
    write_inputs(folder)
    twin = run_row(HOSTILE_RUN, sharing="all")
    write_pretraining(folder, [*four_rows(), twin], seeds=(0, 1))
    return folder


@pytest.fixture(scope="module")
def report(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of the section on pre-training alone."""
    folder = tmp_path_factory.mktemp("pretraining-report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "sections", lambda study, inputs, extra: pretraining_sections(inputs.pretraining))
        write_report(small_study(), ReportSources.in_folder(results, STORES), folder)
    return folder


@pytest.fixture(scope="module")
def part(report: Path) -> str:
    (found,) = PART.findall((report / "index.html").read_text(encoding="utf-8"))
    return found


def test_pretraining_stands_before_the_sweep_and_at_the_top(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in DRAWN:
        monkeypatch.setattr(place, name, lambda *_: [])
    found = sections(small_study(), read_sources(ReportSources.in_folder(results)))
    order = [section.id for section in found]
    place = order.index("pretraining")
    assert order[place - 1 : place + 2] == ["gap", "pretraining", "sweep"]
    assert any("centroid gap" in sentence for sentence in dict(found[0].points)["Pre-training"])


def test_the_variants_and_the_caution_on_temperature_are_said(part: str) -> None:
    text = Page(part).text
    for expected in (
        "Pre-training and the modality gap",
        "SharedCLIP",
        "A high logit scale that is kept fixed induces a gap of its own",
        "5 runs, 2 seeds.",
        "No run of CLIP learned its temperature",
        "What the measures of the gap mean",
        "paired margin",
    ):
        assert expected in text


def test_nothing_is_fetched_and_names_are_text(part: str) -> None:
    parsed = Page(part)
    assert all(source.startswith("data:image/") for source in parsed.values("src"))
    assert not re.search(r"https?:|url\(|@import", part)
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert HOSTILE_RUN in parsed.text


def test_pictures_are_embedded_and_decode(part: str) -> None:
    pictures = [base64.b64decode(source.partition(",")[2]) for source in Page(part).values("src")]
    assert [Image.open(io.BytesIO(picture)).format for picture in pictures] == ["PNG"] * 3


def test_published_figures_stand_in_the_box_and_ours_outside(part: str) -> None:
    (box,) = BOX.findall(part)
    for published in ("0.67", "32.8", "29.1", "36.72", "as summarised on public pages", "below CLIP"):
        assert published in box
    assert "images apart" not in box
    assert "36.72" not in BOX.sub("", part)


def test_figures_and_tables_lie_beside_the_page(report: Path) -> None:
    figures = {path.stem for path in (report / "figures").glob("pretraining-*.svg")}
    assert figures == {"pretraining-trajectories", "pretraining-cosines-all", "pretraining-maps-all"}
    tables = {path.stem for path in (report / "tables").glob("*.csv")}
    assert {"pretraining-gap", "pretraining-tasks", "beside-published-alignclip"} <= tables
    assert {f"published-AlignCLIP-{name}" for name in ("scores", "zero-shot", "shift", "reproduction")} <= tables
    assert {"run", "epoch", "value"} <= set(pd.read_csv(report / "figures/pretraining-trajectories.csv"))


def test_bars_of_the_gap_are_written_for_every_study(report: Path) -> None:
    bars = pd.read_csv(report / "plots/gap.csv")
    assert list(bars) == ["run", "centroid_gap", "deviation"]
    assert len(bars) == 5
    inputs = pretraining_inputs()
    bars = gap_bars(inputs).set_index("run")
    rows = inputs.results[(inputs.results["metric"] == "centroid_gap") & (inputs.results["model"] == "shared")]
    assert bars.loc["SharedCLIP", "centroid_gap"] == pytest.approx(rows["value"].mean())
    assert bars.loc["SharedCLIP", "deviation"] == pytest.approx(rows["value"].std())
    empty = gap_bars(read_pretraining(PretrainingSources()))
    assert empty.to_dict("records") == [{"run": "no pre-training", "centroid_gap": 0.0, "deviation": 0.0}]
