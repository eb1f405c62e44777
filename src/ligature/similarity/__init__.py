"""Which frozen encoders already agree: CKA and its kin over pairs of a vision and a text encoder."""

from ligature.similarity.bootstrap import bootstrap_interval
from ligature.similarity.correlations import metric_correlations
from ligature.similarity.grid import similarity_grid
from ligature.similarity.kernels import rbf_cka
from ligature.similarity.linear import LinearCKA, StreamingCKA, linear_cka
from ligature.similarity.neighbours import mutual_knn
from ligature.similarity.permutation import NullSummary, null_summary, permutation_null

__all__ = [
    "LinearCKA",
    "NullSummary",
    "StreamingCKA",
    "bootstrap_interval",
    "linear_cka",
    "metric_correlations",
    "mutual_knn",
    "null_summary",
    "permutation_null",
    "rbf_cka",
    "similarity_grid",
]
