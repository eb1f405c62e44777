import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_tables import pool_table

from ligature.curation.filters import filter_rows
from ligature.data.pools import KEPT
from ligature.params.curate import FilterParams

CAPTIONS = ["", "cat", "a cat", "a cat on a mat", "猫", "x" * 30]
numbers = st.none() | st.floats(0, 1, width=32)
sides = st.none() | st.integers(1, 50)
rows = st.lists(st.tuples(st.sampled_from(CAPTIONS), sides, sides, numbers, numbers, numbers), max_size=20)
wishes = st.builds(
    FilterParams,
    min_characters=st.integers(0, 6),
    max_characters=st.integers(1, 40),
    min_words=st.integers(0, 3),
    max_nsfw=st.floats(0, 1, width=32),
    max_watermark=st.floats(0, 1, width=32),
    min_image_side=st.integers(0, 30),
    max_aspect=st.none() | st.floats(1, 5, width=32),
    min_similarity=st.none() | st.floats(0, 1, width=32),
)


def plain_reason(caption, width, height, nsfw, watermark, similarity, params):
    """Row by row, straight from the description."""
    known = [side for side in (width, height) if side is not None]
    reasons = {
        "caption too short": len(caption) < params.min_characters,
        "caption too long": len(caption) > params.max_characters,
        "few words": len(caption.split()) < params.min_words,
        "unsafe": nsfw is not None and nsfw > params.max_nsfw,
        "watermark": watermark is not None and watermark > params.max_watermark,
        "image too small": any(side < params.min_image_side for side in known),
        "aspect": params.max_aspect is not None and len(known) == 2 and max(known) > params.max_aspect * min(known),
        "similarity": None not in (params.min_similarity, similarity) and similarity < params.min_similarity,
    }
    return next((reason for reason, holds in reasons.items() if holds), KEPT)


def table_of(values):
    pairs = [(f"http://a.com/{row}", value[0]) for row, value in enumerate(values)]
    names = ("width", "height", "nsfw", "watermark", "similarity")
    return pool_table(pairs, **{name: [value[k + 1] for value in values] for k, name in enumerate(names)})


@settings(max_examples=25, deadline=None)
@given(rows, wishes)
def test_rows_are_dropped_for_the_reason_of_the_plain_reference(values, params):
    kept, funnel = filter_rows(table_of(values), params, "web")
    reasons = [plain_reason(*value, params) for value in values]
    assert kept["row"].to_list() == [row for row, reason in enumerate(reasons) if reason == KEPT]
    assert funnel.dropped == {reason: reasons.count(reason) for reason in set(reasons) - {KEPT}}
    assert (funnel.step, funnel.source, funnel.rows_in) == ("filter", "web", len(values))


@pytest.mark.parametrize(
    ("wish", "value", "reason"),
    [
        ({"min_characters": 4}, ("cat", None, None, None, None, None), "caption too short"),
        ({"max_characters": 2}, ("cat", None, None, None, None, None), "caption too long"),
        ({"min_words": 2}, ("cat", None, None, None, None, None), "few words"),
        ({"max_nsfw": 0.4}, ("cat", None, None, 0.5, None, None), "unsafe"),
        ({"max_watermark": 0.4}, ("cat", None, None, None, 0.5, None), "watermark"),
        ({"min_image_side": 20}, ("cat", 100, 19, None, None, None), "image too small"),
        ({"min_image_side": 20}, ("cat", None, 19, None, None, None), "image too small"),
        ({"max_aspect": 2.0}, ("cat", 10, 21, None, None, None), "aspect"),
        ({"min_similarity": 0.3}, ("cat", None, None, None, None, 0.25), "similarity"),
        ({"languages": ["en"]}, ("Hier sieht man ein violettes Quadrat", None, None, None, None, None), "language"),
    ],
)
def test_every_filter_drops_what_it_names_and_passes_what_is_not_known(wish, value, reason):
    unknown = ("a cat on the mat" if "languages" in wish else value[0], None, None, None, None, None)
    params = FilterParams(**wish)
    _, funnel = filter_rows(table_of([value]), params, "web")
    assert funnel.dropped == {reason: 1}
    if not reason.startswith(("caption", "few")):
        assert filter_rows(table_of([unknown]), params, "web")[1].dropped == {}


def test_a_value_at_the_limit_passes():
    params = FilterParams(
        min_characters=3, max_characters=3, max_nsfw=0.5, min_image_side=10, max_aspect=2, min_similarity=0.25
    )
    kept, _ = filter_rows(table_of([("cat", 10, 20, 0.5, 1.0, 0.25)]), params, "web")
    assert len(kept) == 1


def test_filters_at_rest_keep_all_rows():
    kept, funnel = filter_rows(
        table_of([("", 1, 50, 1.0, 1.0, 0.0), ("a cat", None, None, None, None, None)]), FilterParams(), "web"
    )
    assert len(kept) == funnel.rows_out == 2


def test_an_empty_table_stays_empty():
    kept, funnel = filter_rows(table_of([]), FilterParams(min_words=2, languages=["en"], max_aspect=2), "web")
    assert (len(kept), funnel.rows_in, funnel.dropped) == (0, 0, {})


def test_language_is_told_only_of_rows_that_are_left(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "ligature.curation.filters.in_languages",
        lambda captions, languages: seen.append(list(captions)) or np.array([False] * len(captions)),
    )
    params = FilterParams(min_characters=4, languages=["en"])
    _, funnel = filter_rows(table_of([("cat", *[None] * 5), ("a dog", *[None] * 5)]), params, "web")
    assert seen == [["a dog"]]
    assert funnel.dropped == {"caption too short": 1, "language": 1}
