"""What the loss of AlignCLIP refuses, in one line each."""

import math

import pytest
import torch
from alignment_reference import batch

from ligature.errors import DataError, ParamsError, TrainingError
from ligature.pretraining.losses import AlignmentSettings, alignment_loss

SEPARATED = AlignmentSettings(("image",))


def one_line(error):
    return "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"separate": ("audio",)}, r"separate is \('audio',\)"),
        ({"separate": ("image", "image")}, "each once"),
        ({"separate": "image"}, "separate is 'image'"),
        ({"rescaling": "margin"}, "rescaling is 'margin': it is one of 'cosine', 'exponent', 'none'"),
        ({"form": "global"}, "form is 'global'"),
        ({"alpha": 0.0}, "alpha is 0.0: it is a number above 0"),
        ({"alpha": math.nan}, "alpha is nan"),
        ({"beta": -0.5}, "beta is -0.5"),
        ({"beta": math.inf}, "beta is inf"),
        ({"tile": 0}, "tile is 0: it is at least 1"),
    ],
)
def test_settings_out_of_range_are_named(change, said):
    with pytest.raises(ParamsError, match=said) as error:
        AlignmentSettings(**change)
    assert one_line(error)


@pytest.mark.parametrize(
    ("separate", "rescaling", "wanted"),
    [((), "cosine", False), (("image",), "cosine", True), (("text",), "exponent", True), (("image",), "none", False)],
)
def test_semantic_vectors_are_needed_where_something_is_rescaled(separate, rescaling, wanted):
    settings = AlignmentSettings(separate, rescaling)
    assert settings.semantic is wanted
    inputs, _ = batch(4)
    if wanted:
        with pytest.raises(DataError, match=r"semantic vectors of the captions are missing.*rescaling") as error:
            alignment_loss(*inputs, None, settings)
        assert one_line(error)
    else:
        assert alignment_loss(*inputs, None, settings).isfinite()


@pytest.mark.parametrize("shape", [(3, 7), (5, 7), (4,), (2, 2, 7)])
def test_semantic_vectors_that_are_not_one_a_caption_are_refused(shape):
    inputs, _ = batch(4)
    with pytest.raises(DataError, match=r"semantic vectors have shape .* give one a caption, \[4, s\]") as error:
        alignment_loss(*inputs, torch.ones(shape), SEPARATED)
    assert one_line(error)


@pytest.mark.parametrize("tile", [None, 2])
@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_semantic_vectors_that_are_zero_or_not_finite_are_named_by_their_row(value, tile):
    inputs, semantics = batch(4)
    semantics[2] = value
    with pytest.raises(DataError, match="semantic vectors: row 2 of the batch is zero or not finite") as error:
        alignment_loss(*inputs, semantics, AlignmentSettings(("text",), tile=tile))
    assert one_line(error)


@pytest.mark.parametrize("settings", [SEPARATED, AlignmentSettings()], ids=["separated", "plain"])
@pytest.mark.parametrize("scale", [math.nan, math.inf, 100.0, -math.inf])
def test_a_temperature_that_is_no_number_is_named(scale, settings):
    (images, texts, _), semantics = batch(4, dtype=torch.float32)
    with pytest.raises(TrainingError, match=r"logit_scale, .*temperature, is .*lower learning_rate") as error:
        alignment_loss(images, texts, torch.tensor(scale), semantics, settings)
    assert one_line(error)


def test_features_that_are_no_pairs_are_refused():
    (images, texts, scale), semantics = batch(4)
    with pytest.raises(ValueError, match=r"\[4, 5\] and \[3, 5\]"):
        alignment_loss(images, texts[:3], scale, semantics, SEPARATED)
    with pytest.raises(ValueError, match=r"\[4, 5\] and \[4, 2\]"):
        alignment_loss(images, texts[:, :2], scale, semantics, SEPARATED)
    with pytest.raises(ValueError, match="no pairs"):
        alignment_loss(images[:0], texts[:0], scale, semantics[:0], SEPARATED)
