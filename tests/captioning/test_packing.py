"""Batches of samples against loops over them, and visual tokens that do not fit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.captioning.chat import IGNORED, IMAGE, Rendered
from ligature.captioning.packing import Packed, embed_visual, pack
from ligature.errors import DataError

PAD, T, WIDTH = 7, 2, 4


def sample(text: int, views: list[int], answer: int) -> Rendered:
    """``views`` pictures, then ``text`` tokens, of which the last ``answer`` are labelled."""
    tokens = [IMAGE] * (T * sum(views)) + list(range(10, 10 + text))
    labels = [IGNORED] * (len(tokens) - answer) + tokens[len(tokens) - answer :]
    return Rendered(tokens, labels, views, cut=False)


samples = st.builds(sample, st.integers(3, 9), st.lists(st.integers(1, 3), min_size=1, max_size=2), st.integers(1, 3))


def embedded_plain(table: torch.Tensor, rows: list[Rendered], visual: torch.Tensor, length: int) -> torch.Tensor:
    """Fills every position by hand: padding, then tokens of the table and visual tokens in order."""
    flat, used = visual.reshape(-1, WIDTH), 0
    batch = torch.zeros(len(rows), length, WIDTH)
    for number, row in enumerate(rows):
        for place in range(length):
            position = place - (length - len(row.tokens))
            token = PAD if position < 0 else row.tokens[position]
            if token == IMAGE:
                batch[number, place] = flat[used]
                used += 1
            else:
                batch[number, place] = table[token]
    return batch


@given(st.lists(samples, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_embedding_a_batch_is_filling_every_position_by_hand(rows):
    table = torch.randn(20, WIDTH)
    visual = torch.randn(sum(sum(row.views) for row in rows), T, WIDTH)
    packed = pack(rows, PAD)
    found = embed_visual(table[packed.tokens.clamp(min=0)], packed.tokens, visual, packed.views)
    assert torch.equal(found, embedded_plain(table, rows, visual, packed.tokens.shape[1]))


@given(st.lists(samples, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_samples_stand_at_the_right_and_what_is_kept_holds_all_labels(rows):
    packed = pack(rows, PAD)
    length = packed.tokens.shape[1]
    assert length == max(len(row.tokens) for row in rows)
    for number, row in enumerate(rows):
        start = length - len(row.tokens)
        assert packed.tokens[number].tolist() == [PAD] * start + row.tokens
        assert packed.labels[number].tolist() == [IGNORED] * start + row.labels
        assert packed.attention[number].tolist() == [0] * start + [1] * len(row.tokens)
    assert packed.views.tolist() == [sum(row.views) for row in rows]
    assert packed.keep == max(sum(label != IGNORED for label in row.labels) for row in rows) + 1
    kept = packed.labels[:, 1 - packed.keep :]
    assert (kept != IGNORED).sum() == sum(label != IGNORED for row in rows for label in row.labels)


def test_one_position_is_kept_where_nothing_is_labelled():
    assert pack([sample(3, [1], 0), sample(5, [1], 0)], PAD).keep == 1


def test_a_batch_moves_as_a_whole():
    packed = pack([sample(3, [1], 2)], PAD)
    moved = packed.to("meta")
    assert isinstance(moved, Packed)
    assert {moved.tokens.device.type, moved.labels.device.type, moved.views.device.type} == {"meta"}
    assert moved.keep == packed.keep


def test_gradients_reach_visual_tokens_and_the_tokens_of_texts_alone():
    packed = pack([sample(3, [1], 1), sample(5, [2], 1)], PAD)
    visual = torch.randn(3, T, WIDTH, requires_grad=True)
    tokens = torch.randn(*packed.tokens.shape, WIDTH, requires_grad=True)
    embed_visual(tokens, packed.tokens, visual, packed.views).sum().backward()
    assert torch.equal(visual.grad, torch.ones_like(visual))
    assert torch.equal(tokens.grad[..., 0], (packed.tokens != IMAGE).float())


def test_the_type_is_that_of_the_table():
    packed = pack([sample(3, [1], 1)], PAD)
    tokens = torch.zeros(*packed.tokens.shape, WIDTH, dtype=torch.bfloat16)
    assert embed_visual(tokens, packed.tokens, torch.randn(1, T, WIDTH), packed.views).dtype == torch.bfloat16


@pytest.mark.parametrize(("views", "placeholders"), [([1, 2, 1], 2), ([1, 1, 2], 2)])
def test_a_sample_whose_placeholders_are_not_its_visual_tokens_is_named(views, placeholders):
    packed = pack([sample(3, [1], 1)] * 3, PAD)
    wrong, count = next((row, n) for row, n in enumerate(views) if n != 1)
    message = f"^sample {wrong} has {placeholders} placeholders, but {count * T} visual tokens;"
    with pytest.raises(DataError, match=message) as error:
        embed_visual(
            torch.zeros(*packed.tokens.shape, WIDTH), packed.tokens, torch.zeros(4, T, WIDTH), torch.tensor(views)
        )
    assert "\n" not in str(error.value)


def test_views_that_are_not_there_are_counted():
    packed = pack([sample(3, [1], 1)] * 2, PAD)
    tokens = torch.zeros(*packed.tokens.shape, WIDTH)
    for there in (1, 3):
        with pytest.raises(DataError, match=f"have 2 views, but there are visual tokens of {there}$"):
            embed_visual(tokens, packed.tokens, torch.zeros(there, T, WIDTH), packed.views)
