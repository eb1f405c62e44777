"""Caption scores: names, arguments that do not fit, and what is reused."""

import numpy as np
import pytest
from caption_references import some_captions

from ligature.errors import DataError
from ligature.evaluation.captions import CaptionScorer, caption_scores, per_image_cider


def test_scores_bear_their_names_in_the_order_asked():
    candidates, references = some_captions(0)
    found = caption_scores(candidates, references, ["rouge-l", "cider", "bleu"])
    assert list(found) == ["rouge_l", "cider", "bleu1", "bleu2", "bleu3", "bleu4"]
    assert all(type(value) is float for value in found.values())
    assert caption_scores(candidates, references, []) == {}
    assert caption_scores(candidates, references) == found


def test_the_same_input_gives_the_same_bits():
    candidates, references = some_captions(1)
    assert caption_scores(candidates, references) == caption_scores(candidates, references)


def test_the_mean_of_the_images_is_the_score():
    candidates, references = some_captions(2)
    each = per_image_cider(candidates, references)
    assert each.shape == (len(candidates),)
    assert each.dtype == np.float64
    assert caption_scores(candidates, references, ["cider"])["cider"] == each.mean()


def test_tuples_serve_as_well_as_lists():
    assert caption_scores(("a b", "c"), (("a b",), ("c",))) == caption_scores(["a b", "c"], [["a b"], ["c"]])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_image_without_references_is_named(place):
    references = [["a"], ["b"], ["c"]]
    references[place] = []
    with pytest.raises(DataError, match=f"^references of image {place}: none; every image needs at least one$"):
        caption_scores(["a", "b", "c"], references)
    with pytest.raises(DataError, match=f"^references of image {place}: none"):
        per_image_cider(["a", "b", "c"], references)


@pytest.mark.parametrize("candidates", [[], ["a"], ["a", "b", "c"]])
def test_there_is_one_candidate_an_image(candidates):
    with pytest.raises(DataError, match=f"^{len(candidates)} candidates for 2 images: one an image$"):
        caption_scores(candidates, [["a"], ["b"]])


@pytest.mark.parametrize(
    ("candidates", "references", "why"),
    [
        ([], [], "^references: no images"),
        ("ab", [["a"], ["b"]], "^candidates: a text instead of a list of texts$"),
        (["a"], ["a"], "^references of image 0: a text instead of a list of texts$"),
        (["a", None], [["a"], ["b"]], "^candidate of image 1: NoneType instead of a text$"),
        (["a", "b"], [["a"], ["b", 3.5]], "^references of image 1: float instead of a text$"),
    ],
)
def test_what_is_no_caption_is_one_line_that_names_it(candidates, references, why):
    with pytest.raises(DataError, match=why):
        caption_scores(candidates, references)


def test_unknown_names_are_answered_with_the_known():
    with pytest.raises(DataError, match=r"^metric 'ciderd': unknown; there are cider, bleu, rouge-l, meteor, spice$"):
        caption_scores(["a"], [["a"]], ["cider", "ciderd"])
    with pytest.raises(DataError, match=r"^tokenizer 'PTB': unknown; there are plain, ptb$"):
        CaptionScorer([["a"]], tokenizer="PTB")
