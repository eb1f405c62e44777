"""Writes a whole world of scenes: COCO-like, shifted, ImageNet-like and VOC-like sets under one folder."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ligature.data.scenes.captions import english_captions, long_description, translations
from ligature.data.scenes.captions.class_names import translated_class_names
from ligature.data.scenes.division import Division
from ligature.data.scenes.files import (
    wordnet_id,
    write_class_table,
    write_coco_captions,
    write_jpeg,
    write_json_lines,
    write_mask,
    write_voc_classes,
)
from ligature.data.scenes.rendering import mask, render
from ligature.data.scenes.sampling import distinct_scenes, generator, single_scenes
from ligature.data.scenes.scene import Scene, class_names
from ligature.data.scenes.shifted import is_shifted, photograph
from ligature.data.scenes.web.leaks import find_leaks
from ligature.data.scenes.web.writing import row_counts, write_web
from ligature.errors import DataError
from ligature.params.world import WebParams
from ligature.progress import Progress
from ligature.store.atomic import replacing_folder, write_text

MIN_IMAGE_SIZE = 32


@dataclass(frozen=True)
class WorldSummary:
    """What a written world holds.

    Attributes:
        root: the folder.
        images: number of images of every part, for example ``coco/val``; of the sources of the web, such as
            ``web/laion``, the number of rows.
        classes: number of classes of the ImageNet-like set.
    """

    root: Path
    images: dict[str, int]
    classes: int


@dataclass(frozen=True)
class _Job:
    folder: Path
    seed: int
    image_size: int
    division: Division
    progress: Progress

    def scenes(self, part: str, count: int) -> Iterator[Scene]:
        """Yields the scenes of a COCO-like, shifted or VOC-like part, counting them as progress.

        A shifted split draws from the share of the COCO-like split of its name, so that it changes no other part.
        """
        kind, split = part.split("/")

        def accept(scene: Scene) -> bool:
            if kind == "shifted":
                return is_shifted(scene) and self.division.owner(scene) == f"coco/{split}"
            return self.division.owner(scene) == part

        for scene in distinct_scenes(part, count, seed=self.seed, accept=accept):
            yield scene
            self.progress.update(note=part)


def write_world(
    root: Path,
    *,
    seed: int,
    image_size: int,
    coco: Mapping[str, int],
    imagenet: Mapping[str, int],
    voc: Mapping[str, int],
    shifted: Mapping[str, int] | None = None,
    web: WebParams | Mapping[str, int] | None = None,
) -> WorldSummary:
    """Writes a world of scenes, the same bytes for the same arguments, and replaces ``root`` at the end.

    Args:
        root: folder to write; what it held before is deleted.
        seed: seed of all scenes and captions.
        image_size: side of the square images in pixels.
        coco: number of captioned scenes of every split.
        imagenet: number of images of every class of every split.
        voc: number of scenes with masks of every split.
        shifted: number of captioned scenes of another look of every split; the split is one of ``coco``.
        web: rows of the sources with urls, as params or as their plain values; None for no web.

    Raises:
        DataError: an argument makes no sense, or a split asks for more scenes than the world holds for it.
    """
    root = Path(root)
    counts = _counts(image_size, coco=coco, imagenet=imagenet, voc=voc)
    division = Division(counts)
    counts |= _shifted_counts(image_size, shifted or {}, coco)
    singles = _single_scenes_of(division, imagenet) if imagenet else {}
    sources = None if web is None else WebParams(**dict(web))
    rows = {} if sources is None else {f"web/{name}": count for name, count in row_counts(sources).items()}
    total = sum(counts.values()) + sum(rows.values())
    with replacing_folder(root) as folder, Progress("scenes", total, "images") as progress:
        job = _Job(folder, seed, image_size, division, progress)
        for part, count in counts.items():
            if part.startswith(("coco/", "shifted/")):
                _write_captioned(job, part, count)
        if imagenet:
            _write_imagenet(job, imagenet, singles)
        if voc:
            _write_voc(job, voc)
        if sources is not None:
            leaks = find_leaks(folder, coco, imagenet)
            write_web(folder / "web", seed=seed, image_size=image_size, params=sources, leaks=leaks, progress=progress)
    return WorldSummary(root, counts | rows, len(class_names()))


def _counts(image_size: int, **kinds: Mapping[str, int]) -> dict[str, int]:
    """Returns the number of images of every part."""
    if image_size < MIN_IMAGE_SIZE:
        raise DataError(f"image_size is {image_size}; scenes need {MIN_IMAGE_SIZE} pixels or more")
    counts = {}
    for kind, splits in kinds.items():
        for split, count in splits.items():
            if not re.fullmatch(r"\w[\w.-]*", split) or count < 0:
                raise DataError(f"{kind}: {split!r} with {count} scenes is no split; a name and a count are")
            counts[f"{kind}/{split}"] = count * (len(class_names()) if kind == "imagenet" else 1)
    return counts


def _shifted_counts(image_size: int, shifted: Mapping[str, int], coco: Mapping[str, int]) -> dict[str, int]:
    """Returns the number of images of every shifted part, each of which needs a COCO-like split to draw from."""
    for split in shifted:
        if split not in coco:
            raise DataError(f"shifted: {split!r} is no split of coco; known: {', '.join(coco)}")
    return _counts(image_size, shifted=shifted)


def _single_scenes_of(division: Division, splits: Mapping[str, int]) -> dict[tuple[str, str], list[Scene]]:
    """Returns the scenes every ImageNet-like part owns of every class, and checks that they are enough."""
    owned: dict[tuple[str, str], list[Scene]] = {
        (f"imagenet/{split}", name): [] for split in splits for name in class_names()
    }
    for name in class_names():
        for scene in single_scenes(name):
            if (key := (division.owner(scene), name)) in owned:
                owned[key].append(scene)
    for split, count in splits.items():
        most = min(len(owned[f"imagenet/{split}", name]) for name in class_names())
        if count > most:
            raise DataError(f"imagenet/{split}: {count} images of every class asked for, but the world holds {most}")
    return owned


def _write_captioned(job: _Job, part: str, count: int) -> None:
    """Writes the pictures of a part in COCO's layout, with captions, translations, descriptions and the scenes."""
    kind, split = part.split("/")
    pictures, annotations = job.folder / part, job.folder / kind / "annotations"
    pictures.mkdir(parents=True)
    captions, multilingual, long, scenes = [], [], [], []
    for number, scene in enumerate(job.scenes(part, count), 1):
        name = f"{number:012d}"
        picture = render(scene, job.image_size)
        if kind == "shifted":
            picture = photograph(picture, generator(job.seed, part, number, 1))
        write_jpeg(pictures / f"{name}.jpg", picture)
        captions.append(english_captions(scene, seed=job.seed))
        multilingual.append({"id": name} | translations(scene, seed=job.seed))
        long.append({"id": name, "text": long_description(scene, seed=job.seed)})
        scenes.append({"id": name} | scene.as_dict())
    file_names = [f"{row['id']}.jpg" for row in scenes]
    write_coco_captions(annotations / f"captions_{split}.json", file_names, captions, job.image_size)
    for kind, rows in (("multilingual", multilingual), ("long", long), ("scenes", scenes)):
        write_json_lines(annotations / f"{kind}_{split}.jsonl", rows)


def _write_imagenet(job: _Job, splits: Mapping[str, int], singles: Mapping[tuple[str, str], list[Scene]]) -> None:
    for split, count in splits.items():
        part = f"imagenet/{split}"
        for index, name in enumerate(class_names()):
            _write_class(job, part, index, singles[part, name], count)
    write_class_table(job.folder / "imagenet" / "classes.tsv", class_names())
    for language, names in translated_class_names().items():
        write_class_table(job.folder / "imagenet" / f"classes_{language}.tsv", names)


def _write_class(job: _Job, part: str, index: int, owned: list[Scene], count: int) -> None:
    folder = job.folder / part / wordnet_id(index)
    folder.mkdir(parents=True)
    order = generator(job.seed, part, index).permutation(len(owned))[:count]
    for number, position in enumerate(order, 1):
        variation = int(generator(job.seed, part, index, number).integers(2**31))
        scene = replace(owned[position], variation=variation)
        write_jpeg(folder / f"{folder.name}_{number}.JPEG", render(scene, job.image_size))
        job.progress.update(note=part)


def _write_voc(job: _Job, splits: Mapping[str, int]) -> None:
    root = job.folder / "voc"
    for name in ("JPEGImages", "SegmentationClass"):
        (root / name).mkdir(parents=True)
    for split, count in splits.items():
        names = [f"{split}_{number:06d}" for number in range(1, count + 1)]
        for name, scene in zip(names, job.scenes(f"voc/{split}", count), strict=True):
            write_jpeg(root / "JPEGImages" / f"{name}.jpg", render(scene, job.image_size))
            write_mask(root / "SegmentationClass" / f"{name}.png", mask(scene, job.image_size))
        write_text(root / "ImageSets" / "Segmentation" / f"{split}.txt", "".join(f"{name}\n" for name in names))
    write_voc_classes(root / "classes.txt")
