"""Retrieval recall at the size of COCO (5,000 images, 25,000 captions) and zero-shot classification at that of ImageNet
(50,000 images, 1,000 classes, 80 prompts each), against full sorts.

Computing the scores is a floor under every method, and most of what the fast side takes. Two plain references are
timed: one scores and sorts query by query, as an evaluation without a stored score matrix does; the other
holds the whole matrix (0.5 GB) and sorts its rows and columns. Everything runs on one thread.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from harness import Row, best_of
from ligature.evaluation import class_embeddings, retrieval_recall, zero_shot_accuracy

N_IMAGES, CAPTIONS, WIDTH = 5_000, 5, 512
KS = (1, 5, 10)
CLASS_IMAGES, CLASSES, PROMPTS = 50_000, 1_000, 80
Scores = Iterator[np.ndarray]


def world() -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Returns unit features of images and their noisy captions, and the image of each caption."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(N_IMAGES, WIDTH, generator=generator)
    image_of_text = np.repeat(np.arange(N_IMAGES), CAPTIONS)
    noise = torch.randn(len(image_of_text), WIDTH, generator=generator)
    texts = images[image_of_text] + 8 * noise
    return torch.nn.functional.normalize(images), torch.nn.functional.normalize(texts), image_of_text


def sorted_recall(image_queries: Scores, text_queries: Scores, image_of_text: np.ndarray) -> dict[str, float]:
    """Returns the metrics from a full sort of each query's scores and a search for each right answer."""
    captions = [np.flatnonzero(image_of_text == image) for image in range(N_IMAGES)]
    ranks = {"i2t": [], "t2i": []}
    for scores, own in zip(image_queries, captions, strict=True):
        order = np.argsort(-scores)
        ranks["i2t"].append(1 + min(np.flatnonzero(order == text)[0] for text in own))
    for scores, image in zip(text_queries, image_of_text, strict=True):
        ranks["t2i"].append(1 + np.flatnonzero(np.argsort(-scores) == image)[0])
    metrics = {f"{d}_recall@{k}": float(np.mean(np.array(r) <= k)) for d, r in ranks.items() for k in KS}
    return metrics | {f"{direction}_median_rank": float(np.median(r)) for direction, r in ranks.items()}


def query_by_query(images: torch.Tensor, texts: torch.Tensor, image_of_text: np.ndarray) -> dict[str, float]:
    """Scores and sorts one query after another."""
    image_queries = ((texts @ image).numpy() for image in images)
    return sorted_recall(image_queries, ((images @ text).numpy() for text in texts), image_of_text)


def whole_matrix(images: torch.Tensor, texts: torch.Tensor, image_of_text: np.ndarray) -> dict[str, float]:
    """Computes all scores at once, then sorts each row and each column."""
    scores = (images @ texts.T).numpy()
    return sorted_recall(iter(scores), iter(scores.T), image_of_text)


def run() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            return [*_rows(), _classification_row()]
    finally:
        torch.set_num_threads(threads)


def _rows() -> list[Row]:
    images, texts, image_of_text = world()
    fast_seconds, fast = best_of(lambda: retrieval_recall(images, texts, image_of_text, KS))
    product_seconds, _ = best_of(lambda: images @ texts.T)
    size = f"{N_IMAGES} images x {len(texts)} texts, d = {WIDTH}, both directions, one thread"

    def row(name: str, plain: Callable[..., dict[str, float]], target: float, note: str) -> Row:
        seconds, metrics = best_of(lambda: plain(images, texts, image_of_text), repeats=1)
        difference = max(abs(metrics[key] - fast[key]) for key in metrics)
        return Row(f"retrieval recall: {name}", seconds, fast_seconds, target, difference, f"{size}; {note}")

    floor = f"the float32 product alone takes {product_seconds:.2f} s"
    return [
        row("against scoring and sorting each query", query_by_query, 20, floor),
        row("against sorting the stored score matrix", whole_matrix, 5, f"{floor} on both sides"),
    ]


def labelled_world() -> tuple[torch.Tensor, torch.Tensor, np.ndarray, np.ndarray]:
    """Returns noisy images, noisy prompts, the class of each prompt, and the label of each image."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.randn(CLASSES, WIDTH, generator=generator)
    class_of_prompt, labels = np.repeat(np.arange(CLASSES), PROMPTS), np.arange(CLASS_IMAGES) % CLASSES
    prompts = classes[class_of_prompt] + torch.randn(len(class_of_prompt), WIDTH, generator=generator)
    images = classes[labels] + 7 * torch.randn(CLASS_IMAGES, WIDTH, generator=generator)
    return images, prompts, class_of_prompt, labels


def plain_accuracy(images: torch.Tensor, prompts: torch.Tensor, owner: np.ndarray, labels: np.ndarray) -> dict:
    """Averages prompts class by class, scores all images against all classes, and sorts every row."""
    normalize = torch.nn.functional.normalize
    classes = torch.stack([normalize(normalize(prompts[owner == c]).mean(0), dim=0) for c in range(CLASSES)])
    order = (normalize(images) @ classes.T).argsort(dim=1, descending=True).numpy()
    return {f"top{k}": float((order[:, :k] == labels[:, None]).any(axis=1).mean()) for k in (1, 5)}


def _classification_row() -> Row:
    images, prompts, owner, labels = labelled_world()

    def ours() -> dict[str, float]:
        return zero_shot_accuracy(images, class_embeddings(prompts, owner, CLASSES), labels)

    fast_seconds, fast = best_of(ours, repeats=2)
    plain_seconds, plain = best_of(lambda: plain_accuracy(images, prompts, owner, labels), repeats=2)
    difference = max(abs(plain[key] - fast[key]) for key in plain)
    size = f"{CLASS_IMAGES} images x {CLASSES} classes x {PROMPTS} prompts, d = {WIDTH}, one thread"
    return Row("zero-shot classification: against sorting", plain_seconds, fast_seconds, 1.5, difference, size)


if __name__ == "__main__":
    for result in run():
        print(result.as_dict())
