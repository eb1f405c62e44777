"""The section of the page about pre-training; a study without it has none."""

from ligature.reporting.gap_section import MEANINGS
from ligature.reporting.pretraining.figures import cosine_figures, map_figures
from ligature.reporting.pretraining.published import beside_alignclip, published_tables
from ligature.reporting.pretraining.readings import pretraining_readings, temperature_readings, warning_readings
from ligature.reporting.pretraining.sources import PretrainingInputs
from ligature.reporting.pretraining.tables import PANEL, gap_table, task_table
from ligature.reporting.pretraining.trajectories import trajectory_figures
from ligature.reporting.section import Section, points_of
from ligature.reporting.text import plural

ABOUT = (
    "Both encoders are trained from scratch on image-text pairs, with the contrastive loss of CLIP. Runs differ in "
    "what the towers share (nothing is CLIP, everything is SharedCLIP), in what is pushed apart within a modality "
    "(both changes together are AlignCLIP), in what the semantic distance of two captions does to that push, and in "
    "the logit scale, one over the temperature."
)
CAUTION = (
    "A high logit scale that is kept fixed induces a gap of its own, and on clean data a learned one may leave hardly "
    "any to close; runs are compared at the same logit scale and the same other settings alone. What the numbers of "
    "this study say on that stands first below."
)
SEEDS = (
    "Differences are paired over seeds, with Student's interval; a difference is stated only where its whole 95\u00a0% "
    "interval lies on one side of zero, each comparison by itself."
)


def pretraining_sections(inputs: PretrainingInputs) -> list[Section]:
    """Returns the section on pre-training; none for a study without it."""
    if inputs.runs.empty or inputs.results.empty:
        return []
    seeds = inputs.results.loc[inputs.results["model"].isin(inputs.runs["run"]), "seed"].nunique()
    count = f"{plural(len(inputs.runs), 'run')}, {plural(seeds, 'seed')}."
    tables = [gap_table(inputs), task_table(inputs)]
    return [
        Section(
            "pretraining",
            "Pre-training and the modality gap",
            [ABOUT, CAUTION, f"{count} {SEEDS}"],
            points=points_of([*pretraining_readings(inputs), ("Warnings", warning_readings(inputs))]),
            drawings=[
                *trajectory_figures(inputs.trajectories, inputs.runs),
                *cosine_figures(inputs.similarities, inputs.runs),
                *map_figures(inputs.features, inputs.runs),
            ],
            tables=[table for table in tables if table is not None],
            details=[("What the measures of the gap mean", "\n".join(_meanings()))],
            published=published_tables(),
            files=[beside_alignclip(inputs)],
        )
    ]


def pretraining_headlines(inputs: PretrainingInputs) -> list[tuple[str, list[str]]]:
    """Returns (heading, sentences) of what stands at the top of the page."""
    return [("Pre-training", list(temperature_readings(inputs)))]


def _meanings() -> list[str]:
    return [f"{label}: {MEANINGS[metric]}" for metric, label in PANEL.items()]
