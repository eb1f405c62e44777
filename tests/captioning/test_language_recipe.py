"""The small language model of a study: its texts, its batches, its training and its folder."""

import dataclasses
import math
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from ligature.captioning.language import load_language
from ligature.captioning.language.corpus import HELD_OUT_EVERY, MOST_CHARACTERS, prepare_corpus
from ligature.captioning.language.recipe import LanguageLoop, LanguageSize, train_language_model
from ligature.captioning.language.tokens import TokenizedTexts
from ligature.encoders.contrastive.tokenizer import train_tokenizer
from ligature.errors import DataError, ParamsError
from ligature.store.damage import read_sealed
from ligature.training import Runtime, Schedule
from ligature.training.distributed import Processes

SIZE = LanguageSize(vocabulary=320, width=16, layers=1, heads=2, context_length=20)
SETTINGS = Schedule(
    epochs=4, batch_size=16, warmup_steps=2, learning_rate=2e-2, min_learning_rate=0.0, checkpoint_every_steps=1
)


def make_texts(count: int = 120) -> list[str]:
    words = random.Random(0)
    colours, things = ["red", "blue", "green", "grey"], ["circle", "square", "house", "dog"]
    return [
        " and ".join(
            f"a {words.choice(colours)} {words.choice(things)} number {words.randrange(50)}"
            for _ in range(words.randrange(1, 4))
        )
        for _ in range(count)
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language")
    return folder, train_language_model(make_texts(), SIZE, SETTINGS, folder, provenance={"data": "made up"})


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(max_size=8), min_size=1, max_size=150), seed=st.randoms())
def test_a_corpus_has_every_text_once_whatever_the_order(texts, seed):
    wanted = {text.strip() for text in texts} - {""}
    if len(wanted) < 3:
        with pytest.raises(DataError, match="at least 3 different texts"):
            prepare_corpus(texts)
        return
    corpus = prepare_corpus(texts)
    assert sorted(corpus.texts + corpus.held_out) == sorted(wanted)
    assert len(corpus.held_out) == math.ceil(len(wanted) / HELD_OUT_EVERY)
    assert corpus.duplicates == len(texts) - len(wanted)
    seed.shuffle(texts)
    again = prepare_corpus(iter(texts))
    assert (again.texts, again.held_out, again.hash) == (corpus.texts, corpus.held_out, corpus.hash)
    assert prepare_corpus([*texts, "something else altogether"]).hash != corpus.hash


def test_texts_and_corpora_are_bounded(monkeypatch):
    corpus = prepare_corpus(["x" * (MOST_CHARACTERS + 5), "b", "c \ud800"])
    assert max(map(len, corpus.texts + corpus.held_out)) == MOST_CHARACTERS
    monkeypatch.setattr("ligature.captioning.language.corpus.MOST_TEXTS", 3)
    with pytest.raises(DataError, match="at most 3 texts"):
        prepare_corpus("abcd")


def test_tokens_are_those_of_the_tokenizer_and_cuts_are_counted():
    texts = [*make_texts(30), "grey house " * 40]
    tokenizer = train_tokenizer(texts, 300, 16)
    tokenized = TokenizedTexts(texts, tokenizer)
    assert tokenized.cut == sum(length > 16 for length in tokenizer.lengths(texts)) > 0
    for row in (0, 7, 30):
        batch = tokenized.batch(np.array([row]))
        assert torch.equal(batch.tokens, tokenizer.encode([texts[row]]))
    batch = tokenized.batch(np.array([3, 30]))
    assert torch.equal(batch.tokens, tokenizer.encode([texts[3], texts[30]]))
    assert batch.count == int(batch.lengths.sum()) - 2
    assert batch.tokens[1, -1] == tokenizer.end_token


def test_an_epoch_has_every_text_once_in_batches_of_like_length():
    texts = make_texts(403)
    tokenized = TokenizedTexts(texts, train_tokenizer(texts, 300, 24))
    rows = tokenized.epoch_rows(0, 0, 8)
    assert sorted(rows) == list(range(403))
    lengths = tokenized.lengths[rows[:400]].reshape(50, 8)
    shuffled = np.random.default_rng(0).permutation(tokenized.lengths)[:400].reshape(50, 8)
    padding = (lengths.max(axis=1, keepdims=True) - lengths).sum()
    assert padding < 0.2 * (shuffled.max(axis=1, keepdims=True) - shuffled).sum()
    assert (np.diff(lengths.mean(axis=1)) < 0).sum() > 10
    assert not np.array_equal(rows, tokenized.epoch_rows(0, 1, 8))
    assert not np.array_equal(rows, tokenized.epoch_rows(1, 0, 8))
    assert np.array_equal(rows, tokenized.epoch_rows(0, 0, 8))
    steps = list(tokenized.steps(0, dataclasses.replace(SETTINGS, batch_size=8)))
    later = list(tokenized.steps(70, dataclasses.replace(SETTINGS, batch_size=8)))
    assert len(steps) == 200
    assert all(np.array_equal(*pair) for pair in zip(steps[70:], later, strict=True))


def make_loop(runtime: Runtime | None = None, **changes) -> LanguageLoop:
    corpus = prepare_corpus(make_texts())
    tokenizer = train_tokenizer(corpus.texts, 320, 20)
    alone = Processes(torch.device("cpu"))
    with torch.random.fork_rng(devices=[]):
        return LanguageLoop(
            corpus,
            tokenizer,
            TokenizedTexts(corpus.texts, tokenizer),
            SIZE,
            dataclasses.replace(SETTINGS, **changes),
            runtime or Runtime(),
            alone,
        )


@pytest.mark.parametrize("runtime", [Runtime(), Runtime(micro_batch=5), Runtime(checkpoint_activations=True)])
def test_the_loss_is_the_plain_mean_over_all_real_tokens(runtime):
    loop = make_loop(runtime)
    model = loop.state.model.train()
    loss = loop.backward(next(loop.load(2)))
    found = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    model.zero_grad()
    [batch] = next(make_loop().load(2))
    losses = []
    for row, length in zip(batch.tokens, batch.lengths, strict=True):
        logits = model.language(input_ids=row[None, :length]).logits[0, :-1]
        losses.append(functional.cross_entropy(logits, row[1:length], reduction="none"))
    wanted = torch.cat(losses).mean()
    wanted.backward()
    assert loss == pytest.approx(wanted.item(), rel=1e-5)
    for name, weight in model.named_parameters():
        torch.testing.assert_close(found[name], weight.grad, rtol=1e-3, atol=1e-5, msg=name)


def test_the_language_is_learned_and_held_out_texts_are_likely(trained):
    _, result = trained
    losses = result.history["train_loss"]
    assert losses.iloc[0] == pytest.approx(math.log(320), rel=0.02)
    assert losses.iloc[-1] < 0.55 * losses.iloc[0]
    facts, corpus = result.facts, prepare_corpus(make_texts())
    assert facts["held_out_texts"] == len(corpus.held_out) == 3
    loss, tokens = 0.0, 0
    for text in corpus.held_out:
        [row] = result.tokenizer.encode([text])
        with torch.no_grad():
            logits = result.model(input_ids=row[None]).logits[0, :-1]
        loss += functional.cross_entropy(logits, row[1:], reduction="sum").item()
        tokens += len(row) - 1
    assert facts["perplexity"] == pytest.approx(math.exp(loss / tokens), rel=1e-4)
    assert facts["perplexity"] < 40


def test_the_folder_is_a_language_model_with_its_tokenizer_and_facts(trained):
    folder, result = trained
    loaded = load_language(str(folder / "model"))
    row = result.tokenizer.encode(["a red dog and a grey house"])
    with torch.no_grad():
        assert torch.equal(loaded.model(input_ids=row).logits, result.model(input_ids=row).logits)
    assert loaded.tokenizer("a red dog and a grey house")["input_ids"] == row[0].tolist()
    special = loaded.tokenizer.bos_token_id, loaded.tokenizer.eos_token_id, loaded.tokenizer.pad_token_id
    assert special == (result.tokenizer.start_token, result.tokenizer.end_token, result.tokenizer.pad_token)
    assert loaded.model.get_output_embeddings().weight is loaded.model.get_input_embeddings().weight
    assert len({path.stat().st_mode for path in (folder / "model").iterdir()}) == 1  # nothing is for the owner alone
    card = read_sealed(folder / "training.json")
    assert card["facts"] == result.facts
    assert card["provenance"] == {"data": "made up"}
    facts, corpus = result.facts, prepare_corpus(make_texts())
    assert facts["texts"] == len(corpus.texts)
    assert facts["trainable_parameters"] == sum(weight.numel() for weight in result.model.parameters())
    assert facts["cut_texts"] == sum(length > 20 for length in result.tokenizer.lengths(corpus.texts)) > 0


def test_the_same_texts_in_another_order_give_the_same_bytes_and_a_kill_changes_nothing(trained, tmp_path, monkeypatch):
    folder, _ = trained
    texts = make_texts()
    arguments = {"provenance": {"data": "made up"}}
    step, taken = LanguageLoop.step, []

    def killed(self, parts):
        taken.append(parts)
        if len(taken) == 11:
            raise KeyboardInterrupt
        return step(self, parts)

    monkeypatch.setattr(LanguageLoop, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        train_language_model(texts, SIZE, SETTINGS, tmp_path, **arguments)
    monkeypatch.undo()
    train_language_model(reversed(texts), SIZE, SETTINGS, tmp_path, **arguments)
    assert contents(tmp_path) == contents(folder)
    other = train_language_model(texts, SIZE, dataclasses.replace(SETTINGS, seed=1))
    assert not torch.equal(other.model.lm_head.weight, load_language(str(folder / "model")).model.lm_head.weight)


def test_chance_and_fingerprint(tmp_path):
    loop = make_loop()
    assert loop.chance == pytest.approx(math.log(loop.tokenizer.vocabulary_size))
    known = loop.fingerprint
    assert [key for key, value in make_loop(seed=4).fingerprint.items() if known[key] != value] == ["seed"]
    bfloat16 = make_loop(Runtime(precision="bfloat16"))
    assert [key for key, value in bfloat16.fingerprint.items() if known[key] != value] == ["precision"]
    bfloat16.step(next(bfloat16.load(0)))
    assert {"data", "tokenizer", "width", "vocabulary"} <= known.keys()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"heads": 3}, "heads 3 must divide width 16"),
        ({"vocabulary": 99}, "vocabulary is 99"),
        ({"layers": 0}, "layers"),
    ],
)
def test_impossible_sizes_name_their_key(changes, words):
    with pytest.raises(ParamsError, match=words):
        dataclasses.replace(SIZE, **changes)
