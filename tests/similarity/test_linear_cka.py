import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from similarity_reference import linear_cka_plain, related

from ligature.errors import DataError
from ligature.similarity import StreamingCKA, linear_cka

sizes = st.tuples(st.integers(5, 60), st.integers(1, 40), st.integers(1, 40), st.integers(0, 999))


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize(("rows", "left", "right"), [(4, 3, 5), (40, 200, 300), (300, 40, 9), (700, 130, 300)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_the_gram_formula(rows, left, right, dtype, debiased):
    x, y = (side.astype(dtype) for side in related(rows, left, right))
    assert linear_cka(x, y, debiased=debiased) == pytest.approx(linear_cka_plain(x, y, debiased), abs=1e-6)


@pytest.mark.parametrize("debiased", [False, True])
def test_equals_the_gram_formula_far_from_the_origin(debiased):
    x, y = (side.astype(np.float32) for side in related(900, 50, 60))
    x, y = x + np.float32(100), y - np.float32(50)
    assert linear_cka(x, y, debiased=debiased) == pytest.approx(linear_cka_plain(x, y, debiased), abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(sizes)
def test_properties_of_both_forms(size):
    rows, left, right, seed = size
    x, y = related(rows, left, right, seed=seed)
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((left, left)))
    for debiased in (False, True):
        value = linear_cka(x, y, debiased=debiased)
        assert isinstance(value, float)
        assert (-1 if debiased else 0) <= value <= 1
        assert linear_cka(x, x, debiased=debiased) == pytest.approx(1, abs=1e-9)
        assert linear_cka(y, x, debiased=debiased) == pytest.approx(value, abs=1e-9)
        assert linear_cka(7 * x @ rotation + 3, y, debiased=debiased) == pytest.approx(value, abs=1e-7)
        assert value == pytest.approx(linear_cka_plain(x, y, debiased), abs=1e-8)


def test_bias_on_independent_noise_and_none_when_debiased():
    generator = np.random.default_rng(0)
    x, y = (generator.standard_normal((1000, 1024), dtype=np.float32) for _ in range(2))
    assert linear_cka(x, y) == pytest.approx(0.505, abs=0.01)
    assert abs(linear_cka(x, y, debiased=True)) < 0.01


@pytest.mark.parametrize("scale", [1.0, 3000.0])
def test_float16_does_not_overflow(scale):
    x, y = ((side * scale).astype(np.float16) for side in related(600))
    assert np.isfinite(x).all()
    for debiased in (False, True):
        assert linear_cka(x, y, debiased=debiased) == pytest.approx(linear_cka_plain(x, y, debiased), abs=1e-6)


def test_takes_tensors_read_only_arrays_and_views():
    x, y = related(50)
    expected = linear_cka(x, y)
    frozen = x.copy()
    frozen.flags.writeable = False
    assert linear_cka(torch.from_numpy(x).requires_grad_(), torch.from_numpy(y)) == expected
    assert linear_cka(frozen, y) == expected
    assert linear_cka(x[::-1], y[::-1]) == pytest.approx(expected, abs=1e-12)
    assert np.array_equal(frozen, x)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 150), min_size=1, max_size=6), st.integers(0, 999))
def test_chunks_do_not_change_the_grid(lengths, seed):
    rows = sum(lengths) + 4
    x, y = related(rows, seed=seed)
    vision, text = {"a": x, "b": x[:, :7] + 5}, {"a": y, "c": y[:, ::2].astype(np.float32)}
    streaming = StreamingCKA()
    for start, stop in zip(np.cumsum([0, *lengths]), [*np.cumsum(lengths), rows], strict=True):
        streaming.update(
            {name: values[start:stop] for name, values in vision.items()},
            {name: values[start:stop] for name, values in text.items()},
        )
    result = streaming.result()
    assert list(result) == [("a", "a"), ("a", "c"), ("b", "a"), ("b", "c")]
    for (v, t), cka in result.items():
        assert cka.biased == pytest.approx(linear_cka_plain(vision[v], text[t]), abs=1e-6)
        assert cka.debiased == pytest.approx(linear_cka_plain(vision[v], text[t], debiased=True), abs=1e-6)


def test_one_pair_goes_through_chunks(monkeypatch):
    x, y = related(333)
    monkeypatch.setattr("ligature.similarity.linear.CHUNK_ROWS", 50)
    assert linear_cka(x, y, debiased=True) == pytest.approx(linear_cka_plain(x, y, debiased=True), abs=1e-9)


def test_no_debiased_value_where_one_row_alone_differs():
    _, y = related(30)
    lone = np.zeros((30, 4))
    lone[3] = 1.0
    assert np.isnan(linear_cka(lone, y, debiased=True))
    assert linear_cka(lone, y) == pytest.approx(linear_cka_plain(lone, y), abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("rows", [20, 6000])
def test_features_that_do_not_vary_are_refused(rows, dtype):
    x, y = related(rows)
    with pytest.raises(DataError, match="text encoder 'y' are the same in every row"):
        linear_cka(x, np.full_like(y, 0.1).astype(dtype))


def test_errors_name_encoder_row_and_counts():
    x, y = related(50)
    broken = y.copy()
    broken[31, 2], broken[40, 0] = np.inf, np.nan
    with pytest.raises(DataError, match="vision encoder 'x' has 50 rows but text encoder 'y' has 49"):
        linear_cka(x, y[:-1])
    with pytest.raises(DataError, match="text encoder 'y' hold NaN or infinity, first in row 31"):
        linear_cka(x, broken)
    with pytest.raises(DataError, match="at least 4 rows, there are 3"):
        linear_cka(x[:3], y[:3])
    with pytest.raises(DataError, match="at least 4 rows, there are 0"):
        linear_cka(x[:0], y[:0])
    with pytest.raises(DataError, match=r"shape \(50,\)"):
        linear_cka(x[:, 0], y)


def test_streaming_counts_rows_over_chunks_and_keeps_its_encoders():
    x, y = related(50)
    y[31] = np.nan
    streaming = StreamingCKA()
    streaming.update({"v": x[:20]}, {"t": y[:20]})
    with pytest.raises(DataError, match="first in row 31"):
        streaming.update({"v": x[20:]}, {"t": y[20:]})
    with pytest.raises(DataError, match="encoders of the first chunk"):
        streaming.update({"v": x[20:30]}, {"other": y[20:30]})
    with pytest.raises(DataError, match="in the same dimensions"):
        streaming.update({"v": x[20:30]}, {"t": y[20:30, :3]})
    with pytest.raises(DataError, match="at least one text encoder"):
        streaming.update({"v": x[20:30]}, {})
    assert streaming.rows == 20
