"""What the `pretraining` block must agree on with the rest of a study."""

from typing import TYPE_CHECKING

from ligature.params.datasets import kind_of
from ligature.params.encoders import check_encoder
from ligature.params.pretraining import PretrainingParams

if TYPE_CHECKING:
    from ligature.params.study import Study

PLACEHOLDER = "{pretraining}/"
"""What the source of a pre-trained encoder begins with: ``{pretraining}/RUN/seed-SEED``."""


def check_pretraining(study: "Study") -> None:
    """Checks the pre-training, and the encoders that come of it.

    Raises:
        ValueError: naming the key and what does not fit.
    """
    known = {pretrained_source(run, seed) for run, seed in pretrained_runs(study)}
    for encoder in [*study.encoders.vision, *study.encoders.text]:
        source = encoder.source or ""
        if source.startswith(PLACEHOLDER) and source not in known:
            names = ", ".join(sorted(known)) or "none, the study has no pretraining block"
            raise ValueError(f"encoders.{encoder.name}.source: no such training {source!r}; known: {names}")
    if study.pretraining is not None:
        _check_data(study, study.pretraining)
        _check_semantics(study, study.pretraining.semantics)
        _check_order(study)


def pretrained_runs(study: "Study") -> list[tuple[str, int]]:
    """Returns (run, seed) of every training."""
    block = study.pretraining
    return [(run, seed) for run in block.points for seed in block.seeds] if block else []


def pretrained_source(run: str, seed: int) -> str:
    """Returns the source by which the `encoders` block names a training."""
    return f"{PLACEHOLDER}{run}/seed-{seed}"


def pretraining_sets(study: "Study") -> tuple[list[str], str | list[float]]:
    """Returns the data sets and downloaded sets that are trained on, and their weights."""
    block = study.pretraining
    if block.mix is None:
        return block.datasets, "proportional"
    return study.mixes[block.mix].sets, study.mixes[block.mix].weights


def _check_data(study: "Study", block: PretrainingParams) -> None:
    if block.mix is not None and block.mix not in study.mixes:
        raise ValueError(f"pretraining.mix: unknown mix {block.mix!r}; known: {', '.join(study.mixes) or 'none'}")
    downloaded = {name for mix in study.mixes.values() for name in mix.sets}
    for name in block.datasets:
        if name not in downloaded:
            _check_dataset(study, "datasets", name, "captions", "classes")
    for name in [block.validation, *block.retrieval]:
        _check_dataset(study, "validation or retrieval", name, "captions")
    for name in block.classification + ([block.probe.train, block.probe.test] if block.probe else []):
        _check_dataset(study, "classification or probe", name, "classes")


def _check_dataset(study: "Study", key: str, name: str, *kinds: str) -> None:
    if name not in study.datasets:
        raise ValueError(f"pretraining.{key}: unknown dataset {name!r}; known: {', '.join(study.datasets)}")
    kind = kind_of(study.datasets[name])
    if kind not in kinds:
        raise ValueError(f"pretraining.{key}: dataset {name!r} has {kind}, not {' or '.join(kinds)}")


def _check_semantics(study: "Study", name: str | None) -> None:
    if name is None:
        return
    check_encoder("pretraining.semantics", name, study.encoders.text)
    encoder = next(encoder for encoder in study.encoders.text if encoder.name == name)
    if (encoder.source or "").startswith(PLACEHOLDER):
        raise ValueError(f"pretraining.semantics: {name!r} comes of this pre-training itself; name another encoder")


def _check_order(study: "Study") -> None:
    """Checks that no pre-trained encoder takes part in making the downloads that it is trained on."""
    downloaded = [name for name in pretraining_sets(study)[0] if name not in study.datasets]
    if not downloaded:
        return
    scorer = study.curate.scorer
    scoring = {scorer.vision, scorer.text} if scorer else {name for names in study.compared for name in names}
    key = "curate.scorer" if scorer else "pairs"
    for encoder in [*study.encoders.vision, *study.encoders.text]:
        if encoder.name in scoring and (encoder.source or "").startswith(PLACEHOLDER):
            remedy = "name another" if scorer else "leave it out of pairs.vision and pairs.text, or name curate.scorer"
            raise ValueError(f"{key}: {encoder.name!r} is trained on downloads that it would select; {remedy}")
