"""The methods of a study by name: what each of them is, with the settings that are measured."""

from collections.abc import Callable
from functools import partial

from ligature.errors import ParamsError
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
from ligature.matching.local_cka import LocalCKA
from ligature.matching.matcher import Matcher
from ligature.matching.qap import SeededQAP
from ligature.params.matching import Method

METHODS: dict[Method, Callable[[], Matcher | SeededQAP]] = {
    "local-cka-rbf": LocalCKA,
    "local-cka-rbf-fixed": partial(LocalCKA, bandwidth="fixed"),
    "local-cka-linear": partial(LocalCKA, kernel="linear"),
    "qap": SeededQAP,
    "qap-faq": partial(SeededQAP, form="faq"),
    "qap-hollow": partial(SeededQAP, form="hollow"),
    "relative": partial(Relative, centred=False),
    "relative-centred": partial(Relative, centred=True),
    "asif": Asif,
    "ridge": Ridge,
    "kernel-ridge": KernelRidge,
    "procrustes": Procrustes,
    "cca": RegularisedCCA,
    "cosine": Cosine,
    "linear-unregularised": UnregularisedLinear,
}
"""Constructors by name; what ``qap`` draws at random has a fixed seed, so that a cell depends on its draws alone."""


def make_matcher(method: Method) -> Matcher | SeededQAP:
    """Returns a method that has not learnt anything yet.

    Args:
        method: its name in a study.

    Returns:
        A method that scores by a dot product (``Matcher``), or one that matches all queries at once (``SeededQAP``).

    Raises:
        ParamsError: for an unknown name.
    """
    if method not in METHODS:
        raise ParamsError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    return METHODS[method]()
