"""What jobs cost that compare, train, measure, match and report."""

from math import ceil

from ligature.planning.architectures import WEIGHT_BYTES
from ligature.planning.facts import Facts
from ligature.planning.jobs import Job
from ligature.planning.work import LOAD, START, Cost, training_works

PICTURES_BYTES = 1e7


def compare(facts: Facts, job: Job) -> Cost:
    """Returns the cost of comparing all encoder pairs, with intervals and null."""
    pairs, (vision, text) = facts.study.pairs, facts.study.compared
    draws = pairs.permutations + pairs.bootstraps
    rows = sum(map(facts.images, pairs.datasets))
    wide, high = (sum(_pooled_dims(facts, name) for name in side) for side in (vision, text))
    return Cost((START, ("similarity", 2.0 * rows * wide * high * draws)))


def _pooled_dims(facts: Facts, name: str) -> int:
    double = facts.is_vision(name) and facts.block(name).pooling == "cls+mean"
    return facts.architecture(name).dims * (2 if double else 1)


def probe(facts: Facts, job: Job) -> Cost:
    """Returns the cost of a short training of one vision encoder with every text encoder."""
    study, settings = facts.study, facts.study.pairs.probe
    works = [START]
    for text in study.compared[1]:
        pair = job["vision"], text
        sizes = {"steps": settings.steps, "batch": settings.batch_size, "width": settings.embed_dim}
        works += training_works(facts, pair, [settings.train], "pooled", study.train.projector, **sizes)
    return Cost(tuple(works), gpu=True)


def train(facts: Facts, job: Job) -> Cost:
    """Returns the cost of training the projector."""
    settings = facts.study.train
    steps = settings.epochs * max(sum(map(facts.images, settings.datasets)) // settings.batch_size, 1)
    works = training_works(
        facts,
        (facts.vision, facts.text),
        settings.datasets,
        settings.mode,
        settings.projector,
        steps=steps,
        batch=settings.batch_size,
        width=settings.projector.embed_dim,
        group=settings.loss.group,
    )
    return Cost((START, *works), gpu=True, spread=True)


def vary(facts: Facts, job: Job) -> Cost:
    """Returns the cost of one run of the sweep, with every seed."""
    sweep = facts.study.sweep
    run = sweep.points[job["run"]]
    training, seeds = sweep.training(run, facts.study.train), len(sweep.seeds)
    works = training_works(
        facts,
        sweep.pair(run),
        training.datasets,
        training.mode,
        training.projector,
        steps=training.epochs * seeds,
        batch=training.batch_size,
        width=training.projector.embed_dim,
        group=training.loss.group,
    )
    measured = _measured(facts, [*sweep.classification, *sweep.retrieval], training.projector.embed_dim)
    return Cost((START, *works, ("similarity", seeds * measured)), gpu=True)


def ablate(facts: Facts, job: Job) -> Cost:
    """Returns the cost of training on one mix with every seed."""
    study, ablation = facts.study, facts.study.ablation
    sets = study.mixes[job["mix"]].sets
    width, seeds = study.train.projector.embed_dim, len(ablation.seeds)
    sizes = {"steps": ablation.steps * seeds, "batch": study.train.batch_size, "width": width}
    pair = facts.vision, facts.text
    works = training_works(facts, pair, sets, "pooled", study.train.projector, **sizes, group=study.train.loss.group)
    measured = _measured(facts, [*ablation.classification, *ablation.retrieval], width)
    return Cost((START, *works, ("similarity", seeds * measured)), gpu=True)


def _measured(facts: Facts, datasets: list[str], width: int) -> float:
    """Returns the operations of all cosines between the images and the texts of every data set."""
    return sum(2.0 * facts.images(name) * facts.texts(name) * width for name in datasets)


def evaluate(facts: Facts, job: Job) -> Cost:
    """Returns the cost of measuring the pair and the models beside it."""
    block = facts.study.evaluate
    flop = _measured(facts, [*block.classification, *block.retrieval], facts.study.train.projector.embed_dim)
    return Cost((LOAD, ("similarity", flop * (1 + len(block.baselines)))), stored=PICTURES_BYTES)


def segment(facts: Facts, job: Job) -> Cost:
    """Returns the cost of segmenting every image, window by window; images count as 3 to 4."""
    block, model = facts.study.evaluate.segmentation, facts.architecture(facts.vision)
    along = [1 + ceil((side - block.window) / block.stride) for side in (block.image_size, block.image_size * 4 / 3)]
    images = sum(map(facts.images, block.datasets))
    pixels = sum(facts.images(name) * facts.pixels(name) for name in block.datasets)
    encoded = images * along[0] * along[1] * model.image_flop(block.window)
    return Cost((LOAD, ("decode", pixels), ("encode", encoded)), stored=PICTURES_BYTES, gpu=True)


def match_experiment(facts: Facts, job: Job) -> Cost:
    """Returns the cost of one grid of matching: scores of anchors and queries with each other, a method and cell."""
    grid = facts.study.matching.experiments[job["experiment"]]
    lists = (grid.vision, grid.text, grid.selections, grid.stretches, grid.directions, grid.captions)
    cells = grid.base_draws * grid.query_draws * max(len(grid.languages), 1)
    for values in lists:
        cells *= len(values)
    scores = 0.0
    for base in grid.base_sizes:
        queries = grid.queries or facts.images(grid.query) - (base if grid.query == grid.base else 0)
        scores += (base + max(queries, 0.0)) ** 2
    return Cost((START, ("match", cells * len(grid.methods) * scores)))


def page(facts: Facts, job: Job) -> Cost:
    """Returns the cost of the results page."""
    return Cost((("page", 1.0),), stored=PICTURES_BYTES)


def export(facts: Facts, job: Job) -> Cost:
    """Returns the cost of writing the pair as a model: both encoders are copied."""
    weights = facts.architecture(facts.vision).parameters + facts.architecture(facts.text).parameters
    return Cost((LOAD,), stored=WEIGHT_BYTES * weights)


def prototypes(facts: Facts, job: Job) -> Cost:
    """Returns the cost of averaging a few images or prompts a concept."""
    return Cost((START,), stored=4 * facts.concepts * facts.joint_dims)


def small(facts: Facts, job: Job) -> Cost:
    """Returns the cost of putting tables together."""
    return Cost((START,))
