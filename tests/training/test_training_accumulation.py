"""Gradients in micro-batches against the same gradients in one pass, with and without dropout."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_pairs import CONFIG, TEXT_DIM, VISION_DIM, planted_pairs

from ligature.projection import ImageFeatures, PairedFeatures, Projector, RaggedTokens, TrainSettings, train
from ligature.training.accumulation import accumulate_gradients
from ligature.training.losses import LossSettings, contrastive_loss
from ligature.training.runtime import Runtime

WITHOUT_DROPOUT = dataclasses.replace(CONFIG, dropout=0.0)
SETTINGS = TrainSettings(epochs=3, batch_size=24, warmup_steps=3, learning_rate=3e-3, seed=1)
WITH_COMPILER = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")


def parts_of(sizes: list[int], seed: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [tuple(torch.randn(n, width, generator=generator) for width in (VISION_DIM, TEXT_DIM)) for n in sizes]


def encoder(projector: Projector, parts: list, seed: int = 5):
    def encode(part: int) -> tuple[torch.Tensor, torch.Tensor]:
        torch.manual_seed(seed + part)
        images, texts = parts[part]
        return projector.encode_image(images, images), projector.encode_text(texts)

    return encode


def loss_of(projector: Projector, loss: LossSettings):
    return lambda images, texts: contrastive_loss(images, texts, projector.logit_scale, projector.logit_bias, loss)


def gradients_of(projector: Projector) -> dict[str, torch.Tensor]:
    found = {name: parameter.grad for name, parameter in projector.named_parameters()}
    projector.zero_grad(set_to_none=True)
    return found


def assert_equal(ours: dict[str, torch.Tensor], plain: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == plain.keys()
    for name, expected in plain.items():
        if expected is None:
            assert ours[name] is None
        else:
            torch.testing.assert_close(ours[name], expected, rtol=1e-4, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4).filter(lambda sizes: sum(sizes) > 1),
    kind=st.sampled_from(["infonce", "siglip"]),
    dropout=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 99),
)
def test_parts_give_the_gradient_of_one_pass_with_the_same_dropout_masks(sizes, kind, dropout, seed):
    torch.manual_seed(seed)
    projector = Projector(dataclasses.replace(CONFIG, dropout=dropout, logit_bias=-2.0)).train()
    encode, loss = encoder(projector, parts_of(sizes, seed)), loss_of(projector, LossSettings(kind))
    features = [torch.cat(side) for side in zip(*(encode(part) for part in range(len(sizes))), strict=True)]
    whole = loss(*features)
    whole.backward()
    plain = gradients_of(projector)
    value = accumulate_gradients(encode, len(sizes), loss)
    torch.testing.assert_close(value, whole.detach())
    assert_equal(gradients_of(projector), plain)


def test_only_one_part_is_in_a_graph_at_a_time():
    projector = Projector(WITHOUT_DROPOUT).train()
    with_graph, plain = [], encoder(projector, parts_of([4, 4, 4]))

    def encode(part: int) -> tuple[torch.Tensor, torch.Tensor]:
        images, texts = plain(part)
        with_graph.append(images.requires_grad)
        return images, texts

    accumulate_gradients(encode, 3, loss_of(projector, LossSettings()))
    assert with_graph == [False] * 3 + [True] * 3
    with_graph.clear()
    accumulate_gradients(lambda _: encode(0), 1, loss_of(projector, LossSettings()))
    assert with_graph == [True]


def test_a_scaled_loss_scales_gradients_and_not_what_is_returned():
    projector = Projector(WITHOUT_DROPOUT).train()
    encode, loss = encoder(projector, parts_of([3, 4])), loss_of(projector, LossSettings())
    plain_value = accumulate_gradients(encode, 2, loss)
    plain = gradients_of(projector)
    value = accumulate_gradients(encode, 2, loss, lambda loss: 8 * loss)
    assert value == plain_value
    assert_equal({name: grad / 8 for name, grad in gradients_of(projector).items()}, plain)


def test_a_side_without_parameters_is_left_out():
    config = dataclasses.replace(WITHOUT_DROPOUT, vision_local="none", vision_cls="identity", embed_dim=VISION_DIM)
    projector = Projector(config).train()
    encode, loss = encoder(projector, parts_of([3, 4])), loss_of(projector, LossSettings())
    accumulate_gradients(encode, 2, loss)
    ours = gradients_of(projector)
    loss(*(torch.cat(side) for side in zip(encode(0), encode(1), strict=True))).backward()
    assert_equal(ours, gradients_of(projector))


def ragged_pairs(images: int = 60) -> PairedFeatures:
    generator = np.random.default_rng(0)
    offsets = np.cumsum([0, *generator.integers(1, 6, size=images)])
    tokens = [generator.normal(size=(offsets[-1], width)).astype(np.float16) for width in (VISION_DIM, TEXT_DIM)]
    cls = generator.normal(size=(images, VISION_DIM)).astype(np.float32)
    texts = RaggedTokens(tokens[1], offsets)
    return PairedFeatures(ImageFeatures(cls, RaggedTokens(tokens[0], offsets)), texts, np.arange(images))


@pytest.mark.parametrize("loss", [LossSettings(), LossSettings("siglip"), LossSettings(negatives="local", group=8)])
@pytest.mark.parametrize("micro_batch", [5, 12, 24, 1000])
def test_micro_batches_train_the_same_projector(loss, micro_batch):
    config = dataclasses.replace(WITHOUT_DROPOUT, logit_bias=-10.0 if loss.kind == "siglip" else None)
    chosen, data = dataclasses.replace(SETTINGS, loss=loss), ragged_pairs()
    whole = train(config, data, chosen)
    parts = train(config, data, chosen, runtime=Runtime(micro_batch=micro_batch))
    for name, expected in whole.projector.state_dict().items():
        torch.testing.assert_close(parts.projector.state_dict()[name], expected, rtol=2e-4, atol=2e-6)
    assert parts.history["train_loss"].tolist() == pytest.approx(whole.history["train_loss"].tolist(), rel=1e-5)
    assert parts.facts["flops"] == whole.facts["flops"]


def test_micro_batches_with_dropout_learn_as_well():
    chosen = dataclasses.replace(SETTINGS, epochs=20)
    whole, parts = (
        train(CONFIG, planted_pairs(48), chosen, runtime=Runtime(micro_batch=size)).facts["train_loss"]
        for size in (None, 13)
    )
    assert parts == pytest.approx(whole, rel=0.2)


@pytest.mark.slow
@WITH_COMPILER
def test_a_compiled_training_is_the_plain_one_dropout_included():
    chosen = dataclasses.replace(SETTINGS, epochs=1, warmup_steps=1)
    plain, compiled = (
        train(CONFIG, planted_pairs(72), chosen, runtime=Runtime(compiled=choice, micro_batch=12))
        for choice in (False, True)
    )
    assert compiled.history["train_loss"].tolist() == pytest.approx(plain.history["train_loss"].tolist(), rel=1e-4)
    for name, expected in plain.projector.state_dict().items():
        torch.testing.assert_close(compiled.projector.state_dict()[name], expected, rtol=1e-3, atol=1e-5)
