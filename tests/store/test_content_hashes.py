import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.store.hashing import hash_files, hash_strings, hash_values

few = settings(max_examples=25, deadline=None)
texts = st.lists(st.text(max_size=4), max_size=4)


@given(texts, texts)
@few
def test_two_lists_of_strings_have_one_hash_only_when_they_are_equal(one, other):
    assert (hash_strings(one) == hash_strings(other)) == (one == other)


@given(texts)
@few
def test_shifting_the_border_of_two_strings_changes_the_hash(strings):
    assert hash_strings([*strings, "ab", "c"]) != hash_strings([*strings, "a", "bc"]) != hash_strings([*strings, "abc"])


def test_half_characters_can_be_hashed():
    assert hash_strings(["\ud800"]) != hash_strings(["?"])


def test_hash_of_strings_is_the_same_tomorrow():
    plain = b"".join(len(text).to_bytes(8, "little") + text for text in (b"image-0", b"image-1"))
    assert hash_strings(["image-0", "image-1"]) == hashlib.sha256(plain).hexdigest()[:32]


def test_hash_of_values_does_not_depend_on_the_order_of_keys():
    assert hash_values({"a": 1, "b": [1, 2]}) == hash_values({"b": [1, 2], "a": 1})
    assert hash_values({"a": 1, "b": [1, 2]}) != hash_values({"a": 1, "b": [2, 1]})


def test_hash_of_values_refuses_what_is_no_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        hash_values(float("nan"))


def test_hash_of_files_is_that_of_sha256sum(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"a" * ((1 << 20) + 5))
    two.write_bytes(b"b")
    assert hash_files([two]) == f"sha256:{hashlib.sha256(b'b').hexdigest()}"
    assert hash_files([one, two]) == f"sha256:{hashlib.sha256(one.read_bytes() + b'b').hexdigest()}"
    assert hash_files([one, two]) != hash_files([two, one])
