"""Pooling inside the blocks against the plain form: project every token of every item, then take the mean."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.projection import Projector, ProjectorConfig, make_block
from ligature.projection.token_mean import RealTokens, masked_mean

KINDS = ["token", "mlp", "linear", "gated", "identity"]
LENGTHS = torch.tensor([3, 7, 1, 5])
MASKS = {
    "no mask": None,
    "all real": torch.ones(4, 7, dtype=torch.bool),
    "padded at the end": torch.arange(7) < LENGTHS[:, None],
    "padded in front": torch.arange(7) >= 7 - LENGTHS[:, None],
    "with holes": torch.tensor([[1, 0, 1, 0, 0, 0, 1], [0, 0, 0, 1, 0, 0, 0], [1] * 7, [0, 1, 1, 1, 1, 0, 0]]).bool(),
}
TOLERANCE = {torch.float32: {"rtol": 1e-5, "atol": 1e-5}, torch.float64: {"rtol": 1e-10, "atol": 1e-10}}


def plain(block: torch.nn.Module, tokens: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    mask = torch.ones(tokens.shape[:2], dtype=torch.bool) if mask is None else mask
    return torch.stack([block(item[real]).mean(0) for item, real in zip(tokens, mask, strict=True)])


def gradients(block: torch.nn.Module, pool, tokens: torch.Tensor, mask: torch.Tensor | None) -> list[torch.Tensor]:
    tokens = tokens.clone().requires_grad_()
    output = pool(tokens, mask)
    weights = torch.linspace(-1, 1, output.numel()).to(output).view_as(output)
    return [output, *torch.autograd.grad((output * weights).sum(), [tokens, *block.parameters()])]


def built(kind: str, out_dim: int = 5, dtype: torch.dtype = torch.float32, dropout: float = 0.0) -> torch.nn.Module:
    torch.manual_seed(0)
    block = make_block(kind, 6, 6 if kind == "identity" else out_dim, dropout).to(dtype)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(torch.randn_like(parameter) / 10)
    return block


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_pooling_inside_a_block_is_the_mean_of_its_outputs(kind, mask, dtype):
    tokens = torch.randn(4, 7, 6, dtype=dtype, generator=torch.Generator().manual_seed(1))
    for block in (built(kind, dtype=dtype).train(), built(kind, dtype=dtype, dropout=0.4).eval()):
        fast = gradients(block, block.pooled, tokens, mask)
        slow = gradients(block, lambda *arguments, block=block: plain(block, *arguments), tokens, mask)
        for ours, reference in zip(fast, slow, strict=True):
            torch.testing.assert_close(ours, reference, **TOLERANCE[dtype])


@settings(max_examples=20, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    padding=st.integers(0, 5),
    kind=st.sampled_from(KINDS),
    out_dim=st.integers(1, 8),
)
def test_padding_changes_nothing(lengths, padding, kind, out_dim):
    block = built(kind, out_dim)
    tokens = torch.randn(len(lengths), max(lengths) + padding, 6, generator=torch.Generator().manual_seed(sum(lengths)))
    mask = torch.arange(tokens.shape[1]) < torch.tensor(lengths)[:, None]
    torch.testing.assert_close(block.pooled(tokens, mask), plain(block, tokens, mask), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("kind", KINDS)
def test_broken_numbers_in_the_padding_reach_neither_results_nor_gradients(kind, pooling):
    mask, tokens = MASKS["padded at the end"], torch.randn(4, 7, 6)
    config = ProjectorConfig(6, 6, 6, kind, "none", kind, "linear", vision_pooling=pooling, text_pooling=pooling)
    torch.manual_seed(0)
    projector, results = Projector(config).eval(), []
    for filling in (0.0, torch.nan, torch.inf):
        padded = tokens.masked_fill(~mask.unsqueeze(-1), filling)
        projector.zero_grad()
        product = projector.encode_image(local=padded, mask=mask) * projector.encode_text(padded, mask)
        product.sum().backward()
        results.append([product] + [p.grad for p in projector.parameters() if p.grad is not None])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("kind", ["token", "gated"])
def test_only_real_tokens_are_projected_and_the_last_map_sees_one_vector_an_item(kind):
    block, seen = built(kind), {}
    for name, module in block.named_modules():
        module.register_forward_hook(lambda _, inputs, __, name=name: seen.update({name: inputs[0].shape[0]}))
    block.pooled(torch.randn(4, 7, 6), MASKS["padded at the end"])
    last = {"token": ("linear", "mlp.2"), "gated": ("output",)}[kind]
    assert {seen.pop(name) for name in last} == {4}
    assert set(seen.values()) == {int(LENGTHS.sum())}


def kept_for_backward(forward, known: list[torch.Tensor]) -> int:
    sizes = {}

    def note_size(tensor: torch.Tensor) -> torch.Tensor:
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note_size, lambda tensor: tensor):
        kept = forward()
    assert kept.requires_grad
    return sum(sizes.values()) - sum(sizes.get(tensor.untyped_storage().data_ptr(), 0) for tensor in known)


@pytest.mark.parametrize(("kind", "arrays"), [("token", 2), ("gated", 3), ("linear", 0)])
def test_backward_keeps_normalised_features_and_hidden_layers_only(kind, arrays):
    torch.manual_seed(0)
    block, tokens = make_block(kind, 64, 64, dropout=0.0), torch.randn(4, 100, 64)
    kept = kept_for_backward(lambda: block.pooled(tokens), [tokens, *block.parameters()])
    one = tokens.numel() * 4
    assert arrays * one <= kept < (arrays + 0.1) * one


@pytest.mark.parametrize("kind", ["token", "mlp", "gated"])
def test_dropout_has_the_distribution_of_the_plain_form(kind):
    block = built(kind, dropout=0.3).train()
    tokens, mask = torch.randn(4, 7, 6).repeat(3000, 1, 1), MASKS["padded at the end"].repeat(3000, 1)
    plain_draws = (block(tokens) * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
    draws = block.pooled(tokens, mask)
    for moment in (1, 2):
        fast, slow = (d.detach().view(3000, 4, -1).pow(moment) for d in (draws, plain_draws))
        error = ((fast.var(0) + slow.var(0)) / 3000).sqrt()
        assert ((fast.mean(0) - slow.mean(0)).abs() < 5 * error + 1e-6).all()
    assert draws.view(3000, 4, -1).std(0).min() > 0.01


@pytest.mark.parametrize("mask", [None, torch.ones(1, 4000)])
def test_half_precision_is_summed_in_full(mask):
    tokens = torch.full((1, 4000, 1), 0.1, dtype=torch.bfloat16)
    mean = RealTokens(tokens, mask).mean(tokens if mask is None else tokens[0])
    assert mean.dtype == torch.float32
    assert mean.item() == pytest.approx(tokens[0, 0].item(), rel=1e-5)
    assert masked_mean(tokens.double(), mask).dtype == torch.float64


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_autocast_stays_close_with_gradients(kind):
    block, mask = built(kind), MASKS["padded at the end"]
    tokens = torch.randn(4, 7, 6, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        half = block.pooled(tokens, mask)
    torch.testing.assert_close(half.float(), block.pooled(tokens, mask), rtol=0.05, atol=0.05)
    half.float().sum().backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in (tokens, *block.parameters()))


def test_a_mask_of_integers_means_the_same():
    tokens, mask = torch.randn(4, 7, 6), MASKS["with holes"]
    for integers in (mask.long(), mask.float()):
        assert torch.equal(masked_mean(tokens, integers), masked_mean(tokens, mask))


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_the_maximum_is_that_of_the_real_tokens(mask):
    tokens = (torch.randn(4, 7, 6) - 5).requires_grad_()
    real = RealTokens(tokens, mask)
    keep = torch.ones(4, 7, dtype=torch.bool) if mask is None else mask
    expected = torch.stack([item[rows].max(0).values for item, rows in zip(tokens, keep, strict=True)])
    assert torch.equal(real.max(real.values), expected)
    ours, reference = (torch.autograd.grad(m.sum(), tokens)[0] for m in (real.max(real.values), expected))
    assert torch.equal(ours, reference)


def test_the_backward_of_a_mean_survives_the_check_by_differences():
    tokens = torch.randn(4, 7, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: masked_mean(values, MASKS["with holes"]), tokens)


@pytest.mark.slow
def test_compiled_projectors_give_the_same():
    torch.manual_seed(0)
    projector, tokens = Projector(ProjectorConfig(6, 6, 4, "token", "mlp", "gated")).eval(), torch.randn(4, 7, 6)
    cls, mask = torch.randn(4, 6), MASKS["padded at the end"]

    def encode() -> tuple[torch.Tensor, torch.Tensor]:
        return projector.encode_image(cls, tokens), projector.encode_text(tokens, mask)

    def gradient(outputs: tuple[torch.Tensor, torch.Tensor]) -> list[torch.Tensor]:
        used = [parameter for name, parameter in projector.named_parameters() if name != "logit_scale"]
        return torch.autograd.grad(sum(output.pow(3).sum() for output in outputs), used)

    compiled = torch.compile(encode, backend="aot_eager")()
    torch.testing.assert_close(compiled, encode())
    torch.testing.assert_close(gradient(compiled), gradient(encode()))
