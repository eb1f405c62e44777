"""The `matching` block: matching and retrieval across unaligned encoders, with no training."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from ligature.params.base import Block, Name, Positive, Seed

Method = Literal[
    "local-cka-rbf",
    "local-cka-rbf-fixed",
    "local-cka-linear",
    "qap",
    "qap-faq",
    "qap-hollow",
    "relative",
    "relative-centred",
    "asif",
    "ridge",
    "kernel-ridge",
    "procrustes",
    "cca",
    "cosine",
    "linear-unregularised",
]
Selection = Literal["random", "image-clusters", "text-clusters"]
Stretch = Literal["none", "base", "transductive"]
Direction = Literal["i2t", "t2i"]
Captions = Literal["averaged", "single"]
QAP_METHODS = {"qap", "qap-faq", "qap-hollow"}


ExperimentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
"""A name without dots, so that no experiment is called as a file beside it."""


class MatchingExperiment(Block):
    """A grid of cells: every combination of the lists is run with every draw of the base and of the queries."""

    base: Name
    """Captioned data set from which the anchors are drawn, whose pairs are known."""
    query: Name
    """Data set to be matched: a captioned one, or one with class names, whose class texts are then the gallery."""
    vision: list[Name] = Field(min_length=1)
    """Vision encoders."""
    text: list[Name] = Field(min_length=1)
    """Text encoders."""
    methods: list[Method] = Field(min_length=1)
    """`qap` chooses its form on anchors held out; `linear-unregularised` and `relative` are the published baselines."""
    base_sizes: list[Annotated[int, Field(ge=3)]] = Field(default=[320], min_length=1)
    """Numbers of anchors."""
    queries: int | None = Field(500, ge=2)
    """Queries of a draw; null takes all that are no anchors, which leaves nothing to draw."""
    base_draws: Positive = 3
    """Draws of the anchors."""
    query_draws: Positive = 3
    """Draws of the queries."""
    seed: Seed = 0
    """Seed of all draws."""
    selections: list[Selection] = Field(default=["random"], min_length=1)
    """How anchors are chosen: at random, or the samples nearest to the centres of k-means on one side."""
    stretches: list[Stretch] = Field(default=["none"], min_length=1)
    """Scaling of every dimension by its deviation: none, that of the anchors, or (`transductive`) of both pools."""
    directions: list[Direction] = Field(default=["i2t"], min_length=1)
    """`i2t`: images are the queries; `t2i`: texts are."""
    captions: list[Captions] = Field(default=["averaged"], min_length=1)
    """`averaged`: the mean of an image's captions, as published; `single`: its first one."""
    csls: Positive | None = None
    """Neighbours of the correction of hubs (CSLS), measured beside the plain scores; null for none."""
    languages: list[str] = Field(default_factory=list)
    """Translations of the query set that are matched; its own captions where the list is empty."""
    base_language: Literal["own", "query"] = "own"
    """Captions of the anchors: the base set's own, or its translations into the language of the queries."""

    @model_validator(mode="after")
    def _fits_together(self) -> "MatchingExperiment":
        lists = (
            "vision",
            "text",
            "methods",
            "base_sizes",
            "selections",
            "stretches",
            "directions",
            "captions",
            "languages",
        )
        for key in lists:
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"{key}: a value stands twice; remove one of them")
        if self.queries is None and self.query_draws > 1:
            raise ValueError("queries null takes all that are no anchors; set query_draws to 1")
        if self.base_language == "query" and not self.languages:
            raise ValueError("base_language 'query' needs languages")
        return self


class MatchingParams(Block):
    """Matching across unaligned encoders (Maniparambil et al., 2024), and baselines that are no straw men."""

    experiments: dict[ExperimentName, MatchingExperiment] = Field(min_length=1)
    shuffles: list[Name] = Field(default_factory=list)
    """Captioned data sets on which the CKA of true, half-shuffled and shuffled pairs is measured."""
    samples: int = Field(8, ge=0)
    """Queries of the first cell of every experiment that are shown with what they were matched to."""
