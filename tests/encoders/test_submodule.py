"""Taking the output of a submodule: what counts as states, which way round a map is, and what is refused."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from ligature.encoders.submodule import Tap, channels_first, first_states
from ligature.errors import EncoderError

PIXELS = torch.zeros(2, 3, 8, 8)
STATES = torch.arange(24.0).view(2, 3, 4)
MASK = torch.zeros(2, 3, dtype=torch.bool)


class Gives(nn.Module):
    """A model whose submodule `inner` gives what it is told to, as often as it is told to."""

    def __init__(self, *outputs):
        super().__init__()
        self.inner, self.idle, self.outputs = _Echo(), nn.Identity(), outputs

    def forward(self, pixels):
        for output in self.outputs:
            self.inner(output)
        return pixels


class _Echo(nn.Module):
    def forward(self, output):
        return output


def taken(*outputs, path="inner", **arguments):
    model = Gives(*outputs)
    tap = Tap(model, path, "eye")
    model(PIXELS)
    return tap.take(PIXELS, **arguments)


@pytest.mark.parametrize(
    "output",
    [
        STATES,
        {"last_hidden_state": STATES, "hidden_states": (STATES + 1,)},
        {"feature_maps": (STATES + 1, STATES)},
        (STATES, MASK),
        [(STATES + 1, MASK), (STATES, MASK)],
        ({"last_hidden_state": STATES}, None),
    ],
    ids=["tensor", "last hidden state", "last feature map", "with a mask", "levels with masks", "nested"],
)
def test_states_are_found_in_what_modules_give(output):
    assert first_states(output) is STATES
    assert taken(output) is STATES


@pytest.mark.parametrize("output", [None, (), [], {}, "text", {"logits": STATES}, (None, STATES)], ids=repr)
def test_where_there_are_no_states_none_are_found(output):
    assert first_states(output) is None


def test_the_last_of_several_calls_counts_and_is_forgotten_once_taken():
    model = Gives(STATES + 1, STATES)
    tap = Tap(model, "inner", "eye")
    model(PIXELS)
    assert tap.take(PIXELS) is STATES
    with pytest.raises(EncoderError, match="encoder 'eye': module 'inner' gives nothing"):
        tap.take(PIXELS)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"logits": STATES}, "gives dict, no tokens or map of every image"),
        (STATES[:, 0], r"gives a tensor of shape \[2, 4\], no tokens"),
        (STATES[:1], r"gives a tensor of shape \[1, 3, 4\], no tokens"),
    ],
)
def test_other_outputs_are_refused(output, said):
    with pytest.raises(EncoderError, match=f"encoder 'eye': module 'inner' {said}.*; name another module"):
        taken(output)


def test_a_module_that_is_not_called_or_not_there_is_refused():
    with pytest.raises(EncoderError, match="module 'idle' gives nothing when images are encoded"):
        taken(STATES, path="idle")
    with pytest.raises(EncoderError, match=r"encoder 'eye': its model has no module 'iner'; it has, .* inner, idle"):
        taken(STATES, path="iner")


def test_tokens_must_be_as_many_as_the_model_gives_where_its_first_is_no_patch():
    def own(tokens):
        return SimpleNamespace(last_hidden_state=torch.zeros(2, tokens, 9))

    assert taken(STATES, own=own(3)) is STATES
    with pytest.raises(EncoderError, match="'inner' gives other tokens than the model, whose first is no patch"):
        taken(STATES, own=own(4))
    with pytest.raises(EncoderError, match="gives other tokens"):
        taken(torch.zeros(2, 3, 4, 4), own=own(3))


def test_windows_of_an_image_are_not_taken_for_images():
    with pytest.raises(EncoderError, match=r"shape \[8, 2, 2, 5\], no tokens or map of every image"):
        taken(torch.zeros(8, 2, 2, 5))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 40), st.integers(1, 4), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_map_comes_out_with_channels_first_whichever_way_it_came(height, width, depth, stride, last):
    assume(not last or depth * height != width * width)
    places = torch.arange(float(2 * depth * height * width)).view(2, depth, height, width)
    given_so = places.permute(0, 2, 3, 1) if last else places
    assert torch.equal(channels_first(given_so, torch.empty(2, 3, stride * height, stride * width)), places)


def test_a_map_as_wide_as_it_has_channels_counts_as_channels_first():
    cube = torch.arange(64.0).view(1, 4, 4, 4)
    assert channels_first(cube, torch.empty(1, 3, 8, 8)) is cube


def test_rounded_sides_do_not_mislead():
    pixels = torch.empty(1, 3, 800, 1066)
    assert channels_first(torch.empty(1, 2048, 25, 34), pixels).shape == (1, 2048, 25, 34)
    assert channels_first(torch.empty(1, 25, 34, 2048), pixels).shape == (1, 2048, 25, 34)
