"""The exported folder as a model of sentence-transformers."""

import json
import warnings

import numpy as np
import pytest
from hub_server import TOKEN, go_online, hub_running
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from tiny_models import picture
from tiny_pairs import CAPTIONS

from ligature.errors import DataError
from ligature.export import AlignedModel
from ligature.export.sentence import AlignedModule

IMAGES = [picture(seed) for seed in range(3)]


@pytest.fixture
def sentence(study):
    return SentenceTransformer(str(study.model), trust_remote_code=True, device="cpu")


def test_vectors_are_those_of_the_pair(sentence, pair):
    np.testing.assert_allclose(sentence.encode(CAPTIONS), pair.encode_text(CAPTIONS), atol=1e-5)
    np.testing.assert_allclose(sentence.encode(IMAGES, batch_size=2), pair.encode_image(IMAGES), atol=1e-5)
    similarity = sentence.similarity(sentence.encode(IMAGES), sentence.encode(CAPTIONS))
    np.testing.assert_allclose(similarity.numpy(), pair.similarity(IMAGES, CAPTIONS), atol=1e-5)


def test_it_says_what_it_takes(sentence, pair):
    assert sentence.supports("image")
    assert sentence.supports("text")
    assert not sentence.supports("audio")
    assert sentence.get_embedding_dimension() == 16
    assert sentence.max_seq_length == 9
    assert len(list(sentence.parameters())) == len(list(pair.projector.parameters()))


def test_one_input_a_path_and_a_named_input(sentence, pair, tmp_path):
    path = tmp_path / "image.png"
    IMAGES[0].save(path)
    expected = pair.encode_image(IMAGES[:1])[0]
    for same in (IMAGES[0], str(path), {"image": IMAGES[0]}):
        np.testing.assert_allclose(sentence.encode(same), expected, atol=1e-5)
    np.testing.assert_allclose(sentence.encode({"text": "red"}), pair.encode_text("red")[0], atol=1e-5)


def test_queries_documents_and_prompts(sentence, pair):
    expected = pair.encode_text(["red"])
    np.testing.assert_allclose(sentence.encode_query(["red"]), expected, atol=1e-5)
    np.testing.assert_allclose(sentence.encode_document(["red"]), expected, atol=1e-5)
    np.testing.assert_allclose(sentence.encode(["red"], prompt="big "), pair.encode_text(["big red"]), atol=1e-5)


def test_texts_and_images_together_are_refused(sentence):
    with pytest.raises(ValueError, match="Encode each modality separately"):
        sentence.encode(["red", IMAGES[0]])
    with pytest.raises(DataError, match="texts alone or images alone"):
        AlignedModule(sentence[0].pair).preprocess(["red", IMAGES[0]])
    with pytest.raises(DataError, match=r"https://example\.org/x\.png: "):
        sentence.encode(["https://example.org/x.png"])


def test_a_saved_model_is_a_pair_again(sentence, pair, study, tmp_path):
    sentence.save_pretrained(str(tmp_path / "saved"))
    again = AlignedModel.from_pretrained(tmp_path / "saved")
    np.testing.assert_array_equal(again.encode_text(CAPTIONS), pair.encode_text(CAPTIONS))
    loaded = SentenceTransformer(str(tmp_path / "saved"), trust_remote_code=True, device="cpu")
    np.testing.assert_allclose(loaded.encode(IMAGES), pair.encode_image(IMAGES), atol=1e-5)
    assert (tmp_path / "saved" / "README.md").read_text() == (study.model / "README.md").read_text()


def test_the_library_asks_for_trust_and_the_folder_holds_no_code(study):
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        SentenceTransformer(str(study.model), device="cpu")
    assert list(study.model.rglob("*.py")) == []
    (module,) = json.loads((study.model / "modules.json").read_text())
    assert module["type"] == f"{AlignedModule.__module__}.{AlignedModule.__name__}"


def test_the_projector_can_be_trained_further_and_saved(sentence, tmp_path):
    before = sentence.encode(CAPTIONS)
    loss = MultipleNegativesRankingLoss(sentence)
    optimizer_step = [parameter for parameter in sentence.parameters() if parameter.requires_grad]
    sentence.train()
    value = loss([sentence.preprocess(IMAGES), sentence.preprocess(CAPTIONS[:3])], None)
    value.backward()
    for parameter in optimizer_step:
        if parameter.grad is not None:
            parameter.data -= 0.1 * parameter.grad
    after = sentence.encode(CAPTIONS)
    assert np.abs(after - before).max() > 1e-4
    sentence.save_pretrained(str(tmp_path / "tuned"))
    np.testing.assert_allclose(AlignedModel.from_pretrained(tmp_path / "tuned").encode_text(CAPTIONS), after, atol=1e-5)


def test_the_model_is_pushed_by_the_library_itself(sentence, study, monkeypatch):
    go_online(monkeypatch)
    with hub_running() as hub, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.root)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", hub.root)
        sentence.push_to_hub("team/pair", token=TOKEN, replace_model_card=True)
        expected = (study.model / "projector.safetensors").read_bytes()
        assert hub.files["projector.safetensors"] == expected
        assert "ligature.json" in hub.files
