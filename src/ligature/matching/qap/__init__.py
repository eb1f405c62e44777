"""Matching as a seeded quadratic assignment: the one-to-one matching whose CKA with the anchors is largest."""

from ligature.matching.qap.faq import FaqResult, seeded_faq
from ligature.matching.qap.grams import normalised_gram
from ligature.matching.qap.permutation import Permutation
from ligature.matching.qap.problem import SeededProblem
from ligature.matching.qap.seeded import SeededQAP
from ligature.matching.qap.starts import check_start, local_cka_start, random_start

__all__ = [
    "FaqResult",
    "Permutation",
    "SeededProblem",
    "SeededQAP",
    "check_start",
    "local_cka_start",
    "normalised_gram",
    "random_start",
    "seeded_faq",
]
