import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data.pools import caption_key, normalise_caption
from ligature.data.pools.captions import MAX_CAPTION

few = settings(max_examples=25, deadline=None)
any_text = st.text(st.characters(), max_size=40)


def plain_normalise(text):
    """Character by character, straight from the description."""
    kept = []
    for character in text[:MAX_CAPTION]:
        if character.isspace():
            kept.append(" ")
        elif 0xD800 <= ord(character) <= 0xDFFF:
            kept.append("?")
        elif unicodedata.category(character) != "Cc":
            kept.append(character)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())[:MAX_CAPTION].strip()


def plain_key(text):
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    blanks = [" " if unicodedata.category(character)[0] == "P" else character for character in folded]
    return " ".join("".join(blanks).split()) or " ".join(folded.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat", "a cat"),
        ("  a\tcat \r\n on  a mat\n", "a cat on a mat"),
        ("a\0 \0c\x07at\x7f", "a cat"),
        ("a\x85cat\u2028on\u00a0a\u3000mat", "a cat on a mat"),
        ("cafe\u0301", "caf\u00e9"),
        ("half \ud83d character", "half ? character"),
        ("<b>bold</b> &amp; $(rm -rf /)", "<b>bold</b> &amp; $(rm -rf /)"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        (" \n\0 ", ""),
        ("", ""),
    ],
)
def test_a_caption_becomes_one_clean_line(text, expected):
    assert normalise_caption(text) == expected


@few
@given(any_text)
def test_captions_are_cleaned_as_the_plain_reference_does(text):
    clean = normalise_caption(text)
    assert clean == plain_normalise(text)
    assert normalise_caption(clean) == clean
    assert clean.encode("utf-8").decode("utf-8") == clean


def test_a_caption_of_ten_megabytes_costs_as_little_as_its_beginning():
    start = time.perf_counter()
    clean = normalise_caption("cat\u0301 \0" * 2_000_000)
    assert len(clean) <= MAX_CAPTION
    assert time.perf_counter() - start < 0.5
    assert clean == normalise_caption(("cat\u0301 \0" * 2_000_000)[:MAX_CAPTION])


def test_a_caption_that_grows_by_composition_is_cut_again():
    clean = normalise_caption("\u0958" * MAX_CAPTION)
    assert len(clean) == MAX_CAPTION
    assert normalise_caption(clean) == clean


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A Cat, on a mat.", "a cat on a mat"),
        ("'A cat!'", "a   cat"),
        ("well-known", "Well_Known"),
        ("STRASSE", "straße"),
        ("\uff21\uff22 \ufb01sh", "ab fish"),
        ("«Кот»", "кот"),
        ("猫、犬。", "猫 犬"),
        ("C++ 3.5", "c++ 3 5"),
    ],
)
def test_captions_that_differ_in_case_spaces_or_punctuation_are_the_same(one, other):
    assert caption_key(one) == caption_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("C++", "C"), ("\U0001f431", "\U0001f436"), ("!!!", "???"), ("कि", "की"), ("a cat", "acat"), ("dog's", "dogs")],
)
def test_captions_that_differ_in_more_are_not(one, other):
    assert caption_key(one) != caption_key(other)


@few
@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=40) | st.text("aB ._-+!"))
def test_keys_of_captions_are_those_of_the_plain_reference(text):
    assert caption_key(text) == plain_key(text)


def test_every_ascii_character_is_folded_as_the_plain_reference_does():
    for character in map(chr, range(128)):
        assert caption_key(f"A{character}z") == plain_key(f"A{character}z")
