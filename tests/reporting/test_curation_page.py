"""The curation part of the page: there where a study has it, safe, bounded, complete."""

import base64
import io
import re
from pathlib import Path

import pytest
from curation_inputs import N_CONCEPTS, pictures_in_tar
from page_parser import Page
from PIL import Image
from reporting_inputs import HOSTILE

from ligature.reporting.curation_sections import curation_sections
from ligature.reporting.curation_sources import CurationSources, read_curation
from ligature.reporting.samples import SHEET_CONCEPTS, SHEET_ROWS, sheet_cards
from ligature.reporting.thumbnails import thumbnail

SECTIONS = ["curation", "coverage", "funnel", "collected", "link-rot", "data-ablation"]


@pytest.fixture(scope="module")
def html(curated_report: Path) -> str:
    return (curated_report / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parsed(html: str) -> Page:
    return Page(html)


def section(html: str, name: str) -> str:
    return html[html.index(f'<section id="{name}">') :].partition("</section>")[0]


def test_all_sections_stand_before_the_notes_on_the_data(parsed: Page) -> None:
    ids = parsed.values("id")
    assert ids[ids.index("features") + 1 : ids.index("data")] == SECTIONS


def test_page_fetches_nothing_although_it_names_addresses(html: str, parsed: Page) -> None:
    assert "https://images.example.org/" in parsed.text
    assert all(source.startswith("data:image/") for source in parsed.values("src"))
    assert all(link.startswith("#") for link in parsed.values("href"))
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in parsed.tags}
    assert not re.search(r"url\(|@import", html)


def test_hostile_names_captions_and_reasons_are_text(html: str, parsed: Page) -> None:
    assert "<script" not in html
    for name in ("curation", "coverage", "funnel", "collected"):
        assert "&lt;script&gt;" in section(html, name), name
    assert "word " * 60 not in parsed.text


def test_overview_tells_rows_concepts_and_images(html: str) -> None:
    text = Page(section(html, "curation")).text
    for expected in ("49,000 rows came", "not selected (select)", "108 of 120 concepts", "rarest concept", "arrived"):
        assert expected in text, expected
    assert "12 to 16" in text


def test_dropped_rows_are_collapsed_under_their_reason(html: str) -> None:
    part = section(html, "funnel")
    assert re.findall(r"<summary>(.*)</summary>", part) == [
        "filter: language, 8,820 rows",
        "duplicates: same caption, 2,634 rows",
    ]
    assert "<details open" not in part
    lines = re.search(r"<pre>(.*?)</pre>", part, re.DOTALL)[1].splitlines()
    assert max(map(len, lines)) < 200
    assert lines[-2].startswith("cc12m  00000000000000ff  Ein großer Kreis")


def test_the_sheet_shows_pictures_from_inside_tars_with_captions_and_scores(html: str) -> None:
    parsed = Page(section(html, "collected"))
    pictures = [base64.b64decode(source.partition(",")[2]) for source in parsed.values("src")]
    assert [Image.open(io.BytesIO(picture)).format for picture in pictures] == ["JPEG"] * 3 * 5
    assert parsed.text.count("image cannot be read") == 3
    titles = re.findall(r"(\w+), place ([\d,]+) of 120 in rarity", parsed.text)
    assert titles == [("rare", "1"), ("middle", "61"), ("frequent", "120")]
    assert "concept 60, picture 3 of middle" in parsed.text
    assert "0.370 · laion" in parsed.text
    assert "query" not in parsed.values("class")


def test_our_ablation_is_not_in_the_published_box(html: str) -> None:
    part = section(html, "data-ablation")
    box = part[part.index('<aside class="published">') : part.index("</aside>")]
    assert "LAION-CLASS" in box
    assert "76.12" in box
    assert "not comparable" in box
    assert "53.0" not in box
    assert "LAION-CLASS" not in part.replace(box, "")
    assert "beat random data" in part


def test_tables_and_figures_lie_beside_the_page(curated_report: Path) -> None:
    tables = {path.name for path in (curated_report / "tables").iterdir()}
    names = ("concepts", "funnel", "prototypes", "download-hosts", "download-sets", "ablation", "published-T2")
    assert {f"{name}.{kind}" for name in names for kind in ("csv", "md", "tex")} <= tables
    assert {"beside-published-T2.csv", "beside-published-T2.tex"} <= tables
    assert len((curated_report / "tables/concepts.csv").read_text().splitlines()) == 1 + N_CONCEPTS + 1
    figures = {path.stem for path in (curated_report / "figures").iterdir()}
    assert {"curation-coverage", "curation-rarity", "curation-funnel", "download-status"} <= figures
    assert sum(name.startswith("ablation-") for name in figures) == 3


def test_same_inputs_give_the_same_bytes(curated_results: Path, curated_report: Path, tmp_path: Path) -> None:
    for part in curation_sections(read_curation(CurationSources.in_folder(curated_results))):
        for drawing in part.drawings:
            drawing.save(tmp_path / "figures")
        for table in part.tables:
            table.save(tmp_path / "tables")
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")]
    assert len(written) == 3 * 7 + 3 * 6
    assert [path for path in written if (tmp_path / path).read_bytes() != (curated_report / path).read_bytes()] == []


def test_what_is_absent_leaves_its_section_out(curated_results: Path) -> None:
    sources = CurationSources.in_folder(curated_results)
    some = CurationSources(funnel=sources.funnel, downloads=sources.downloads)
    assert [part.id for part in curation_sections(read_curation(some))] == ["curation", "funnel", "link-rot"]
    one = CurationSources(prototypes=sources.prototypes)
    (overview,) = curation_sections(read_curation(one))
    assert (overview.id, overview.points, len(overview.tables)) == ("curation", [], 1)
    assert curation_sections(read_curation(CurationSources())) == []


def test_a_study_without_curation_shows_none_of_it(page: str) -> None:
    assert not set(SECTIONS) & set(Page(page).values("id"))


def test_sheets_are_bounded() -> None:
    row = {"caption": "word " * 100, "score": None, "source": "a", "image": None}
    concept = {"concept": 0, "name": HOSTILE, "rarity_rank": 0, "rows": [row] * 100}
    cards = sheet_cards([concept | {"kind": kind} for kind in ("rare", "frequent", "odd") for _ in range(50)], 0)
    assert len(cards) == 2 * SHEET_CONCEPTS
    assert {len(card.hits) for card in cards} == {SHEET_ROWS}
    assert cards[0].title.endswith("rare, place 1 in rarity")
    tile = cards[0].hits[0]
    assert (tile.is_image, tile.uri, tile.score) == (False, None, "a")
    assert len(tile.text) <= 90


def test_thumbnails_of_pictures_inside_a_tar(tmp_path: Path) -> None:
    tar = tmp_path / "images.tar"
    paths = pictures_in_tar(tar)
    shown = Image.open(io.BytesIO(base64.b64decode(thumbnail(paths[0]).partition(",")[2])))
    assert shown.size == (60, 40)
    red, green, blue = shown.getpixel((30, 20))
    assert red > 240 > 15 > max(green, blue)
    for place in ("0+10", f"0+{10**9}", f"{10**12}+10", "-1+10", "x+y"):
        assert thumbnail(f"{tar}::{place}") is None
    assert thumbnail(f"{tmp_path}::0+10") is None
    assert thumbnail(f"{tmp_path / 'nowhere.tar'}::0+10") is None
