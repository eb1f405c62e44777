"""The section of the page about connectors and captions; a study without captioning has none."""

import pandas as pd

from ligature.reporting.captioning.controls import CONTROLS
from ligature.reporting.captioning.examples import example_cards
from ligature.reporting.captioning.figures import loss_figures, noise_figures, pairs_figures, vocabulary_figures
from ligature.reporting.captioning.patches import patch_figures
from ligature.reporting.captioning.published import beside_alignvlm, published_tables
from ligature.reporting.captioning.readings import captioning_readings, connector_readings
from ligature.reporting.captioning.runs import single_runs
from ligature.reporting.captioning.sources import CaptioningInputs
from ligature.reporting.captioning.tables import (
    noise_table,
    score_tables,
    shot_table,
    speed_table,
    vocabulary_table,
)
from ligature.reporting.section import Section, points_of
from ligature.reporting.text import plural

ABOUT = (
    "A connector turns the features of a vision encoder into inputs of a language model, which then writes captions. "
    "ALIGN mixes the language model's own token embeddings, so that every visual token lies among them; the others "
    "map, resample, or mix a table of their own. Runs of one recipe have the same models, data, stages and seeds, and "
    "differ in the connector alone."
)
CAUTION = (
    "The published results are on document questions, with language models of 1B to 8B parameters and millions of "
    "pages; no captioning benchmark is among them, they have no seeds, and neither the head initialisation nor the "
    "norm over the vocabulary was left out there. The unofficial implementation does leave both out. Noise is "
    "absolute there, with a standard deviation of 3 whatever the scale of the features, and relative to their standard "
    "deviation here. Outputs of ALIGN have a large mean in common, which by itself makes their cosine distance small: "
    "read the centred one beside it."
)
SEEDS = (
    "Differences are paired over seeds, with Student's interval; one is stated only where its whole 95\u00a0% interval "
    "lies on one side of zero, each comparison by itself."
)


def captioning_sections(inputs: CaptioningInputs) -> list[Section]:
    """Returns the section on captioning; none for a study without it."""
    if inputs.runs.empty or inputs.results.empty:
        return []
    tables = [
        *score_tables(inputs),
        *(shot_table(inputs), noise_table(inputs), vocabulary_table(inputs), speed_table(inputs)),
    ]
    return [
        Section(
            "captioning",
            "Connectors and captions",
            [ABOUT, f"{_size(inputs)} {CAUTION}", SEEDS],
            points=points_of(captioning_readings(inputs)),
            drawings=[
                *pairs_figures(inputs),
                *noise_figures(inputs),
                *vocabulary_figures(inputs),
                *loss_figures(inputs),
                *patch_figures(inputs),
            ],
            tables=[table for table in tables if table is not None],
            samples=example_cards(inputs),
            published=published_tables(),
            files=[beside_alignvlm(inputs)],
        )
    ]


def _size(inputs: CaptioningInputs) -> str:
    """Says how small the study is."""
    own = inputs.results[~inputs.results["model"].isin(list(CONTROLS))]
    counts = pd.to_numeric(inputs.runs["pairs"], errors="coerce")
    pairs = "all pairs there are" if (inputs.runs["pairs"] == "all").any() else plural(int(counts.max()), "pair")
    images = own.loc[own["task"] == "captioning", "n"].max()
    measured = "" if pd.isna(images) else f", measured on {plural(int(images), 'image')} at most"
    largest = inputs.runs["parameters"].max()
    size = "" if pd.isna(largest) else f", with models of {largest / 1e6:,.1f} million parameters at most"
    runs, seeds = plural(len(single_runs(inputs.runs)), "run"), plural(own["seed"].nunique(), "seed")
    return f"This study is small: {runs}, {seeds}, trained on {pairs} at most{measured}{size}."


def captioning_headlines(inputs: CaptioningInputs) -> list[tuple[str, list[str]]]:
    """Returns (heading, sentences) of what stands at the top of the page."""
    return [("Captioning", connector_readings(inputs))]
