"""From the results of a study to the folder of its exported pair."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ligature import __version__
from ligature.data.files import read_json
from ligature.data.parts import count_parts, open_part
from ligature.encoders.source import EncoderParams, find_encoder, resolve_source
from ligature.errors import DataError, EncoderError
from ligature.evaluation import RESULT_COLUMNS
from ligature.export.card import CardFacts, TrainingData, model_card
from ligature.export.config import ENCODERS_NAME, Origin, PairConfig
from ligature.export.folder import checksums, write_pair
from ligature.export.weights import CARD_NAME
from ligature.params.encoders import TextEncoderParams
from ligature.params.pretraining_checks import PLACEHOLDER
from ligature.projection import load_projector
from ligature.store import Layout
from ligature.store.atomic import write_text
from ligature.store.hashing import hash_files, hash_strings


def export_pair(
    layout: Layout,
    vision: str,
    text: str,
    *,
    inside: bool | None = None,
    licence: str | None = None,
    compute: Path | None = None,
) -> Path:
    """Writes the trained pair of a study into its folder ``model``.

    Args:
        layout: of the study, trained and evaluated.
        vision: name of the vision encoder.
        text: name of the text encoder.
        inside: whether the encoders' files are copied into the folder (True) or named by Hub id (False); by default
            those that are not on the Hub are copied.
        licence: of the pair, as its maker states it.
        compute: file with the account of the training's compute, shown in the card where it is there.

    Returns:
        The folder.

    Raises:
        DataError: the study is not trained or not evaluated.
        EncoderError: an encoder is not the one that was trained with, or is not on the Hub and shall not be copied.
    """
    projector = load_projector(layout.train)
    trained = read_json(layout.train / CARD_NAME)
    mode = trained.get("provenance", {}).get("train", {}).get("mode", layout.study.train.mode)
    names = {"vision": vision, "text": text}
    sides = {side: _side(layout, side, name, _identity(trained, side), inside) for side, name in names.items()}
    bias = getattr(projector, "logit_bias", None)
    config = PairConfig(
        name=f"{vision} + {text}",
        mode=mode,
        regions=_identity(trained, "vision").get("regions", layout.study.embed.regions),
        origins={side: origin for side, (_, origin, _) in sides.items()},
        temperature=projector.temperature,
        logit_bias=None if bias is None else float(bias),
        projector="",
        **{side: params for side, (params, _, _) in sides.items()},
    )
    facts = _card_facts(layout, trained, licence, compute)
    encoders = {side: folder for side, (_, _, folder) in sides.items() if folder is not None}
    parts = {name: trained.get(name) or {} for name in ("facts", "provenance")}
    write_pair(layout.model, config, projector, encoders, model_card(config, facts), **parts)
    write_text(layout.model / "README.md", model_card(config, replace(facts, checksums=checksums(layout.model))))
    return layout.model


def _identity(trained: dict[str, Any], side: str) -> dict[str, Any]:
    """Returns what the training recorded of an encoder."""
    return trained.get("provenance", {}).get("encoders", {}).get(side, {})


def _side(
    layout: Layout, side: str, name: str, identity: dict[str, Any], inside: bool | None
) -> tuple[EncoderParams, Origin, Path | None]:
    """Returns an encoder as the config names it, where it came from, and the folder to copy, if it is copied."""
    params = find_encoder(layout, name)
    _check_settings(params, identity)
    if params.source is None and params.recipe is None:
        return params, Origin(), None
    source = resolve_source(params, layout)
    if identity.get("revision", source.identity) != source.identity:
        raise EncoderError(
            f"encoder {name!r}: is {source.identity}, the projector was trained on {identity['revision']}; "
            "train it again, or restore the encoder"
        )
    if inside is False and not source.on_hub:
        raise EncoderError(f"encoder {name!r}: is not on the Hub, so its id cannot be given; leave out --by-id")
    changes: dict[str, Any] = {}
    if isinstance(params, TextEncoderParams):
        changes["max_length"] = identity.get("max_length", params.max_length)
    origin = Origin(source=_public_name(params), revision=source.identity)
    if source.on_hub and not inside:
        return params.model_copy(update=changes | {"revision": source.identity}), origin, None
    weights = hash_files(sorted(source.folder.rglob("*.safetensors")))
    changes |= {"source": f"./{ENCODERS_NAME}/{side}", "recipe": None, "revision": weights}
    return params.model_copy(update=changes), origin, source.folder


def _check_settings(params: EncoderParams, identity: dict[str, Any]) -> None:
    """Checks that the study still uses an encoder as the training did."""
    recorded = {"module": None, **identity}
    for key in ("loader", "module", "pooling", "image_size", "prompt", "dims"):
        if key in recorded and recorded[key] != getattr(params, key, None):
            raise EncoderError(
                f"encoder {params.name!r}: {key} is {getattr(params, key, None)!r}, the projector was trained with "
                f"{recorded[key]!r}; train it again, or restore {key}"
            )


def _public_name(params: EncoderParams) -> str:
    """Returns the source as others may know it; of a whole path only the last folder."""
    text = params.source or ""
    if params.recipe is not None or text.startswith(PLACEHOLDER):
        return "this study"
    return Path(text).name if text.startswith(("/", ".", "~", "$", "{")) else text


def _card_facts(layout: Layout, trained: dict[str, Any], licence: str | None, compute: Path | None) -> CardFacts:
    study = layout.study
    facts = {name: value for name, value in trained.get("facts", {}).items() if not isinstance(value, dict)}
    settings = trained.get("provenance", {}).get("train") or study.train.model_dump()
    return CardFacts(
        study=study.study,
        rendered=study.world is not None,
        data=[_training_data(layout, name) for name in study.train.datasets],
        training={"embed_dim": trained["config"]["embed_dim"], **facts},
        settings=settings,
        results=_results(layout),
        compute=read_json(compute) if compute is not None and compute.is_file() else {},
        licence=licence,
        code_version=__version__,
    )


def _training_data(layout: Layout, name: str) -> TrainingData:
    """Returns what the card says of a data set, or of a downloaded set, that was trained on."""
    parts = [open_part(layout, name, part) for part in range(count_parts(layout, name))]
    images, texts = ([row for part in parts for row in getattr(part, table)["id"]] for table in ("images", "texts"))
    return TrainingData(name, parts[0].split, len(images), len(texts), hash_strings([*images, *texts]))


def _results(layout: Layout) -> pd.DataFrame:
    """Returns the rows of the evaluation, and of segmentation where it was measured."""
    path = layout.evaluation / "results.csv"
    if not path.is_file():
        raise DataError(f"{path}: missing; run `ligature evaluate` first")
    paths = [path, layout.segmentation / "results.csv"]
    return pd.concat([_read_results(path) for path in paths if path.is_file()], ignore_index=True)


def _read_results(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, keep_default_na=False, dtype={"variant": str})
    missing = [column for column in RESULT_COLUMNS if column not in table and column != "variant"]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing; run the evaluation again")
    return table if "variant" in table else table.assign(variant="")
