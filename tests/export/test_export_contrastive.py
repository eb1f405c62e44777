"""Export of a projector between the two sides of a pair that the study pre-trained itself."""

import numpy as np
import pytest
import tiny_pairs
from tiny_models import layout, picture
from tiny_pair import CONTEXT, WIDTH, save_tiny_pair

from ligature.encoders import load_text_encoder, load_vision_encoder
from ligature.export import AlignedModel, export_pair, read_config
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams
from ligature.projection import ImageFeatures, load_projector, project_images, project_texts

SOURCE = {"loader": "contrastive", "source": "{pretraining}/alignclip/seed-0"}
VISION = {"name": "pair-image", "pooling": "cls", **SOURCE}
TEXT = {"name": "pair-text", "prompt": "photo of ", **SOURCE}
TOWERS = {"image_size": 16, "patch_size": 8, "width": 16, "layers": 2, "heads": 2, "embed_dim": WIDTH}
PRETRAINING = {
    "datasets": ["photos"],
    "validation": "photos",
    "tokenizer": {"vocabulary": 280},
    "towers": TOWERS | {"context_length": CONTEXT},
    "epochs": 1,
    "batch_size": 2,
    "seeds": [0],
    "retrieval": ["photos"],
    "runs": {"alignclip": {"sharing": "all"}},
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    values = tiny_pairs.study_values
    monkeypatch.setattr(
        tiny_pairs, "study_values", lambda *args, **encoders: values(*args, **encoders) | {"pretraining": PRETRAINING}
    )
    save_tiny_pair(layout(tmp_path / "results").pretrained("alignclip", 0) / "model")
    made = tiny_pairs.make_study(tmp_path, "pooled", "cls", widths=(WIDTH, WIDTH), vision=VISION, text=TEXT)
    export_pair(made, "pair-image", "pair-text")
    return made


def test_the_exported_pair_stands_alone_and_encodes_as_the_study_does(study, tmp_path):
    study.model.rename(tmp_path / "moved")
    pair = AlignedModel.from_pretrained(tmp_path / "moved")
    projector, images = load_projector(study.train), [picture(seed) for seed in range(3)]
    vision = load_vision_encoder(VisionEncoderParams(**VISION), study)
    features = np.concatenate([vision.forward(vision.preprocess(image)[None]).cls.numpy() for image in images])
    expected = project_images(projector, ImageFeatures(features, None))
    np.testing.assert_allclose(pair.encode_image(images), expected, atol=1e-5)
    texts = load_text_encoder(TextEncoderParams(**TEXT), study).forward(tiny_pairs.CAPTIONS).pooled.numpy()
    np.testing.assert_allclose(pair.encode_text(tiny_pairs.CAPTIONS), project_texts(projector, texts), atol=1e-5)


def test_its_config_names_the_study_and_the_length_and_no_place(study):
    config = read_config(study.model)
    assert {origin.source for origin in config.origins.values()} == {"this study"}
    assert (config.vision.source, config.text.source) == ("./encoders/vision", "./encoders/text")
    assert config.text.max_length == CONTEXT
