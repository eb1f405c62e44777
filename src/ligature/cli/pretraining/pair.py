"""A pre-trained pair as measures take it: features of a study's data sets, encoded when they are first asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from ligature.cli.pretraining.features import encode_texts
from ligature.cli.runtime import make_runtime
from ligature.data import Dataset, open_dataset
from ligature.encoders.contrastive.folder import ContrastivePair, load_pair
from ligature.encoders.contrastive.images import resize_and_crop, to_pixels
from ligature.encoders.extract_images import check_skipped, say_skipped
from ligature.encoders.images import decoded_batches
from ligature.errors import DataError
from ligature.pretraining.training import MODEL
from ligature.progress import Progress, say
from ligature.store import Layout


@dataclass(frozen=True, eq=False)
class CaptionedSet:
    """A captioned data set in a joint space.

    Attributes:
        images: [n, d] unit features.
        texts: [m, d] unit features.
        image_of_text: [m] image row of each text.
    """

    images: np.ndarray
    texts: np.ndarray
    image_of_text: np.ndarray


@dataclass(frozen=True, eq=False)
class _Encoded:
    """A data set with its own texts and usable images alone, and the unit features [n, d] of these images."""

    data: Dataset
    images: np.ndarray


class PretrainedPair:
    """A pre-trained pair and the features of data sets under it; images are encoded once a data set, and kept.

    Attributes:
        layout: of the study.
        name: of the run, which is the model in results.
        seed: of the training.
    """

    def __init__(
        self,
        layout: Layout,
        name: str,
        seed: int,
        pair: ContrastivePair,
        *,
        precision: str = "float32",
        workers: int = 0,
    ) -> None:
        """Takes a loaded pair; its model's device computes.

        Args:
            layout: of the study.
            name: of the run.
            seed: of the training.
            pair: model and tokenizer.
            precision: float32, or bfloat16 or float16 under autocast.
            workers: processes that decode images ahead of the model.

        Raises:
            ParamsError: for a precision that is unknown or impossible on the device.
        """
        self.layout, self.name, self.seed = layout, name, seed
        self._pair, self._workers = pair, workers
        self._device = pair.model.logit_scale.device
        self._precision = make_runtime(device=str(self._device), precision=precision).precision
        self._encoded: dict[str, _Encoded] = {}

    @classmethod
    def load(
        cls, layout: Layout, run: str, seed: int, *, device: str = "cpu", precision: str = "float32", workers: int = 0
    ) -> "PretrainedPair":
        """Loads the pair of one training.

        Raises:
            DataError: when it has not ended, naming what to run.
            EncoderError: when its folder is not a pair.
        """
        folder = layout.pretrained(run, seed) / MODEL
        if not folder.is_dir():
            raise DataError(f"{folder}: missing; run `ligature pretrain {run} --seed {seed}` first")
        return cls(layout, run, seed, load_pair(folder, device), precision=precision, workers=workers)

    def labelled(self, dataset: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the unit features of a labelled data set's images and their labels."""
        encoded = self._images_of(dataset)
        return encoded.images, encoded.data.images["label"].to_numpy()

    def class_names(self, dataset: str) -> list[str]:
        """Returns the class names of a labelled data set, in the order of its labels."""
        return self._images_of(dataset).data.class_names

    def prompts(self, dataset: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yields the main prompt set of a labelled data set alone: "", unit features of its prompts, their labels."""
        texts = self._images_of(dataset).data.texts
        yield "", self._encode_texts(dataset, texts["text"].to_list()), texts["label"].to_numpy()

    def captioned(self, dataset: str) -> CaptionedSet:
        """Returns a captioned data set with its own captions; images without one stay as candidates."""
        encoded = self._images_of(dataset)
        texts = encoded.data.texts
        owners = pd.Index(encoded.data.images["id"]).get_indexer(texts["image_id"])
        return CaptionedSet(encoded.images, self._encode_texts(dataset, texts["text"].to_list()), owners)

    def _images_of(self, dataset: str) -> _Encoded:
        if dataset not in self._encoded:
            self._encoded[dataset] = self._encode_images(open_dataset(self.layout, dataset).of_variant())
        return self._encoded[dataset]

    def _encode_images(self, data: Dataset) -> _Encoded:
        """Encodes the images that can be read; the others are left out, counted and said.

        Raises:
            DataError: when more than ``embed.max_skipped`` of them, or all that have a text, cannot be used.
        """
        settings, what = self.layout.study.embed, f"gauge {self.name}/{data.name}"
        decode = partial(_cropped, size=self._pair.model.config.image_size)
        paths, features, used, skipped = data.images["path"].to_list(), [], [], []
        batches = decoded_batches(paths, decode, batch_size=settings.image_batch, workers=self._workers)
        with Progress(what, len(paths), "images") as progress:
            for facts, images in batches:
                skipped += [
                    {"id": data.images["id"].iloc[fact.row], "reason": fact.reason} for fact in facts if fact.reason
                ]
                used += [fact.row for fact in facts if not fact.reason]
                check_skipped(skipped, data, settings.max_skipped)
                features += [] if images is None else [self._forward(images)]
                progress.update(len(facts))
        say_skipped(what, skipped)
        kept = data.keep_images(np.array(used, dtype=np.int64))
        if kept.images.empty or kept.texts.empty:
            raise DataError(f"data set {data.name!r}: no image that has a text can be used; check the image folder")
        return _Encoded(kept, np.concatenate(features))

    @torch.no_grad()
    def _forward(self, images: Tensor) -> np.ndarray:
        """Returns unit features [b, d] float32 of bytes [b, s, s, 3]."""
        with self._autocast():
            return self._pair.model.encode_image(to_pixels(images.to(self._device))).float().cpu().numpy()

    def _encode_texts(self, dataset: str, texts: list[str]) -> np.ndarray:
        tokenizer = self._pair.tokenizer
        cut = sum(length > tokenizer.context_length for length in tokenizer.lengths(texts))
        if cut:
            say(f"gauge {self.name}/{dataset}: {cut:,} texts above {tokenizer.context_length} tokens are cut")
        with self._autocast():
            return encode_texts(self._pair, texts)

    def _autocast(self) -> torch.autocast:
        dtype = getattr(torch, self._precision)
        return torch.autocast(self._device.type, dtype, enabled=dtype is not torch.float32)


def _cropped(image: Image.Image, size: int) -> Tensor:
    """Returns bytes [s, s, 3] of an image as the model sees it; a quarter of what its pixels would take."""
    return torch.from_numpy(np.array(resize_and_crop(image, size)))
