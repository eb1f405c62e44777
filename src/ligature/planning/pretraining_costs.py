"""What jobs of contrastive pre-training cost."""

from ligature.params.pretraining_checks import pretraining_sets
from ligature.planning.architectures import WEIGHT_BYTES
from ligature.planning.facts import Facts
from ligature.planning.jobs import Job
from ligature.planning.work import LOAD, RELATED, START, Cost, loss_flop

FORWARD_AND_BACKWARD = 3
"""Operations of training a tower, in units of its forward pass."""
FITTING_PASSES = 100
"""Passes over the data of one linear probe."""


def pretrain(facts: Facts, job: Job) -> Cost:
    """Returns the cost of one training: every image is read and decoded anew in every epoch."""
    block = facts.study.pretraining
    run, (names, _) = block.points[job["pretrained"]], pretraining_sets(facts.study)
    image, text = facts.towers
    samples = {name: block.epochs * facts.images(name) for name in names}
    tokens = {name: min(facts.tokens(name), block.towers.context_length) for name in names}
    flop = sum(number * (image.image_flop() + text.tokens_flop(tokens[name])) for name, number in samples.items())
    losses = {"none": 1, "both": 3}.get(run.separation, 2) * loss_flop(block.batch_size, None, block.towers.embed_dim)
    steps = sum(samples.values()) / block.batch_size
    pixels = sum(number * facts.pixels(name) for name, number in samples.items())
    works = (START, ("decode", pixels), ("train", FORWARD_AND_BACKWARD * flop + steps * losses), ("step", steps))
    return Cost(works, stored=WEIGHT_BYTES * (image.parameters + text.parameters), gpu=True)


def gauge(facts: Facts, job: Job) -> Cost:
    """Returns the cost of measuring one trained pair on every data set that the block names."""
    block = facts.study.pretraining
    image, text = facts.towers
    probe = [block.probe.train, block.probe.test] if block.probe else []
    measured = [*block.classification, *block.retrieval]
    pixels = sum(facts.images(name) * facts.pixels(name) for name in {*measured, *probe})
    flop = sum(facts.images(name) * image.image_flop() for name in {*measured, *probe})
    flop += sum(facts.texts(name) * text.tokens_flop(facts.tokens(name)) for name in measured)
    cosines = sum(2.0 * facts.images(name) * facts.texts(name) * image.dims for name in measured)
    fits = (
        sum(RELATED * FITTING_PASSES * facts.images(name) * facts.classes(name) * image.dims for name in probe[:1])
        * (len(block.probe.penalties) + 1)
        if block.probe
        else 0.0
    )
    return Cost((LOAD, ("decode", pixels), ("encode", flop), ("similarity", cosines + fits)), gpu=True)
