"""The key of a store: it changes with everything that determines the vectors, and with nothing else."""

from dataclasses import replace

import pandas as pd
import pytest
from cache_examples import CONTENT, make, of_another_study, wanted_images
from hypothesis import given, settings
from hypothesis import strategies as st
from store_examples import image_table

from ligature.store.cache_key import hash_table
from ligature.store.hashing import hash_values

few = settings(max_examples=25, deadline=None)
settings_of_encoders = st.dictionaries(
    st.sampled_from(["loader", "weights", "image_size", "pooling", "prompt", "precision", "module"]),
    st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "b"])),
)


@given(settings_of_encoders, settings_of_encoders)
@few
def test_two_encoders_have_one_key_only_when_all_their_settings_agree(one, other):
    keys = [wanted_images(encoder=encoder).key for encoder in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


@given(st.permutations(range(10)), st.integers(0, 9))
@few
def test_items_count_with_their_order_and_contents(order, changed):
    plain = wanted_images()
    items = plain.items.iloc[list(order)].reset_index(drop=True)
    assert (replace(plain, items=items).key == plain.key) == (list(order) == list(range(10)))
    contents = [*plain.contents]
    contents[changed] = "0" * 31 + "x"
    assert replace(plain, contents=contents).key != plain.key


@pytest.mark.parametrize("change", [{"view": "tokens"}, {"view": "tokens-int8"}, {"modality": "text"}])
def test_view_and_modality_count(change):
    assert wanted_images(**change).key != wanted_images().key


def test_names_parts_and_shard_sizes_do_not_count():
    plain = wanted_images()
    assert of_another_study(plain, shard_rows=3, items_hash="other", skipped=[]).key == plain.key


def test_what_metadata_holds_counts_with_its_type():
    table = image_table(3)
    others = [
        table.assign(label=[0, 1, 2]),
        table.assign(label=[0, 1, 3]),
        table.assign(label=["0", "1", "2"]),
        table.assign(label=[0.0, 1.0, 2.0]),
        table.rename(columns={"sha256": "text"}),
        table[["sha256", "id"]],
    ]
    assert len({hash_table(table), *map(hash_table, others)}) == 7
    assert hash_table(pd.DataFrame({"id": ["a", None]})) != hash_table(pd.DataFrame({"id": ["a", "None"]}))


def test_the_key_is_the_hash_of_the_values_an_entry_shows():
    wanted = wanted_images()
    assert wanted.key == hash_values(wanted.values)
    assert (wanted.values["encoder"], wanted.values["dtype"]) == (CONTENT, "float16")
    assert len(wanted.key) == 32


def test_a_store_matches_only_the_items_it_was_made_of(tmp_path):
    wanted = wanted_images()
    manifest = make(wanted, tmp_path)
    assert wanted.matches(manifest)
    assert of_another_study(wanted).matches(manifest)
    changed = [*wanted.contents[:-1], "f" * 32]
    assert not replace(wanted, contents=changed).matches(manifest)
    assert not replace(wanted, items=wanted.items[::-1]).matches(manifest)
    assert not replace(wanted, view="tokens").matches(manifest)


def test_the_shape_of_raw_pixels_counts_for_the_key_but_is_no_part_of_the_hash_that_is_stored(tmp_path):
    plain = wanted_images()
    raw = replace(plain, contents=[content + "!28x28" for content in plain.contents])
    assert raw.key != plain.key
    assert raw.matches(make(raw, tmp_path))
