"""The exported pair as the one module of a sentence-transformers model for texts and images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ligature.errors import DataError
from ligature.export.folder import find_folder
from ligature.export.inputs import check_texts, preprocess_images
from ligature.export.model import AlignedModel


class AlignedModule(nn.Module):
    """What ``modules.json`` of an exported pair names; it finds out itself whether inputs are texts or images.

    The projector is its only parameter, so training through sentence-transformers leaves the encoders frozen.
    """

    save_in_root = True
    modalities = ("text", "image")
    tokenizer = None

    def __init__(self, pair: AlignedModel) -> None:
        """Takes a loaded pair."""
        super().__init__()
        self.pair = pair
        self.projector = pair.projector

    @classmethod
    def load(
        cls,
        model_name_or_path: str,
        revision: str | None = None,
        token: bool | str | None = None,
        cache_folder: str | None = None,
        local_files_only: bool = False,
        **_: Any,
    ) -> "AlignedModule":
        """Loads the pair of a folder or Hub id; its device follows the module's."""
        options = {"token": token, "cache_dir": cache_folder, "local_files_only": local_files_only}
        return cls(AlignedModel.from_pretrained(find_folder(model_name_or_path, revision, **options)))

    def save(self, output_path: str, **_: Any) -> None:
        """Writes the pair into a folder."""
        self.pair.save_pretrained(Path(output_path))

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, modality: str | None = None, **_: Any
    ) -> dict[str, Any]:
        """Returns ``texts``, with the prompt before each, or ``pixels`` [n, 3, h, w].

        Raises:
            DataError: inputs that are neither all texts nor all images.
        """
        from sentence_transformers.base.modality import infer_batch_modality

        modality = modality or infer_batch_modality(inputs, supported_modalities=list(self.modalities))
        if modality not in self.modalities:
            raise DataError(f"inputs of kind {modality!r}: give texts alone or images alone")
        values = [value[modality] if isinstance(value, dict) else value for value in inputs]
        if modality == "image":
            return {"pixels": preprocess_images(self.pair.vision, values)}
        return {"texts": [(prompt or "") + text for text in check_texts(values)]}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Adds ``sentence_embedding`` [n, D], unit vectors."""
        self.pair = self.pair.to(str(self.projector.logit_scale.device))
        vectors: Tensor
        if "pixels" in features:
            vectors = self.pair.project_pixels(features["pixels"])
        else:
            vectors = self.pair.project_prompts(features["texts"])
        return features | {"sentence_embedding": vectors}

    def get_embedding_dimension(self) -> int:
        """Returns the width of the shared space."""
        return self.pair.width

    @property
    def max_seq_length(self) -> int | None:
        """Longest text in tokens."""
        return self.pair.text.max_length
