"""Extraction of texts into stores: each text once, batches by length, killed runs."""

import itertools
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import contents, layout, letter_encoder, manifest, minilm_params, text_dataset, vectors

from ligature.encoders import extract_texts, load_text_encoder
from ligature.encoders.extract_texts import MAX_BATCH, length_batches
from ligature.errors import EncoderError, StoreError
from ligature.params.encoders import EmbedParams
from ligature.store import EmbeddingStore

PARAMS = EmbedParams(shard_rows=5, token_budget=24)
TEXTS = ["one", "a rather long text", "two", "one", "three", "two", "one", "four", "a rather long text", "x", "two"]
STOP = "stop here"

CHILD = """
import sys, time
from dataclasses import replace
sys.path.insert(0, sys.argv[1])
from test_extract_texts import PARAMS, STOP, STOPPING, extract_texts, letter_encoder, text_dataset

def forward(texts):
    if STOP in texts:
        time.sleep(600)
    return encoder.forward(texts)

encoder = letter_encoder(max_length=12)
extract_texts(replace(encoder, forward=forward), text_dataset(STOPPING), sys.argv[2], params=PARAMS)
"""

STOPPING = [*TEXTS[:7], STOP, *TEXTS[7:]]


def plain_vectors(encoder, texts):
    """One text at a time, in order."""
    return np.concatenate([encoder.forward([text]).pooled.numpy() for text in texts]).astype(np.float16)


@given(
    st.lists(st.integers(0, 60), max_size=60),
    st.one_of(st.none(), st.integers(1, 40)),
    st.integers(1, 200),
)
@settings(max_examples=25, deadline=None)
def test_length_batches_are_a_partition_within_the_budget(lengths, limit, budget):
    cut = [min(length, limit or length) for length in lengths]
    batches = list(length_batches(lengths, limit, budget))
    order = list(itertools.chain.from_iterable(batches))
    assert sorted(order) == list(range(len(lengths)))
    assert [cut[index] for index in order] == sorted(cut, reverse=True)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(cut[index] for index in batch) <= budget
    for batch, following in itertools.pairwise(batches):
        assert (len(batch) + 1) * max(1, cut[batch[0]]) > budget, "a batch ends only when it is full"
        assert following


def test_length_batches_have_a_largest_size():
    assert [len(batch) for batch in length_batches([0] * (MAX_BATCH + 1), None, 10**9)] == [MAX_BATCH, 1]


def test_store_holds_what_the_encoder_says_of_each_text(tmp_path):
    dataset = text_dataset(TEXTS)
    done = extract_texts(letter_encoder(), dataset, tmp_path, params=PARAMS)
    np.testing.assert_array_equal(vectors(tmp_path), plain_vectors(letter_encoder(), TEXTS))
    metadata = EmbeddingStore.open(tmp_path).metadata()
    assert metadata[["id", "image_id", "text"]].equals(dataset.texts)
    assert (done.rows, done.dims, done.truncated, [shard.rows for shard in done.shards]) == (11, 2, {}, [5, 5, 1])


@given(st.lists(st.sampled_from([letter * size for letter in "abc" for size in (1, 2, 7)]), min_size=1, max_size=30))
@settings(max_examples=20, deadline=None)
def test_each_distinct_text_is_encoded_once_whatever_the_shards(tmp_path_factory, texts):
    record = []
    folder = tmp_path_factory.mktemp("store")
    extract_texts(letter_encoder(record), text_dataset(texts), folder, params=PARAMS)
    assert sorted(itertools.chain.from_iterable(record)) == sorted(set(texts))
    np.testing.assert_array_equal(vectors(folder), plain_vectors(letter_encoder(), texts))


@given(st.permutations(TEXTS), st.lists(st.sampled_from(TEXTS)))
@settings(max_examples=15, deadline=None)
def test_batches_depend_on_neither_order_nor_duplicates(tmp_path_factory, arrival, repeated):
    batches = []
    for texts in (TEXTS, arrival + repeated):
        batches.append([])
        params = EmbedParams(token_budget=24)
        extract_texts(letter_encoder(batches[-1]), text_dataset(texts), tmp_path_factory.mktemp("store"), params=params)
    assert batches[0] == batches[1]
    assert len(batches[0]) > 1


def test_batches_keep_to_the_token_budget(tmp_path):
    record, texts = [], ["x" * length for length in random.Random(0).choices(range(1, 99), k=400)]
    extract_texts(letter_encoder(record), text_dataset(texts), tmp_path, params=EmbedParams(token_budget=64))
    for batch in record:
        assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= 64
    assert max(map(len, record)) > 4


def test_cut_texts_are_counted_and_reported(tmp_path, capsys):
    done = extract_texts(letter_encoder(max_length=4), text_dataset(TEXTS), tmp_path, params=PARAMS)
    assert done.truncated == manifest(tmp_path)["truncated"] == {"count": 3, "max_tokens": 4, "longest": 18}
    np.testing.assert_array_equal(vectors(tmp_path), plain_vectors(letter_encoder(), [text[:4] for text in TEXTS]))
    assert "3 texts above 4 tokens were cut, the longest has 18" in capsys.readouterr().err


def test_minilm_cuts_at_the_limit_of_the_study(tmp_path):
    encoder = load_text_encoder(minilm_params(max_length=5), layout())
    texts = ["a red circle", "a red circle and a blue square", "a red circle too"]
    done = extract_texts(encoder, text_dataset(texts), tmp_path, params=EmbedParams())
    assert done.truncated == {"count": 2, "max_tokens": 5, "longest": 9}
    assert done.encoder["max_length"] == 5
    pooled = vectors(tmp_path)
    np.testing.assert_array_equal(pooled[0], pooled[1])
    np.testing.assert_allclose(pooled, plain_vectors(encoder, texts), atol=1e-3)


@pytest.mark.parametrize("shards", [1, 3])
def test_order_and_duplicates_change_no_vector_of_minilm(shards, tmp_path):
    encoder = load_text_encoder(minilm_params(), layout())
    words = ["red", "circle", "on", "the", "left", "of", "a", "blue", "square"]
    generator = random.Random(0)
    texts = list(dict.fromkeys(" ".join(generator.choices(words, k=generator.randint(1, 9))) for _ in range(40)))
    shuffled = generator.sample(texts, len(texts)) + generator.choices(texts, k=20)
    found = []
    for number, arrival in enumerate((texts, shuffled)):
        params = EmbedParams(token_budget=100, shard_rows=-(-len(arrival) // shards))
        extract_texts(encoder, text_dataset(arrival), tmp_path / str(number), params=params)
        found.append(dict(zip(arrival, vectors(tmp_path / str(number)), strict=True)))
    for text in texts:
        np.testing.assert_allclose(found[0][text], found[1][text], atol=0 if shards == 1 else 5e-4)


def test_tokens_of_each_text_in_order(tmp_path):
    encoder = letter_encoder(max_length=6)
    done = extract_texts(encoder, text_dataset(TEXTS), tmp_path, view="tokens", params=PARAMS)
    cut = [text[:6] for text in TEXTS]
    expected = np.array([[ord(letter) / 128, 1] for text in cut for letter in text], dtype=np.float16)
    np.testing.assert_array_equal(vectors(tmp_path), expected)
    assert EmbeddingStore.open(tmp_path).metadata()["tokens"].to_list() == [len(text) for text in cut]
    assert (done.view, done.rows) == ("tokens", len(TEXTS))


def test_minilm_tokens_agree_with_its_vectors(tmp_path):
    encoder = load_text_encoder(minilm_params(), layout())
    dataset = text_dataset(["a red circle", "two big blue squares on the left", "circle"])
    for view in ("pooled", "tokens"):
        extract_texts(encoder, dataset, tmp_path / view, view=view, params=PARAMS)
    counts = EmbeddingStore.open(tmp_path / "tokens").metadata()["tokens"].to_numpy()
    pieces = np.split(vectors(tmp_path / "tokens"), np.cumsum(counts)[:-1])
    means = torch.nn.functional.normalize(torch.from_numpy(np.stack([piece.mean(0) for piece in pieces])), dim=1)
    np.testing.assert_allclose(means.numpy(), vectors(tmp_path / "pooled"), atol=1e-3)


def test_an_encoder_without_tokens_is_refused_for_the_token_view(tmp_path):
    encoder = letter_encoder()
    pooled_only = replace(encoder, forward=lambda texts: replace(encoder.forward(texts), tokens=None, mask=None))
    with pytest.raises(EncoderError, match=r"encoder 'letters' has no token states; use train\.mode 'pooled'"):
        extract_texts(pooled_only, text_dataset(TEXTS), tmp_path, view="tokens", params=PARAMS)
    assert extract_texts(pooled_only, text_dataset(TEXTS), tmp_path, params=PARAMS).rows == len(TEXTS)


def test_texts_that_the_reader_left_out_are_listed_once(tmp_path):
    left_out = [{"id": "image-3#0", "reason": "empty caption"}]
    dataset = replace(text_dataset(TEXTS), skipped_texts=left_out)
    assert extract_texts(letter_encoder(), dataset, tmp_path, params=PARAMS).skipped == left_out


def test_nothing_to_embed(tmp_path):
    with pytest.raises(StoreError, match="nothing could be embedded"):
        extract_texts(letter_encoder(), text_dataset([]), tmp_path, params=PARAMS)


def test_killed_extraction_resumes_to_the_same_bytes(tmp_path, capsys):
    dataset, encoder = text_dataset(STOPPING), letter_encoder(max_length=12)
    extract_texts(encoder, dataset, tmp_path / "whole", params=PARAMS)
    killed = tmp_path / "killed"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(Path(__file__).parent), str(killed)])
    deadline = time.monotonic() + 60
    while not (killed / "resume.json").exists():
        assert time.monotonic() < deadline, "the first shard never came"
        time.sleep(0.02)
    time.sleep(0.2)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (killed / "manifest.json").exists()

    record = []
    extract_texts(letter_encoder(record, max_length=12), dataset, killed, params=PARAMS)
    assert "at row 5 of 12" in capsys.readouterr().err
    assert sorted(itertools.chain.from_iterable(record)) == sorted({*STOPPING} - {*STOPPING[:5]})
    assert contents(killed) == contents(tmp_path / "whole")
    assert manifest(killed)["truncated"] == {"count": 2, "max_tokens": 12, "longest": 18}
