"""The tokenizer of captions: round trips, cuts, determinism, and the ids of transformers' own."""

import json
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_clip import save_clip
from tiny_pair import CAPTIONS, tiny_pair_model, tiny_tokenizer

from ligature.encoders.contrastive import CaptionTokenizer, find_tokenizer, load_tokenizer, train_tokenizer
from ligature.encoders.contrastive.tokenizer import DEFINITION, SETTINGS
from ligature.errors import EncoderError
from ligature.store.hashing import hash_files

ROUND = tiny_tokenizer(400, context_length=1000)
STRANGE = [
    "",
    "a red dog",
    "  two  spaces\n",
    "Grüße, 世界 🐶",
    "<|endoftext|> x <|pad|>",
    "\x00\u202e",
    "RED dog's 42",
]


@pytest.fixture(scope="module")
def clip_files(tmp_path_factory):
    """The vocabulary of a tiny CLIP in both layouts in which it is published."""
    root = tmp_path_factory.mktemp("clip")
    save_clip(root / "one-file")
    definition = json.loads((root / "one-file" / DEFINITION).read_text())["model"]
    two = root / "two-files"
    two.mkdir()
    (two / "vocab.json").write_text(json.dumps(definition["vocab"]))
    merges = "\n".join(" ".join(merge) for merge in definition["merges"])
    (two / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    start, end = ({"__type": "AddedToken", "content": f"<|{name}oftext|>"} for name in ("start", "end"))
    settings = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": "<|endoftext|>"}
    (two / SETTINGS).write_text(json.dumps({**settings, "model_max_length": 12, "tokenizer_class": "CLIPTokenizer"}))
    return root


def rows(tokens, lengths):
    return [row[:length] for row, length in zip(tokens.tolist(), lengths, strict=True)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_decoding_gives_back_any_text(texts):
    assert ROUND.decode(ROUND.encode(texts)) == texts


@pytest.mark.parametrize("text", STRANGE)
def test_a_strange_text_comes_back_and_has_one_start_and_one_end(text):
    tokens = ROUND.encode([text])[0].tolist()
    assert ROUND.decode(ROUND.encode([text])) == [text]
    assert (tokens[0], tokens[-1]) == (ROUND.start_token, ROUND.end_token)
    special = {ROUND.start_token, ROUND.end_token, ROUND.pad_token}
    assert special.isdisjoint(tokens[1:-1])


def test_a_lone_surrogate_becomes_a_question_mark():
    assert ROUND.decode(ROUND.encode(["a\ud800b"])) == ["a?b"]
    assert train_tokenizer(["a\ud800b"], 260, 8).hash == train_tokenizer(["a?b"], 260, 8).hash


def test_an_empty_text_is_start_and_end_and_no_text_is_no_row():
    assert ROUND.encode([""]).tolist() == [[ROUND.start_token, ROUND.end_token]]
    assert ROUND.encode([]).shape == (0, 0)
    assert ROUND.encode([]).dtype == torch.int64


def test_rows_are_padded_to_the_longest_of_the_batch():
    tokens, lengths = ROUND.encode(CAPTIONS), ROUND.lengths(CAPTIONS)
    assert tokens.shape == (len(CAPTIONS), max(lengths))
    for row, length, text in zip(tokens, lengths, CAPTIONS, strict=True):
        assert row[:length].tolist() == ROUND.encode([text])[0].tolist()
        assert (row[length:] == ROUND.pad_token).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=3), st.integers(3, 12))
def test_a_cut_keeps_the_end_and_the_first_pieces(texts, context_length):
    short = CaptionTokenizer(ROUND.definition, ("<|startoftext|>", "<|endoftext|>", "<|pad|>"), context_length)
    lengths = ROUND.lengths(texts)
    assert short.lengths(texts) == lengths
    whole = rows(ROUND.encode(texts), lengths)
    expected = [row if len(row) <= context_length else [*row[: context_length - 1], short.end_token] for row in whole]
    tokens = short.encode(texts)
    assert tokens.shape[1] == min(context_length, max(lengths))
    assert rows(tokens, map(len, expected)) == expected


def test_the_same_texts_give_the_same_bytes():
    texts = [
        f"{colour} {thing} number {number}" for number in range(40) for colour in "abc" for thing in ("dog", "cat")
    ]
    first, second, turned = (train_tokenizer(order, 300, 8) for order in (texts, texts, texts[::-1]))
    assert first.definition == second.definition == turned.definition
    assert first.hash == second.hash
    assert train_tokenizer([*texts, *["zebra"] * 400], 300, 8).hash != first.hash


def test_words_seen_often_become_one_token():
    tokenizer = train_tokenizer(["a zebra"] * 9, 300, 8)
    assert tokenizer.lengths(["a zebra"]) == [4]
    assert tokenizer.lengths(["a okapi"]) == [9]
    assert 260 < tokenizer.vocabulary_size < 300


def test_the_vocabulary_is_at_most_what_was_asked_for():
    assert tiny_tokenizer(265).vocabulary_size == 265
    with pytest.raises(EncoderError, match="259 has no room for 256 bytes and 3 special tokens"):
        train_tokenizer(CAPTIONS, 259, 8)
    with pytest.raises(EncoderError, match="context_length 2 leaves no room"):
        train_tokenizer(CAPTIONS, 300, 2)


@pytest.mark.parametrize("by", ["AutoTokenizer", "PreTrainedTokenizerFast"])
def test_transformers_opens_the_folder_with_the_same_ids(by, tmp_path):
    import transformers

    tokenizer = tiny_tokenizer(300, context_length=9)
    tokenizer.save(tmp_path)
    opened = getattr(transformers, by).from_pretrained(tmp_path)
    texts = [*STRANGE, *CAPTIONS]
    batch = opened(texts, padding=True, truncation=True, return_tensors="pt")
    assert torch.equal(batch["input_ids"], tokenizer.encode(texts))
    whole = opened(texts, truncation=False, verbose=False)["input_ids"]
    assert [len(ids) for ids in whole] == tokenizer.lengths(texts)
    assert batch["attention_mask"].sum(dim=1).tolist() == [min(9, length) for length in tokenizer.lengths(texts)]
    assert (opened.bos_token_id, opened.eos_token_id) == (tokenizer.start_token, tokenizer.end_token)


def test_a_saved_tokenizer_is_loaded_as_it_was(tmp_path):
    tokenizer = tiny_tokenizer()
    tokenizer.save(tmp_path / "once")
    again = load_tokenizer(tmp_path / "once", 5)
    assert again.hash == tokenizer.hash
    assert again.context_length == 5
    assert again.encode(["cat"]).tolist() == tokenizer.encode(["cat"]).tolist()
    again.save(tmp_path / "twice")
    assert (tmp_path / "twice" / DEFINITION).read_bytes() == (tmp_path / "once" / DEFINITION).read_bytes()
    assert hash_files([tmp_path / "once" / DEFINITION]) == tokenizer.hash


def test_a_pickled_tokenizer_still_reads_special_tokens_as_text():
    again = pickle.loads(pickle.dumps(ROUND))
    assert torch.equal(again.encode(STRANGE), ROUND.encode(STRANGE))
    assert (again.hash, again.context_length) == (ROUND.hash, ROUND.context_length)


@pytest.mark.parametrize("kind", ["one-file", "two-files"])
def test_a_clip_vocabulary_gives_the_ids_of_clips_own_tokenizer(kind, clip_files):
    from transformers import CLIPTokenizerFast

    folder = clip_files / kind
    tokenizer, own = load_tokenizer(folder, 12), CLIPTokenizerFast.from_pretrained(folder)
    texts = ["Dog  DOG\ndo", "a red dog", "", "the other dog " * 9]
    assert torch.equal(
        tokenizer.encode(texts), own(texts, padding=True, truncation=True, return_tensors="pt").input_ids
    )
    assert tokenizer.encode(["DOG"]).tolist() == tokenizer.encode(["dog"]).tolist()
    assert (tokenizer.start_token, tokenizer.end_token, tokenizer.pad_token) == (0, 1, 1)
    assert tokenizer.vocabulary_size == 22
    assert tokenizer.decode(tokenizer.encode(["a  red Dog"])) == ["a red dog"]


def test_both_layouts_of_a_clip_vocabulary_are_one_and_stay_it_when_saved(clip_files, tmp_path):
    from transformers import AutoTokenizer

    one, two = (load_tokenizer(clip_files / kind, 12) for kind in ("one-file", "two-files"))
    assert one.encode(CAPTIONS).tolist() == two.encode(CAPTIONS).tolist()
    one.save(tmp_path)
    assert load_tokenizer(tmp_path, 12).hash == one.hash
    batch = AutoTokenizer.from_pretrained(tmp_path)(CAPTIONS, padding=True, truncation=True, return_tensors="pt")
    assert torch.equal(batch["input_ids"], one.encode(CAPTIONS))


def test_padding_with_the_end_token_does_not_move_the_end_of_a_text(clip_files):
    tokenizer = load_tokenizer(clip_files / "one-file", 12)
    model = tiny_pair_model(tokenizer)
    with torch.no_grad():
        together = model.encode_text(tokenizer.encode(["dog", "a dog on the other dog"]))
        alone = model.encode_text(tokenizer.encode(["dog"]))
    torch.testing.assert_close(together[:1], alone)


def test_a_tokenizer_is_found_in_a_folder_or_on_the_hub(clip_files, monkeypatch):
    folder, asked = clip_files / "one-file", []

    def fetched(hub_id, **options):
        asked.append((hub_id, options["revision"], options["allow_patterns"]))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetched)
    assert find_tokenizer(str(folder), None, 12).hash == load_tokenizer(folder, 12).hash
    assert not asked
    assert find_tokenizer("team/clip", "abc", 7).context_length == 7
    assert asked == [("team/clip", "abc", [DEFINITION, SETTINGS, "vocab.json", "merges.txt"])]


def test_a_tokenizer_that_is_not_to_be_had_is_one_line(clip_files, monkeypatch):
    def refused(*_, **__):
        raise OSError("no route\nto host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refused)
    with pytest.raises(EncoderError, match=r"^tokenizer: team/clip is neither a folder.*no route\); check") as caught:
        find_tokenizer("team/clip", None, 12)
    assert "\n" not in str(caught.value)
    with pytest.raises(EncoderError, match=r"^tokenizer: no such folder /no/such/folder"):
        find_tokenizer("/no/such/folder", None, 12)
    with pytest.raises(EncoderError, match="revision 'abc' is a commit of the Hub"):
        find_tokenizer(str(clip_files / "one-file"), "abc", 12)


BROKEN = {
    "no settings": (SETTINGS, None, "no such file"),
    "settings no json": (SETTINGS, "{", "no JSON"),
    "settings nested": (SETTINGS, "[" * 100_000, "no JSON"),
    "settings a list": (SETTINGS, "[]", "no JSON object"),
    "no padding": (SETTINGS, '{"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}', "names no pad_token"),
    "other padding": (
        SETTINGS,
        '{"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "[PAD]"}',
        r"lacks the special token '\[PAD\]'",
    ),
    "no definition": (DEFINITION, None, "vocab.json: no such file"),
    "definition no json": (DEFINITION, "{", "no tokenizer of the tokenizers library"),
    "definition no text": (DEFINITION, b"\xff\xfe", "no UTF-8 text"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_is_one_line_that_names_the_file(case, tmp_path):
    name, content, line = BROKEN[case]
    tiny_tokenizer().save(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EncoderError, match=line) as caught:
        load_tokenizer(tmp_path, 8)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_vocabulary_file_of_any_size_is_not_read(tmp_path, monkeypatch):
    tiny_tokenizer().save(tmp_path)
    monkeypatch.setattr("ligature.encoders.contrastive.tokenizer.LARGEST_FILE", 1000)
    with pytest.raises(EncoderError, match=r"tokenizer.json: larger than"):
        load_tokenizer(tmp_path, 8)


def test_a_damaged_vocabulary_of_two_files_is_one_line(clip_files, tmp_path):
    for file in (clip_files / "two-files").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "vocab.json").write_text('["no", "vocabulary"]')
    with pytest.raises(EncoderError, match=r"vocab.json: ") as caught:
        load_tokenizer(tmp_path, 8)
    assert "\n" not in str(caught.value)
