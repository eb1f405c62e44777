"""What every reader returns: a table of images and a table of texts that belong to them."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ligature.errors import DataError


@dataclass(frozen=True)
class Dataset:
    """Images and texts of one split.

    Attributes:
        name: of the data set in the study.
        split: of the original.
        images: one row an image: ``id``, ``path`` and, with class folders, ``label``.
        texts: one row a text: ``id``, ``image_id`` (captions) or ``label`` (prompts), ``text`` and, where there are
            further texts than the data set's own, ``variant``: a language, a number of words, a prompt set; empty
            for the data set's own.
        class_names: names in the order of labels, for class folders.
        skipped_texts: texts left out, each with ``id`` and ``reason``.
        notes: what whoever reads its results should know, one line each, said of all images of the split.
    """

    name: str
    split: str
    images: pd.DataFrame
    texts: pd.DataFrame
    class_names: list[str] | None = None
    skipped_texts: list[dict[str, str]] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def keep_images(self, rows: np.ndarray) -> "Dataset":
        """Returns the data set with only these rows of images, in this order, and the texts that belong to them.

        Prompts of class folders belong to all images and stay.
        """
        images = self.images.iloc[rows].reset_index(drop=True)
        if self.class_names is not None:
            return replace(self, images=images)
        ids = set(images["id"])
        texts = self.texts[self.texts["image_id"].isin(ids)].reset_index(drop=True)
        skipped = [item for item in self.skipped_texts if item["id"].rpartition("#")[0] in ids]
        return replace(self, images=images, texts=texts, skipped_texts=skipped)

    def of_variant(self, variant: str = "") -> "Dataset":
        """Returns the data set with only the texts of one variant, its own by default; all images stay.

        A variant that no text has leaves no text, so that parts of a data set can be asked alike.
        """
        if "variant" not in self.texts:
            return self if variant == "" else replace(self, texts=self.texts.iloc[:0], skipped_texts=[])
        texts = self.texts[self.texts["variant"] == variant].reset_index(drop=True)
        skipped = [item for item in self.skipped_texts if _variant_of(item["id"]) == variant]
        return replace(self, texts=texts, skipped_texts=skipped)

    def part(self, index: int, parts: int) -> "Dataset":
        """Returns one of ``parts`` contiguous parts; prompts of class folders all stand in the first."""
        bounds = np.linspace(0, len(self.images), parts + 1).astype(int)
        part = self.keep_images(np.arange(bounds[index], bounds[index + 1]))
        if self.class_names is not None and index > 0:
            part = replace(part, texts=part.texts.iloc[:0])
        return part

    def fold(self, index: int, folds: int, seed: int) -> "Dataset":
        """Returns one of ``folds`` disjoint random folds of the images, in the original order."""
        fold_of_image = np.random.default_rng(seed).permutation(len(self.images)) % folds
        return self.keep_images(np.flatnonzero(fold_of_image == index))


def captioned_dataset(name: str, split: str, images: pd.DataFrame, captions: pd.DataFrame, where: str) -> Dataset:
    """Builds a data set of images with captions, in the order of images and, within an image, of captions.

    Args:
        name: of the data set in the study.
        split: of the original.
        images: ``id`` and ``path``.
        captions: ``image_id`` and ``text``, raw.
        where: the caption file, named in errors.

    Raises:
        DataError: for an image id that stands twice, a caption of an unknown image, or no caption at all.
    """
    duplicated = images["id"][images["id"].duplicated()]
    if len(duplicated):
        raise DataError(f"{where}: image id {duplicated.iloc[0]!r} stands twice; remove one of them")
    order = pd.Series(np.arange(len(images)), index=images["id"])
    rank = captions["image_id"].map(order)
    if rank.isna().any():
        unknown = captions["image_id"][rank.isna()].iloc[0]
        raise DataError(
            f"{where}: a caption names the unknown image id {unknown!r}; add the image or remove the caption"
        )
    captions = captions.assign(rank=rank.astype(int)).sort_values("rank", kind="stable")
    number = captions.groupby("image_id", sort=False).cumcount()
    captions = captions.assign(id=captions["image_id"] + "#" + number.astype(str)).reset_index(drop=True)
    text = captions["text"].map(one_line)
    skipped = [{"id": id_, "reason": "empty caption"} for id_ in captions["id"][text == ""]]
    texts = captions.assign(text=text)[["id", "image_id", "text"]][text != ""].reset_index(drop=True)
    if texts.empty:
        raise DataError(f"{where}: every caption is empty or there is none; check the file")
    return Dataset(name, split, images.reset_index(drop=True), texts, skipped_texts=skipped)


def _variant_of(text_id: str) -> str:
    """Returns the variant of a caption's id: what stands behind its last mark, unless it is a mere number."""
    ending = text_id.rpartition("#")[2]
    return "" if ending.isdigit() else ending


def one_line(text: object) -> str:
    """Returns a caption without line breaks; half characters, which json may hold and UTF-8 may not, become ``?``."""
    return " ".join(text.split()).encode("utf-8", "replace").decode("utf-8") if isinstance(text, str) else ""
