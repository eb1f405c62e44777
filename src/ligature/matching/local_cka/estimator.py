"""Local CKA as a cosine: every item is embedded once, and the dot product of two items is their local CKA."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import ParamsError
from ligature.matching.bandwidth import MedianWindow
from ligature.matching.inputs import check_features
from ligature.matching.kernels import CallableKernel, KernelFunction, LinearKernel, RbfKernel, squared_distances
from ligature.matching.local_cka.features import Embedding, ExplicitEmbedding, joint_embeddings
from ligature.matching.local_cka.sides import MedianRbf, Side, SingleGram
from ligature.matching.matcher import Matcher

KernelName = Literal["rbf", "linear"]
Bandwidth = Literal["per-query", "fixed"]

MAX_NODES = 128


class LocalCKA(Matcher):
    """Scores a pair by the CKA of the anchors with that pair appended (Maniparambil et al., 2024, arXiv 2401.05224).

    CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) with HSIC(K, L) = tr(K H L H), over the (m + 1)-point Gram matrices K
    of [x; base_x] and L of [y; base_y]. The vectors of ``transform_x`` and ``transform_y`` have unit length, and their
    dot product is that value up to rounding, so any index of dot products serves a gallery.

    The published kernel is ``rbf`` with bandwidth ``per-query``: exp(-|a - b|^2 / (2 s)), where s is the lower median
    of the non-zero squared distances among those m + 1 items, so it changes with the item. The median of m anchors and
    any item lies in a short interval known beforehand (`MedianWindow`), and Gram matrices at a few Chebyshev nodes
    stand for all others with an error below 1e-13 (`node_count`): vectors have 2 r + m + 1 numbers for r nodes a side
    and cost O(m (d + log m + r)) each. Where the interval has no bounds (three anchors, or almost all the same), or
    where ``MAX_NODES`` do not do for it (bandwidths a factor of about 1e5 apart), vectors hold the upper triangle of
    the item's own centred Gram matrix instead: m (m + 1) / 2 + m + 1 numbers, at a cost of O(m (m + d)).

    Scores are float64. They lie close together (at 320 anchors a spread of about 4e-4 around 0.6), since most of each
    is the CKA of the anchors alone; before an index of float32 use ``centre_gallery``.

    Attributes:
        grams_: numbers of Gram matrices that stand for all items of x and of y, or None where every item has its own.
    """

    def __init__(
        self, kernel: KernelName | KernelFunction = "rbf", bandwidth: Bandwidth = "per-query", nodes: int = 8
    ) -> None:
        """Sets what ``fit`` will do.

        Args:
            kernel: ``rbf``, ``linear``, or a symmetric positive semidefinite k(a [n, d], b [p, d]) -> [n, p] whose
                every value depends on its two rows alone.
            bandwidth: of ``rbf``; ``fixed`` takes the median of the anchors alone for every item, which moves scores by
                about 5e-5. Other kernels have none.
            nodes: Gram matrices a side with bandwidth ``per-query``; as many more as the error bound asks for.

        Raises:
            ParamsError: an unknown kernel or bandwidth, or no node.
        """
        if not callable(kernel) and kernel not in get_args(KernelName):
            raise ParamsError(f"kernel is {kernel!r}: use one of {', '.join(get_args(KernelName))}, or a function")
        if bandwidth not in get_args(Bandwidth):
            raise ParamsError(f"bandwidth is {bandwidth!r}: use one of {', '.join(get_args(Bandwidth))}")
        if not 1 <= nodes <= MAX_NODES:
            raise ParamsError(f"nodes is {nodes}: use a number from 1 to {MAX_NODES}")
        self.kernel, self.bandwidth, self.nodes = kernel, bandwidth, nodes

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            if self.kernel == "rbf" and self.bandwidth == "per-query":
                embeddings = self._per_query([MedianRbf(x, "x"), MedianRbf(y, "y")])
            else:
                embeddings = self._joint([self._single(x, "x"), self._single(y, "y")])
        self._embed_x, self._embed_y = embeddings

    def _per_query(self, sides: Sequence[MedianRbf]) -> Sequence[Embedding]:
        if any(side.needed is None or side.needed > MAX_NODES for side in sides):
            self.grams_ = None
            return [ExplicitEmbedding(side) for side in sides]
        for side in sides:
            side.place_nodes(max(self.nodes, side.needed))
        return self._joint(sides)

    def _joint(self, sides: Sequence[Side]) -> Sequence[Embedding]:
        self.grams_ = sides[0].count, sides[1].count
        return joint_embeddings(sides)

    def _single(self, base: np.ndarray, name: str) -> SingleGram:
        if callable(self.kernel):
            return SingleGram(base, CallableKernel(base, self.kernel, name), name)
        if self.kernel == "linear":
            return SingleGram(base, LinearKernel(base), name)
        window = MedianWindow(squared_distances(base, base), f"base_{name}")
        return SingleGram(base, RbfKernel(base, window.base), name)

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return self._embed_x(x)

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return self._embed_y(y)


def centre_gallery(features: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Returns the features of a gallery less their mean, [n, p] float64, and that mean, [p].

    Subtracting one constant vector from all items of a gallery changes all scores of a query by the same constant,
    query @ mean, and so no ranking. What is left of local CKA is the part that tells items apart, which float32 then
    holds to seven digits of its own size: the centred gallery may be cast to float32 and put into any index of dot
    products, without its constant part drowning the differences. Queries stay as they are. Add ``query @ mean`` to get
    the scores back.

    Args:
        features: [n, p] as ``transform_y`` returns them (or ``transform_x``, where that side is the gallery).

    Raises:
        DataError: they are no matrix, or not finite.
    """
    values = check_features(features, "gallery")
    mean = values.mean(axis=0)
    return values - mean, mean
