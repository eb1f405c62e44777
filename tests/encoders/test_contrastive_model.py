"""The two towers against their formulas; texts of any length; precision, checkpointing and compilation."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_contrastive import (
    ALIKE,
    CONTEXT,
    END,
    PAD,
    SHARED,
    TWO_TOWERS,
    model_of,
    pixels_of,
    plain_image,
    plain_norm,
    plain_text,
    tokens_of,
)

from ligature.encoders.contrastive import ContrastiveModel
from ligature.errors import DataError

CONFIGS = {
    "two towers": TWO_TOWERS,
    "shared": SHARED,
    "blocks alone": replace(ALIKE, shared=("blocks",)),
    "layer scale": replace(SHARED, layer_scale=0.1),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_both_towers_are_what_their_formulas_say(config, dtype, tolerance):
    model, pixels, tokens = model_of(config).to(dtype), pixels_of(3).to(dtype), tokens_of(2, 9, CONTEXT)
    with torch.no_grad():
        images = torch.stack([plain_image(model, image) for image in pixels])
        texts = torch.stack([plain_text(model, text) for text in tokens.tolist()])
        assert (model.encode_image(pixels) - images).abs().max() < tolerance
        assert (model.encode_text(tokens) - texts).abs().max() < tolerance


@torch.no_grad()
def test_forward_is_both_features_and_the_scale():
    model, pixels, tokens = model_of(TWO_TOWERS), pixels_of(3), tokens_of(4, 9, 5)
    images, texts, scale = model(pixels, tokens)
    assert torch.equal(images, model.encode_image(pixels))
    assert torch.equal(texts, model.encode_text(tokens))
    assert scale == model.logit_scale.exp()
    for features in (images, texts):
        assert features.shape == (3, 10)
        torch.testing.assert_close(features.norm(dim=1), torch.ones(3))


@torch.no_grad()
def test_image_tokens_are_normalised_and_the_class_token_is_first():
    model, pixels = model_of(TWO_TOWERS), pixels_of(3)
    tokens = model.image_tokens(pixels)
    assert tokens.shape == (3, 1 + 4, 16)
    feature = model.image.projection(tokens[:, 0])
    torch.testing.assert_close(feature / feature.norm(dim=1, keepdim=True), model.encode_image(pixels))
    whitened = (tokens - model.image.norm.bias) / model.image.norm.weight
    torch.testing.assert_close(whitened.mean(2), torch.zeros(3, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(whitened.square().mean(2), torch.ones(3, 5), atol=1e-3, rtol=0)


@torch.no_grad()
def test_only_images_are_normalised_before_the_blocks():
    model = model_of(SHARED)
    seen = []
    model.image.blocks.layers[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    pixels, tokens = pixels_of(2), tokens_of(5, 5)
    model(pixels, tokens)
    w = model.state_dict()
    patches = model.image.patches(pixels).flatten(2).transpose(1, 2)
    stem = torch.cat([w["image.class_token"].expand(2, 1, 16), patches], dim=1) + w["image.positions"]
    torch.testing.assert_close(seen[0], plain_norm(stem, w, "image.first_norm"))
    torch.testing.assert_close(seen[1], w["text.embedding.weight"][tokens] + w["text.positions"][:5])


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, CONTEXT), min_size=1, max_size=4), seed=st.integers(0, 99), more=st.integers(0, 9)
)
@torch.no_grad()
def test_a_text_has_the_same_features_alone_and_among_longer_ones(lengths, seed, more):
    model, total = model_of(SHARED), min(max(lengths) + more, CONTEXT)
    tokens = tokens_of(*lengths, seed=seed, total=total)
    alone = torch.cat([model.encode_text(row[None, :length]) for row, length in zip(tokens, lengths, strict=True)])
    torch.testing.assert_close(model.encode_text(tokens), alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_what_stands_after_the_end_token_changes_nothing():
    model, tokens = model_of(SHARED), tokens_of(5, 5, 5, total=CONTEXT)
    features = model.encode_text(tokens)
    tokens[0, 5:] = torch.tensor([3, 29, 7, 1, 2, 4, 9])
    tokens[1, 5:] = tokens[0, 5:].flip(0)
    tokens[2, 5:] = END
    torch.testing.assert_close(model.encode_text(tokens), features, atol=1e-6, rtol=0)
    tokens[:, 2] = 11
    assert ((model.encode_text(tokens) - features).abs().amax(dim=1) > 1e-3).all()


@torch.no_grad()
def test_a_text_is_read_at_its_first_end_token_and_not_at_its_largest():
    model = model_of(SHARED)
    with_larger = torch.tensor([[1, 29, END, PAD], [1, 29, END, END], [1, 29, END, 28]])
    features = model.encode_text(with_larger)
    torch.testing.assert_close(features, features[:1].expand(3, -1), atol=1e-6, rtol=0)
    torch.testing.assert_close(features[0], model.encode_text(with_larger[:1, :3])[0], atol=1e-6, rtol=0)


@torch.no_grad()
def test_padding_by_the_end_token_itself_is_padding():
    tokens = tokens_of(4, 7)
    features = model_of(SHARED).encode_text(tokens)
    padded = tokens.masked_fill(torch.arange(7) >= torch.tensor([[4], [7]]), END)
    model = model_of(replace(SHARED, pad_token=END))
    torch.testing.assert_close(model.encode_text(padded), features, atol=1e-6, rtol=0)


def test_a_text_that_is_too_long_is_refused():
    model = model_of(SHARED)
    with pytest.raises(DataError, match=r"^texts of 13 tokens: this model takes up to 12; cut them before their end$"):
        model.encode_text(tokens_of(4, total=CONTEXT + 1))


def test_a_text_without_an_end_is_refused():
    model, tokens = model_of(SHARED), tokens_of(4, 7)
    tokens[1, 6] = 3
    with pytest.raises(DataError, match=r"^a text has no end token 20: use the tokenizer of this model$"):
        model.encode_text(tokens)


@pytest.mark.parametrize("shape", [(2, 3, 16, 24), (2, 3, 32, 32), (2, 1, 16, 16), (3, 16, 16)])
def test_images_of_another_size_are_refused(shape):
    model = model_of(SHARED)
    for encode in (model.encode_image, model.image_tokens):
        with pytest.raises(DataError, match=r"this model takes \[3, 16, 16\]$"):
            encode(torch.zeros(shape))


def test_features_stay_unit_vectors_of_float32_in_half_precision():
    model, pixels, tokens = model_of(SHARED), pixels_of(4), tokens_of(4, 7, 12, 2)
    exact = model(pixels, tokens)
    with torch.autocast("cpu", torch.bfloat16):
        half = model(pixels, tokens)
    for one, other in zip(half[:2], exact[:2], strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one.norm(dim=1), torch.ones(4))
        assert (one * other).sum(dim=1).min() > 0.999
        assert not torch.equal(one, other)
    assert model.to(torch.bfloat16).encode_text(tokens).dtype == torch.float32
    assert model.double().encode_text(tokens).dtype == torch.float64


def gradients(model: ContrastiveModel) -> dict[str, torch.Tensor]:
    """Returns the gradients of the contrastive loss of a few pairs."""
    model.zero_grad()
    images, texts, scale = model(pixels_of(4), tokens_of(4, 7, 12, 2))
    torch.nn.functional.cross_entropy(scale * images @ texts.T, torch.arange(4)).backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("config", [TWO_TOWERS, SHARED], ids=["two towers", "shared"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_checkpointing_gives_the_same_gradients(config, precision):
    model, runs = model_of(config).train(), []
    model.image.blocks.layers[0].register_forward_pre_hook(lambda *_: runs.append(1))
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        plain, once = gradients(model), len(runs)
        model.gradient_checkpointing = True
        checkpointed = gradients(model)
    assert model.gradient_checkpointing
    assert model.text.blocks.checkpointing
    assert len(runs) == 3 * once
    for name, gradient in plain.items():
        torch.testing.assert_close(checkpointed[name], gradient, msg=name)
    model.gradient_checkpointing = False
    assert not model.text.blocks.checkpointing


@pytest.mark.parametrize("config", [TWO_TOWERS, SHARED], ids=["two towers", "shared"])
def test_every_parameter_gets_a_gradient(config):
    dead = [name for name, gradient in gradients(model_of(config)).items() if not gradient.any()]
    assert dead == []


def test_checkpointing_keeps_less_for_the_backward_pass():
    def kept_bytes(model: ContrastiveModel) -> int:
        sizes = {}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: sizes.setdefault(tensor.data_ptr(), tensor.untyped_storage().nbytes()), lambda size: size
        ):
            model.encode_image(pixels_of(16))
        return sum(sizes.values())

    model = model_of(replace(TWO_TOWERS, layers=6))
    plain, model.gradient_checkpointing = kept_bytes(model), True
    assert kept_bytes(model) < plain / 3


@pytest.mark.slow
@torch.no_grad()
def test_a_compiled_model_gives_the_same_values():
    model, pixels = model_of(replace(SHARED, layers=1, text_layers=1)), pixels_of(3)
    encode_image = torch.compile(model.encode_image, fullgraph=True)
    encode_text = torch.compile(model.encode_text, fullgraph=True)
    torch.testing.assert_close(encode_image(pixels), model.encode_image(pixels), atol=1e-5, rtol=0)
    for lengths in ((4, 7, 2), (12, 3, 5)):
        tokens = tokens_of(*lengths)
        torch.testing.assert_close(encode_text(tokens), model.encode_text(tokens), atol=1e-5, rtol=0)
