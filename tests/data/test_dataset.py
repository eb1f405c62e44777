import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data import Dataset
from ligature.data.dataset import captioned_dataset
from ligature.errors import DataError

few = settings(max_examples=25, deadline=None)


def captioned(images: int, owners: list[int], empty: tuple[int, ...] = ()) -> Dataset:
    """Returns a data set with one caption for each image number in ``owners``; those in ``empty`` are blank."""
    names = [f"image-{number}" for number in range(images)]
    image_table = pd.DataFrame({"id": names, "path": [f"{name}.jpg" for name in names]})
    texts = ["" if row in empty else f"caption {row}" for row in range(len(owners))]
    captions = pd.DataFrame({"image_id": [names[owner] for owner in owners], "text": texts})
    return captioned_dataset("toy", "val", image_table, captions, "captions.json")


def plain_order(owners: list[int]) -> list[str]:
    """Returns the captions as they must stand: by image, and within an image as in the file."""
    return [f"caption {row}" for row in sorted(range(len(owners)), key=lambda row: owners[row])]


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1), min_size=1))))
@few
def test_captions_stand_in_the_order_of_images_and_are_numbered_within_each(case):
    images, owners = case
    dataset = captioned(images, owners)
    assert dataset.texts["text"].to_list() == plain_order(owners)
    counts = dict.fromkeys(dataset.images["id"], 0)
    for row in dataset.texts.itertuples():
        assert row.id == f"{row.image_id}#{counts[row.image_id]}"
        counts[row.image_id] += 1
    assert len(dataset.images) == images


@given(images=st.integers(1, 30), folds=st.integers(2, 6), seed=st.integers(0, 99))
@few
def test_folds_are_disjoint_cover_everything_and_are_of_like_size(images, folds, seed):
    dataset = captioned(images, [*range(images), *range(images)])
    parts = [dataset.fold(index, folds, seed) for index in range(folds)]
    ids = [name for part in parts for name in part.images["id"]]
    assert sorted(ids) == sorted(dataset.images["id"])
    sizes = [len(part.images) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    order = {name: row for row, name in enumerate(dataset.images["id"])}
    for part in parts:
        rows = [order[name] for name in part.images["id"]]
        assert rows == sorted(rows)
        assert part.texts["image_id"].to_list() == [name for name in part.images["id"] for _ in range(2)]


def test_folds_depend_on_the_seed_alone():
    dataset = captioned(50, list(range(50)))
    first, again, other = (dataset.fold(0, 2, seed).images["id"].to_list() for seed in (1, 1, 2))
    assert first == again
    assert first != other


@given(images=st.integers(1, 30), parts=st.integers(1, 8))
@few
def test_parts_one_after_the_other_are_the_whole(images, parts):
    dataset = captioned(images, [owner for owner in range(images) for _ in range(2)])
    pieces = [dataset.part(index, parts) for index in range(parts)]
    for table in ("images", "texts"):
        joined = pd.concat([getattr(piece, table) for piece in pieces], ignore_index=True)
        pd.testing.assert_frame_equal(joined, getattr(dataset, table), check_dtype=False)
    sizes = [len(piece.images) for piece in pieces]
    assert max(sizes) - min(sizes) <= 1


def test_keeping_images_keeps_their_captions_and_what_was_skipped_of_them():
    dataset = captioned(4, [0, 0, 1, 2, 3, 3], empty=(1, 2))
    kept = dataset.keep_images(np.array([3, 0]))
    assert kept.images["id"].to_list() == ["image-3", "image-0"]
    assert sorted(kept.texts["id"]) == ["image-0#0", "image-3#0", "image-3#1"]
    assert [item["id"] for item in dataset.skipped_texts] == ["image-0#1", "image-1#0"]
    assert [item["id"] for item in kept.skipped_texts] == ["image-0#1"]


def test_what_was_skipped_is_counted_once_over_all_parts():
    dataset = captioned(6, [0, 0, 1, 2, 3, 4, 5], empty=(1, 2, 6))
    skipped = [item for index in range(3) for item in dataset.part(index, 3).skipped_texts]
    assert skipped == dataset.skipped_texts


def test_an_image_id_may_hold_the_mark_between_image_and_number():
    images = pd.DataFrame({"id": ["a#1", "b"], "path": ["a.jpg", "b.jpg"]})
    captions = pd.DataFrame({"image_id": ["a#1", "a#1"], "text": ["", "a cat"]})
    dataset = captioned_dataset("toy", "val", images, captions, "captions.json")
    assert [item["id"] for item in dataset.keep_images(np.array([0])).skipped_texts] == ["a#1#0"]
    assert dataset.keep_images(np.array([1])).skipped_texts == []


def with_variants(images: int) -> Dataset:
    """Returns images with a caption of their own, a German one and one of 16 words; some were skipped."""
    dataset = captioned(images, list(range(images)))
    rows = [
        (f"{image}#{ending}", image, f"{ending} of {image}", variant)
        for image in dataset.images["id"]
        for ending, variant in (("0", ""), ("de", "de"), ("16w", "16w"))
    ]
    texts = pd.DataFrame(rows, columns=["id", "image_id", "text", "variant"])
    skipped = [{"id": f"image-0#{ending}", "reason": "empty caption"} for ending in ("1", "de", "16w")]
    return Dataset("toy", "val", dataset.images, texts, skipped_texts=skipped, notes=("seen in training",))


@pytest.mark.parametrize(("variant", "ending"), [("", "0"), ("de", "de"), ("16w", "16w")])
def test_a_variant_has_its_own_texts_and_what_was_skipped_of_them(variant, ending):
    dataset = with_variants(3)
    chosen = dataset.of_variant(variant)
    assert chosen.texts["id"].to_list() == [f"image-{n}#{ending}" for n in range(3)]
    assert chosen.texts.index.to_list() == [0, 1, 2]
    assert [item["id"] for item in chosen.skipped_texts] == [f"image-0#{'1' if variant == '' else ending}"]
    assert chosen.images is dataset.images
    assert chosen.notes == dataset.notes


def test_the_own_texts_are_the_default_and_an_unknown_variant_has_none():
    dataset = with_variants(3)
    assert dataset.of_variant().texts.equals(dataset.of_variant("").texts)
    assert len(dataset.of_variant("fr").texts) == 0


def test_without_further_texts_all_are_the_own_ones():
    dataset = captioned(3, [0, 1, 2, 2], empty=(3,))
    assert dataset.of_variant() is dataset
    assert len(dataset.of_variant("de").texts) == len(dataset.of_variant("de").skipped_texts) == 0
    assert dataset.of_variant("de").texts.columns.to_list() == ["id", "image_id", "text"]


@given(images=st.integers(1, 12), parts=st.integers(1, 5), seed=st.integers(0, 9))
@few
def test_variants_follow_their_images_into_parts_and_folds(images, parts, seed):
    dataset = with_variants(images)
    joined = pd.concat([dataset.part(index, parts).texts for index in range(parts)], ignore_index=True)
    assert joined.equals(dataset.texts)
    for half in (dataset.fold(0, 2, seed), dataset.fold(1, 2, seed)):
        assert half.notes == dataset.notes
        for variant in ("", "de", "16w"):
            assert half.of_variant(variant).texts["image_id"].to_list() == half.images["id"].to_list()


@pytest.mark.parametrize("space", ["\n", "\r\n", "\t", "\u2028", "\xa0 "])
def test_captions_are_one_line_with_single_spaces(space):
    images = pd.DataFrame({"id": ["a"], "path": ["a.jpg"]})
    captions = pd.DataFrame({"image_id": ["a"], "text": [f" a{space}cat{space}"]})
    assert captioned_dataset("toy", "val", images, captions, "x").texts["text"].to_list() == ["a cat"]


def test_captions_that_are_all_empty_are_refused():
    with pytest.raises(DataError, match=r"^captions.json: every caption is empty or there is none; check the file$"):
        captioned(2, [0, 1], empty=(0, 1))
