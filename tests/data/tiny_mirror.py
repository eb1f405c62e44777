"""A mirror of every public source in miniature, on 127.0.0.1: real archives, pools, the images they point to, models.

``with tiny_mirror(folder) as mirror`` yields what a study needs to run against it: ``mirror.environment()`` are the
variables of a process, ``mirror.add_model(name, folder)`` serves a saved model as a repository of the Hub.
"""

import csv
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from local_server import running
from tiny_layouts import LAYOUTS, caption, coco_names, fill, picture

from ligature.data.pools.narratives import image_address
from ligature.data.remote.resources import COLUMNS, Source, find_files, read_sources

TABLE = Path(__file__).parents[2] / "workflow" / "resources" / "sources.csv"
PICTURES = "https://pictures.example.org/"
COMMIT = "0" * 40
ONE_OF_SEVERAL = {
    "train2014.zip": ["train2014"],
    "val2014.zip": ["val2014"],
    "images.tar.gz": ["images"],
    "annotations.tar.gz": ["annotations"],
    "cars_test.tgz": ["cars_test"],
    "cars_train.tgz": ["cars_train"],
    "car_devkit.tgz": ["devkit"],
    "102flowers.tgz": ["jpg"],
    "Partitions.zip": ["Testing_01.txt", "Training_01.txt"],
    "download": ["UCF-101-midframes"],
    "UCF101TrainTestSplits-RecognitionTask.zip": ["ucfTrainTestlist"],
    "VOCtrainval_03-May-2010.tar": ["VOCdevkit"],
    "trainval.tar.gz": ["trainval"],
    "imagenetv2-matched-frequency.tar.gz": ["imagenetv2-matched-frequency-format-val"],
    "ImageNet-Sketch.zip": ["sketch"],
    "imagenet-a.tar": ["imagenet-a"],
    "imagenet-r.tar": ["imagenet-r"],
    "imagenet-o.tar": ["imagenet-o"],
    "docci_images.tar.gz": ["images"],
}
"""What of a data set's folder stands in an archive that does not hold it whole, by the archive's name."""


class Handler(BaseHTTPRequestHandler):
    mirror: "Mirror"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        self.mirror.seen.append((unquote(self.path), dict(self.headers)))
        page = self.mirror.pages.get(unquote(self.path)) or self.mirror.pages.get(unquote(urlsplit(self.path).path))
        if page is None:
            return self.send_error(404)
        body = page() if callable(page) else page
        self.send_response(200)
        json_page = self.path.startswith("/huggingface.co/api/")
        self.send_header("Content-Type", "application/json" if json_page else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT if "/resolve/" not in self.path else _revision(self.path))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def _revision(path: str) -> str:
    return path.partition("/resolve/")[2].partition("/")[0]


@dataclass
class Mirror:
    """A running mirror.

    Attributes:
        address: what ``LIGATURE_MIRROR`` is set to.
        pages: what is answered, by path with or without query.
        seen: path and headers of every request.
        sources: the table of sources with the checksums of what is served.
        folder: where data and models are unpacked.
    """

    address: str
    pages: dict[str, bytes | Callable[[], bytes]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sources: Path = Path()
    folder: Path = Path()

    def environment(self) -> dict[str, str]:
        """Returns the variables of a process that shall reach this mirror and nothing else."""
        return {
            "LIGATURE_MIRROR": self.address,
            "LIGATURE_SOURCES": str(self.sources),
            "LIGATURE_DATA": str(self.folder / "data"),
            "HF_HOME": str(self.folder / "hub"),
            "HF_HUB_OFFLINE": "0",
            "no_proxy": "127.0.0.1",
        }

    def add(self, address: str, content: bytes) -> None:
        """Serves an address of the public web."""
        pieces = urlsplit(address)
        query = f"?{pieces.query}" if pieces.query else ""
        self.pages[unquote(f"/{pieces.netloc}{pieces.path}{query}")] = content

    def add_picture(self, address: str) -> None:
        buffer = io.BytesIO()
        picture(address).save(buffer, format="JPEG")
        self.add(address, buffer.getvalue())

    def add_model(self, name: str, folder: Path, revision: str = COMMIT) -> None:
        """Serves the files of a folder as the model ``OWNER/NAME`` of the Hub, at one commit and as ``main``."""
        files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
        tree = [
            {"type": "file", "path": path, "size": file.stat().st_size, "oid": hashlib.sha1(path.encode()).hexdigest()}
            for path, file in files.items()
        ]
        info = {"id": name, "modelId": name, "sha": revision, "siblings": [{"rfilename": path} for path in files]}
        for known in (revision, "main"):
            self.add(f"https://huggingface.co/api/models/{name}/revision/{known}", json.dumps(info).encode())
            self.add(f"https://huggingface.co/api/models/{name}/tree/{known}", json.dumps(tree).encode())
        for path, file in files.items():
            self.pages[f"/huggingface.co/{name}/resolve/{revision}/{path}"] = file.read_bytes
        self.add(f"https://huggingface.co/api/models/{name}", json.dumps(info).encode())


@contextmanager
def tiny_mirror(folder: Path, *, images: int = 12, rows: int = 40, laion_parts: int = 2) -> Iterator[Mirror]:
    """Yields a running mirror of the workflow's table of sources.

    Args:
        folder: for the table, and for the data and models of those who use ``environment``.
        images: of a data set whose release has many.
        rows: of a pool, or of one of its files.
        laion_parts: files of LAION.
    """
    with running(Handler, "mirror", Mirror) as mirror:
        mirror.folder, mirror.sources = folder, folder / "sources.csv"
        folder.mkdir(parents=True, exist_ok=True)
        table = []
        for key in dict.fromkeys(f"{row['name']}@{row['version']}" for row in read_sources(TABLE).to_dict("records")):
            sources = find_files(TABLE, key)
            layout = folder / "layouts" / key
            if key in LAYOUTS:
                layout.mkdir(parents=True)
                LAYOUTS[key](layout, images)
                fill(layout)
            table += [_serve(mirror, source, layout, images, rows, laion_parts) for source in sources]
        _write_table(mirror.sources, table)
        yield mirror


def _serve(mirror: Mirror, source: Source, layout: Path, images: int, rows: int, parts: int) -> dict[str, str]:
    """Serves what a row of the table names and returns the row with its size and checksum."""
    count = parts if source.format == "laion" else 1
    contents = [_content(mirror, source, part, layout, images, rows) for part in range(count)]
    for part, content in enumerate(contents):
        mirror.add(source.addresses(part)[0], content)
    digest = hashlib.sha256(contents[0]).hexdigest() if count == 1 else ""
    values = {column: str(getattr(source, column)) for column in COLUMNS}
    values |= {"parts": str(count), "bytes": str(max(map(len, contents))), "sha256": digest, "archive": ""}
    return values | {"gated": "yes" if source.gated else "no", "rows": str(rows * count)}


def _write_table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _content(mirror: Mirror, source: Source, part: int, layout: Path, images: int, rows: int) -> bytes:
    if writer := POOLS.get(source.format) or POOLS.get(source.name):
        return writer(_pool_rows(mirror, source.name, part, rows))
    last = unquote(urlsplit(source.address).path.rpartition("/")[2])
    if source.format == "coco":
        for split in ("train", "val"):
            for name in coco_names(split, images):
                mirror.add_picture(f"http://images.cocodataset.org/{split}2017/{name}")
    if source.format == "listing":
        for image in json.loads((layout / last).read_text())["images"]:
            mirror.add_picture(image["coco_url"])
    if source.format in ("file", "listing"):
        return (layout / (source.path or last)).read_bytes()
    if source.format == "archives":
        return _archive_of_archives(layout)
    if last.endswith(".gz") and not last.endswith(".tar.gz"):
        return gzip.compress((layout / source.path).read_bytes(), mtime=0)
    return _archive(layout / source.path, last, _members(layout / source.path, last))


def _members(root: Path, last: str) -> list[Path]:
    """Returns the files that stand in an archive."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    if last.startswith("train_images_"):
        return files[int(last[len("train_images_")]) :: 5]
    wanted = ONE_OF_SEVERAL.get(last)
    return [path for path in files if wanted is None or path.relative_to(root).parts[0] in wanted]


def _archive(root: Path, name: str, files: list[Path]) -> bytes:
    buffer = io.BytesIO()
    if ".t" not in name:  # the download of Google Drive is a zip without saying so
        with zipfile.ZipFile(buffer, "w") as archive:
            for file in files:
                archive.writestr(zipfile.ZipInfo(str(file.relative_to(root))), file.read_bytes())
    else:
        with tarfile.open(fileobj=buffer, mode="w" if name.endswith(".tar") else "w:gz") as archive:
            for file in files:
                archive.add(file, str(file.relative_to(root)))
    return buffer.getvalue()


def _archive_of_archives(layout: Path) -> bytes:
    """Returns Caltech-101 as it comes: a zip of a tar of folders."""
    root, buffer = layout / "caltech-101", io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        inner = _archive(root, "101_ObjectCategories.tar.gz", _members(root, ""))
        archive.writestr("caltech-101/101_ObjectCategories.tar.gz", inner)
    return buffer.getvalue()


Rows = list[tuple[str, str]]


def _pool_rows(mirror: Mirror, source: str, part: int, count: int) -> Rows:
    name = f"{source}-{part}"
    addresses = [f"{PICTURES}{name}/{number}.jpg" for number in range(count)]
    if source == "localized-narratives":
        addresses = [image_address("open_images_train", f"{number:016x}") for number in range(count)]
    rows = [(address, caption(f"{name} {number}")) for number, address in enumerate(addresses)]
    for address, _ in rows:
        mirror.add_picture(address)
    return rows


def _laion(rows: Rows) -> bytes:
    count, buffer = len(rows), io.BytesIO()
    columns = {
        "SAMPLE_ID": [float(number) for number in range(count)],
        "URL": [address for address, _ in rows],
        "TEXT": [text for _, text in rows],
        "HEIGHT": [480] * count,
        "WIDTH": [640] * count,
        "LICENSE": ["?"] * count,
        "NSFW": ["UNLIKELY"] * count,
        "similarity": [0.35] * count,
    }
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def _lines(rows: Rows) -> bytes:
    return "".join(f"{first}\t{second}\n" for first, second in rows).encode()


def _sbu(rows: Rows) -> bytes:
    values = {"image_urls": [address for address, _ in rows], "captions": [text for _, text in rows]}
    body, buffer = json.dumps(values).encode(), io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("sbu-captions-all.json")
        entry.size = len(body)
        archive.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


def _pixmo(rows: Rows) -> bytes:
    columns = {"image_url": [address for address, _ in rows], "caption": [text for _, text in rows]}
    buffer = io.BytesIO()
    pq.write_table(pa.table({**columns, "transcripts": [["well"]] * len(rows)}), buffer)
    return buffer.getvalue()


def _narratives(rows: Rows) -> bytes:
    values = [
        {"dataset_id": "open_images_train", "image_id": Path(address).stem, "annotator_id": 1, "caption": text}
        for address, text in rows
    ]
    return "".join(f"{json.dumps(value)}\n" for value in values).encode()


POOLS: dict[str, Callable[[Rows], bytes]] = {
    "laion": _laion,
    "cc3m": lambda rows: _lines([(text, address) for address, text in rows]),
    "cc12m": _lines,
    "sbu": _sbu,
    "pixmo-cap": _pixmo,
    "localized-narratives": _narratives,
}
"""Writers of the files of pools, by format or name."""
