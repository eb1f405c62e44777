"""Captions against a plain loop that computes everything anew for every token, and where they end."""

from types import SimpleNamespace

import pytest
import torch
from tiny_vlm import LORA, tiny_features, tiny_vlm

from ligature.captioning.generation import Generated, GenerationSettings, generate_captions
from ligature.captioning.packing import pack
from ligature.errors import DataError, ParamsError

SHAPES = [(0, 0), (2, 1), (0, 0), (1, 2), (0, 0)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_vlm(tmp_path_factory.mktemp("model"), tiles=4)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted")
    vocabulary = {"chat": True, "vocabulary": 340}
    return tiny_vlm(
        folder, lora=LORA, language=vocabulary, assembly="in-place", tiles=4, prompts=("describe",), context_length=256
    )


@pytest.fixture(params=["model", "adapted"])
def either(request):
    return request.getfixturevalue(request.param)


@torch.no_grad()
def next_logits(model, row, features, tokens: list[int]) -> torch.Tensor:
    """Logits of the token that comes after ``tokens``, of everything from the start."""
    packed = pack([row], model.tokenizer.pad_token_id)
    added = torch.tensor([tokens], dtype=torch.long)
    whole, attention = torch.cat([packed.tokens, added], 1), torch.ones(1, packed.tokens.shape[1] + len(tokens))
    return model.logits(whole, attention.long(), model.visual_tokens(features), packed.views, 1)[0, -1]


def greedy_plain(model, row, features, limit: int) -> list[int]:
    stops = {model.chat.end_token, model.tokenizer.eos_token_id}
    tokens = []
    while len(tokens) < limit and not stops & set(tokens):
        tokens.append(int(next_logits(model, row, features, tokens).argmax()))
    return tokens


def test_greedy_captions_are_those_of_a_loop_that_computes_everything_anew(either):
    features = tiny_features(either, SHAPES)
    found = generate_captions(either, features, SHAPES, GenerationSettings(max_new_tokens=10))
    for shape, own, caption in zip(SHAPES, features, found, strict=True):
        tokens = greedy_plain(either, either.chat.render([shape], None), own, 10)
        assert caption.text == either.chat.decode(tokens)
        assert caption.tokens == len(tokens)
    assert len({caption.text for caption in found}) > 3


def test_greedy_and_beam_captions_do_not_depend_on_the_batch(either):
    features = tiny_features(either, SHAPES)
    for method in ("greedy", "beam"):
        settings = GenerationSettings(method, beams=3, max_new_tokens=8)
        assert generate_captions(either, features, SHAPES, settings) == generate_captions(
            either, features, SHAPES, settings, batch_size=2
        )


def beam_plain(model, row, features, beams: int, limit: int) -> list[int]:
    """Follows the likeliest texts, each computed anew for every token; for texts that do not end."""
    texts = [(0.0, [])]
    for _ in range(limit):
        longer = []
        for score, tokens in texts:
            scores = next_logits(model, row, features, tokens).log_softmax(0)
            longer += [(score + float(scores[token]), [*tokens, int(token)]) for token in scores.topk(beams).indices]
        texts = sorted(longer, reverse=True)[:beams]
    return texts[0][1]


def test_a_beam_search_is_that_of_a_loop_that_computes_everything_anew(model):
    features = tiny_features(model, SHAPES)
    beam, greedy = (
        generate_captions(model, features, SHAPES, GenerationSettings(method, beams=3, max_new_tokens=6))
        for method in ("beam", "greedy")
    )
    rows = [model.chat.render([shape], None) for shape in SHAPES]
    plain = [beam_plain(model, row, own, 3, 6) for row, own in zip(rows, features, strict=True)]
    assert [caption.text for caption in beam] == [model.chat.decode(tokens) for tokens in plain]
    assert beam != greedy


def test_the_same_seed_draws_the_same_and_another_seed_draws_others(model):
    features = tiny_features(model, SHAPES)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, again, other = (
        generate_captions(model, features, SHAPES, GenerationSettings("sample", max_new_tokens=8, seed=seed))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert torch.equal(torch.get_rng_state(), before)


def test_draws_from_almost_nothing_but_the_likeliest_are_greedy(model):
    features = tiny_features(model, SHAPES)
    greedy = generate_captions(model, features, SHAPES, GenerationSettings(max_new_tokens=6))
    for settings in (
        GenerationSettings("sample", temperature=1e-4, max_new_tokens=6),
        GenerationSettings("sample", top_p=1e-6, max_new_tokens=6),
    ):
        assert generate_captions(model, features, SHAPES, settings) == greedy


def test_draws_are_from_the_whole_vocabulary_whatever_the_model_says(model, monkeypatch):
    monkeypatch.setattr(model.language.generation_config, "top_k", 1)
    monkeypatch.setattr(model.language.generation_config, "repetition_penalty", 5.0)
    features = tiny_features(model, SHAPES[:1])
    settings = GenerationSettings("sample", temperature=20.0, max_new_tokens=1)
    with monkeypatch.context() as patched:
        patched.setattr(model.chat, "decode", str)
        drawn = generate_captions(model, features * 200, SHAPES[:1] * 200, settings, batch_size=200)
    assert len({caption.text for caption in drawn}) > 80
    assert model.language.generation_config.top_k == 1
    greedy = GenerationSettings(max_new_tokens=8)
    row = model.chat.render([(0, 0)], None)
    wanted = model.chat.decode(greedy_plain(model, row, features[0], 8))
    assert generate_captions(model, features[:1], SHAPES[:1], greedy)[0].text == wanted


def test_a_caption_without_end_token_stops_at_the_limit(model):
    (caption,) = generate_captions(
        model, tiny_features(model, [(0, 0)]), [(0, 0)], GenerationSettings(max_new_tokens=5)
    )
    assert (caption.tokens, caption.ended) == (5, False)


@pytest.mark.parametrize("by", ["tokenizer", "chat", "generation config", "generation config's list"])
def test_every_end_token_ends_a_caption(model, monkeypatch, by):
    features = tiny_features(model, [(0, 0)])
    row = model.chat.render([(0, 0)], None)
    tokens = greedy_plain(model, row, features[0], 8)
    stop = tokens[4]
    place = tokens.index(stop)
    if by == "tokenizer":
        monkeypatch.setattr(model, "tokenizer", SimpleNamespace(eos_token_id=stop, pad_token_id=0))
    elif by == "chat":
        monkeypatch.setattr(model.chat, "end_token", stop)
    else:
        named = stop if by == "generation config" else [stop, 9]
        monkeypatch.setattr(model.language.generation_config, "eos_token_id", named)
    batch = generate_captions(model, features * 2, [(0, 0)] * 2, GenerationSettings(max_new_tokens=8))
    assert batch == [Generated(model.chat.decode(tokens[:place]), place + 1, True)] * 2


def test_captions_that_end_early_are_cut_where_they_ended(model, monkeypatch):
    features = tiny_features(model, SHAPES)
    rows = [model.chat.render([shape], None) for shape in SHAPES]
    plain = [greedy_plain(model, *each, 8) for each in zip(rows, features, strict=True)]
    stop = plain[0][2]
    monkeypatch.setattr(model.chat, "end_token", stop)
    found = generate_captions(model, features, SHAPES, GenerationSettings(max_new_tokens=8))
    for tokens, caption in zip(plain, found, strict=True):
        end = tokens.index(stop) if stop in tokens else None
        assert caption.text == model.chat.decode(tokens[:end])
        assert caption.ended == (stop in tokens)
        assert caption.tokens == (8 if end is None else end + 1)
    assert found[0].ended
    assert not all(caption.ended for caption in found)


def test_examples_are_what_a_prompt_with_them_says(either):
    shapes = [(0, 0), (1, 2)]
    pool = tiny_features(either, [(0, 0), (2, 1)], seed=5)
    shown = [(pool[0], (0, 0), "a cat"), (pool[1], (2, 1), "a dog")]
    features = tiny_features(either, shapes)
    settings = GenerationSettings(max_new_tokens=6)
    found = generate_captions(either, features, shapes, settings, examples=[shown, shown[:1]])
    for shape, own, before, caption in zip(shapes, features, [shown, shown[:1]], found, strict=True):
        row = either.chat.render([shape], None, examples=[each[1:] for each in before])
        visual = torch.cat([*(each[0] for each in before), own])
        assert caption.text == either.chat.decode(greedy_plain(either, row, visual, 6))
    assert found != generate_captions(either, features, shapes, settings)


def test_visual_tokens_are_computed_once_an_image_and_the_cache_is_used(model, monkeypatch):
    views, lengths = [], []
    monkeypatch.setattr(model, "visual_tokens", lambda f, real=model.visual_tokens: views.append(len(f)) or real(f))
    hook = model.language.model.layers[0].register_forward_pre_hook(lambda _, args: lengths.append(args[0].shape[1]))
    example = (tiny_features(model, [(0, 0)], seed=3)[0], (0, 0), "a cat")
    features = tiny_features(model, [(0, 0), (1, 2)])
    settings = GenerationSettings("beam", beams=3, max_new_tokens=5)
    generate_captions(model, features, [(0, 0), (1, 2)], settings, examples=[[example]] * 2)
    hook.remove()
    assert views == [1 + 3 + 1]
    assert lengths[0] > 60
    assert set(lengths[1:]) == {1}


def test_the_prompt_may_be_a_text_of_its_own(adapted):
    features, settings = tiny_features(adapted, [(0, 0)]), GenerationSettings(max_new_tokens=6)
    (named,) = generate_captions(adapted, features, [(0, 0)], settings, prompt=0)
    (own,) = generate_captions(adapted, features, [(0, 0)], settings, prompt="describe")
    (other,) = generate_captions(adapted, features, [(0, 0)], settings, prompt="how many stars are there?")
    assert named == own
    assert other != own


def test_the_model_stays_in_the_mode_it_was_in(model):
    settings = GenerationSettings(max_new_tokens=2)
    model.set_trained(["language"])
    model.train()
    generate_captions(model, tiny_features(model, [(0, 0)]), [(0, 0)], settings)
    assert model.training
    assert model.language.training
    assert not model.connector.training
    model.set_trained(())
    model.eval()


def test_no_images_have_no_captions(model):
    assert generate_captions(model, [], [], GenerationSettings()) == []


def test_an_image_that_has_not_the_views_of_its_shape_is_refused(model):
    features = tiny_features(model, [(0, 0), (1, 2)])
    with pytest.raises(DataError, match="have 6 views, but there are visual tokens of 4"):
        generate_captions(model, features, [(1, 2), (1, 2)], GenerationSettings())


def test_an_image_that_fills_the_context_is_refused(model):
    with pytest.raises(ParamsError, match=r"144 visual tokens and 1 others .* context_length 128"):
        generate_captions(model, tiny_features(model, [(4, 2)]), [(4, 2)], GenerationSettings())


@pytest.mark.parametrize(
    "wrong",
    [{"method": "best"}, {"beams": 0}, {"temperature": 0.0}, {"top_p": 0.0}, {"top_p": 1.1}, {"max_new_tokens": 0}],
)
def test_settings_that_make_no_captions_are_refused(wrong):
    with pytest.raises(ParamsError, match=r"method 'best' is unknown|use beams"):
        GenerationSettings(**wrong)
