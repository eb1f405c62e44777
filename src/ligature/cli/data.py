"""`ligature world`, `encoder` and `embed`: raw material, encoders of the study's own, embeddings."""

from typing import Annotated

import typer

from ligature.cli.context import (
    PARAMS,
    RESULTS,
    DeviceOption,
    ParamsOption,
    PrecisionOption,
    ResultsOption,
    ThreadsOption,
    WorkersOption,
    open_layout,
)
from ligature.data import open_dataset
from ligature.data.parts import count_parts, open_part
from ligature.errors import ParamsError
from ligature.params.encoders import VisionEncoderParams
from ligature.store.atomic import write_json
from ligature.store.cache import EmbeddingCache
from ligature.store.cache_entry import Use
from ligature.store.manifest import VIEWS, Manifest

VIEW_HELP = (
    "pooled: one vector an item; regions: CLS and means of a grid of patches; tokens: every token in 16 bits; "
    "tokens-int8: every token in 8 bits."
)


def world(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Render the procedural world of captioned scenes."""
    from ligature.data.scenes import write_world

    layout = open_layout(params, results)
    settings = layout.study.world
    if settings is None:
        raise ParamsError(f"study {layout.study.study!r} has no world block; there is nothing to render")
    values = settings.model_dump(exclude={"web"})
    summary = write_world(layout.world, **values, web=settings.web)
    write_json(layout.world / "world.json", {"images": summary.images, "classes": summary.classes})


def encoder(
    name: str, params: ParamsOption = PARAMS, results: ResultsOption = RESULTS, threads: ThreadsOption = 1
) -> None:
    """Make an encoder that the study trains itself, by its recipe."""
    from ligature.encoders import find_encoder
    from ligature.encoders.unimodal import make_text_encoder, train_vision_encoder

    layout = open_layout(params, results, threads)
    entry = find_encoder(layout, name)
    if entry.recipe is None:
        raise ParamsError(f"encoder {name!r} has no recipe; it is loaded from its source")
    dataset = open_dataset(layout, entry.recipe.dataset) if entry.recipe.dataset else None
    if not isinstance(entry, VisionEncoderParams):
        make_text_encoder(entry.recipe, layout.encoder(name), texts=dataset.texts["text"].to_list())
        return
    labelled = entry.recipe.objective == "supervised"
    train_vision_encoder(
        entry.recipe,
        layout.encoder(name),
        image_size=entry.image_size or 64,
        paths=dataset.images["path"].to_list() if dataset else [],
        labels=dataset.images["label"].to_list() if labelled else None,
        name=name,
    )


def embed(
    name: Annotated[str, typer.Argument(help="Encoder.")],
    dataset: Annotated[str, typer.Argument(help="Data set.")],
    part: Annotated[int, typer.Option(min=0, help="Which part of the data set.")] = 0,
    view: Annotated[str, typer.Option(help=VIEW_HELP)] = "pooled",
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    workers: WorkersOption = 0,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the vision model.")] = False,
) -> None:
    """Embed one part of a data set with one encoder; a killed run goes on at the last complete shard.

    Where LIGATURE_CACHE names a folder, a store that is there already is taken, and a new one is put there.
    """
    from ligature.encoders import (
        extract_images,
        extract_texts,
        find_encoder,
        load_text_encoder,
        load_vision_encoder,
    )
    from ligature.encoders.cached import check_and_say, embed_cached, wanted_store

    layout = open_layout(params, results, threads)
    entry = find_encoder(layout, name)
    if view not in VIEWS:
        raise ParamsError(f"--view {view}: use one of {', '.join(VIEWS)}")
    data, parts = open_part(layout, dataset, part), count_parts(layout, dataset)
    common = {"part": f"{part}/{parts}", "view": view, "params": layout.study.embed}
    folder = layout.embeddings(view, name, dataset, part)

    def make() -> Manifest:
        if isinstance(entry, VisionEncoderParams):
            model = load_vision_encoder(entry, layout, device=device, precision=precision, compiled=compiled)
            return extract_images(model, data, folder, workers=workers, **common)
        text_model = load_text_encoder(entry, layout, device=device, precision=precision)
        return extract_texts(text_model, data, folder, **common)

    cache = EmbeddingCache.from_environment()
    if cache is None:
        make()
        return
    wanted = wanted_store(entry, layout, data, precision=precision, workers=workers, **common)
    check = check_and_say(name, data, layout.study.embed)
    embed_cached(cache, wanted, folder, Use.by(layout.study.study, folder), make, check)
