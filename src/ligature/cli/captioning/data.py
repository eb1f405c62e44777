"""What the vision-language models of a study read: pairs of every stage, and texts for a language model."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from ligature.captioning import CaptionData
from ligature.cli.captions import Captions, hash_captions, load_captions
from ligature.data import open_dataset
from ligature.data.mixture import Mixture
from ligature.errors import ParamsError
from ligature.params.captioning import CaptioningParams, LanguageRecipe
from ligature.params.captioning_checks import captioning_recipe, captioning_runs, stage_sets
from ligature.store import Layout
from ligature.store.hashing import hash_strings

ALL = "all"
WHOLE_DESCRIPTION = "all"
"""Variant of a long description that is not cut."""

RunArgument = Annotated[str, typer.Argument(help="Run of the captioning.")]
PairsOption = Annotated[str, typer.Option(help="Pairs it is trained on: one of its numbers, or all.")]
SeedOption = Annotated[int, typer.Option(min=0, help="One of its seeds.")]


def captioning_params(layout: Layout) -> CaptioningParams:
    """Returns the `captioning` block.

    Raises:
        ParamsError: when the study has none.
    """
    if layout.study.captioning is None:
        raise ParamsError(f"study {layout.study.study!r} has no captioning block")
    return layout.study.captioning


def check_training(layout: Layout, run: str, pairs: str, seed: int) -> int | None:
    """Checks that a study has a training, and returns its number of pairs; None for all.

    Args:
        layout: of the study.
        run: the variant.
        pairs: their number, or ``all``.
        seed: of the training.

    Raises:
        ParamsError: naming the runs, numbers of pairs or seeds that there are.
    """
    block = captioning_params(layout)
    if run not in block.runs:
        raise ParamsError(f"unknown run {run!r}; known: {', '.join(block.runs)}")
    sizes = {name_of_pairs(size): size for name, size, _ in captioning_runs(layout.study) if name == run}
    if pairs not in sizes:
        raise ParamsError(f"--pairs {pairs}: run {run!r} is trained on pairs {', '.join(sizes)}")
    if seed not in block.seeds:
        raise ParamsError(f"--seed {seed}: the study trains with seeds {', '.join(map(str, block.seeds))}")
    return sizes[pairs]


def name_of_pairs(pairs: int | None) -> str:
    """Returns a number of pairs as it stands on the command line and in tables."""
    return ALL if pairs is None else str(pairs)


def load_stages(layout: Layout, run: str, pairs: int | None, seed: int, *, hashed: bool = True) -> list[CaptionData]:
    """Loads what each stage of a run is trained on; every set is read once, and stages with the same sets share data.

    Args:
        layout: of the study.
        run: the variant.
        pairs: drawn from the captions of every stage; None for all.
        seed: of the draw; a smaller draw is part of a larger one.
        hashed: see ``load_sets``.

    Raises:
        DataError: naming the file, row or key that is wrong.
        ParamsError: when a stage has fewer pairs.
    """
    stages = [stage_sets(layout.study, stage) for stage in captioning_recipe(layout.study, run).stages]
    sets = {name: _read(layout, name, hashed) for name in dict.fromkeys(name for names, _ in stages for name in names)}
    found: dict[str, CaptionData] = {}
    for names, weights in stages:
        if str((names, weights)) not in found:
            whole = _joined([sets[name] for name in names], weights)
            try:
                found[str((names, weights))] = whole.subset(pairs, seed)
            except ParamsError as error:
                raise ParamsError(f"run {run!r}, stage on {', '.join(names)}: {error}") from error
    return [found[str(stage)] for stage in stages]


def load_sets(layout: Layout, names: Sequence[str], *, hashed: bool = True) -> CaptionData:
    """Loads captioned data sets or downloaded sets, one after the other.

    Args:
        layout: of the study.
        names: of the sets.
        hashed: whether the bytes of all images are read, for a hash by which a killed training knows its data again;
            it is empty otherwise.

    Raises:
        DataError: naming the file, row or key that is wrong.
    """
    return _joined([_read(layout, name, hashed) for name in names], "proportional")


def _read(layout: Layout, name: str, hashed: bool) -> tuple[Captions, str]:
    """Reads a set, and hashes it where that is wanted."""
    captions = load_captions(layout, name)
    return captions, hash_captions(captions) if hashed else ""


def _joined(sets: Sequence[tuple[Captions, str]], weights: str | Sequence[float]) -> CaptionData:
    """Puts sets one after the other; ``weights`` say how often the images of each are drawn."""
    captions = [each for each, _ in sets]
    starts = np.cumsum([0, *(len(each.images) for each in captions)])
    owners = [each.image_of_text + start for each, start in zip(captions, starts, strict=False)]
    return CaptionData(
        paths=[path for each in captions for path in each.images["path"]],
        image_ids=[id_ for each in captions for id_ in each.images["id"]],
        captions=[caption for each in captions for caption in each.captions],
        image_of_text=np.concatenate(owners),
        content_hash=hash_strings(of_set for _, of_set in sets),
        mixture=None if weights == "proportional" else Mixture.of(np.diff(starts).tolist(), weights),
    )


def load_texts(layout: Layout, recipe: LanguageRecipe) -> list[str]:
    """Returns the texts that a language model reads: captions and translations, in documents or not, and descriptions.

    Raises:
        DataError: naming the file, row or key that is wrong.
    """
    texts: list[str] = []
    for name in recipe.datasets:
        params, table = layout.study.datasets[name], open_dataset(layout, name).texts
        variants = table["variant"] if "variant" in table else pd.Series("", index=table.index)
        short = {"", *(params.translations.languages if recipe.translations and params.translations else ())}
        captions = table[variants.isin(short)]
        texts += documents(captions, recipe.seed) if recipe.documents else captions["text"].to_list()
        if recipe.descriptions and params.descriptions is not None:
            texts += table["text"][variants == WHOLE_DESCRIPTION].to_list()
    return texts


def documents(texts: pd.DataFrame, seed: int) -> list[str]:
    """Returns one text an image: all of its texts, line by line in random order.

    Args:
        texts: ``image_id`` and ``text``.
        seed: of the order.
    """
    generator = np.random.default_rng(seed)
    lines = [group.to_list() for _, group in texts.groupby("image_id", sort=True)["text"]]
    return ["\n".join(generator.permutation(np.array(group, object))) for group in lines]
