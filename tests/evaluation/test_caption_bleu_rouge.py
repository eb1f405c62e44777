"""BLEU and ROUGE-L against figures by hand, plain references and pycocoevalcap."""

import numpy as np
import pytest
from caption_references import plain_bleu, plain_common_length, some_captions
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.evaluation.captions import caption_scores
from ligature.evaluation.captions.rouge import common_length, image_rouge_l, positions

SEQUENCE = st.lists(st.sampled_from("abcd"), max_size=12)
CAPTION = st.lists(st.sampled_from("abcd"), min_size=1, max_size=9).map(" ".join)
DATA_SET = st.lists(st.tuples(CAPTION, st.lists(CAPTION, min_size=1, max_size=4)), min_size=1, max_size=6)


def bleu_of(candidates, references):
    found = caption_scores(candidates, references, ["bleu"])
    assert list(found) == ["bleu1", "bleu2", "bleu3", "bleu4"]
    return list(found.values())


def rouge_of(candidates, references):
    return caption_scores(candidates, references, ["rouge-l"])["rouge_l"]


def as_coco(candidates, references):
    return dict(enumerate(references)), {row: [one] for row, one in enumerate(candidates)}


def coco_bleu(candidates, references):
    bleu = pytest.importorskip("pycocoevalcap.bleu.bleu", reason="needs pycocoevalcap")
    return bleu.Bleu(4).compute_score(*as_coco(candidates, references), verbose=0)[0]


def coco_rouge(candidates, references):
    rouge = pytest.importorskip("pycocoevalcap.rouge.rouge", reason="needs pycocoevalcap")
    return rouge.Rouge().compute_score(*as_coco(candidates, references))[0]


def test_counts_are_clipped_as_in_the_paper_of_bleu():
    found = bleu_of(["the " * 7], [["the cat is on the mat", "there is a cat on the mat"]])
    assert found[0] == pytest.approx(2 / 7)
    assert found[1:] == pytest.approx([0, 0, 0], abs=1e-4)  # the COCO script's small constants stand for nought


def test_a_short_candidate_pays_for_its_length():
    assert bleu_of(["a b"], [["a b c d"]])[:2] == pytest.approx([np.exp(1 - 4 / 2)] * 2, rel=1e-6)
    assert bleu_of(["a b c d"], [["a b"]])[0] == pytest.approx(2 / 4)


def test_the_closest_reference_counts_and_the_shorter_of_two():
    assert bleu_of(["a b c d e"], [["a b c d", "a b c d e f"]])[0] == pytest.approx(1)
    assert bleu_of(["a b c d e"], [["a b c d e f", "a"]])[0] == pytest.approx(np.exp(1 - 6 / 5))


def test_the_references_themselves_have_a_bleu_of_one():
    _, references = some_captions(0)
    assert bleu_of([own[-1] for own in references], references) == pytest.approx([1] * 4, rel=1e-9)


def test_bleu_is_that_of_the_plain_formula():
    candidates, references = some_captions(1)
    words, own = [text.split() for text in candidates], [[text.split() for text in each] for each in references]
    assert bleu_of(candidates, references) == pytest.approx(plain_bleu(words, own), rel=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_both_are_those_of_pycocoevalcap(seed):
    candidates, references = some_captions(seed, images=200, vocabulary=300)
    np.testing.assert_allclose(bleu_of(candidates, references), coco_bleu(candidates, references), rtol=0, atol=1e-12)
    assert rouge_of(candidates, references) == pytest.approx(coco_rouge(candidates, references), abs=1e-12)


@given(DATA_SET)
@settings(max_examples=25, deadline=None)
def test_both_are_those_of_pycocoevalcap_for_any_captions(rows):
    candidates, references = zip(*rows, strict=True)
    np.testing.assert_allclose(bleu_of(candidates, references), coco_bleu(candidates, references), rtol=0, atol=1e-12)
    assert rouge_of(candidates, references) == pytest.approx(coco_rouge(candidates, references), abs=1e-12)


def test_candidates_without_words_have_a_bleu_as_pycocoevalcap_has_it():
    for candidates in (["", ""], ["", "a b"]):
        references = [["a b c d"], ["a b c"]]
        np.testing.assert_allclose(
            bleu_of(candidates, references), coco_bleu(candidates, references), rtol=0, atol=1e-12
        )
    assert max(bleu_of(["", ""], [["a"], ["b"]])) == 0


def test_rouge_has_the_value_by_hand():
    assert rouge_of(["a b c"], [["a c"]]) == pytest.approx(2.44 * (2 / 3) / (1 + 1.44 * 2 / 3), abs=1e-12)
    assert rouge_of(["a b"], [["a b"]]) == pytest.approx(1)
    assert rouge_of(["a b"], [["c d"]]) == 0


def test_precision_and_recall_are_the_highest_of_different_references():
    """Of "a b c d" the first reference gives precision 3/4 and recall 3/6, the second 1/4 and 1."""
    found = image_rouge_l(list("abcd"), [list("abcxyz"), ["d"]])
    assert found == pytest.approx(2.44 * 0.75 / (1 + 1.44 * 0.75), abs=1e-12)


def test_without_words_rouge_is_nought():
    assert rouge_of(["", "..."], [["a b"], ["c"]]) == 0
    assert rouge_of([""], [[""]]) == 0
    assert rouge_of(["a"], [["", "."]]) == 0
    assert rouge_of(["a"], [["", "a"]]) == pytest.approx(1)


@given(SEQUENCE, SEQUENCE)
@settings(max_examples=25, deadline=None)
def test_the_bits_give_the_longest_common_subsequence(one, other):
    assert common_length(positions(one), len(one), other) == plain_common_length(one, other)


def test_sequences_longer_than_a_machine_word_have_it_too():
    generator = np.random.default_rng(0)
    one, other = generator.integers(0, 9, 150).tolist(), generator.integers(0, 9, 130).tolist()
    assert common_length(positions(one), len(one), other) == plain_common_length(one, other)


def test_a_caption_of_ten_thousand_words_is_scored_by_both():
    long = " ".join(f"w{place % 700}" for place in range(10_000))
    found = caption_scores([long], [[long, "w1"]], ["bleu", "rouge-l"])
    assert found["rouge_l"] == pytest.approx(1)
    assert found["bleu4"] == pytest.approx(1)
