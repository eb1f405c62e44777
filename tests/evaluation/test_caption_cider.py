"""CIDEr-D against figures by hand, the plain formula and pycocoevalcap."""

import math
import warnings

import numpy as np
import pytest
from caption_references import plain_cider, some_captions
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.evaluation.captions import CaptionScorer, caption_scores, per_image_cider

WORDS = st.sampled_from("abcdef")
CAPTION = st.lists(WORDS, max_size=9).map(" ".join)
REFERENCES = st.lists(st.lists(WORDS, min_size=1, max_size=9).map(" ".join), min_size=1, max_size=4)
DATA_SET = st.lists(st.tuples(CAPTION, REFERENCES), min_size=1, max_size=6)


def split(captions):
    return [caption.split() for caption in captions]


def coco_cider(candidates, references):
    cider = pytest.importorskip("pycocoevalcap.cider.cider", reason="needs pycocoevalcap")
    return cider.Cider().compute_score(dict(enumerate(references)), {row: [one] for row, one in enumerate(candidates)})


def test_two_images_have_the_scores_that_the_formula_gives_by_hand():
    """Every weight is log 2 or, of "a" in both images, 0."""
    references = [["a b"], ["a c"]]
    same, shorter = per_image_cider(["a b", "c"], references)
    assert same == pytest.approx(10 * (1 + 1 + 0 + 0) / 4, abs=1e-12)  # 1-grams and 2-grams agree, there are no longer
    assert shorter == pytest.approx(10 * 1 / 4 * math.exp(-1 / (2 * 36)), abs=1e-12)  # one word instead of two


def test_a_repeated_word_is_clipped_at_its_count_in_the_reference():
    """(min(2, 1) * 1) / (2 * 1) of the 1-grams, nothing of the rest."""
    assert per_image_cider(["b b", "c"], [["a b"], ["a c"]])[0] == pytest.approx(10 * 0.5 / 4, abs=1e-12)


def test_the_references_of_an_image_are_averaged():
    both, one = per_image_cider(["a b", "c"], [["a b", "d e"], ["a c"]])[0], 5.0
    assert both == pytest.approx(one / 2, abs=1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_scores_are_those_of_the_plain_formula(seed):
    candidates, references = some_captions(seed, images=8)
    wanted = plain_cider(split(candidates), [split(own) for own in references])
    assert wanted.max() > 1
    np.testing.assert_allclose(per_image_cider(candidates, references), wanted, rtol=0, atol=1e-12)


def test_scores_are_those_of_pycocoevalcap():
    candidates, references = some_captions(7, images=300, vocabulary=500)
    mean, each = coco_cider(candidates, references)
    np.testing.assert_allclose(per_image_cider(candidates, references), each, rtol=0, atol=1e-12)
    assert caption_scores(candidates, references, ["cider"]) == {"cider": pytest.approx(mean, abs=1e-12)}


@given(DATA_SET)
@settings(max_examples=25, deadline=None)
def test_scores_of_any_captions_are_those_of_pycocoevalcap(rows):
    candidates, references = zip(*rows, strict=True)
    found = per_image_cider(candidates, references)
    np.testing.assert_allclose(found, coco_cider(candidates, references)[1], rtol=0, atol=1e-12)
    assert found.min() >= 0
    assert found.max() <= 10 + 1e-9


@given(DATA_SET, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_images_and_of_references_changes_nothing(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    moved = [(rows[row][0], random.sample(rows[row][1], len(rows[row][1]))) for row in order]
    found, again = (per_image_cider(*zip(*each, strict=True)) for each in (rows, moved))
    np.testing.assert_allclose(again, found[order], rtol=0, atol=1e-12)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, unique=True), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_reference_itself_scores_higher_than_its_words_in_another_order(words, random):
    shuffled = random.sample(words, len(words))
    if shuffled == words:
        shuffled = words[::-1]
    references = [[" ".join(words)], ["x y z"]]
    itself, moved = (per_image_cider([" ".join(each), "x"], references)[0] for each in (words, shuffled))
    assert itself > moved > 0


def test_more_images_with_a_word_make_it_worth_less():
    rare = per_image_cider(["dog cat", "", ""], [["dog"], ["bird"], ["fish"]])[0]
    common = per_image_cider(["dog cat", "", ""], [["dog"], ["dog"], ["fish"]])[0]
    assert rare > common > 0


def test_a_single_image_scores_nought_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert per_image_cider(["a dog"], [["a dog", "the dog"]]).tolist() == [0.0]
        assert coco_cider(["a dog"], [["a dog", "the dog"]])[0] == 0.0


@pytest.mark.parametrize("empty", ["", "  ", "...", "\n"])
def test_a_candidate_without_words_scores_nought(empty):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert per_image_cider([empty, "a cat"], [["a dog"], ["a cat"]]).tolist() == [0.0, 5.0]


def test_references_without_words_score_nought_and_count():
    assert per_image_cider(["a b", "c"], [["a b", "..."], ["c"]])[0] == pytest.approx(2.5)
    assert per_image_cider(["", ""], [["."], [""]]).tolist() == [0.0, 0.0]
    assert per_image_cider(["a", "b"], [["."], [""]]).tolist() == [0.0, 0.0]


def test_words_of_any_script_are_words():
    found = per_image_cider(["Ein Hündchen läuft", "一只 狗"], [["ein hündchen LÄUFT!"], ["一只 狗。"]])
    assert found[0] == pytest.approx(7.5)
    assert 0 < found[1] < 5


def test_a_caption_of_ten_thousand_words_is_scored():
    long = " ".join(f"w{place % 700}" for place in range(10_000))
    found = per_image_cider([long, long], [[long, "w1 w2"], ["w1 w3"]])
    assert found[0] == pytest.approx(5.0, abs=1e-6)
    assert found[1] == pytest.approx(0.0, abs=1e-12)


def test_one_scorer_serves_many_candidates_with_the_same_document_frequencies():
    candidates, references = some_captions(3)
    scorer = CaptionScorer(references)
    first = scorer.per_image_cider(candidates)
    assert np.array_equal(scorer.per_image_cider([own[-1] for own in references]) > 0, np.ones(len(references), bool))
    assert np.array_equal(scorer.per_image_cider(candidates), first)
    assert np.array_equal(per_image_cider(candidates, references), first)
    assert scorer.scores(candidates, ["cider"])["cider"] == first.mean()


def test_words_of_earlier_candidates_are_not_known_later():
    scorer = CaptionScorer([["a b"], ["c d"]])
    before = scorer.per_image_cider(["a zebra", "c d"])
    scorer.per_image_cider(["giraffe zebra okapi", "zebra a"])
    assert np.array_equal(scorer.per_image_cider(["a zebra", "c d"]), before)
