"""Images and captions to train both encoders on, checked before the first step."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ligature.data.mixture import Mixture
from ligature.data.pairing import Pairing
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer
from ligature.errors import DataError
from ligature.store.rows import Rows

_BLOCK_ROWS = 1 << 14


@dataclass(frozen=True, eq=False)
class ImageTextPairs:
    """Images with one caption or more each, and how far apart the captions are in meaning.

    Attributes:
        paths: of the n images, as ``ligature.data.images.read_image`` takes them: files, or places in a tar.
        image_ids: of the n images, named in errors.
        captions: the m captions.
        image_of_text: [m], the row of each caption's image.
        semantics: [m, s] vectors of a sentence encoder for the captions, in memory or on disk; None where no run
            rescales. They need not have length one.
        content_hash: of all that is trained on, as its owner knows it.
        mixture: how often the images of several sources are drawn; None draws each once an epoch.

    Raises:
        DataError: if there are fewer than two images, an image has no caption, a caption is empty, or a semantic
            vector is missing; the message names the image.
    """

    paths: list[str]
    image_ids: list[str]
    captions: list[str]
    image_of_text: np.ndarray
    semantics: Rows | np.ndarray | None
    content_hash: str
    mixture: Mixture | None = None

    def __post_init__(self) -> None:
        """Checks numbers, pairing, captions and vectors, which are read once for that."""
        images = len(self.paths)
        if len(self.image_ids) != images:
            raise DataError(f"{images} images have {len(self.image_ids)} ids")
        if len(self.image_of_text) != len(self.captions):
            raise DataError(f"{len(self.captions)} captions have {len(self.image_of_text)} entries in image_of_text")
        if self.mixture is not None and self.mixture.rows != images:
            raise DataError(f"the sources of the mixture have {self.mixture.rows} images, the pairs {images}")
        self._check_captions(self._pairing.image_of_text)
        if self.semantics is not None:
            self._check_semantics(self.semantics)

    @cached_property
    def _pairing(self) -> Pairing:
        return Pairing(self.image_of_text, self.image_ids)

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.paths)

    def sample_epoch(self, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the image rows [n] of an epoch in random order, and one random caption row [n] for each.

        The same ``seed`` and ``epoch`` give the same rows.
        """
        return self._pairing.sample_epoch(seed, epoch, self.mixture)

    def unit_semantics(self, text_rows: np.ndarray) -> np.ndarray | None:
        """Returns the semantic vectors [B, s] of captions as float32 of length one, or None where there are none."""
        if self.semantics is None:
            return None
        vectors = np.asarray(self.semantics[text_rows], dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _check_captions(self, image_of_text: np.ndarray) -> None:
        for row, caption in enumerate(self.captions):
            if not caption.strip():
                raise DataError(
                    f"a caption of image {self.image_ids[image_of_text[row]]} is empty; write one or remove it"
                )

    def _check_semantics(self, semantics: Rows | np.ndarray) -> None:
        if semantics.ndim != 2:
            raise DataError(f"semantic vectors of shape {list(semantics.shape)} are not [captions, width]")
        captions = len(self.captions)
        if len(semantics) > captions:
            raise DataError(f"{len(semantics)} semantic vectors do not belong to {captions} captions; embed them again")
        if len(semantics) < captions:
            raise self._no_vector(len(semantics), f"there are {len(semantics)} for {captions} captions")
        for start in range(0, captions, _BLOCK_ROWS):
            lengths = np.linalg.norm(semantics[start : start + _BLOCK_ROWS].astype(np.float32), axis=1)
            broken = ~(np.isfinite(lengths) & (lengths > 0))
            if broken.any():
                raise self._no_vector(start + int(np.argmax(broken)), "it is zero or not finite")

    def _no_vector(self, text_row: int, why: str) -> DataError:
        image = self.image_ids[self.image_of_text[text_row]]
        return DataError(f"a caption of image {image} has no semantic vector ({why}); embed the captions again")


def count_cut(pairs: ImageTextPairs, tokenizer: CaptionTokenizer) -> tuple[int, int]:
    """Returns how many captions are cut to the tokenizer's context, and the tokens of the longest before any cut."""
    cut = longest = 0
    for start in range(0, len(pairs.captions), _BLOCK_ROWS):
        lengths = tokenizer.lengths(pairs.captions[start : start + _BLOCK_ROWS])
        cut += sum(length > tokenizer.context_length for length in lengths)
        longest = max(longest, *lengths)
    return cut, longest
