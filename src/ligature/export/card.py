"""The model card of an exported pair: what it is, what it was trained on, how good it is, and how it is used."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import yaml

from ligature.export.config import HUB_ID, Origin, PairConfig
from ligature.export.text import items, one_line, shown, table
from ligature.intervals import counted, wilson_interval

TAGS = ["sentence-transformers", "ligature", "image-text", "multimodal", "zero-shot-image-classification"]
LICENCES = {"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0"} | {
    "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0",
    "openrail",
}
"""Names of licences that the Hub knows; others are given in words."""

SPENT = {"trainable_parameters", "steps", "samples_seen", "images", "texts"}
MATCHED = ["task", "dataset", "split", "protocol", "metric", "variant"]


@dataclass(frozen=True)
class TrainingData:
    """A data set that the projector was trained on.

    Attributes:
        name: in the study.
        split: its split.
        images: number of images.
        texts: number of texts.
        ids: hash of the ids of images and texts in their order.
    """

    name: str
    split: str
    images: int
    texts: int
    ids: str


@dataclass(frozen=True)
class CardFacts:
    """What a card is made of, beside the config.

    Attributes:
        study: name of the study.
        rendered: whether the data are the rendered world and not photographs.
        data: data sets of the training.
        training: facts of the training's end, by name.
        settings: parameters of the training, by name.
        results: rows of ``ligature.evaluation.results.Result``.
        compute: what was spent, by name.
        checksums: name and SHA-256 of every weight file.
        licence: of the pair, as its maker states it.
        code_version: of ligature.
    """

    study: str
    rendered: bool
    data: Sequence[TrainingData]
    training: Mapping[str, Any]
    settings: Mapping[str, Any]
    results: pd.DataFrame
    compute: Mapping[str, Any] = field(default_factory=dict)
    checksums: Sequence[tuple[str, str]] = ()
    licence: str | None = None
    code_version: str = ""


def model_card(config: PairConfig, facts: CardFacts) -> str:
    """Returns the card as Markdown with the front matter that a Hub reads; names and values are escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    training = _plain(facts.training)
    environment = Environment(
        loader=PackageLoader("ligature.export"), autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template("model_card.md").render(
        front_matter=_front_matter(config, facts.licence),
        title=shown(config.name),
        study=shown(facts.study),
        version=shown(facts.code_version),
        rendered=facts.rendered,
        licence=None if facts.licence is None else shown(facts.licence),
        overview=items(_overview(config, facts.training)),
        encoders=_encoders(config),
        data=table(
            ["data set", "split", "images", "texts", "hash of ids"],
            [[data.name, data.split, data.images, data.texts, data.ids] for data in facts.data],
        ),
        settings=items({name: value for name, value in facts.settings.items() if name != "datasets"}),
        outcome=items({name: value for name, value in training.items() if not _is_spent(name)}),
        results=_results(config.name, facts.results),
        compute=items({name: value for name, value in training.items() if _is_spent(name)} | _plain(facts.compute)),
        max_length=config.text.max_length,
        checksums=table(["file", "SHA-256"], facts.checksums),
    )


def _front_matter(config: PairConfig, licence: str | None) -> str:
    values: dict[str, Any] = {"library_name": "sentence-transformers", "tags": TAGS}
    values["pipeline_tag"] = "feature-extraction"
    if licence is not None and licence.lower() in LICENCES:
        values["license"] = licence.lower()
    elif licence is not None:
        values |= {"license": "other", "license_name": _dashed(licence)}
    sources = [params.source for params in (config.vision, config.text)]
    bases = [source for source in sources if source and not source.startswith("./") and HUB_ID.fullmatch(source)]
    if bases:
        values["base_model"] = bases
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)


def _dashed(licence: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", one_line(licence).lower()).strip("-") or "other"


def _overview(config: PairConfig, training: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "width of the space": training.get("embed_dim"),
        "image features": config.mode,
        "temperature": config.temperature,
        "bias of the logits": config.logit_bias,
        "trained parameters": training.get("trainable_parameters"),
    }


def _encoders(config: PairConfig) -> str:
    rows = []
    for side, params in (("vision", config.vision), ("text", config.text)):
        origin = config.origins.get(side, Origin())
        inside = "none needed" if params.source is None else "in this folder"
        files = inside if params.source is None or params.source.startswith("./") else "on the Hub"
        rows.append([side, params.name, params.loader, origin.source, origin.revision, files])
    return table(["side", "encoder", "loader", "source", "revision", "files"], rows)


def _results(model: str, results: pd.DataFrame) -> str:
    """Returns one line a measured value, with its interval where it is a counted share, and with chance."""
    chance = {tuple(row[MATCHED]): row["value"] for _, row in results[results["model"] == "chance"].iterrows()}
    rows = []
    for _, row in results[results["model"] == model].iterrows():
        value, n = float(row["value"]), int(row["n"])
        interval = "–"
        if counted(row["metric"]):
            interval = "{:.4f} to {:.4f}".format(*wilson_interval(value, n))
        named = [row[name] for name in ("task", "dataset", "split", "variant", "protocol", "metric")]
        luck = chance.get(tuple(row[MATCHED]))
        rows.append([*named, f"{value:.4f}", interval, "–" if luck is None else f"{luck:.4f}", n])
    header = ["task", "data set", "split", "variant", "protocol", "metric", "value", "95 % interval", "chance", "n"]
    return table(header, rows)


def _is_spent(name: str) -> bool:
    """Whether a fact of the training says what it took rather than what came of it."""
    return name in SPENT or "flop" in name


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values that are no blocks of their own."""
    return {name: value for name, value in values.items() if isinstance(value, int | float | str | bool)}
