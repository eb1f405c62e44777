"""What the `matching` block must agree on with the rest of a study."""

from typing import TYPE_CHECKING

from ligature.params.datasets import DatasetParams, kind_of
from ligature.params.encoders import check_encoder
from ligature.params.matching import QAP_METHODS, MatchingExperiment

if TYPE_CHECKING:
    from ligature.params.study import Study


def check_matching(study: "Study") -> None:
    """Checks the experiments of matching.

    Raises:
        ValueError: naming the key and what does not fit.
    """
    if study.matching is None:
        return
    used = {name for experiment in study.matching.experiments.values() for name in (experiment.base, experiment.query)}
    for name in study.matching.shuffles:
        _dataset(study, "matching.shuffles", name, ("captions",))
        if name not in used:
            raise ValueError(f"matching.shuffles: no experiment has {name!r} as base or query, so it is not embedded")
    for name, experiment in study.matching.experiments.items():
        _check_experiment(study, f"matching.experiments.{name}", experiment)


def _check_experiment(study: "Study", key: str, experiment: MatchingExperiment) -> None:
    base = _dataset(study, f"{key}.base", experiment.base, ("captions",))
    query = _dataset(study, f"{key}.query", experiment.query, ("captions", "classes"))
    for name in experiment.vision:
        check_encoder(f"{key}.vision", name, study.encoders.vision)
    for name in experiment.text:
        check_encoder(f"{key}.text", name, study.encoders.text)
    if kind_of(query) == "classes":
        _check_classes(key, experiment)
        return
    _check_languages(f"{key}.languages", experiment.languages, experiment.query, query)
    if experiment.base_language == "query":
        _check_languages(f"{key}.base_language", experiment.languages, experiment.base, base)


def _check_classes(key: str, experiment: MatchingExperiment) -> None:
    if experiment.directions != ["i2t"]:
        raise ValueError(f"{key}.directions: the query set has classes, so images are the queries: [i2t]")
    if experiment.languages:
        raise ValueError(f"{key}.languages: the query set has classes, not captions; leave the list empty")
    for method in experiment.methods:
        if method in QAP_METHODS:
            raise ValueError(f"{key}.methods: {method!r} matches one to one, which classes do not allow; remove it")


def _check_languages(key: str, languages: list[str], name: str, dataset: DatasetParams) -> None:
    known = dataset.translations.languages if dataset.translations else []
    for language in languages:
        if language not in known:
            raise ValueError(f"{key}: dataset {name!r} has no translations into {language!r}; it has {known}")


def _dataset(study: "Study", key: str, name: str, kinds: tuple[str, ...]) -> DatasetParams:
    if name not in study.datasets:
        raise ValueError(f"{key}: unknown dataset {name!r}; known: {', '.join(study.datasets)}")
    dataset = study.datasets[name]
    if kind_of(dataset) not in kinds:
        raise ValueError(f"{key}: dataset {name!r} has {kind_of(dataset)}, not {' or '.join(kinds)}")
    return dataset


def embedded_sets(study: "Study", experiment: str | None = None) -> list[tuple[str, str]]:
    """Returns (encoder, data set) of all embeddings that matching, or one experiment of it, reads.

    An experiment reads its base and its queries under all its encoders; shuffles read no more than that.
    """
    experiments = study.matching.experiments if study.matching else {}
    needed = [
        (encoder, dataset)
        for name, entry in experiments.items()
        if experiment in (None, name)
        for encoder in (*entry.vision, *entry.text)
        for dataset in (entry.base, entry.query)
    ]
    return list(dict.fromkeys(needed))
