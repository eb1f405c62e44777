"""Captioning on the page: its section stands in its place, fetches nothing, and hostile captions are text."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from captioning_inputs import (
    HOSTILE_CAPTION,
    HOSTILE_RUN,
    captioning_inputs,
    read_folder,
    run_rows,
    write_captioning,
)
from page_parser import Page
from PIL import Image
from reporting_inputs import STORES, small_study, write_inputs

from ligature.reporting import ReportSources, drawing, pair_figures, write_report
from ligature.reporting import report as writer
from ligature.reporting import sections as page_sections
from ligature.reporting.captioning import patches
from ligature.reporting.captioning import sections as on_captioning
from ligature.reporting.captioning.sections import captioning_sections
from ligature.reporting.captioning.sources import CaptioningSources, read_captioning
from ligature.reporting.experiments import caption_bars
from ligature.reporting.sections import sections
from ligature.reporting.sources import read_sources

DRAWN = (
    *((pair_figures, name) for name in ("similarity_heatmaps", "prediction_scatters")),
    *((page_sections, name) for name in ("training_curves", "feature_maps")),
    *((on_captioning, f"{name}_figures") for name in ("pairs", "noise", "vocabulary", "loss", "patch")),
)
"""What takes time to draw and has no say in the order of the sections."""
BOX = re.compile(r'<aside class="published">.*?</aside>', re.DOTALL)
PART = re.compile(r'<section id="captioning">.*?</section>', re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def _few_figures() -> Iterator[None]:
    """One picture with words, coarse, and no figures of kinds that differ in numbers alone: drawing takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "DPI", 60)
        patch.setattr(patches, "MOST_IMAGES", 1)
        for name in ("vocabulary_figures", "loss_figures"):
            patch.setattr(on_captioning, name, lambda *_: [])
        yield


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captioning-results")
    write_inputs(folder)
    pairs = ("500", "all")
    rows = [*run_rows("align", pairs=pairs), *run_rows("mlp", "mlp", pairs), *run_rows(HOSTILE_RUN, "mlp", pairs)]
    write_captioning(folder, rows, seeds=(0, 1), grid=3)
    return folder


@pytest.fixture(scope="module")
def report(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of the section on captioning alone."""
    folder = tmp_path_factory.mktemp("captioning-report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "sections", lambda study, inputs, extra: captioning_sections(inputs.captioning))
        write_report(small_study(), ReportSources.in_folder(results, STORES), folder)
    return folder


@pytest.fixture(scope="module")
def part(report: Path) -> str:
    (found,) = PART.findall((report / "index.html").read_text(encoding="utf-8"))
    return found


def test_captioning_stands_before_the_sweep_and_at_the_top(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in DRAWN:
        monkeypatch.setattr(place, name, lambda *_: [])
    found = sections(small_study(), read_sources(ReportSources.in_folder(results)))
    order = [section.id for section in found]
    place = order.index("captioning")
    assert order[place - 1 : place + 2] == ["gap", "captioning", "sweep"]
    assert any("ALIGN is" in sentence for sentence in dict(found[0].points)["Captioning"])


def test_how_small_the_study_is_and_what_differs_is_said(part: str) -> None:
    text = Page(part).text
    for expected in (
        "Connectors and captions",
        "3 runs, 2 seeds, trained on all pairs there are at most, measured on 200 images at most",
        "with models of 2.6 million parameters at most",
        "no captioning benchmark is among them",
        "The unofficial implementation does leave both out",
        "relative to their standard deviation here",
        "large mean in common",
        "CIDEr-D runs from 0 to 1,000",
    ):
        assert expected in text


def test_numbers_of_pairs_alone_are_said_too() -> None:
    inputs = captioning_inputs(run_rows("align", pairs=("500", "2000"), parameters=float("nan")), seeds=(0,))
    assert "1 run, 1 seed, trained on 2,000 pairs at most, measured on 200 images at most." in on_captioning._size(
        inputs
    )


def test_nothing_is_fetched_and_hostile_names_and_captions_are_text(part: str) -> None:
    parsed = Page(part)
    assert all(source.startswith("data:image/") for source in parsed.values("src"))
    assert not re.search(r"https?:|url\(|@import", part)
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert "script" not in {name for name, _ in parsed.tags}
    assert HOSTILE_RUN in parsed.text
    assert " ".join(HOSTILE_CAPTION.split()) in parsed.text


def test_pictures_are_embedded_and_decode(part: str) -> None:
    pictures = [base64.b64decode(source.partition(",")[2]) for source in Page(part).values("src")]
    formats = [Image.open(io.BytesIO(picture)).format for picture in pictures]
    assert formats == ["PNG"] * (2 + 1) + ["JPEG"] * 2


def test_a_photograph_stands_with_its_references_and_all_captions(part: str) -> None:
    text = Page(part).text
    assert "val, i0: all pairs" in text
    assert "“two things on a table”" in text
    assert "a align thing beside 1 others" in text
    assert "image cannot be read" in text


def test_published_figures_stand_in_the_box_and_ours_outside(part: str) -> None:
    (box,) = BOX.findall(part)
    for published in ("58.81", "59.32", "58.69", "0.3938", "115.4", "47", "arXiv 2502.01341", "Read off a chart"):
        assert published in box
    assert "MLP (mlp)" not in box
    assert "58.81" not in BOX.sub("", part)


def test_figures_and_tables_lie_beside_the_page(report: Path) -> None:
    figures = {path.stem for path in (report / "figures").glob("captioning-*.svg")}
    assert figures == {"captioning-pairs-all", "captioning-noise-all", "captioning-words-1-i0"}
    tables = {path.stem for path in (report / "tables").glob("*.csv")}
    assert {f"captioning-{name}" for name in ("val", "shots", "noise", "vocabulary", "speed")} <= tables
    assert "beside-published-alignvlm" in tables
    assert {"run", "pairs", "noise", "value"} <= set(pd.read_csv(report / "figures/captioning-noise-all.csv"))


def test_the_same_inputs_give_the_same_words_on_patches(report: Path, results: Path, tmp_path: Path) -> None:
    first, *_ = on_captioning.patch_figures(read_folder(results))
    first.save(tmp_path)
    for ending in ("png", "svg", "csv"):
        name = f"captioning-words-1-i0.{ending}"
        assert (tmp_path / name).read_bytes() == (report / "figures" / name).read_bytes()


def test_bars_of_captions_are_written_for_every_study(report: Path) -> None:
    bars = pd.read_csv(report / "plots/captions.csv")
    assert list(bars) == ["run", "cider", "deviation"]
    assert len(bars) == 3 * 2
    inputs = captioning_inputs(run_rows("align"))
    rows = inputs.results.query("variant == 'pairs=500' and metric == 'cider' and model == 'align'")
    first = caption_bars(inputs).iloc[0]
    assert (first["run"], first["cider"]) == ("ALIGN, 500 pairs", pytest.approx(100 * rows["value"].mean()))
    assert first["deviation"] == pytest.approx(100 * rows["value"].std())
    empty = caption_bars(read_captioning(CaptioningSources()))
    assert empty.to_dict("records") == [{"run": "no captioning", "cider": 0.0, "deviation": 0.0}]
