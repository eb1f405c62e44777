import hashlib
import io
import json
import re
import tarfile
from collections import Counter, defaultdict

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ligature.data.scenes import class_names, is_web_scene
from ligature.data.scenes.web import Leak, publishing, shares, write_web
from ligature.data.scenes.web.routes import read_routes, writing_routes
from ligature.errors import DataError
from ligature.params.world import WebParams
from ligature.progress import Progress

SIZES = WebParams(laion=3000, parts=3, cc3m=300, cc12m=300, sbu=300)
SMALL = WebParams(laion=200, parts=2, cc3m=20, cc12m=20, sbu=20)
LEAKS = [Leak(f"A caption of the evaluation, number {number}.", b"\xff\xd8" + bytes([number])) for number in range(5)]
COLUMNS = ["SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "LICENSE", "NSFW", "similarity"]


def write(folder, params=SIZES, seed=3, leaks=LEAKS, **settings):
    return write_web(folder, seed=seed, image_size=32, params=params, leaks=leaks, **settings)


def read_bytes(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def read_pool(folder):
    return [row for path in sorted((folder / "laion").iterdir()) for row in pq.read_table(path).to_pylist()]


def read_pairs(folder, source):
    """Returns url and caption of every row of a captioned source."""
    if source == "sbu":
        table = json.loads((folder / "sbu.json").read_text())
        return list(zip(table["image_urls"], table["captions"], strict=True))
    lines = [line.split("\t") for line in (folder / f"{source}.tsv").read_text().splitlines()]
    return [(first, second) if source == "cc12m" else (second, first) for first, second in lines]


def normalised(text):
    return " ".join(re.findall(r"\w+", text.casefold()))


@pytest.fixture(scope="module")
def rendered():
    """Scenes in the order in which their pictures were made."""
    return []


@pytest.fixture(scope="module")
def folder(tmp_path_factory, rendered):
    def remember(scene, image_size):
        rendered.append(scene)
        return render(scene, image_size)

    render, path = publishing.render, tmp_path_factory.mktemp("web")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "render", remember)
        assert write(path) == {"laion": 3000, "cc3m": 300, "cc12m": 300, "sbu": 300}
    return path


@pytest.fixture(scope="module")
def pool(folder):
    return read_pool(folder)


@pytest.fixture(scope="module")
def routes(folder):
    return read_routes(folder)


@pytest.fixture(scope="module")
def body_of(folder, routes):
    tar = (folder / "images.tar").read_bytes()
    return lambda url: tar[routes[url].offset :][: routes[url].size]


def test_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path):
    write(tmp_path / "one", SMALL)
    write(tmp_path / "two", SMALL)
    write(tmp_path / "other", SMALL, seed=4)
    one, two, other = (read_bytes(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one.keys() == other.keys()
    assert all(one[name] != other[name] for name in one)


def test_files_have_the_formats_of_the_originals(folder, pool):
    assert sorted(path.name for path in folder.iterdir()) == [
        "cc12m.tsv",
        "cc3m.tsv",
        "images.tar",
        "laion",
        "routes.parquet",
        "sbu.json",
    ]
    assert [path.name for path in sorted((folder / "laion").iterdir())] == [f"part-{i:05d}.parquet" for i in range(3)]
    assert [pq.read_metadata(path).num_rows for path in (folder / "laion").iterdir()] == [1000] * 3
    schema = pq.read_schema(folder / "laion/part-00000.parquet")
    assert schema.names == COLUMNS
    assert [str(schema.field(name).type) for name in ("SAMPLE_ID", "TEXT", "similarity")] == [
        "int64",
        "string",
        "double",
    ]
    assert {row["NSFW"] for row in pool} == set(shares.NSFW)
    assert {(row["HEIGHT"], row["WIDTH"]) for row in pool} == {(32, 32), (None, None), (32, 256), (1, 1)}
    assert all(0.3 <= row["similarity"] < 0.6 for row in pool)


@pytest.mark.parametrize("source", ["cc3m", "cc12m", "sbu"])
def test_captioned_sources_hold_one_clean_line_a_row(folder, routes, source):
    pairs = read_pairs(folder, source)
    assert len({url for url, _ in pairs}) == len(pairs) == 300
    assert all(url in routes for url, _ in pairs)
    assert all(len(caption) > 10 and caption.splitlines() == [caption] for _, caption in pairs)


def test_captioned_sources_speak_in_their_own_styles(folder):
    plain, noisy, personal = (
        [caption for _, caption in read_pairs(folder, source)] for source in ("cc3m", "cc12m", "sbu")
    )
    assert not any("<PERSON>" in caption or "photo" in caption for caption in plain)
    assert 0.05 < np.mean(["<PERSON>" in caption for caption in noisy]) < 0.3
    assert np.mean([bool(re.search(r"\b(I|my|our)\b", caption, re.I)) for caption in personal]) > 0.95


def test_every_url_is_one_of_the_hosts_and_has_a_route(pool, routes):
    assert all(row["URL"] in routes for row in pool)
    hosts = {re.fullmatch(r"http://([\w.]+\.example)/[\w/]+\.jpg", url)[1] for url in routes}
    assert hosts == set(shares.HOSTS)


def test_written_rows_arrive_about_as_often_as_the_tables_say(folder, pool, routes):
    def share(urls):
        return np.mean([routes[url].behaviour in shares.ARRIVING for url in urls])

    copied = sum(shares.COPIES.values())
    expected = shares.arriving_share(shares.POOL) * (1 - copied) + copied
    assert share([row["URL"] for row in pool]) == pytest.approx(expected, abs=0.03)
    urls = [url for source in ("cc3m", "cc12m", "sbu") for url, _ in read_pairs(folder, source)]
    assert share(urls) == pytest.approx(shares.arriving_share(shares.CAPTIONED), abs=0.045)


def test_hosts_behave_by_their_profiles(routes):
    counts = defaultdict(Counter)
    for url, route in routes.items():
        counts[shares.HOSTS[url.split("/")[2]][2]][route.behaviour] += 1
    assert counts["dead"]["dead"] / counts["dead"].total() > 0.8
    assert counts["moved"]["redirect"] / counts["moved"].total() > 0.7
    assert counts["steady"]["ok"] / counts["steady"].total() > 0.8
    for profile, counted in counts.items():
        assert set(counted) <= {"ok", *shares.PROFILES[profile]}


def test_bodies_are_pictures_of_the_stated_size(routes, body_of):
    leaked = {leak.jpeg_bytes for leak in LEAKS}
    formats = defaultdict(set)
    for url, route in routes.items():
        if route.size and body_of(url) not in leaked:
            with Image.open(io.BytesIO(body_of(url))) as picture:
                assert picture.size == (32, 32)
                formats[route.behaviour].add(picture.format)
    assert formats.pop("mislabelled") == {"PNG", "WEBP"}
    assert all(kinds == {"JPEG"} for kinds in formats.values())
    assert {"ok", "error", "robots", "truncated", "cut"} <= set(formats)


def test_the_tar_opens_with_ordinary_tools_and_carries_no_time(folder, routes):
    with tarfile.open(folder / "images.tar") as archive:
        members = archive.getmembers()
    assert {(info.offset_data, info.size) for info in members} == {
        (r.offset, r.size) for r in routes.values() if r.size
    }
    assert {(info.mtime, info.uid, info.gid) for info in members} == {(0, 0, 0)}


def test_redirections_lead_to_pictures_and_loops_to_themselves(routes):
    redirections = [route for route in routes.values() if route.behaviour == "redirect"]
    assert redirections
    assert all(routes[route.target].behaviour == "ok" and not route.size for route in redirections)
    assert all(route.target == route.url for route in routes.values() if route.behaviour == "loop")


def test_routes_without_any_row_can_be_written_and_read(tmp_path):
    with writing_routes(tmp_path):
        pass
    assert read_routes(tmp_path) == {}


def test_a_folder_without_routes_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"routes\.parquet: no table of routes .*; render the world again"):
        read_routes(tmp_path)
    (tmp_path / "routes.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match="no table of routes"):
        read_routes(tmp_path)


def test_rows_that_repeat_a_whole_row_or_a_url_are_planted(pool):
    ids = Counter(tuple(row.values()) for row in pool)
    assert ids.total() - len(ids) == 60
    by_url = defaultdict(set)
    for row in pool:
        by_url[row["URL"]].add(row["TEXT"])
    assert sum(len(texts) - 1 for texts in by_url.values()) == 30


def test_rows_that_repeat_a_caption_in_other_letters_are_planted(pool):
    spellings = defaultdict(set)
    for row in pool:
        spellings[normalised(row["TEXT"] or "")].add((row["TEXT"], row["URL"]))
    respelled_rows = sum(len(rows) > 1 and len({text for text, _ in rows}) > 1 for rows in spellings.values())
    assert respelled_rows >= 50


def test_re_encoded_pictures_are_planted_at_other_urls(pool, routes, body_of):
    def small(body):
        with Image.open(io.BytesIO(body)) as picture:
            return np.asarray(picture.convert("RGB").resize((16, 16)), np.float32).ravel()

    leaked = {leak.jpeg_bytes for leak in LEAKS}
    urls = sorted({row["URL"] for row in pool if routes[row["URL"]].behaviour == "ok"})
    bodies = [body for url in urls if (body := body_of(url)) not in leaked]
    quality = [hashlib.sha256(str(Image.open(io.BytesIO(body)).quantization).encode()).digest() for body in bodies]
    plain, copied = Counter(quality).most_common(2)
    assert copied[1] == 60
    pictures = np.stack([small(body) for body in bodies])
    is_copy = np.array([key == copied[0] for key in quality])
    for picture in pictures[is_copy]:
        assert np.abs(pictures[~is_copy] - picture).mean(1).min() < 12
    assert plain[1] + copied[1] == len(bodies)


def test_leaks_stand_in_the_pool_with_caption_and_picture(pool, routes, body_of):
    for leak in LEAKS:
        (row,) = [row for row in pool if row["TEXT"] == leak.caption]
        assert routes[row["URL"]].behaviour == "ok"
        assert body_of(row["URL"]) == leak.jpeg_bytes


def test_captions_of_every_kind_of_noise_are_there(pool):
    texts = [row["TEXT"] for row in pool]
    told = [text for text in texts if text is not None]
    assert 10 <= texts.count(None) <= 60
    assert sum(len(text) > 100_000 for text in told) == shares.ENDLESS
    assert sum(bool(re.search("[\t\n\r]", text)) for text in told) > 50
    assert sum(text.isupper() for text in told) > 80
    assert sum("<" in text for text in told) > 50
    assert sum(bool(re.search("[а-яぁ-ん]", text)) for text in told) > 50
    assert sum(bool(re.fullmatch(r"[\w-]+\.(jpg|JPG|png)", text)) for text in told) > 100
    assert sum("free download" in text for text in told) > 30
    assert sum(text in ("image", "click here") for text in told) > 10


def test_only_web_scenes_are_rendered_and_none_is_described_twice_but_for_copies(rendered, routes):
    assert all(is_web_scene(scene) for scene in rendered)
    keys = Counter(scene.key for scene in rendered)
    assert keys.total() - len(keys) == 120  # other pictures of one caption, and re-encoded ones
    assert len(rendered) + len(LEAKS) == sum(route.size > 0 for route in routes.values())


def test_classes_are_rare_in_the_captions_of_the_pool_as_well(pool):
    told = [(row["TEXT"] or "").lower() for row in pool]
    counts = sorted(sum(name in text for text in told) for name in class_names())
    assert counts[-1] > 100
    assert counts[20] < 8


def test_more_leaks_than_the_pool_has_room_for_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"web: laion: 8 rows are too few for 5 leaks; ask for more"):
        write(tmp_path, WebParams(laion=8, parts=1, cc3m=1, cc12m=1, sbu=1))
    assert not list(tmp_path.iterdir())


def test_the_smallest_web_can_be_written_and_parts_may_be_empty(tmp_path):
    counts = write(tmp_path, WebParams(laion=1, parts=2, cc3m=1, cc12m=1, sbu=1), leaks=[])
    assert counts == {"laion": 1, "cc3m": 1, "cc12m": 1, "sbu": 1}
    assert len(read_pool(tmp_path)) == 1
    assert pq.read_schema(tmp_path / "laion/part-00001.parquet").names == COLUMNS


def test_progress_counts_every_row(tmp_path):
    stream = io.StringIO()
    with Progress("scenes", 260, stream=stream) as progress:
        write(tmp_path, SMALL, progress=progress)
    assert progress.done == 260
    assert "260/260" in stream.getvalue()
    assert "web/sbu" in stream.getvalue()
