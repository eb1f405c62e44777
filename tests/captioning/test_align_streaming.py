import pytest
import torch
from connector_references import folded_mixture, reference_mixture, reference_norm, reference_softmax
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from ligature.captioning.connectors import align_mixture, align_mixture_plain
from ligature.captioning.connectors.streaming import mixture_entropy, mixture_top


def mixture_inputs(tokens=7, vocabulary=23, width=5, seed=0, dtype=torch.float64, norm=True):
    """Returns queries, keys, values, and gain and bias of the norm or None, all with gradients."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(tokens, width), (vocabulary, width), (vocabulary, width + 1), (vocabulary,), (vocabulary,)]
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    drawn[3] += 1
    drawn = [each.to(dtype).requires_grad_() for each in drawn]
    return drawn if norm else [*drawn[:3], None, None]


def value_and_gradients(mix, inputs):
    mixed = mix(*inputs)
    direction = torch.linspace(-1, 1, mixed.numel(), dtype=mixed.dtype).view_as(mixed)
    return [mixed, *torch.autograd.grad(mixed, [each for each in inputs if each is not None], direction)]


def largest_difference(found, wanted):
    return max((one - other).abs().max().item() for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("chunk", [3, 1000])
def test_gradients_of_all_arguments_pass_gradcheck(norm, chunk):
    inputs = [each for each in mixture_inputs(norm=norm) if each is not None]
    assert torch.autograd.gradcheck(lambda *each: align_mixture(*each, chunk=chunk), inputs)


@settings(max_examples=25, deadline=None)
@given(
    tokens=st.integers(1, 40),
    vocabulary=st.integers(2, 60),
    width=st.integers(1, 9),
    chunk=st.integers(1, 50),
    norm=st.booleans(),
    seed=st.integers(0, 99),
)
def test_streamed_plain_and_formula_agree_for_any_shape_and_chunk(tokens, vocabulary, width, chunk, norm, seed):
    inputs = mixture_inputs(tokens, vocabulary, width, seed, norm=norm)
    found = value_and_gradients(lambda *each: align_mixture(*each, chunk=chunk), inputs)
    assert largest_difference(found, value_and_gradients(align_mixture_plain, inputs)) < 1e-10
    assert largest_difference(found, value_and_gradients(reference_mixture, inputs)) < 1e-10


def test_float32_agrees_with_float64_to_its_precision():
    inputs = mixture_inputs(200, 900, 16, dtype=torch.float32)
    wide = [each.detach().double().requires_grad_() for each in inputs]
    found, wanted = value_and_gradients(align_mixture, inputs), value_and_gradients(reference_mixture, wide)
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == torch.float32
        assert (one - other).abs().max() < 1e-5 * other.abs().max()


def test_the_norm_over_the_vocabulary_is_attention_with_folded_queries_and_keys():
    inputs = [each.detach() for each in mixture_inputs(11, 60, 6)]
    torch.testing.assert_close(align_mixture(*inputs, chunk=4), folded_mixture(*inputs), atol=1e-10, rtol=0)


def test_large_logits_with_a_large_common_part_lose_nothing():
    queries, keys, values, weight, bias = (each.detach() for each in mixture_inputs(9, 40, 6))
    keys = keys + 1000
    found = align_mixture(queries, keys, values, weight, bias, chunk=2)
    torch.testing.assert_close(found, reference_mixture(queries, keys, values, weight, bias), atol=1e-8, rtol=0)
    assert align_mixture(1000 * queries, keys, values).isfinite().all()


def test_only_what_has_gradients_gets_them():
    queries, keys, values, weight, bias = mixture_inputs()
    wanted = torch.autograd.grad(align_mixture(queries, keys, values, weight, bias).sum(), queries)[0]
    frozen = [each.detach() for each in (keys, values, weight, bias)]
    found = torch.autograd.grad(align_mixture(queries, *frozen).sum(), queries)[0]
    torch.testing.assert_close(found, wanted)
    of_table = torch.autograd.grad(align_mixture(queries.detach(), frozen[0], values, *frozen[2:]).sum(), values)[0]
    weights = reference_softmax(reference_norm(queries @ keys.T, weight, bias)).detach()
    torch.testing.assert_close(of_table, weights.T @ torch.ones(len(queries), values.shape[1], dtype=torch.float64))


class LargestTensor(TorchDispatchMode):
    """Notes the number of elements of the largest tensor that any operation gives, views included."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = func(*args, **(kwargs or {}))
        for each in given if isinstance(given, tuple | list) else [given]:
            if isinstance(each, torch.Tensor):
                self.numbers = max(self.numbers, each.numel())
        return given


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_tensor_of_tokens_times_vocabulary_ever_exists(norm, dtype):
    tokens, vocabulary, chunk = 300, 400, 16
    inputs = mixture_inputs(tokens, vocabulary, 4, dtype=dtype, norm=norm)
    with LargestTensor() as streamed:
        value_and_gradients(lambda *each: align_mixture(*each, chunk=chunk), inputs)
        mixture_entropy(*inputs[:2], *inputs[3:], chunk=chunk)
        mixture_top(*inputs[:2], *inputs[3:], count=3, chunk=chunk)
    with LargestTensor() as plain:
        value_and_gradients(align_mixture_plain, inputs)
    assert streamed.numbers == chunk * vocabulary
    assert plain.numbers == tokens * vocabulary


def test_without_a_chunk_size_128_rows_exist_at_a_time():
    with LargestTensor() as streamed:
        value_and_gradients(align_mixture, mixture_inputs(300, 400, 4))
    assert streamed.numbers == 128 * 400


def test_nothing_but_arguments_is_kept_for_backward():
    inputs, kept = mixture_inputs(60, 80, 4), []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        align_mixture(*inputs)
    assert {tensor.data_ptr() for tensor in kept} == {tensor.data_ptr() for tensor in inputs}


@pytest.mark.parametrize("norm", [True, False])
def test_autocast_multiplies_in_bfloat16_and_norms_in_float32(norm):
    inputs = mixture_inputs(40, 200, 16, dtype=torch.float32, norm=norm)
    exact = value_and_gradients(align_mixture_plain, inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        plain = value_and_gradients(align_mixture_plain, inputs)
        streamed = value_and_gradients(lambda *each: align_mixture(*each, chunk=16), inputs)
    assert streamed[0].dtype == plain[0].dtype == torch.bfloat16
    for one, other, truth in zip(streamed, plain, exact, strict=True):
        error = (one.float() - truth).norm() / truth.norm()
        assert error < 1.2 * (other.float() - truth).norm() / truth.norm() + 0.002
        assert error < 0.05


def test_a_model_in_bfloat16_has_gradients_in_bfloat16_summed_in_float32():
    inputs = mixture_inputs(600, 30, 8, dtype=torch.bfloat16)
    exact = value_and_gradients(reference_mixture, [each.detach().double().requires_grad_() for each in inputs])
    found = value_and_gradients(lambda *each: align_mixture(*each, chunk=1), inputs)
    for one, other in zip(found, exact, strict=True):
        assert one.dtype == torch.bfloat16
        assert (one.double() - other).norm() < 0.05 * other.norm()


def test_the_mixture_has_the_type_of_the_values():
    queries, keys, values, weight, bias = mixture_inputs(dtype=torch.float32)
    assert align_mixture(queries, keys, values.bfloat16(), weight, bias).dtype == torch.bfloat16


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_streamed_entropy_is_that_of_the_formula(norm, chunk):
    queries, keys, _, *of_norm = mixture_inputs(9, 30, 4, norm=norm)
    logits = queries @ keys.T
    weights = reference_softmax(reference_norm(logits, *of_norm) if norm else logits)
    found = mixture_entropy(queries, keys, *of_norm, chunk=chunk)
    torch.testing.assert_close(found, -(weights * weights.log()).sum(dim=1))
    assert not found.requires_grad


def test_entropy_of_weights_that_are_zero_is_a_number():
    queries, keys = torch.eye(2, dtype=torch.float64) * 1e5, torch.eye(2, dtype=torch.float64)
    assert mixture_entropy(queries, keys).tolist() == [0, 0]


def test_the_heaviest_rows_come_first_with_their_weights():
    queries, keys, _, weight, bias = mixture_inputs(9, 30, 4)
    weights = reference_softmax(reference_norm(queries @ keys.T, weight, bias))
    rows, found = mixture_top(queries, keys, weight, bias, count=3, chunk=4)
    order = weights.argsort(dim=1, descending=True)[:, :3]
    assert rows.tolist() == order.tolist()
    torch.testing.assert_close(found, weights.gather(1, order).detach())
