import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError, ParamsError
from ligature.evaluation import linear_probe, linear_probe_accuracy

few = settings(max_examples=10, deadline=None)
CHOICE = [0.01, 0.1, 1.0, 10.0, 100.0]


def clusters(seed, n, width=8, classes=4, noise=1.5):
    """Rows around one centre a class; classes are not equally frequent."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(classes, width))
    labels = np.r_[np.arange(classes).repeat(2), np.minimum(generator.geometric(0.4, n - 2 * classes) - 1, classes - 1)]
    return (centres[labels] + noise * generator.normal(size=(n, width))).astype(np.float32), labels


def unit(rows):
    return rows.astype(np.float64) / np.linalg.norm(rows, axis=1, keepdims=True)


def converged(rows, labels, penalty):
    """Scikit-learn in float64; of two classes it penalises one vector w, which in a softmax is w / 2 and -w / 2."""
    from sklearn.linear_model import LogisticRegression

    penalty = penalty * (2 if len(np.unique(labels)) == 2 else 1)
    return LogisticRegression(C=penalty, tol=1e-9, max_iter=10_000).fit(unit(rows), labels)


def plain_held_out(labels, seed):
    """Every fifth row in the order of classes, random within a class, but no class's first."""
    order = sorted(np.random.default_rng(seed).permutation(len(labels)).tolist(), key=lambda row: labels[row])
    return [
        row for place, row in enumerate(order) if place % 5 == 4 and place and labels[order[place - 1]] == labels[row]
    ]


def plain_probe(train, train_labels, test, test_labels, penalties, seed):
    """The protocol as it is told, by scikit-learn in float64."""
    out = plain_held_out(train_labels, seed)
    rest = np.setdiff1d(np.arange(len(train)), out)
    scores = [
        converged(train[rest], train_labels[rest], c).score(unit(train[out]), train_labels[out]) for c in penalties
    ]
    penalty = penalties[int(np.argmax(scores))]
    guesses = converged(train, train_labels, penalty).predict(unit(test))
    by_class = [np.mean(guesses[test_labels == label] == label) for label in np.unique(test_labels)]
    return {"top1": np.mean(guesses == test_labels), "mean_per_class": np.mean(by_class), "penalty": penalty}


@few
@given(st.integers(0, 10**6), st.sampled_from([2, 3, 6]), st.integers(3, 12), st.sampled_from(CHOICE))
def test_one_penalty_agrees_with_scikit_learn(seed, classes, width, penalty):
    train, train_labels = clusters(seed, 90, width, classes)
    test, test_labels = clusters(seed + 1, 60, width, classes)
    measured = linear_probe_accuracy(train, train_labels, test, test_labels, [penalty], seed)
    told = converged(train, train_labels, penalty)
    assert measured["top1"] == pytest.approx(told.score(unit(test), test_labels), abs=1.01 / 60)
    assert measured["penalty"] == penalty


@pytest.mark.parametrize("seed", range(4))
def test_the_choice_of_the_penalty_agrees_with_scikit_learn(seed):
    train, train_labels = clusters(seed, 120)
    test, test_labels = clusters(seed + 100, 80)
    measured = linear_probe_accuracy(train, train_labels, test, test_labels, CHOICE, seed)
    assert measured == pytest.approx(plain_probe(train, train_labels, test, test_labels, CHOICE, seed), abs=1e-9)
    assert all(type(value) is float for value in measured.values())


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_the_weights_are_those_of_the_minimum(penalty):
    rows, labels = clusters(3, 200, width=16, classes=5)
    solution = linear_probe._fit(_as_rows(rows, labels), penalty)
    logits = unit(rows) @ solution[:, :-1].double().numpy().T + solution[:, -1].double().numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities, converged(rows, labels, penalty).predict_proba(unit(rows)), atol=2e-3)


def _as_rows(rows, labels):
    return linear_probe._Rows(torch.from_numpy(unit(rows)).float(), torch.from_numpy(labels), len(np.unique(labels)))


def test_small_blocks_give_what_one_block_gives(monkeypatch):
    train, train_labels = clusters(5, 100)
    inputs = (train, train_labels, *clusters(6, 70), CHOICE, 0)
    whole = linear_probe_accuracy(*inputs)
    monkeypatch.setattr(linear_probe, "BLOCK_LOGITS", 4 * 7)
    assert len(_as_rows(train, train_labels).blocks()) == 15
    assert linear_probe_accuracy(*inputs) == pytest.approx(whole, abs=1e-9)


def test_the_same_input_and_seed_give_the_same_values():
    inputs = (*clusters(7, 100, noise=3), *clusters(8, 70, noise=3), CHOICE)
    assert linear_probe_accuracy(*inputs, 1) == linear_probe_accuracy(*inputs, 1)


def test_the_seed_draws_the_held_out_fifth():
    labels = torch.arange(10).repeat_interleave(20)
    masks = [linear_probe._held_out(labels, seed) for seed in (0, 0, 1)]
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    assert all((labels[mask].bincount() == 4).all() for mask in masks)


@few
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 99))
def test_a_class_keeps_a_row_to_learn_from(labels, seed):
    labels = np.unique(labels, return_inverse=True)[1]
    held_out = linear_probe._held_out(torch.from_numpy(labels), seed).numpy()
    assert set(labels[~held_out]) == set(labels)
    assert sorted(np.flatnonzero(held_out)) == sorted(plain_held_out(labels, seed))


def test_of_equally_good_penalties_the_strongest_is_taken():
    train, labels = clusters(9, 80, noise=0.01)
    assert linear_probe_accuracy(train, labels, train, labels, [10.0, 1000.0, 100.0], 0) == {
        "top1": 1.0,
        "mean_per_class": 1.0,
        "penalty": 10.0,
    }


def test_lengths_of_features_do_not_matter():
    train, train_labels = clusters(10, 90)
    test, test_labels = clusters(11, 60)
    lengths = np.random.default_rng(0).uniform(0.1, 50, size=(90, 1)).astype(np.float32)
    measured = linear_probe_accuracy(train * lengths, train_labels, 7 * test, test_labels, [1.0], 0)
    assert measured == linear_probe_accuracy(train, train_labels, test, test_labels, [1.0], 0)


def test_classes_are_matched_by_their_labels():
    train, train_labels = clusters(12, 120)
    test, test_labels = clusters(13, 80)
    some = test_labels != 2
    names = np.array(["wolf", "ant", "newt", "cod"])
    numbers = np.array([40, 7, 900, 3])
    plain = linear_probe_accuracy(train, train_labels, test[some], test_labels[some], [1.0], 0)
    for renamed in (names, numbers):
        by_label = (train, renamed[train_labels], test[some], renamed[test_labels[some]])
        assert linear_probe_accuracy(*by_label, [1.0], 0) == pytest.approx(plain, abs=1e-9)
    tensors = [torch.from_numpy(part) for part in (train, train_labels, test[some], test_labels[some])]
    assert linear_probe_accuracy(*tensors, [1.0], 0) == plain


def test_rare_classes_weigh_as_much_as_frequent_ones_in_the_mean_per_class():
    train, train_labels = np.eye(3, dtype=np.float32).repeat(5, 0), np.arange(3).repeat(5)
    test, test_labels = np.eye(3, dtype=np.float32)[[0, 0, 0, 0, 1, 0]], np.array([0, 0, 0, 0, 1, 1])
    measured = linear_probe_accuracy(train, train_labels, test, test_labels, [100.0], 0)
    assert measured["top1"] == pytest.approx(5 / 6)
    assert measured["mean_per_class"] == pytest.approx(3 / 4)


def test_features_without_information_reach_chance():
    generator = np.random.default_rng(1)
    train, test = generator.normal(size=(400, 6)), generator.normal(size=(2000, 6))
    labels = generator.integers(5, size=400), generator.integers(5, size=2000)
    measured = linear_probe_accuracy(train, labels[0], test, labels[1], CHOICE, 0)
    assert measured["top1"] == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"train_labels": np.zeros(20, int)}, "only class 0 occurs"),
        ({"test_labels": np.full(6, 9)}, "test_labels: class 9 has no training row"),
        ({"test_labels": np.array(["cat"] * 6), "train_labels": np.array(["dog", "eel"] * 10)}, "class cat has no"),
        ({"train_labels": np.zeros(19, int)}, "train_labels: expected 20 labels"),
        ({"test_labels": np.zeros((6, 1), int)}, "test_labels: expected 6 labels"),
        ({"train_labels": np.arange(20)}, "20 rows of 20 classes leave none to choose"),
    ],
)
def test_labels_that_do_not_fit_are_one_line(labels, message):
    generator = np.random.default_rng(0)
    values = {"train_labels": np.arange(20) % 2, "test_labels": np.arange(6) % 2} | labels
    features = {"train_features": generator.normal(size=(20, 3)), "test_features": generator.normal(size=(6, 3))}
    with pytest.raises(DataError, match=message) as error:
        linear_probe_accuracy(**features, **values, penalties=CHOICE, seed=0)
    assert "\n" not in str(error.value)


def test_features_that_do_not_fit_are_refused():
    rows = np.ones((4, 3))
    with pytest.raises(DataError, match="train_features are 3 wide but test_features 2"):
        linear_probe_accuracy(rows, [0, 1, 0, 1], rows[:, :2], [0, 1, 0, 1], [1.0], 0)
    with pytest.raises(DataError, match="train_features: row 0 is all zeros"):
        linear_probe_accuracy(0 * rows, [0, 1, 0, 1], rows, [0, 1, 0, 1], [1.0], 0)


@pytest.mark.parametrize("penalties", [[], [1.0, 0.0], [-1.0], [float("nan")]])
def test_penalties_are_above_zero(penalties):
    with pytest.raises(ParamsError, match="one or more numbers above 0"):
        linear_probe_accuracy(np.eye(2), [0, 1], np.eye(2), [0, 1], penalties, 0)
