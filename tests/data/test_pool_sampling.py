"""Samples of sources, and the way of PixMo-Cap and Localised Narratives from their files to a mix of images."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from dataset_files import the_line
from download_stub import write_shard
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pool_sources import pool_rows

from ligature.cli import assemble, download, pool
from ligature.cli.pool import write_funnels
from ligature.data.download import fetching
from ligature.data.parts import kept_rows, wanted_rows
from ligature.data.pools import write_pool
from ligature.data.pools.narratives import image_address
from ligature.data.pools.sampling import rows_left
from ligature.data.shards import open_shards, read_table
from ligature.errors import DataError, ParamsError
from ligature.params import load_study, parse_study
from ligature.store import Layout

TINY = Path(__file__).parents[1] / "studies" / "tiny.yaml"
LONG = " ".join(["a wooden chair beside a window with a red curtain"] * 17)
ROWS = 40


def picture(number: int, size=(90, 70), mode="RGB", kind="PNG") -> bytes:
    blocks = np.random.default_rng(number).integers(0, 256, (4, 4, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def pixmo_address(row: int) -> str:
    return f"http://a.example/{row}.jpg"


def write_sources(folder: Path, parts: int) -> None:
    """Writes forty rows of PixMo-Cap in so many files, five narratives and a pool of three."""
    rows = np.array_split(np.arange(ROWS), parts)
    for part, numbers in enumerate(rows):
        urls = [pixmo_address(row) for row in numbers]
        captions = [f"{row}: {LONG}" for row in numbers]
        pq.write_table(pa.table({"image_url": urls, "caption": captions}), folder / f"pixmo-{part:05d}.parquet")
    narratives = [("mscoco_train2017", "9"), ("mscoco_train2017", "9"), ("open_images_train", "00000000000000ab")]
    narratives += [("flickr30k_train", "1"), ("mscoco_val2017", "7")]
    lines = [
        json.dumps({"dataset_id": dataset, "image_id": image, "annotator_id": 1, "caption": f"narrative {number}"})
        for number, (dataset, image) in enumerate(narratives)
    ]
    (folder / "narratives.jsonl").write_text("\n".join(lines))
    (folder / "pool.tsv").write_text("".join(f"http://b.example/{row}\tpool {row}\n" for row in range(3)))


def study_of(folder: Path, *, sample=None, parts=1, slices=1) -> tuple[Layout, dict]:
    """Returns layout and arguments of a study whose captioned sources are those files."""
    folder.mkdir()
    write_sources(folder, parts)
    values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    files = f"{folder}/pixmo-{{part}}.parquet"
    pixmo = {"format": "pixmo-cap", "files": files, "parts": parts, "slices": slices, "max_characters": 5000}
    values["sources"] = {
        "laion": {"format": "cc12m", "files": f"{folder}/pool.tsv"},
        "cc3m": pixmo | {"sample": sample},
        "spoken": {"format": "localized-narratives", "files": f"{folder}/narratives.jsonl"},
    }
    values["curate"] |= {"captioned": ["cc3m", "spoken"], "decontaminate": {}, "filters": {"max_characters": 100}}
    values["download"] |= {"server": None, "min_image_side": 50, "image_size": 64, "min_success": 0, "chunks": 2}
    values["mixes"] = {"both": {"sets": ["cc3m", "spoken"]}}
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return Layout(load_study(file), folder / "results"), {"params": file, "results": folder / "results"}


def read_pools(layout: Layout, where: dict) -> list[dict]:
    """Reads and thins all sources; returns the accounting of duplicates and samples."""
    for source, block in layout.study.sources.items():
        for part in range(block.jobs):
            pool.pool(source, part, **where)
    pool.dedupe(**where)
    return json.loads(layout.duplicates.with_suffix(".json").read_text())


def sampled(layout: Layout, where: dict) -> list[int]:
    read_pools(layout, where)
    return wanted_rows(layout, "cc3m")["uid"].tolist()


def test_a_sample_has_exactly_so_many_rows_and_does_not_depend_on_files_and_slices(tmp_path):
    layouts = [(1, 1), (2, 3)]
    drawn = [
        sampled(*study_of(tmp_path / f"{parts}-{slices}", sample={"rows": 13}, parts=parts, slices=slices))
        for parts, slices in layouts
    ]
    assert len(set(drawn[0])) == 13
    assert all(uids == drawn[0] for uids in drawn)


def test_a_smaller_sample_is_part_of_a_larger_one_and_another_seed_draws_others(tmp_path):
    small, large, other = (
        sampled(*study_of(tmp_path / name, sample=sample))
        for name, sample in [("a", {"rows": 10}), ("b", {"rows": 20}), ("c", {"rows": 10, "seed": 1})]
    )
    assert set(small) < set(large)
    assert set(small) != set(other)


def test_what_the_sample_leaves_out_is_counted_after_the_duplicates(tmp_path, capsys):
    layout, where = study_of(tmp_path / "study", sample={"rows": 13}, parts=2)
    first = layout.study.sources["cc3m"].files.replace("{part}", "00000")
    shutil.copy(first, first.replace("00000", "00001"))
    funnels = read_pools(layout, where)
    counts = [(each["step"], each["source"], each["rows_in"], each["dropped"]) for each in funnels]
    of_source = [row for row in counts if row[1] == "cc3m"]
    assert of_source[0] == ("duplicates", "cc3m", 20, {})
    assert of_source[2] == ("duplicates", "cc3m", 20, {"duplicate uid": 20})
    assert of_source[1] == ("sample", "cc3m", 20, {"not sampled": 7})
    assert of_source[3] == ("sample", "cc3m", 0, {})
    assert not [row for row in counts if row[0] == "sample" and row[1] != "cc3m"]
    assert "cc3m: a sample of 13 of 20 rows" in capsys.readouterr().err
    table = pd.read_parquet(layout.duplicates)
    assert table["reason"].value_counts().to_dict() == {"duplicate uid": 20, "not sampled": 7, "duplicate address": 1}


def test_a_sample_of_more_rows_than_there_are_is_all_of_them(tmp_path):
    layout, where = study_of(tmp_path / "study", sample={"rows": 10**6})
    assert len(sampled(layout, where)) == ROWS


def test_a_study_without_samples_keeps_every_row_that_stands_there_once(tmp_path):
    layout, where = study_of(tmp_path / "study")
    funnels = read_pools(layout, where)
    assert {each["step"] for each in funnels} == {"duplicates"}
    assert len(wanted_rows(layout, "cc3m")) == ROWS


def test_the_longest_caption_of_a_source_holds_for_that_source_alone(tmp_path):
    layout, where = study_of(tmp_path / "both", parts=2)
    read_pools(layout, where)
    assert len(wanted_rows(layout, "cc3m")) == ROWS
    values = yaml.safe_load(where["params"].read_text())
    del values["sources"]["cc3m"]["max_characters"]
    where["params"].write_text(yaml.safe_dump(values))
    with pytest.raises(DataError, match="caption too long"):
        pool.pool("cc3m", 0, **where)


@pytest.mark.parametrize("sample", [{"rows": 0}, {"rows": -3}, {}, {"rows": 5, "share": 0.5}, 100])
def test_a_wrong_sample_is_one_line_that_names_the_key(sample):
    values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    values["sources"]["cc3m"]["sample"] = sample
    assert "sources.cc3m.sample" in the_line(parse_study, values, "study.yaml", error=ParamsError)


@settings(max_examples=10, deadline=None)
@given(st.sets(st.integers(0, 19)), st.integers(1, 4))
def test_the_rows_left_are_all_but_those_dropped(tmp_path_factory, dropped, parts):
    folder = tmp_path_factory.mktemp("left")
    table = pool_rows([(f"http://a.com/{row}", f"cat {row}") for row in range(20)]).sort_values("uid")
    pieces = [table.iloc[numbers] for numbers in np.array_split(np.arange(20), parts)]
    paths = {part + 5: folder / f"{part}.parquet" for part in range(parts)}
    for piece, path in zip(pieces, paths.values(), strict=True):
        write_pool(path, piece)
    places = [(part + 5, row) for part, piece in enumerate(pieces) for row in range(len(piece))]
    gone = pd.DataFrame([places[row] for row in sorted(dropped)], columns=["part", "row"])
    left = rows_left(paths, gone)
    assert left["uid"].tolist() == [uid for row, uid in enumerate(table["uid"]) if row not in dropped]
    assert list(zip(left["part"], left["row"], strict=True)) == [
        place for row, place in enumerate(places) if row not in dropped
    ]


PICTURES = {
    pixmo_address(0): picture(0),
    pixmo_address(1): picture(1, (49, 200)),
    pixmo_address(2): picture(2, mode="L"),
    pixmo_address(3): picture(3, mode="CMYK", kind="TIFF"),
    pixmo_address(4): picture(4, mode="P", kind="GIF"),
    pixmo_address(5): picture(5, mode="RGBA", size=(300, 200)),
    pixmo_address(6): picture(6)[:300],
    pixmo_address(7): b"<html>sold</html>",
    pixmo_address(8): picture(8, (1, 60), mode="1"),
    image_address("mscoco_train2017", "9"): picture(9),
    image_address("open_images_train", "00000000000000ab"): picture(10),
}


def answer(scratch: Path, total: int, params: object, proxy: str | None, threads: int) -> str:
    """Stands in for img2dataset on a web of those pictures."""
    options = json.loads((scratch / "arguments.json").read_text())
    table = pq.read_table(options["url_list"]).to_pylist()
    size = options["number_sample_per_shard"]
    for shard in range(-(-total // size)):
        answers = [(row["uid"], PICTURES.get(row["url"], "HTTP Error 404: Not Found")) for row in table]
        write_shard(Path(options["output_folder"]) / f"{shard:05d}", answers[shard * size :][:size])
    return "done"


@pytest.fixture(scope="module")
def assembled(tmp_path_factory) -> tuple[Layout, dict]:
    layout, where = study_of(tmp_path_factory.mktemp("assembled") / "study", parts=2)
    read_pools(layout, where)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "_run", answer)
        for name in ("cc3m", "spoken"):
            for chunk in range(2):
                download.download(name, chunk, **where)
    write_funnels(layout.top_k(0, 0).with_suffix(".json"), [])
    write_funnels(layout.curation / "selected.json", [])
    assemble.assemble(**where)
    return layout, where


def test_long_captions_and_narratives_arrive_with_their_images_in_a_mix(assembled):
    layout, _ = assembled
    images = open_shards(layout.download_chunks("cc3m"), "cc3m", kept=kept_rows(layout, "cc3m"))
    assert sorted(text.partition(":")[0] for text in images.texts["text"]) == ["0", "2", "3", "4", "5"]
    assert all(text.endswith(LONG) for text in images.texts["text"])
    spoken = open_shards(layout.download_chunks("spoken"), "spoken", kept=kept_rows(layout, "spoken"))
    assert len(spoken.images) == 2, "of two narratives of one image one stays, for they have one address"


def test_small_and_broken_images_and_those_without_an_address_are_counted(assembled):
    layout, _ = assembled
    table = pd.read_csv(layout.mixes / "funnel.csv")
    counts = {(row.source, row.step, row.reason): row.rows for row in table.itertuples()}
    assert counts["cc3m", "download", "too small"] == 2
    assert counts["cc3m", "download", "broken image"] == 1
    assert counts["cc3m", "download", "not an image"] == 1
    assert counts["cc3m", "download", "not found"] == ROWS - 9
    assert counts["cc3m", "download", "kept"] == 5
    assert counts["spoken", "read", "no public address"] == 1
    assert counts["spoken", "duplicates", "duplicate address"] == 1
    assert counts["spoken", "download", "not found"] == 1
    assert counts["spoken", "download", "kept"] == 2


def test_images_of_unusual_modes_are_stored_and_those_beyond_the_size_are_scaled(assembled):
    layout, _ = assembled
    arrived = pd.concat(read_table(folder) for folder in layout.download_chunks("cc3m")).set_index("url")
    sizes = {row: arrived.loc[pixmo_address(row), ["width", "height"]].tolist() for row in (0, 2, 3, 4, 5)}
    assert sizes == {0: [82, 64], 2: [82, 64], 3: [82, 64], 4: [82, 64], 5: [96, 64]}
    assert arrived.loc[pixmo_address(1), "detail"] == "too small (49 x 200 pixels)"


def test_a_download_that_is_asked_for_again_is_left_as_it_is(assembled, monkeypatch):
    layout, where = assembled
    before = (layout.download("cc3m", 0) / "images.tar").read_bytes()
    monkeypatch.setattr(fetching, "_run", None)
    download.download("cc3m", 0, **where)
    assert (layout.download("cc3m", 0) / "images.tar").read_bytes() == before
