"""Which encoders take part in pair discovery."""

import pytest
from study_values import changed

from ligature.errors import ParamsError
from ligature.params import parse_study


def test_all_encoders_are_compared_where_the_study_says_nothing():
    assert parse_study(changed(), "study").compared == (["pixels", "vit"], ["words", "bert"])


def test_named_encoders_alone_are_compared_in_the_order_given():
    study = parse_study(changed(pairs__vision=["vit"], pairs__text=["bert", "words"]), "study")
    assert study.compared == (["vit"], ["bert", "words"])
    assert parse_study(changed(pairs__vision=["vit"]), "study").compared == (["vit"], ["words", "bert"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pairs__vision": ["dino"]}, "pairs.vision: unknown encoder 'dino'; known: pixels, vit"),
        ({"pairs__text": ["pixels"]}, "pairs.text: unknown encoder 'pixels'; known: words, bert"),
        ({"pairs__text": []}, "pairs.text: got []"),
        (
            {"pairs__vision": ["pixels"], "pairs__choose": {"vision": "vit", "text": "words"}},
            "pairs.choose.vision: 'vit' is not among pairs.vision",
        ),
    ],
)
def test_a_choice_that_cannot_be_is_one_line(changes, message):
    with pytest.raises(ParamsError) as refusal:
        parse_study(changed(**changes), "study")
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
