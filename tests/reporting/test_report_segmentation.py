"""Segmentation and the modality gap on the page: tables, sentences, pictures that carry no foreign byte."""

import base64
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from evaluation_inputs import HOSTILE_CLASS, PAIR, gap_results, segmentation_files, segmentation_results
from page_parser import Page
from PIL import Image
from reporting_inputs import write_inputs

from ligature.errors import DataError
from ligature.reporting.aggregate import over_seeds
from ligature.reporting.gap_section import MEANINGS, gap_readings, gap_section, gap_table
from ligature.reporting.overlays import LARGEST_SIDE, NO_COLOUR, overlay_pictures
from ligature.reporting.segmentation_sections import (
    class_table,
    segmentation_readings,
    segmentation_section,
    segmentation_tables,
)
from ligature.reporting.sources import ReportSources, read_sources


def measures() -> pd.DataFrame:
    return over_seeds(segmentation_results())


def entry(file: Path, **values: object) -> dict:
    defaults = {"dataset": "masks", "id": "one", "classes": ["sky"], "predicted": ["sky"], "colours": {}}
    return defaults | {"file": file} | values


def test_each_protocol_is_a_table_with_its_blind_predictions_in_a_lighter_tone() -> None:
    published, standard = segmentation_tables(measures())
    assert published.header[-2:] == ["IoU, mean over images", "IoU, mean over classes"]
    assert published.rows == [
        ["masks", "val", PAIR, "150", "50.0", "45.0"],
        ["masks", "val", "everything (calling every pixel the class)", "150", "25.0", "20.0"],
    ]
    assert standard.header[-2:] == ["mIoU", "pixel accuracy"]
    assert [row[-1] for row in standard.rows] == ["80.0", "60.0"]
    assert published.muted == standard.muted == {1}
    assert "min-max above 0.4, 1 template, windows of 8 px" in published.caption
    assert (published.name, standard.name) == ("segmentation-published", "segmentation-standard")


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.5, "above the"), (0.05, "below the"), (0.3, "not distinguishable from the")]
)
def test_segmentation_is_held_against_calling_every_pixel_the_class(value: float, verdict: str) -> None:
    rows = measures()
    rows.loc[(rows["model"] == PAIR) & (rows["metric"] == "iou"), "value"] = value
    (sentence,) = segmentation_readings(rows)
    assert sentence.replace("\u00a0", " ") == (
        f"masks: {PAIR} reaches an IoU of {100 * value:.1f} %, {verdict} 25.0 % of calling every pixel the class "
        "(two binomial standard errors, 150 images)."
    )


def test_without_a_blind_prediction_nothing_is_said() -> None:
    rows = measures()
    assert segmentation_readings(rows[rows["model"] == PAIR]) == []
    section = segmentation_section(segmentation_results().query("model != 'everything'"), pd.DataFrame(), [])
    assert section.points == []
    assert [table.name for table in section.files] == ["beside-published-T5"]


def test_classes_are_a_file_and_keep_their_names(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    table = class_table(read_sources(ReportSources.in_folder(tmp_path)).classes)
    assert table.rows == [("masks", "NA", "3", "50.0"), ("masks", HOSTILE_CLASS, "1,200", "–")]


def test_pictures_are_encoded_again_and_say_what_was_missed(tmp_path: Path) -> None:
    segmentation_files(tmp_path / "segmentation")
    entries = json.loads((tmp_path / "segmentation/overlays.json").read_text())
    entries = [one | {"file": tmp_path / "segmentation" / one["file"]} for one in entries]
    whole, broken = overlay_pictures(entries)
    assert broken.uri is None
    picture = Image.open(io.BytesIO(base64.b64decode(whole.uri.partition(",")[2])))
    assert (picture.format, picture.size) == ("JPEG", (90, 20))
    assert [(swatch.name, swatch.note) for swatch in whole.swatches] == [
        ("sky", ""),
        (HOSTILE_CLASS, "missed"),
        ("sea", "not there"),
    ]
    assert [swatch.colour for swatch in whole.swatches] == ["#800000", NO_COLOUR, "#008000"]


@pytest.mark.parametrize("colour", ["#12345", "#1234567", "#12345G", "#80000A", 3, None, "#800000;x"])
def test_what_is_no_colour_is_grey(tmp_path: Path, colour: object) -> None:
    (picture,) = overlay_pictures([entry(tmp_path / "none.png", colours={"sky": colour})])
    assert picture.swatches[0].colour == NO_COLOUR


def test_other_formats_and_giants_are_not_decoded(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "small.png", format="BMP")
    Image.new("1", (LARGEST_SIDE + 1, 1)).save(tmp_path / "wide.png")
    pictures = overlay_pictures([entry(tmp_path / name) for name in ("small.png", "wide.png")])
    assert [picture.uri for picture in pictures] == [None, None]


def test_pictures_stand_on_the_page_with_escaped_names(page: str) -> None:
    part = page[page.index('<section id="segmentation">') :].partition("</section>")[0]
    parsed = Page(part)
    assert '<b>dog</b> & "cat" (missed)' in parsed.text
    assert "<b>dog" not in part
    assert "http" not in part
    styles = [style for style in parsed.values("style") if style.startswith("background")]
    assert set(styles) == {"background: #800000", "background: #008000", f"background: {NO_COLOUR}"}
    assert parsed.text.count("picture cannot be read") == 1


@pytest.mark.parametrize("change", [{"colours": ["#000000"]}, {"classes": "sky"}, {"predicted": [["sky"]]}])
def test_an_index_of_pictures_that_is_something_else_is_one_line(tmp_path: Path, change: dict) -> None:
    write_inputs(tmp_path)
    path = tmp_path / "segmentation/overlays.json"
    path.write_text(json.dumps([json.loads(path.read_text())[0] | change]))
    with pytest.raises(DataError, match="expected lists of class names"):
        read_sources(ReportSources.in_folder(tmp_path))


@pytest.mark.parametrize("file", ["../../secret.png", "/etc/passwd"])
def test_pictures_come_from_their_own_folder_only(tmp_path: Path, file: str) -> None:
    write_inputs(tmp_path)
    path = tmp_path / "segmentation/overlays.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([entries[0] | {"file": file}]))
    with pytest.raises(DataError, match="leaves the folder"):
        read_sources(ReportSources.in_folder(tmp_path))


def test_gap_table_says_what_every_measure_means() -> None:
    table = gap_table(over_seeds(gap_results()))
    assert table.header == ["measure", "meaning", f"{PAIR}, val"]
    assert table.rows[0] == ("alignment score", MEANINGS["alignment_score"], "0.600")
    assert table.rows[-1] == ("new measure", "–", "−0.500")
    assert table.prose == {1}
    assert all(meaning.count(".") >= 1 and meaning.endswith(".") for meaning in MEANINGS.values())


def test_gap_of_several_models_has_a_column_each() -> None:
    both = pd.concat([gap_results(), gap_results().assign(model="as it comes", value=0.25)])
    table = gap_table(over_seeds(both))
    assert table.header[2:] == [f"{PAIR}, val", "as it comes, val"]
    assert [row[3] for row in table.rows] == ["0.250"] * 4


def test_a_classifier_at_chance_tells_nothing() -> None:
    rows = over_seeds(gap_results())
    (sentence,) = gap_readings(rows)
    assert sentence.replace("\u00a0", " ") == (
        f"val, {PAIR}: a linear classifier tells images from texts (95.0 % of held-out features, chance 50.0 %)."
    )
    (level,) = gap_readings(rows.assign(value=0.55))
    assert "cannot be shown to tell images from texts" in level
    assert gap_section(gap_results().iloc[:0]).text == ["Left out: the modality gap was not measured."]


def test_every_measure_of_the_panel_has_a_meaning() -> None:
    import numpy as np

    from ligature.evaluation import modality_gap

    rng = np.random.default_rng(0)
    measured = modality_gap(rng.normal(size=(8, 3)), rng.normal(size=(8, 3)))
    assert set(measured) == set(MEANINGS)
