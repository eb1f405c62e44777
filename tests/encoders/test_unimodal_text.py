import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.encoders.unimodal import make_text_encoder
from ligature.encoders.unimodal.text import train_vocabulary
from ligature.errors import DataError, EncoderError
from ligature.params.encoders import TextRecipe

TEXTS = [
    f"A {size} {colour} {shape} at the {place}."
    for size in ("small", "large")
    for colour in ("red", "green", "blue", "yellow")
    for shape in ("circle", "square", "star")
    for place in ("top", "bottom", "centre")
]
FILES = ["config.json", "model.safetensors", "sums.json", "tokenizer.json", "tokenizer_config.json"]


def make(folder, **values):
    recipe = TextRecipe(**({"dataset": "captions", "hidden_size": 32, "layers": 1, "vocabulary": 200} | values))
    make_text_encoder(recipe, folder, texts=TEXTS)
    return folder


def test_the_folder_loads_with_the_auto_classes(tmp_path):
    from transformers import AutoModel, AutoTokenizer

    folder = make(tmp_path / "text")
    assert sorted(file.name for file in folder.iterdir()) == FILES
    model, loading = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert not any(loading.values())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(["a red star", "a blue circle at the top"], padding=True, return_tensors="pt")
    assert model.eval()(**batch).last_hidden_state.shape == (2, batch["input_ids"].shape[1], 32)
    assert tokenizer.convert_ids_to_tokens(batch["input_ids"][0])[:5] == ["[CLS]", "a", "red", "star", "[SEP]"]


def test_long_texts_are_cut_at_the_positions_of_the_model(tmp_path):
    from transformers import AutoModel, AutoTokenizer

    folder = make(tmp_path / "text")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(["red " * 500], truncation=True, return_tensors="pt")
    assert batch["input_ids"].shape == (1, 128)
    assert AutoModel.from_pretrained(folder)(**batch).last_hidden_state.shape[1] == 128


def test_words_never_seen_fall_apart_into_letters_or_become_unknown(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(make(tmp_path / "text"))
    pieces = tokenizer.tokenize("redder ☃")
    assert "".join(piece.removeprefix("##") for piece in pieces[:-1]) == "redder"
    assert pieces[-1] == "[UNK]"


def test_same_arguments_same_bytes_and_another_seed_other_weights(tmp_path):
    torch.manual_seed(1)
    first = make(tmp_path / "a")
    torch.manual_seed(2)
    second, other = make(tmp_path / "b"), make(tmp_path / "c", seed=1)
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    assert (first / "model.safetensors").read_bytes() != (other / "model.safetensors").read_bytes()


def test_vocabulary_is_the_same_in_another_process():
    code = f"from ligature.encoders.unimodal.text import train_vocabulary;print(train_vocabulary({TEXTS!r}, 60))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout == f"{train_vocabulary(TEXTS, 60)}\n"


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5), size=st.integers(150, 300))
def test_ids_are_consecutive_and_bounded_whatever_the_texts(texts, size):
    try:
        vocabulary = train_vocabulary(texts, size)
    except DataError:
        return
    assert list(vocabulary.values()) == list(range(len(vocabulary)))
    assert len(vocabulary) <= size
    assert list(vocabulary)[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.mark.parametrize("texts", [[], [""], [" ", "\n"]])
def test_texts_without_words_are_an_error(texts):
    with pytest.raises(DataError, match="holds a word"):
        train_vocabulary(texts, 100)


def test_a_vocabulary_smaller_than_the_alphabet_is_an_error():
    with pytest.raises(EncoderError, match="a vocabulary of 20 is too small"):
        train_vocabulary(TEXTS, 20)


@pytest.mark.parametrize(("hidden_size", "heads"), [(128, 4), (96, 3), (100, 1), (16, 1), (384, 12)])
def test_heads_divide_the_width(tmp_path, hidden_size, heads):
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(make(tmp_path / "text", hidden_size=hidden_size))
    assert (config.hidden_size, config.num_attention_heads) == (hidden_size, heads)
    assert config.hidden_size % config.num_attention_heads == 0
