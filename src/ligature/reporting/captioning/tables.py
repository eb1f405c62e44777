"""Tables of captioning: scores of every connector, few-shot, noise, and speed."""

from collections.abc import Iterator

import pandas as pd

from ligature.reporting.captioning.comparisons import (
    CENTRED,
    CIDER,
    COSINE,
    NOISY_CIDER,
    Measure,
    levels,
    share_kept,
    values_of,
)
from ligature.reporting.captioning.controls import CONTROLS
from ligature.reporting.captioning.estimates import Estimate, over_images, over_seeds
from ligature.reporting.captioning.runs import pairs_label
from ligature.reporting.captioning.sources import SPEEDS, CaptioningInputs
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded, number, slug

SCORES = (
    CIDER,
    Measure("captioning", "bleu4", "BLEU-4", 100.0),
    Measure("captioning", "rouge_l", "ROUGE-L", 100.0),
    Measure("captioning", "meteor", "METEOR", 100.0),
    Measure("captioning", "spice", "SPICE", 100.0),
)
TEXTS = (
    Measure("captioning", "ended", "ended, %", 100.0),
    Measure("captioning", "distinct", "different, %", 100.0),
    Measure("captioning", "words", "words"),
)
SCALE = (
    "Scores are times 100, as papers print them: CIDEr-D runs from 0 to 1,000, the others from 0 to 100. In brackets "
    "the 95\u00a0% interval: Student's over seeds, or of one seed a bootstrap over images where all their captions are "
    "there."
)
MOST_DATASETS = 6


def score_tables(inputs: CaptioningInputs) -> list[Table]:
    """Returns a table a data set: connectors at every number of pairs, and chance last."""
    rows = inputs.results[(inputs.results["task"] == CIDER.task) & (inputs.results["shots"] == 0)]
    return [_scores(inputs, dataset, rows) for dataset in list(dict.fromkeys(rows["dataset"]))[:MOST_DATASETS]]


def _scores(inputs: CaptioningInputs, dataset: str, rows: pd.DataFrame) -> Table:
    rows = rows[rows["dataset"] == dataset]
    there = set(rows["metric"])
    scores, texts = ([one for one in group if one.metric in there] for group in (SCORES, TEXTS))
    data, shown = [], []
    for _, run in inputs.runs.iterrows():
        found = {one: estimate(inputs, one, run, dataset) for one in (*scores, *texts)}
        if any(one.seeds for one in found.values()):
            data += _data(run, dataset, found)
            means = (number(found[one].value, 1) for one in texts)
            shown.append([*_names(run), *(found[one].cell() for one in scores), *_sizes(run), *means])
    controls = [control for control in CONTROLS if (rows["model"] == control).any()]
    last = [_chance(rows[rows["model"] == control], control, scores, texts) for control in controls]
    sizes = ["visual tokens", "parameters of the connector"]
    return Table(
        name=f"captioning-{slug(dataset)}",
        caption=f"Captions of {bounded(dataset, 40)} without examples. {SCALE}{_last(controls)}",
        data=pd.DataFrame(data),
        header=["connector", "trained on", *(one.label for one in scores), *sizes, *(one.label for one in texts)],
        rows=[*shown, *last],
        text_columns=2,
        muted=frozenset(range(len(shown), len(shown) + len(last))),
    )


def _names(run: pd.Series) -> list[str]:
    return [run["label"], pairs_label(run["pairs"])]


def _sizes(run: pd.Series) -> list[str]:
    return [count(run["visual_tokens"]), count(run["connector_parameters"])]


def _last(controls: list[str]) -> str:
    told = "; ".join(f"{control}, {CONTROLS[control]}" for control in controls)
    return f" Last and muted is chance, as means over all trainings: {told}." if controls else ""


def _chance(rows: pd.DataFrame, control: str, scores: list[Measure], texts: list[Measure]) -> list[str]:
    """Returns the cells of a control: means over all trainings."""
    means = rows.groupby("metric")["value"].mean()
    sides = (
        [number(one.scale * means[one.metric], 1) if one.metric in means else NOTHING for one in group]
        for group in (scores, texts)
    )
    return [control, "", *next(sides), NOTHING, NOTHING, *next(sides)]


def _data(run: pd.Series, dataset: str, found: dict[Measure, Estimate]) -> Iterator[dict[str, object]]:
    """Yields one row a measure that a run has."""
    for measure, one in found.items():
        if one.seeds:
            key = {"run": run["run"], "pairs": run["pairs"], "dataset": dataset, "metric": measure.metric}
            yield key | {"scale": measure.scale} | vars(one)


def estimate(inputs: CaptioningInputs, measure: Measure, run: pd.Series, dataset: str) -> Estimate:
    """Returns the mean of a measure of a run on a data set; CIDEr-D of one seed has an interval over images."""
    values = values_of(inputs.results, measure, run["run"], run["pairs"], dataset=dataset)
    if measure is not CIDER or len(values) != 1:
        return over_seeds(values)
    captions = inputs.captions[inputs.captions["dataset"] == dataset]
    captions = captions[(captions["run"] == run["run"]) & (captions["pairs"] == run["pairs"])]
    rows = inputs.results[(inputs.results["model"] == run["run"]) & (inputs.results["pairs"] == run["pairs"])]
    rows = rows[(rows["metric"] == CIDER.metric) & (rows["dataset"] == dataset) & (rows["task"] == CIDER.task)]
    own = captions.loc[captions["seed"] == values.index[0], "cider"].dropna()
    whole = len(own) == rows.loc[rows["shots"] == 0, "n"].max()
    return over_images(measure.scale * own) if whole else over_seeds(values)


def count(value: float) -> str:
    """Returns a count as a reader likes it, for example ``12.3 M``."""
    if pd.isna(value):
        return NOTHING
    return f"{value / 1e6:,.1f} M" if value >= 1e6 else f"{value:,.0f}"


def shot_table(inputs: CaptioningInputs) -> Table | None:
    """Returns CIDEr-D by the number of examples in front of the image, the mean over data sets; None without any."""
    rows = inputs.results[inputs.results["task"] == CIDER.task]
    shots = sorted(rows["shots"].unique())
    if len(shots) < 2:
        return None
    data, shown = [], []
    for _, run in inputs.runs.iterrows():
        found = {
            each: over_seeds(values_of(inputs.results, CIDER, run["run"], run["pairs"], shots=each)) for each in shots
        }
        if any(one.seeds for one in found.values()):
            data += [
                {"run": run["run"], "pairs": run["pairs"], "shots": int(each)} | vars(one)
                for each, one in found.items()
            ]
            shown.append([*_names(run), *(one.cell() for one in found.values())])
    return Table(
        name="captioning-shots",
        caption="CIDEr-D × 100 by the number of examples, training pairs with their own pictures, in front of the "
        "image, the mean over data sets. None of these models was trained on chats with several images.",
        data=pd.DataFrame(data),
        header=["connector", "trained on", *(f"{int(each)} shots" for each in shots)],
        rows=shown,
        text_columns=2,
    )


def noise_table(inputs: CaptioningInputs) -> Table | None:
    """Returns what every connector keeps at the highest level of noise; None where there was no noise."""
    measured = levels(inputs.results)
    if not measured or not measured[-1]:
        return None
    data, shown = [], []
    for _, run in inputs.runs.iterrows():
        found = noise_estimates(inputs, run, measured[-1])
        if found["clean"].seeds:
            data += [
                {"run": run["run"], "pairs": run["pairs"], "measure": key} | vars(one) for key, one in found.items()
            ]
            digits = {"clean": 1, "noisy": 1, "kept": 1}
            shown.append([*_names(run), *(one.cell(digits.get(key, 3)) for key, one in found.items())])
    return Table(
        name="captioning-noise",
        caption=f"Gaussian noise on the vision features with {measured[-1]:g} times their standard deviation: CIDEr-D "
        "× 100, the share of it that is kept, and the cosine distance of the connector's outputs with noise and "
        "without, as they are and after the mean visual token is taken away from both.",
        data=pd.DataFrame(data),
        header=["connector", "trained on", "without noise", "with noise", "kept, %", "cosine distance", "centred"],
        rows=shown,
        text_columns=2,
    )


def noise_estimates(inputs: CaptioningInputs, run: pd.Series, level: float) -> dict[str, Estimate]:
    """Returns CIDEr-D without noise and with a level of it, the share kept in percent, and both cosine distances."""
    key = (run["run"], run["pairs"])
    return {
        "clean": over_seeds(values_of(inputs.results, NOISY_CIDER, *key, noise=0.0)),
        "noisy": over_seeds(values_of(inputs.results, NOISY_CIDER, *key, noise=level)),
        "kept": over_seeds(100 * share_kept(inputs.results, *key, level)),
        "raw": over_seeds(values_of(inputs.results, COSINE, *key, noise=level)),
        "centred": over_seeds(values_of(inputs.results, CENTRED, *key, noise=level)),
    }


def speed_table(inputs: CaptioningInputs) -> Table | None:
    """Returns rates and memory of every training, means over seeds, with sizes; None where none was measured."""
    if inputs.speed[list(SPEEDS)].isna().all(axis=None):
        return None
    means = inputs.speed.groupby(["run", "pairs"])[list(SPEEDS)].mean()
    shown, data = [], []
    for _, run in inputs.runs.iterrows():
        key = (run["run"], run["pairs"])
        if key in means.index:
            speed = means.loc[key]
            sizes = run[["parameters", "connector_parameters", "visual_tokens", "steps", "flops"]].to_dict()
            data.append({"run": run["run"], "pairs": run["pairs"]} | speed.to_dict() | sizes)
            shown.append(_speed_row(run, speed))
    return Table(
        name="captioning-speed",
        caption="Captions and tokens a second with all captions of the evaluation, seconds of a training step, the "
        "largest memory, parameters and operations of the training; means over seeds on the machine of this study, "
        "which other jobs may have shared.",
        data=pd.DataFrame(data),
        header=[
            *("connector", "trained on", "images/s", "tokens/s", "s a step", "peak, MiB"),
            *("parameters", "of the connector", "visual tokens", "operations"),
        ],
        rows=shown,
        text_columns=2,
    )


def _speed_row(run: pd.Series, speed: pd.Series) -> list[str]:
    digits = {"images_per_second": 1, "tokens_per_second": 0, "step_seconds": 4, "peak_mib": 0}
    return [
        *_names(run),
        *(number(speed[key], digits[key]) for key in SPEEDS),
        count(run["parameters"]),
        count(run["connector_parameters"]),
        count(run["visual_tokens"]),
        NOTHING if pd.isna(run["flops"]) else f"{run['flops']:.3g}",
    ]


def vocabulary_table(inputs: CaptioningInputs) -> Table | None:
    """Returns the vocabulary that every mixture uses in the end; None where no connector mixes."""
    measures = {
        Measure("visual tokens", "effective_vocabulary", "effective vocabulary"): 1,
        Measure("visual tokens", "entropy_share", "share of the vocabulary, %", 100.0): 1,
        Measure("visual tokens", "token_spread", "spread of visual tokens"): 3,
    }
    data, shown = [], []
    for _, run in inputs.runs.iterrows():
        found = {one: over_seeds(values_of(inputs.results, one, run["run"], run["pairs"])) for one in measures}
        if any(one.seeds for one in found.values()):
            data += _data(run, "", found)
            shown.append([*_names(run), *(found[one].cell(digits) for one, digits in measures.items())])
    if not shown:
        return None
    return Table(
        name="captioning-vocabulary",
        caption="How many tokens a visual token mixes, the exponential of its entropy, at the end of the training, and "
        "how far visual tokens spread, in standard deviations of the token embeddings; connectors that mix nothing "
        "have a spread alone. With a layer norm over the vocabulary a mixture starts at about 61\u00a0% of it.",
        data=pd.DataFrame(data),
        header=["connector", "trained on", *(one.label for one in measures)],
        rows=shown,
        text_columns=2,
    )
