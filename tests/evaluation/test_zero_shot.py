import numpy as np
import pytest
import torch
from evaluation_reference import integer_scores, sorted_rank
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.evaluation import class_embeddings, zero_shot_accuracy, zero_shot_predictions


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def plain_accuracy(images, classes, labels, ks):
    ranks = np.array([sorted_rank(row, [y]) for row, y in zip(integer_scores(images, classes), labels, strict=True)])
    accuracy = {f"top{k}": np.mean(ranks <= k) for k in ks}
    return accuracy | {"mean_per_class": np.mean([np.mean(ranks[labels == y] == 1) for y in np.unique(labels)])}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(5, 12), st.integers(1, 50))
def test_accuracy_with_ties_agrees_with_full_sorts_at_any_tile_size(seed, n_images, n_classes, chunk):
    rng = np.random.default_rng(seed)
    images, classes = rng.integers(-1, 2, size=(n_images, 4)), rng.integers(-1, 2, size=(n_classes, 4))
    images[:, 1] = classes[:, 1] = 1
    labels = rng.integers(0, n_classes, size=n_images)
    measured = zero_shot_accuracy(images, classes, labels, ks=(1, 3, 5), chunk=chunk)
    assert measured == pytest.approx(plain_accuracy(images, classes, labels, (1, 3, 5)), abs=1e-12)


def test_accuracy_of_noisy_images_agrees_with_ordinary_cosines():
    rng = np.random.default_rng(0)
    classes = rng.normal(size=(20, 64))
    labels = rng.integers(0, 20, size=500)
    images = classes[labels] + 4 * rng.normal(size=(500, 64))
    order = np.argsort(-(unit(images) @ unit(classes).T), axis=1)
    measured = zero_shot_accuracy(images, classes, labels)
    assert measured["top1"] == np.mean(order[:, 0] == labels)
    assert measured["top5"] == np.mean((order[:, :5] == labels[:, None]).any(1))
    assert 0 < measured["top1"] < measured["top5"] < 1
    assert zero_shot_predictions(images, classes, chunk=64).tolist() == order[:, 0].tolist()


def test_perfect_and_collapsed_models():
    labels = np.arange(6)
    assert zero_shot_accuracy(np.eye(6), np.eye(6), labels) == {"top1": 1, "top5": 1, "mean_per_class": 1}
    collapsed = zero_shot_accuracy(np.ones((6, 9)), np.ones((6, 9)), labels)
    assert collapsed == {"top1": 0, "top5": 0, "mean_per_class": 0}


def test_mean_per_class_weighs_classes_alike_and_skips_absent_ones():
    images = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]])
    measured = zero_shot_accuracy(images, np.eye(3), np.array([0, 0, 0, 1]), ks=(1,))
    assert measured == {"top1": 0.75, "mean_per_class": 0.5}


def test_order_of_images_and_classes_does_not_matter():
    rng = np.random.default_rng(2)
    images, classes, labels = rng.normal(size=(90, 8)), rng.normal(size=(7, 8)), rng.integers(0, 7, size=90)
    image_order, class_order = rng.permutation(90), rng.permutation(7)
    shuffled = np.argsort(class_order)[labels[image_order]]
    assert zero_shot_accuracy(images[image_order], classes[class_order], shuffled) == pytest.approx(
        zero_shot_accuracy(images, classes, labels), abs=1e-12
    )


def test_class_embeddings_are_renormalised_means_of_unit_prompts():
    rng = np.random.default_rng(3)
    prompts, class_of_prompt = rng.normal(size=(30, 16)) * rng.uniform(0.1, 9, size=(30, 1)), np.arange(30) % 4
    expected = unit(np.stack([unit(prompts)[class_of_prompt == c].mean(0) for c in range(4)]))
    measured = class_embeddings(torch.tensor(prompts), class_of_prompt, 4)
    assert measured.dtype == torch.float32
    np.testing.assert_allclose(measured.numpy(), expected, atol=2e-7)


def test_class_embeddings_do_not_depend_on_the_order_or_length_of_prompts():
    rng = np.random.default_rng(4)
    prompts, class_of_prompt, order = rng.normal(size=(40, 9)), np.arange(40) % 3, rng.permutation(40)
    shuffled = class_embeddings(4 * prompts[order], class_of_prompt[order], 3)
    assert torch.equal(shuffled, class_embeddings(prompts, class_of_prompt, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: class_embeddings(np.eye(2), [0, 2], 3), "class 1 of 3 has no prompt"),
        (lambda: class_embeddings(np.eye(2), [0, 3], 3), "class_of_prompt: entry 1 is 3"),
        (lambda: class_embeddings(np.array([[1, 2], [-1, -2]]), [0, 0], 1), "row 0 is all zeros"),
        (lambda: zero_shot_accuracy(np.eye(3), np.eye(3), [0, 1, 2]), "top-5 accuracy of 3 classes"),
        (lambda: zero_shot_accuracy(np.eye(3), np.eye(3), [0, 1, 2], ks=(0,)), "top-0 accuracy"),
        (lambda: zero_shot_accuracy(np.eye(3), np.eye(3), [0, 1, 3], ks=(1,)), "labels: entry 2 is 3"),
        (lambda: zero_shot_accuracy(np.eye(3), np.eye(2), [0, 1, 1], ks=(1,)), "3 wide but class_features 2"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(DataError, match=message):
        call()
