"""Matching on the page: its sections stand in their place, fetch nothing, and trust no caption."""

import base64
import io
import re
from pathlib import Path

import pandas as pd
import pytest
from matching_inputs import EXPERIMENTS, HOSTILE_CAPTION, matching_inputs, matching_samples, write_matching
from page_parser import Page
from PIL import Image
from reporting_inputs import STORES, small_study, write_inputs

from ligature.reporting import ReportSources, pair_figures, write_report
from ligature.reporting import report as writer
from ligature.reporting import sections as page_sections
from ligature.reporting.matching import sections as on_matching
from ligature.reporting.matching.samples import MOST_CARDS, MOST_PAIRS, pair_cards
from ligature.reporting.matching.sections import matching_sections
from ligature.reporting.matching.sources import MatchingInputs
from ligature.reporting.sections import sections
from ligature.reporting.sources import read_sources

SECTIONS = ["matching", "matching-settings", "matching-cka", "matching-pairs"]
DRAWN = (
    *((pair_figures, name) for name in ("similarity_heatmaps", "prediction_scatters")),
    *((page_sections, name) for name in ("training_curves", "feature_maps")),
    *((on_matching, name) for name in ("anchor_curves", "setting_points", "agreement_scatters")),
)
"""What takes time to draw and has no say in the order of the sections."""
BOX = re.compile(r'<aside class="published">.*?</aside>', re.DOTALL)
PART = re.compile(r'<section id="(matching[^"]*)">.*?</section>', re.DOTALL)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("matching-results")
    write_inputs(folder)
    write_matching(folder)
    return folder


@pytest.fixture(scope="module")
def report(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of the sections on matching alone."""
    folder = tmp_path_factory.mktemp("matching-report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "sections", lambda study, inputs, extra: matching_sections(inputs.matching))
        write_report(small_study(), ReportSources.in_folder(results, STORES), folder)
    return folder


@pytest.fixture(scope="module")
def parts(report: Path) -> dict[str, str]:
    """The sections on matching, as they stand on the page."""
    page = (report / "index.html").read_text(encoding="utf-8")
    return {match[1]: match[0] for match in PART.finditer(page)}


@pytest.fixture(scope="module")
def parsed(parts: dict[str, str]) -> Page:
    return Page("".join(parts.values()))


def test_matching_stands_after_segmentation_and_before_the_sweep(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, name in DRAWN:
        monkeypatch.setattr(place, name, lambda *_: [])
    found = sections(small_study(), read_sources(ReportSources.in_folder(results)))
    order = [part.id for part in found]
    start = order.index("matching")
    assert order[start : start + 4] == SECTIONS
    assert order[start - 2 : start] == ["segmentation", "gap"]
    assert order[start + 4] == "sweep"
    assert "Matching" in dict(found[0].points)


@pytest.mark.slow
def test_the_whole_page_is_written_and_is_the_same_bytes_again(results: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(small_study(), ReportSources.in_folder(results, STORES), tmp_path / name)
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    ids = Page((tmp_path / "one/index.html").read_text(encoding="utf-8")).values("id")
    assert set(SECTIONS) < set(ids)


def test_nothing_is_fetched_and_captions_are_text(parts: dict[str, str], parsed: Page) -> None:
    assert all(source.startswith("data:image/") for source in parsed.values("src"))
    assert not re.search(r"https?:|url\(|@import", "".join(parts.values()))
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert '<img src=x onerror=alert(1)> & "a"' in parsed.text
    assert "{{ 7 * 7 }}" in parsed.text
    assert "\u202e" not in parsed.text
    assert "Its own: a field </li>" in parsed.text


def test_pictures_are_embedded_and_decode(parsed: Page) -> None:
    pictures = [base64.b64decode(source.partition(",")[2]) for source in parsed.values("src")]
    formats = [Image.open(io.BytesIO(picture)).format for picture in pictures]
    assert formats.count("PNG") == 1 + 1 + 1 + 1
    assert formats.count("JPEG") == 2 + 1
    assert parsed.text.count("image cannot be read") == 1


def test_matches_are_marked_by_symbol_and_class(parsed: Page) -> None:
    classes = parsed.values("class")
    assert classes.count("tile hit right") == parsed.text.count("✓ right") == 2
    assert classes.count("tile hit wrong") == parsed.text.count("✗ wrong") == 2


def test_published_figures_stand_in_boxes_and_ours_outside(parts: dict[str, str]) -> None:
    for name, published in (("matching", "72.3"), ("matching-settings", "65.5"), ("matching-cka", "ImageNet-21k")):
        (box,) = BOX.findall(parts[name])
        assert published in box
        assert "as quoted on public pages" in box
        assert "dinov2-large" not in box
        assert published not in BOX.sub("", parts[name])
    assert "<aside" not in parts["matching-pairs"]


def test_every_kind_of_table_is_shown(parsed: Page) -> None:
    for expected in (
        "top-1 + CSLS",
        "text→image",
        "German",
        "image clusters + stretch (both pools)",
        "The gallery is the class names in sentences.",
        "half-shuffled",
        "Matching accuracy by setting.",
        "1 of 3 right",
    ):
        assert expected in parsed.text
    assert "ridge + CSLS" not in parsed.text, "the correction is a column, and no method"


def test_figures_and_tables_lie_beside_the_page(report: Path) -> None:
    figures = {path.stem for path in (report / "figures").glob("matching-*.svg")}
    expected = {"matching-anchors-sizes", "matching-settings-settings", "matching-cka-encoders+roberta"}
    assert figures == expected | {"matching-shuffles"}
    tables = {path.stem for path in (report / "tables").glob("*.csv")}
    assert {"matching-results-classes", "matching-settings", "matching-cka", "matching-shuffles"} <= tables
    assert {"quoted-Matching=20T6", "quoted-Matching=20figure", "quoted-Matching=20T1"} <= tables
    points = pd.read_csv(report / "tables/matching-cka.csv")
    assert len(points) == 10


def test_a_study_without_kernel_cka_leaves_an_empty_table_for_the_figure() -> None:
    inputs = matching_inputs({"encoders": EXPERIMENTS["encoders"]})
    alone = MatchingInputs(inputs.results, inputs.seedwise, inputs.cka.iloc[:0], [])
    (section,) = matching_sections(alone)
    assert [table.name for table in section.files] == ["matching-cka"]
    assert section.files[0].rows == []
    assert section.drawings == []


def test_kernel_cka_alone_is_shown() -> None:
    inputs = matching_inputs({"classes": EXPERIMENTS["classes"]})
    alone = MatchingInputs(inputs.results.iloc[:0], inputs.seedwise.iloc[:0], inputs.cka, [])
    (section,) = matching_sections(alone)
    assert section.id == "matching-cka"
    assert [table.name for table in section.tables] == ["matching-shuffles"]


def test_cards_name_their_experiment_and_are_bounded(tmp_path: Path) -> None:
    first, second = matching_samples(tmp_path)
    card, other = pair_cards([first, second])
    assert card.title == (
        "sizes: nocaps, dinov2-large + roberta, local CKA (RBF), 320 anchors, image→text: 1 of 3 right"
    )
    assert "QAP (form chosen)" in other.title
    right, wrong, broken = card.hits
    assert (right.text, right.correct) == ("two boats", True)
    assert "\n" in HOSTILE_CAPTION
    assert wrong.text.splitlines()[1:] == ["Its own: a field </li>"]
    assert (broken.uri, broken.is_image, broken.correct) == (None, True, False)
    assert len(broken.text.splitlines()[0]) <= 120
    many = first | {"pairs": first["pairs"] * 10}
    cards = pair_cards([many] * 20)
    assert len(cards) == MOST_CARDS
    assert len(cards[0].hits) == MOST_PAIRS
    assert pair_cards([first | {"pairs": []}]) == []
