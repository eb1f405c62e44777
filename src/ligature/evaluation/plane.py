"""Both modalities in the plane, for a picture of how far apart they lie."""

import numpy as np

POINTS_OF_PERPLEXITY = 30.0
PRINCIPAL_DIMS = 50


def embed_2d(image_features: np.ndarray, text_features: np.ndarray, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places images and texts in one plane by t-SNE (van der Maaten and Hinton, 2008) of their union.

    Rows are scaled to unit length. Where the widths differ, as before alignment, the narrower side is padded with
    zeros: its axes then have nothing to do with those of the other side, which is what "not aligned" means.

    Args:
        image_features: [n, d_image].
        text_features: [m, d_text].
        seed: of t-SNE.

    Returns:
        Coordinates [n, 2] and [m, 2].
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    width = max(image_features.shape[1], text_features.shape[1])
    union = np.concatenate([_unit_padded(image_features, width), _unit_padded(text_features, width)])
    dims = min(PRINCIPAL_DIMS, width, len(union))
    reduced = PCA(dims, svd_solver="full").fit_transform(union)
    perplexity = min(POINTS_OF_PERPLEXITY, (len(union) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced)
    return points[: len(image_features)], points[len(image_features) :]


def _unit_padded(features: np.ndarray, width: int) -> np.ndarray:
    values = np.asarray(features, dtype=np.float64)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.pad(values / np.where(norms > 0, norms, 1), ((0, 0), (0, width - values.shape[1])))
