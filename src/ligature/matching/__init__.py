"""Matching and retrieval across unaligned encoders, learnt from a few pairs and with no training."""

from ligature.matching.assignment import assign, matching_accuracy
from ligature.matching.baselines import (
    Asif,
    Cosine,
    KernelRidge,
    Procrustes,
    RegularisedCCA,
    Relative,
    Ridge,
    UnregularisedLinear,
)
from ligature.matching.csls import csls
from ligature.matching.draws import Interval, crossed_interval
from ligature.matching.gallery import Gallery
from ligature.matching.local_cka import LocalCKA, centre_gallery
from ligature.matching.matcher import Matcher
from ligature.matching.methods import make_matcher
from ligature.matching.qap import Permutation, SeededQAP
from ligature.matching.ranking import ranks, top_k, top_k_accuracy
from ligature.matching.selection import cluster_base, random_base
from ligature.matching.stretching import dimension_scales, stretch

__all__ = [
    "Asif",
    "Cosine",
    "Gallery",
    "Interval",
    "KernelRidge",
    "LocalCKA",
    "Matcher",
    "Permutation",
    "Procrustes",
    "RegularisedCCA",
    "Relative",
    "Ridge",
    "SeededQAP",
    "UnregularisedLinear",
    "assign",
    "centre_gallery",
    "cluster_base",
    "crossed_interval",
    "csls",
    "dimension_scales",
    "make_matcher",
    "matching_accuracy",
    "random_base",
    "ranks",
    "stretch",
    "top_k",
    "top_k_accuracy",
]
