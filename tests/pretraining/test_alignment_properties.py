"""What holds for the loss of AlignCLIP of every batch."""

import torch
from alignment_reference import batch, plain_alignment, with_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.pretraining.losses import AlignmentSettings, alignment_loss

few = settings(max_examples=25, deadline=None)
losses = st.builds(
    AlignmentSettings,
    separate=st.sampled_from([("image",), ("text",), ("text", "image")]),
    rescaling=st.sampled_from(["cosine", "exponent", "none"]),
    halved=st.booleans(),
    alpha=st.floats(0.1, 3),
    beta=st.floats(0.1, 3),
    tile=st.none() | st.integers(1, 30),
    form=st.sampled_from(["local", "gathered"]),
)
batches = st.builds(
    batch,
    pairs=st.integers(1, 20),
    width=st.integers(1, 9),
    seed=st.integers(0, 2**31),
    log_scale=st.floats(0, 4.6),
)


@few
@given(given_batch=batches, loss=losses)
def test_every_form_is_the_formula(given_batch, loss):
    inputs, semantics = given_batch
    found = with_gradients(alignment_loss, inputs, semantics, loss)
    wanted = with_gradients(plain_alignment, inputs, semantics, loss)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-9)


@few
@given(given_batch=batches, loss=losses, seed=st.integers(0, 2**31))
def test_the_order_of_the_pairs_does_not_matter(given_batch, loss, seed):
    (images, texts, scale), semantics = given_batch
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    found = alignment_loss(images[order], texts[order], scale, semantics[order], loss)
    torch.testing.assert_close(found, alignment_loss(images, texts, scale, semantics, loss))


@few
@given(given_batch=batches, loss=losses)
def test_images_and_texts_may_change_places_with_their_names(given_batch, loss):
    (images, texts, scale), semantics = given_batch
    other = {"image": "text", "text": "image"}
    fields = vars(loss) | {"separate": tuple(other[name] for name in loss.separate)}
    found = alignment_loss(texts, images, scale, semantics, AlignmentSettings(**fields))
    torch.testing.assert_close(found, alignment_loss(images, texts, scale, semantics, loss))


@few
@given(given_batch=batches, loss=losses)
def test_the_loss_is_never_below_zero(given_batch, loss):
    inputs, semantics = given_batch
    assert alignment_loss(*inputs, semantics, loss).item() >= 0
