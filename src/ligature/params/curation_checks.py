"""What the blocks of curation must agree on with each other and with the rest of a study."""

from typing import TYPE_CHECKING

from ligature.params.encoders import check_encoder

if TYPE_CHECKING:
    from ligature.params.study import Study

SELECTED_SETS = ("collected", "random")
"""Sets of rows that curation makes: the selection, and a random subset of the pool of the same size."""


def check_curation(study: "Study") -> None:
    """Checks the blocks of curation.

    Raises:
        ValueError: naming the key and what does not fit.
    """
    if study.curate is None:
        for key in ("download", "mixes", "ablation"):
            if getattr(study, key):
                raise ValueError(f"{key}: there is nothing to work on without a curate block; set it to null or {{}}")
        return
    if study.download is None:
        raise ValueError("download: missing; the curated rows are to be fetched")
    _check_sources(study)
    _check_scorer(study)
    _check_mixes(study)


def sets_to_train_on(study: "Study") -> list[str]:
    """Returns the downloaded sets that `train` and `sweep` may name beside data sets.

    There are none where the study's own trained projector scores captions: what it selects cannot come before it.
    """
    if study.curate is None or study.curate.scorer is None:
        return []
    return list(dict.fromkeys(name for mix in study.mixes.values() for name in mix.sets))


def _check_sources(study: "Study") -> None:
    used = [*study.curate.pool, *study.curate.captioned]
    for name in used:
        if name not in study.sources:
            raise ValueError(f"curate: unknown source {name!r}; known: {', '.join(study.sources)}")
        if used.count(name) > 1:
            raise ValueError(f"curate: source {name!r} stands twice among pool and captioned")
    for name in study.sources:
        if name in study.datasets or name in SELECTED_SETS:
            raise ValueError(f"sources.{name}: the name is taken; data sets, sources and sets share one space of names")
    for name in SELECTED_SETS:
        if name in study.datasets:
            raise ValueError(f"datasets.{name}: the name is taken by the set that curation makes")


def _check_scorer(study: "Study") -> None:
    scorer = study.curate.scorer
    if scorer is not None:
        check_encoder("curate.scorer.vision", scorer.vision, study.encoders.vision)
        check_encoder("curate.scorer.text", scorer.text, study.encoders.text)
    elif study.train.mode != "pooled":
        raise ValueError("curate.scorer: null scores with the study's own projector, which takes train.mode 'pooled'")
    if study.curate.over_collect * study.curate.quota > study.curate.k:
        raise ValueError(
            f"curate.k: {study.curate.k} candidates a concept cannot fill a quota of {study.curate.quota} "
            f"times over_collect {study.curate.over_collect}; raise k"
        )


def _check_mixes(study: "Study") -> None:
    known = [*SELECTED_SETS, *study.curate.captioned]
    for name, mix in study.mixes.items():
        for item in mix.sets:
            if item not in known:
                raise ValueError(f"mixes.{name}: unknown set {item!r}; known: {', '.join(known)}")
    if study.ablation is not None and not study.mixes:
        raise ValueError("ablation: there is no mix to train on")
    for name in (study.ablation.mixes or ()) if study.ablation else ():
        if name not in study.mixes:
            raise ValueError(f"ablation.mixes: unknown mix {name!r}; known: {', '.join(study.mixes)}")
