"""The results page: self-contained, safe, complete, repeatable."""

import base64
import io
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from page_parser import Page
from PIL import Image
from reporting_inputs import HOSTILE, STORES, TITLE, pairs_table, results_table, small_study, write_inputs

from ligature.errors import DataError
from ligature.reporting import ReportSources, write_report
from ligature.reporting.aggregate import main_rows
from ligature.reporting.section import Section
from ligature.reporting.sections import headlines, sections
from ligature.reporting.sources import read_sources

EVALUATION = ["languages", "long-texts", "segmentation", "gap", "sweep"]
"""Sections between the results and the samples."""
BOX = re.compile(r'<aside class="published">.*?</aside>', re.DOTALL)


@pytest.fixture(scope="session")
def parsed(page: str) -> Page:
    return Page(page)


def test_page_fetches_nothing_and_runs_nothing(page: str, parsed: Page) -> None:
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in parsed.tags}
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert all(source.startswith("data:image/") for source in parsed.values("src"))
    assert not re.search(r"https?:|url\(|@import", page)
    ids = set(parsed.values("id"))
    assert all(link[0] == "#" and link[1:] in ids for link in parsed.values("href"))


def test_hostile_names_and_captions_are_text(page: str, parsed: Page) -> None:
    assert "<script" not in page
    assert "<b>bold" not in page
    assert TITLE in parsed.text
    assert "<script>alert('x')</script> \"quoted\" & $\\frac{1}{2}$ second line" in parsed.text
    assert "word word" in parsed.text
    assert len("word " * 60) > 160
    assert "word " * 60 not in parsed.text


def test_pictures_are_embedded_and_decode(parsed: Page) -> None:
    pictures = [base64.b64decode(source.partition(",")[2]) for source in parsed.values("src")]
    formats = [Image.open(io.BytesIO(picture)).format for picture in pictures]
    assert formats.count("PNG") == 1 + 5 + 4 + 2 + 2
    assert formats.count("JPEG") == 2 + 1
    assert parsed.text.count("image cannot be read") == 2
    assert all(attributes.get("alt") for tag, attributes in parsed.tags if tag == "img")


def test_hits_are_marked_by_symbol_and_class(parsed: Page) -> None:
    classes = parsed.values("class")
    assert classes.count("tile hit right") == parsed.text.count("✓ right") == 1
    assert classes.count("tile hit wrong") == parsed.text.count("✗ wrong") == 4


def test_every_section_is_there(parsed: Page) -> None:
    order = ["reading", "parameters", "pair", "prediction", "training", "results", *EVALUATION]
    order += ["samples", "features", "data"]
    assert parsed.values("id") == order
    assert "Left out" not in parsed.text
    assert "picture cannot be read" in parsed.text
    for expected in (
        "embed_dim: 32",
        "resnet-good + minilm was chosen",
        "at another scale",
        "not comparable",
        "skipped",
    ):
        assert expected in parsed.text


def test_our_figures_are_not_in_the_published_box(page: str) -> None:
    results, languages, segmentation = BOX.findall(page)
    for box, expected in ((results, "76.3"), (languages, "60.6"), (segmentation, "31.37")):
        assert expected in box
        assert "resnet-good" not in box
    assert "DINOv2-ARL" in results
    assert "DINOv2-ARL" not in BOX.sub("", page)


def test_figures_and_tables_lie_beside_the_page(report_folder: Path) -> None:
    figures = {path.stem for path in (report_folder / "figures").iterdir()}
    assert len(figures) == 12 + 2
    for name in figures:
        assert {path.suffix for path in (report_folder / "figures").glob(f"{name}.*")} == {".png", ".svg", ".csv"}
    heatmap = pd.read_csv(next((report_folder / "figures").glob("similarity-*.csv"))).set_index("vision")
    expected = pairs_table().pivot(index="vision", columns="text", values="cka_debiased")
    pd.testing.assert_frame_equal(heatmap.loc[expected.index, expected.columns], expected, check_names=False)
    tables = {path.name for path in (report_folder / "tables").iterdir()}
    assert {f"published-T{number}.{kind}" for number in range(1, 8) for kind in ("csv", "md", "tex")} <= tables
    beside = ("T1", "T3", "T4", "T5", "T6")
    assert {f"beside-published-{name}.{kind}" for name in beside for kind in ("csv", "md", "tex")} <= tables
    assert {"segmentation-classes.csv", "sweep-features.tex", "results-prompt-sets.md"} <= tables
    assert not {"results-multilingual=20retrieval.csv", "results-gap.csv"} & tables
    assert {"results-retrieval.csv", "results-retrieval.md", "correlations.csv", "stores.md"} <= tables


def test_figures_show_hostile_names_as_they_are(report_folder: Path) -> None:
    svg = next((report_folder / "figures").glob("similarity-*.svg")).read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "<dc:date>" not in svg


def test_same_inputs_give_the_same_bytes(results_folder: Path, report_folder: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "similarity-of-yesterday.png").write_bytes(b"old")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/table-of-yesterday.tex").write_bytes(b"old")
    write_report(small_study(), ReportSources.in_folder(results_folder, STORES), tmp_path)
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (report_folder, tmp_path)
    )
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []


def test_absent_options_leave_their_section_out(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    for name in ("pairs/correlations.csv", "evaluation/samples.json", "evaluation/features_2d.csv"):
        (tmp_path / name).unlink()
    for name in ("segmentation", "sweep"):
        shutil.rmtree(tmp_path / name)
    table = pairs_table()
    table.drop(columns=[column for column in table if column.startswith("probe_")]).to_csv(
        tmp_path / "pairs/pairs.csv", index=False
    )
    results = pd.read_csv(tmp_path / "evaluation/results.csv")
    results[results["task"] == "retrieval"].to_csv(tmp_path / "evaluation/results.csv", index=False)
    page = write_report(small_study(), ReportSources.in_folder(tmp_path), tmp_path / "report").read_text()
    for subject in (
        "at least three pairs",
        "measures no classification",
        "sample retrievals",
        "in the plane",
        "stores",
        "no other language",
        "no long descriptions",
        "no data set was segmented",
        "modality gap",
        "no sweep",
    ):
        assert re.search(f"<p>Left out: [^<]*{subject}", page), subject
    assert page.count("<p>Left out:") == 10


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("pairs/pairs.csv", "pairs"),
        ("pairs/chosen.json", "pairs"),
        ("train/history.csv", "train"),
        ("train/projector.json", "train"),
        ("evaluation/results.csv", "evaluate"),
    ],
)
def test_missing_file_is_one_line_with_its_stage(results_folder: Path, tmp_path: Path, name: str, stage: str) -> None:
    shutil.copytree(results_folder, tmp_path / "results")
    (tmp_path / "results" / name).unlink()
    with pytest.raises(DataError) as caught:
        write_report(small_study(), ReportSources.in_folder(tmp_path / "results"), tmp_path / "report")
    message = str(caught.value)
    assert name in message
    assert f"run the {stage} stage" in message
    assert "\n" not in message
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("pairs/pairs.csv", "dataset,vision\nval,pixels\n", "column 'text' is missing"),
        ("pairs/pairs.csv", "", "damaged"),
        ("train/history.csv", "step,train_loss,learning_rate,temperature\n", "no rows"),
        ("pairs/chosen.json", '{"vision": "pixels"}', "expected an object with"),
        ("pairs/chosen.json", "{", "damaged"),
        ("evaluation/samples.json", '[{"dataset": "val"}]', "expected a list of objects"),
        ("evaluation/features_2d.csv", "stage,x\nbefore,1\n", "column 'modality' is missing"),
        ("sweep/results.csv", "task,dataset\nretrieval,val\n", "column 'split' is missing"),
        ("sweep/costs.csv", "mode,image_bytes\npooled,3\n", "column 'caption_bytes' is missing"),
        ("segmentation/overlays.json", '[{"dataset": "masks"}]', "expected a list of objects"),
        ("segmentation/classes.csv", "dataset\nmasks\n", "column 'class' is missing"),
        ("segmentation/classes.csv", "dataset,class,images\nmasks,a,many\n", "column 'images', row 1"),
    ],
)
def test_broken_file_is_one_line(results_folder: Path, tmp_path: Path, name: str, content: str, expected: str) -> None:
    shutil.copytree(results_folder, tmp_path / "results")
    (tmp_path / "results" / name).write_text(content)
    with pytest.raises(DataError, match=re.escape(expected)) as caught:
        write_report(small_study(), ReportSources.in_folder(tmp_path / "results"), tmp_path / "report")
    assert "\n" not in str(caught.value)


def test_further_sections_stand_after_the_evaluation(results_folder: Path) -> None:
    extra = [Section("claims", "Claims", ["A & B."]), Section("compute", "Compute", ["Hours."])]
    inputs = read_sources(ReportSources.in_folder(results_folder, STORES))
    parts = sections(small_study(), inputs, extra)
    place = [part.id for part in parts].index("claims")
    assert parts[place : place + 2] == extra
    assert [part.id for part in parts[place - 1 : place + 3]] == ["sweep", "claims", "compute", "samples"]


def test_results_from_before_there_were_variants_are_read_as_main_rows(results_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(results_folder, tmp_path / "results")
    path = tmp_path / "results/evaluation/results.csv"
    results_table().drop(columns="variant").to_csv(path, index=False)
    inputs = read_sources(ReportSources.in_folder(tmp_path / "results"))
    assert set(inputs.results["variant"]) == {""}
    assert len(main_rows(inputs.results)) == len(results_table())
    absent = [part for part in sections(small_study(), inputs) if part.id in ("languages", "long-texts", "gap")]
    assert all(part.text[0].startswith("Left out: ") and not part.tables for part in absent)


def test_headlines_and_readings_are_of_the_main_question_and_headlines_of_the_pair(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    path = tmp_path / "evaluation/results.csv"
    table = pd.read_csv(path, keep_default_na=False)
    other = table[table["model"] != "chance"].assign(model="as it comes", value=0.77)
    pd.concat([table, other]).to_csv(path, index=False)
    inputs = read_sources(ReportSources.in_folder(tmp_path))
    assert [value.replace("\u00a0", " ") for _, value, _ in headlines(inputs)[1:]] == ["60.0 %", "25.0 % / 2.0 %"]
    (results,) = (part for part in sections(small_study(), inputs) if part.id == "results")
    assert [len(table.rows) for table in results.tables] == [3, 3, 2 * 3 + 1]
    assert results.text[1] == "Measured beside it by the same code, as they come: as it comes."
    (reading,) = (part for part in sections(small_study(), inputs) if part.id == "reading")
    points = dict(reading.points)
    assert len(points["Results"]) == 2 * 3
    assert len(points["Languages"]) == 3
    assert not any("as it comes" in sentence for sentence in points["Languages"])


def test_hostile_is_hostile() -> None:
    assert "\n" in HOSTILE
    assert "<script>" in HOSTILE
