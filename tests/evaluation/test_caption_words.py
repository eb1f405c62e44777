"""Words of a caption without Java."""

import re

import pytest

from ligature.errors import DataError
from ligature.evaluation.captions import caption_scores, plain_words
from ligature.evaluation.captions.words import MAX_WORDS


def words_of(text):
    return plain_words([text])[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A dog runs, fast.", ["a", "dog", "runs", "fast"]),
        ("He said: \"no!\" -- or (maybe) 'yes'?", ["he", "said", "no", "or", "maybe", "yes"]),
        ("a t-shirt - and a well-known dog's isn't", ["a", "t-shirt", "and", "a", "well-known", "dog's", "isn't"]),
        ("1,000 people at 10:30, 3.5 m", ["1,000", "people", "at", "10:30", "3.5", "m"]),
        ("red,green;blue:white...black", ["red", "green", "blue", "white", "black"]),
        ("a,1 2,b", ["a", "1", "2", "b"]),
        ("{curly} `back' ''quotes``", ["curly", "back", "quotes"]),
        ("typographic “quotes” – it’s so…", ["typographic", "quotes", "it's", "so"]),
        ("5% of [them] & more", ["5%", "of", "[them]", "&", "more"]),
        ("Ein Hündchen läuft ÜBER Straßen", ["ein", "hündchen", "läuft", "über", "straßen"]),
        ("一只狗 😀", ["一只狗", "😀"]),
        ("... -- ' . ,", []),
        ("", []),
        (" \t ", []),
    ],
)
def test_words_are_lower_case_without_punctuation(text, wanted):
    assert words_of(text) == wanted


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\u00a0", "\t"])
def test_no_separator_moves_words_to_the_next_caption(separator):
    assert plain_words([f"one{separator}two", "three"]) == [["one", "two"], ["three"]]


def test_every_text_has_its_words_in_order():
    assert plain_words([]) == []
    assert plain_words(["", "a", "", "B c"]) == [[], ["a"], [], ["b", "c"]]


def test_words_of_words_are_the_same_words():
    text = "'Tis a dog-- (brown); isn't it? 1,000.5 times..."
    assert plain_words([" ".join(words_of(text))])[0] == words_of(text)


def test_a_long_text_takes_no_time_worth_naming():
    assert len(words_of("a-' ." * 10_000)) == 10_000
    assert words_of("'" * 100_000 + "-" * 100_000) == []


def test_a_caption_of_too_many_words_is_one_line_that_names_it():
    long = "a " * (MAX_WORDS + 1)
    with pytest.raises(DataError, match=re.escape("candidate of image 1: 20,001 words; a caption has 20,000 at most")):
        caption_scores(["a", long], [["a"], ["b"]])
    with pytest.raises(DataError, match=r"^references of image 1: 20,001 words"):
        caption_scores(["a", "b"], [["a", "b"], ["b", long]])
