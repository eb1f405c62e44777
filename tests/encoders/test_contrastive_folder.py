"""Pairs on disk: whole folders, the same bytes, and what does not belong together."""

import json

import pytest
import torch
from tiny_models import contents
from tiny_pair import CAPTIONS, SIDE, save_tiny_pair, tiny_pair_model, tiny_tokenizer

from ligature.encoders.contrastive import ContrastivePair, load_pair, save_pair
from ligature.encoders.unimodal.saving import SUMS
from ligature.errors import DamagedError, EncoderError

FILES = {
    "config.json",
    "model.safetensors",
    "preprocessor_config.json",
    SUMS,
    "tokenizer.json",
    "tokenizer_config.json",
}


@pytest.fixture
def folder(tmp_path):
    return save_tiny_pair(tmp_path / "model")


def test_a_pair_is_loaded_as_it_was_saved(folder):
    tokenizer = tiny_tokenizer()
    model, pair = tiny_pair_model(tokenizer), load_pair(folder)
    assert isinstance(pair, ContrastivePair)
    assert not pair.model.training
    assert pair.tokenizer.hash == tokenizer.hash
    assert pair.tokenizer.context_length == model.config.context_length
    tokens = pair.tokenizer.encode(CAPTIONS)
    assert torch.equal(tokens, tokenizer.encode(CAPTIONS))
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for own, loaded in zip(model(pixels, tokens[:2]), pair.model(pixels, tokens[:2]), strict=True):
            assert torch.equal(own, loaded)


def test_the_folder_is_whole_and_has_the_same_bytes_every_time(folder, tmp_path):
    first = contents(folder)
    assert set(first) == FILES
    save_tiny_pair(folder)
    assert contents(folder) == first
    assert contents(save_tiny_pair(tmp_path / "other")) == first
    assert contents(save_tiny_pair(folder, seed=1)) != first


def test_a_pair_that_cannot_be_written_leaves_the_one_before(folder, monkeypatch):
    before = contents(folder)
    tokenizer = tiny_tokenizer()
    model = tiny_pair_model(tokenizer, seed=1)
    monkeypatch.setattr(type(model), "save_pretrained", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_pair(model, tokenizer, folder)
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("name", sorted(FILES - {SUMS}))
def test_a_damaged_file_is_found_and_named(name, folder):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(DamagedError) as caught:
        load_pair(folder)
    assert caught.value.path == folder / name
    assert caught.value.declared.name == ("config.json" if name == "config.json" else "model.safetensors")


@pytest.mark.parametrize("name", sorted(FILES - {SUMS, "preprocessor_config.json"}))
def test_a_missing_file_is_named(name, folder):
    (folder / SUMS).unlink()
    (folder / name).unlink()
    with pytest.raises(EncoderError, match=name if name != "tokenizer.json" else "vocab.json"):
        load_pair(folder)


def test_a_tokenizer_of_another_training_is_refused_with_both_files_and_the_remedy(folder):
    """The vocabulary has the same size; only its words are others."""
    (folder / SUMS).unlink()
    other = tiny_tokenizer(texts=["entirely different words, yet as many of them"] * 3)
    assert other.vocabulary_size == load_pair(folder).tokenizer.vocabulary_size
    other.save(folder)
    with pytest.raises(EncoderError) as caught:
        load_pair(folder)
    line = str(caught.value)
    assert "\n" not in line
    for part in (f"{folder / 'config.json'} asks", f"{folder / 'tokenizer.json'} has", "put back the tokenizer"):
        assert part in line


def test_a_vocabulary_of_another_size_or_end_is_refused_without_a_hash_too(folder):
    (folder / SUMS).unlink()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"tokenizer_hash": ""}))
    assert load_pair(folder).model.config.tokenizer_hash == ""
    (folder / "config.json").write_text(json.dumps(config | {"tokenizer_hash": "", "end_token": 5}))
    with pytest.raises(EncoderError, match=r"280 tokens with end 5 .* has 280 tokens with end 1"):
        load_pair(folder)
    tiny_tokenizer(270).save(folder)
    with pytest.raises(EncoderError, match=r"asks for 280 tokens .* has 270 tokens"):
        load_pair(folder)


def test_a_pair_that_does_not_belong_together_is_not_written(tmp_path):
    with pytest.raises(EncoderError, match=r"asks for 280 tokens .* has 275 tokens"):
        save_pair(tiny_pair_model(tiny_tokenizer()), tiny_tokenizer(275), tmp_path / "model")
    assert not (tmp_path / "model").exists()
