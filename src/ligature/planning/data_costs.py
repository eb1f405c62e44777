"""What jobs cost that read, fetch, embed, score and write data."""

from ligature.curation.plan import CHOICE_BYTES, ENTRY_BYTES, VECTOR_VALUE_BYTES, scoring_flop
from ligature.data.scenes import class_names
from ligature.planning.architectures import WEIGHT_BYTES
from ligature.planning.facts import Facts
from ligature.planning.jobs import Job
from ligature.planning.work import LOAD, RELATED, START, Cost


def world(facts: Facts, job: Job) -> Cost:
    """Returns the cost of rendering the world."""
    block = facts.study.world
    web = block.web
    classes = len(class_names()) * sum(block.imagenet.values())
    scenes = sum([*block.coco.values(), *block.voc.values(), *block.shifted.values()])
    pages = web.laion + web.cc3m + web.cc12m + web.sbu if web else 0
    images = classes + scenes + pages
    stored = images * block.image_size**2 * facts.quantity("bytes a stored pixel")
    return Cost((START, ("render", images)), stored=stored)


def encoder(facts: Facts, job: Job) -> Cost:
    """Returns the cost of making one of the study's own encoders."""
    name = job["encoder"]
    recipe, model = facts.block(name).recipe, facts.architecture(name)
    works = [LOAD]
    if facts.is_vision(name) and recipe.objective != "none":
        views = 2 if recipe.objective == "self-supervised" else 1
        seen = recipe.epochs * facts.images(recipe.dataset)
        flop = RELATED / 2 * seen * views * model.image_flop(facts.side(name))
        works += [("train", flop), ("step", seen / recipe.batch_size)]
        works += [("decode", facts.images(recipe.dataset) * facts.pixels(recipe.dataset))]
    return Cost(tuple(works), stored=WEIGHT_BYTES * model.parameters)


def embed(facts: Facts, job: Job) -> Cost:
    """Returns the cost of one store."""
    name, dataset, view = job["encoder"], job["dataset"], job["view"]
    block, model, parts = facts.block(name), facts.architecture(name), _parts(facts, job)
    if facts.is_vision(name):
        items = facts.images(dataset) / parts
        works = (("decode", items * facts.pixels(dataset)), ("encode", items * model.image_flop(facts.side(name))))
        vectors = {"pooled": 2 if block.pooling == "cls+mean" else 1, "regions": facts.study.embed.regions**2 + 1}
        count = vectors.get(view) or model.image_tokens(facts.side(name))
    else:
        items, tokens = facts.texts(dataset) / parts, facts.tokens(dataset)
        works = (("tokenise", items), ("encode", items * model.tokens_flop(tokens)))
        count = tokens if view.startswith("tokens") else 1
    width = 1 if view == "tokens-int8" else VECTOR_VALUE_BYTES
    on_gpu = block.loader not in ("pixels", "bag-of-words")
    return Cost((LOAD if on_gpu else START, *works), stored=items * count * model.dims * width, gpu=on_gpu)


def _parts(facts: Facts, job: Job) -> int:
    study, dataset = facts.study, job["dataset"]
    if dataset in study.datasets:
        labels = not facts.is_vision(job["encoder"]) and hasattr(study.datasets[dataset], "templates")
        return 1 if labels else study.datasets[dataset].parts
    return study.sources[dataset].jobs if dataset in study.curate.pool else study.download.chunks


def fetch(facts: Facts, job: Job) -> Cost:
    """Returns the cost of fetching one file of a public source."""
    source = facts.study.sources[job["source"]]
    known = facts.sources.get(source.resource, ())
    size = known[0].bytes if known else None
    if size is None:
        size = facts.rows(job["source"]) / source.parts * facts.quantity("bytes of a metadata row")
    return Cost((START, ("fetch", size)), downloaded=size, stored=size)


def unpack(facts: Facts, job: Job) -> Cost:
    """Returns the cost of fetching a public data set; how many of its files have no known size is said."""
    size, unknown = 0.0, []
    for row in facts.sources[job["resource"]]:
        if row.format == "listing" and row.rows:
            size += row.rows * facts.quantity("bytes of a web image")
        elif row.bytes is None:
            unknown.append(row)
        size += row.parts * (row.bytes or 0)
    lines = [f"{row.key}: {row.table} lacks the bytes of {len(unknown)} of its files; fill them in" for row in unknown]
    return Cost((START, ("fetch", size)), downloaded=size, stored=size, unknown=tuple(lines[:1]))


def pool(facts: Facts, job: Job) -> Cost:
    """Returns the cost of reading one part of a source."""
    rows = facts.rows_of_job(job["source"])
    return Cost((START, ("read metadata", rows)), stored=rows * facts.scale.row_bytes)


def dedupe(facts: Facts, job: Job) -> Cost:
    """Returns the cost of finding the rows that stand there already."""
    curate = facts.study.curate
    return Cost((START, ("dedupe", sum(facts.rows(name) for name in [*curate.pool, *curate.captioned]))))


def score(facts: Facts, job: Job) -> Cost:
    """Returns the cost of scoring one part of the pool."""
    scale = facts.scale
    source = facts.layout.pool_jobs[int(job["part"])][0]
    captions = facts.drawn(source) / facts.study.sources[source].jobs
    entries = scale.concepts * min(scale.k, captions)
    flop = scoring_flop(captions, scale.concepts, scale.dims)
    return Cost((START, ("score", flop)), stored=entries * ENTRY_BYTES, gpu=True)


def merge(facts: Facts, job: Job) -> Cost:
    """Returns the cost of merging the states below one state."""
    entries = facts.scale.state_entries
    states = len(facts.layout.merge_inputs(int(job["level"]), int(job["part"])))
    return Cost((START, ("merge states", states * entries)), stored=entries * ENTRY_BYTES)


def curate(facts: Facts, job: Job) -> Cost:
    """Returns the cost of the selection and of the random subset beside it."""
    scale = facts.scale
    works = (START, ("select", scale.state_entries), ("dedupe", scale.captions))
    return Cost(works, stored=2 * scale.selected_rows * (scale.row_bytes + CHOICE_BYTES))


def download(facts: Facts, job: Job) -> Cost:
    """Returns the cost of one chunk of images."""
    name, chunks = job["set"], facts.study.download.chunks
    asked, arriving = facts.asked(name) / chunks, facts.arriving(name) / chunks
    works = (START, ("download", asked), ("pack", arriving * facts.quantity("pixels of a photograph")))
    if facts.study.download.server:
        works = (START, ("download", asked), ("pack", arriving * facts.stored_pixels))
        return Cost(works, stored=arriving * facts.scale.mean_image_bytes)
    fetched = arriving * facts.quantity("bytes of a web image")
    return Cost(works, downloaded=fetched, stored=arriving * facts.scale.mean_image_bytes)


def assemble(facts: Facts, job: Job) -> Cost:
    """Returns the cost of checking all images and writing the mixes."""
    pixels = sum(facts.arriving(name) for name in facts.layout.sets) * facts.stored_pixels
    guarded = facts.study.curate.decontaminate.datasets
    return Cost((START, ("hash", pixels + sum(facts.images(name) * facts.pixels(name) for name in guarded))))
