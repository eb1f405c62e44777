import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_tables import pool_table

from ligature.curation.duplicates import decontaminate_captions, eval_captions_found
from ligature.data.pools import caption_key, caption_keys, normalise_caption

texts = st.lists(
    st.sampled_from(["a cat", "A Cat!", " a\ncat ", "cat", "der Hund", "DER HUND\0", "猫", "...", "!"]), max_size=8
)


def table_of(captions):
    return pool_table([(f"http://a.com/{row}", normalise_caption(caption)) for row, caption in enumerate(captions)])


@settings(max_examples=25, deadline=None)
@given(texts, texts)
def test_rows_with_an_evaluation_caption_are_those_of_the_plain_reference(pool, evaluation):
    table = table_of(pool)
    unwanted = {caption_key(normalise_caption(caption)) for caption in evaluation}
    expected = [caption_key(caption) in unwanted for caption in table["caption"]]
    found = eval_captions_found(table, caption_keys(map(normalise_caption, evaluation)))
    assert found.tolist() == expected
    kept, funnel = decontaminate_captions(table, evaluation, "web")
    assert kept["row"].to_list() == [row for row, unwanted in enumerate(expected) if not unwanted]
    assert funnel.dropped == ({"evaluation caption": sum(expected)} if any(expected) else {})
    assert (funnel.step, funnel.source, funnel.rows_in) == ("decontaminate", "web", len(pool))


def test_case_spaces_and_punctuation_hide_no_evaluation_caption():
    kept, _ = decontaminate_captions(table_of(["A CAT on a  mat.", "a cat on the mat"]), ["a cat, on a mat"], "web")
    assert kept["caption"].to_list() == ["a cat on the mat"]


def test_without_evaluation_captions_all_rows_stay():
    table = table_of(["a cat", "a dog"])
    assert len(decontaminate_captions(table, [], "web")[0]) == 2
    assert eval_captions_found(table, np.array([], dtype=np.uint64)).tolist() == [False, False]
