"""Text adapters against the models they wrap, called directly."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import ARCHITECTURES, layout, minilm_params, save_text_model, text_params

from ligature.encoders import load_text_encoder
from ligature.encoders.source import resolve_source
from ligature.encoders.text import hashed_counts, pool_tokens
from ligature.errors import EncoderError
from ligature.params.encoders import TextEncoderParams

TEXTS = ["a red circle", "the big blue squares on the left of a small circle", "photo"]
LONG = " ".join(["circle"] * 300)


def load(params, **keywords):
    return load_text_encoder(params, layout(), **keywords)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("text")
    return {kind: save_text_model(root / kind, kind) for kind in ("bert", "roberta")}


@pytest.fixture(scope="module")
def minilm():
    return load(minilm_params())


@pytest.fixture(scope="module")
def direct_minilm():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(resolve_source(minilm_params(), layout()).folder), device="cpu")


def plain_states(folder, text):
    """The states of one text on its own, without padding."""
    from transformers import AutoModel, AutoTokenizer

    batch = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.no_grad():
        return AutoModel.from_pretrained(folder).eval()(**batch).last_hidden_state[0]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_adapter_gives_the_numbers_of_the_model(kind, pooling, folders):
    encoder = load(text_params(folders[kind], pooling=pooling))
    features = encoder.forward(TEXTS)
    assert encoder.token_lengths(TEXTS) == features.mask.sum(1).tolist() == [5, 14, 3]
    for row, text in enumerate(TEXTS):
        states = plain_states(folders[kind], text)
        torch.testing.assert_close(features.tokens[row][features.mask[row]], states)
        torch.testing.assert_close(features.pooled[row], states[0] if pooling == "cls" else sum(states) / len(states))


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_pooling_sees_real_tokens_only(texts, longest, seed):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(texts, longest, 3, generator=generator)
    lengths = torch.randint(1, longest + 1, (texts,), generator=generator)
    mask = torch.arange(longest) < lengths[:, None]
    expected = torch.stack([row[:length].mean(0) for row, length in zip(tokens, lengths, strict=True)])
    torch.testing.assert_close(pool_tokens(tokens, mask, "mean"), expected)
    assert torch.equal(pool_tokens(tokens, mask, "cls"), tokens[:, 0])


@pytest.mark.parametrize(("kind", "positions"), [("bert", 40), ("roberta", 38)])
def test_the_position_table_limits_a_text(kind, positions, folders):
    encoder = load(text_params(folders[kind]))
    assert encoder.max_length == encoder.identity["max_length"] == positions
    assert encoder.token_lengths([LONG]) == [302]
    assert encoder.forward([LONG]).mask.shape == (1, positions)
    with pytest.raises(EncoderError, match=f"max_length 41 exceeds its {positions} positions"):
        load(text_params(folders[kind], max_length=41))


def test_the_study_or_the_tokenizer_may_set_a_lower_limit(tmp_path, folders):
    folder = save_text_model(tmp_path, longest=20)
    assert load(text_params(folder)).max_length == 20
    assert load(text_params(folder, max_length=30)).max_length == 30
    short = load(text_params(folder, max_length=4))
    assert torch.equal(short.forward(["a red circle on the left"]).tokens, short.forward(["a red"]).tokens)


def test_prompt_stands_before_every_text(folders, minilm):
    plain, prompted = (load(text_params(folders["bert"], prompt=prompt)) for prompt in ("", "photo of "))
    assert prompted.token_lengths(["a"]) == plain.token_lengths(["photo of a"])
    assert torch.equal(prompted.forward(TEXTS).pooled, plain.forward(["photo of " + text for text in TEXTS]).pooled)
    prompted = load(minilm_params(prompt="photo of "))
    expected = minilm.forward(["photo of " + text for text in TEXTS]).pooled
    assert torch.equal(prompted.forward(TEXTS).pooled, expected)
    assert prompted.identity["prompt"] == "photo of "


def test_minilm_gives_the_numbers_of_sentence_transformers(minilm, direct_minilm):
    texts = [*TEXTS, "", "Ein rotes Quadrat.", LONG]
    expected = direct_minilm.encode(texts, convert_to_numpy=True)
    pooled = minilm.forward(texts).pooled.numpy()
    assert pooled.shape == (len(texts), 384)
    np.testing.assert_allclose(pooled, expected, atol=1e-6)
    assert minilm.max_length == 256
    assert minilm.token_lengths(texts)[-2:] == [len(direct_minilm.tokenizer(text).input_ids) for text in texts[-2:]]


def test_minilm_tokens_have_the_mean_that_is_its_vector(minilm):
    features = minilm.forward(TEXTS)
    for tokens, mask, vector in zip(features.tokens, features.mask, features.pooled, strict=True):
        mean = tokens[mask].mean(0)
        torch.testing.assert_close(mean / mean.norm(), vector)
    assert features.mask.sum(1).tolist() == minilm.token_lengths(TEXTS)


def test_minilm_takes_a_shorter_limit_and_refuses_one_above_its_positions():
    short = load(minilm_params(max_length=6))
    assert short.max_length == short.identity["max_length"] == 6
    assert short.forward([LONG]).mask.shape == (1, 6)
    assert load(minilm_params(max_length=512)).forward([LONG * 2]).mask.shape == (1, 512)
    with pytest.raises(EncoderError, match="max_length 513 exceeds its 512 positions"):
        load(minilm_params(max_length=513))


def test_a_vision_model_is_refused(tmp_path, folders):
    folder = ARCHITECTURES["vit"].saved(tmp_path)
    for file in folders["bert"].glob("tokenizer*"):
        (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(EncoderError, match="takes 'pixel_values', not 'input_ids'"):
        load(text_params(folder))


words = st.lists(st.sampled_from(["red", "blue", "circle", "square", "on", "left", "Photo"]), max_size=8)


@given(words, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_bag_of_words_knows_no_order_and_no_case(chosen, random):
    shuffled = random.sample(chosen, len(chosen))
    first, second = hashed_counts([" ".join(chosen), ", ".join(shuffled).upper()], 64)
    np.testing.assert_array_equal(first, second)
    assert np.isclose(np.linalg.norm(first), 1) or not first.any()


@given(words, words)
@settings(max_examples=25, deadline=None)
def test_bag_of_words_adds_up(left, right):
    def direction(chosen):
        single = [hashed_counts([word], 64)[0] for word in chosen]
        total = np.sum(single, axis=0) if single else np.zeros(64)
        return total / (np.linalg.norm(total) or 1)

    np.testing.assert_allclose(hashed_counts([" ".join(left + right)], 64)[0], direction(left + right), atol=1e-6)


def test_bag_of_words_encoder():
    encoder = load(TextEncoderParams(name="bag", loader="bag-of-words", dims=16, prompt="photo of "))
    assert encoder.max_length is None
    assert encoder.token_lengths(["a red, red circle", ""]) == [4, 0]
    np.testing.assert_array_equal(encoder.forward(["a"]).pooled.numpy(), hashed_counts(["photo of a"], 16))
    assert not hashed_counts(["", "?!"], 16).any()


def test_an_encoder_of_no_study_is_the_same(folders):
    params = text_params(folders["bert"], prompt="a ")
    alone = load_text_encoder(params, None)
    assert alone.identity == load(params).identity
    torch.testing.assert_close(alone.forward(TEXTS).pooled, load(params).forward(TEXTS).pooled)
