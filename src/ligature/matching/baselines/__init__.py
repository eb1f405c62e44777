"""What matching is compared with: methods whose score is the cosine of two feature vectors, none a straw man."""

from ligature.matching.baselines.cca import RegularisedCCA
from ligature.matching.baselines.cosine import Cosine
from ligature.matching.baselines.kernel_ridge import KernelRidge
from ligature.matching.baselines.procrustes import Procrustes
from ligature.matching.baselines.relative import Asif, Relative
from ligature.matching.baselines.ridge import Ridge
from ligature.matching.baselines.unregularised import UnregularisedLinear

__all__ = [
    "Asif",
    "Cosine",
    "KernelRidge",
    "Procrustes",
    "RegularisedCCA",
    "Relative",
    "Ridge",
    "UnregularisedLinear",
]
