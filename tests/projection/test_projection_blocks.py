"""Blocks against their formulas written with plain functions."""

import pytest
import torch
from torch.nn import functional

from ligature.errors import ParamsError
from ligature.projection import IdentityBlock, LinearBlock, MLPBlock, TokenBlock, make_block
from ligature.projection.blocks import GatedBlock


def affine(state: dict, name: str, features: torch.Tensor) -> torch.Tensor:
    return features @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def standardised(features: torch.Tensor, state: dict, name: str) -> torch.Tensor:
    centred = features - features.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def randomised(block: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_()
    return block.eval()


@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 6)])
def test_token_block_is_linear_plus_mlp_of_the_norm(shape):
    torch.manual_seed(0)
    block, features = randomised(TokenBlock(6, 5)), torch.randn(shape)
    state = block.state_dict()
    hidden = standardised(features, state, "norm")
    branch = affine(state, "mlp.2", functional.gelu(affine(state, "mlp.0", hidden)))
    torch.testing.assert_close(block(features), affine(state, "linear", hidden) + branch, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 6)])
def test_mlp_block_is_a_normed_residual(shape):
    torch.manual_seed(0)
    block, features = randomised(MLPBlock(6, 5)), torch.randn(shape)
    state = block.state_dict()
    projected = affine(state, "projection", features)
    residual = affine(state, "residual.1", functional.gelu(projected))
    torch.testing.assert_close(block(features), standardised(projected + residual, state, "norm"), rtol=1e-4, atol=1e-5)


def gated_by_the_formula(block: GatedBlock, features: torch.Tensor) -> torch.Tensor:
    state = dict(block.named_parameters())
    hidden = standardised(features, state, "norm")
    open_gate = affine(state, "gate", hidden).clamp(0, 6)
    return affine(state, "output", open_gate * affine(state, "value", hidden))


@pytest.mark.parametrize("shape", [(40, 6), (20, 3, 6)])
def test_gated_block_is_a_linear_unit_with_a_gate_from_zero_to_six(shape):
    torch.manual_seed(0)
    block, features = randomised(GatedBlock(6, 5)).double(), torch.randn(shape, dtype=torch.float64)
    opening = block.gate(block.norm(features))
    assert (opening < 0).any()
    assert (opening > 6).any()
    inputs = [features.requires_grad_(), *block.parameters()]
    ours, reference = block(features), gated_by_the_formula(block, features)
    torch.testing.assert_close(ours, reference)
    for gradients in zip(*(torch.autograd.grad(o.pow(2).sum(), inputs) for o in (ours, reference)), strict=True):
        torch.testing.assert_close(*gradients)


def test_gated_block_has_the_size_of_a_token_block():
    sizes = [sum(p.numel() for p in block.parameters()) for block in (GatedBlock(1024, 1024), TokenBlock(1024, 1024))]
    assert sizes[0] == sizes[1]


def test_dropout_acts_where_the_formulas_put_it():
    torch.manual_seed(0)
    features = torch.randn(3, 6)
    token, mlp = TokenBlock(6, 5, dropout=0.5).train(), MLPBlock(6, 5, dropout=0.5).train()
    gated = GatedBlock(6, 5, dropout=0.5).train()
    for block in (token, gated):
        block.dropout.register_forward_hook(lambda _, __, output: torch.zeros_like(output))
    mlp.residual[2].register_forward_hook(lambda _, __, output: torch.zeros_like(output))
    of_zeros = token.linear.bias + affine(token.state_dict(), "mlp.2", functional.gelu(token.mlp[0].bias))
    torch.testing.assert_close(token(features), of_zeros.expand(3, 5))
    torch.testing.assert_close(mlp(features), mlp.norm(mlp.projection(features)))
    of_biases = gated.output(gated.gate.bias.clamp(0, 6) * gated.value.bias)
    torch.testing.assert_close(gated(features), of_biases.expand(3, 5))
    assert token.dropout.p == mlp.residual[2].p == gated.dropout.p == 0.5
    assert TokenBlock(2, 2).dropout.p == MLPBlock(2, 2).residual[2].p == GatedBlock(2, 2).dropout.p == 0.1


def test_factory_builds_each_kind():
    features = torch.randn(3, 6)
    linear = make_block("linear", 6, 5)
    torch.testing.assert_close(linear(features), features @ linear.weight.T + linear.bias)
    assert make_block("identity", 6, 6)(features) is features
    kinds = {"token": TokenBlock, "mlp": MLPBlock, "linear": LinearBlock, "gated": GatedBlock}
    kinds |= {"identity": IdentityBlock}
    assert all(type(make_block(kind, 6, 6, 0.3)) is block for kind, block in kinds.items())
    assert make_block("token", 6, 6, 0.3).dropout.p == 0.3


def test_default_initialisation_is_that_of_pytorch():
    torch.manual_seed(3)
    block = LinearBlock(6, 5)
    torch.manual_seed(3)
    assert torch.equal(block.weight, torch.nn.Linear(6, 5).weight)


@pytest.mark.parametrize(
    ("kind", "words"), [("conv", "token, mlp, linear, gated or identity"), ("identity", "6 to width 5")]
)
def test_factory_refuses(kind, words):
    with pytest.raises(ParamsError, match=words):
        make_block(kind, 6, 5)
