"""The loss of AlignCLIP in processes of their own, against one process that holds the whole batch."""

import itertools

import pytest
import torch
from alignment_reference import batch, with_gradients
from torch import distributed, multiprocessing

from ligature.errors import DataError
from ligature.pretraining.losses import AlignmentSettings, alignment_loss

PAIRS = 10
COUNTS = {2: [3, 7], 3: [7, 0, 3]}
"""Pairs of every process, by the number of processes."""
CASES = {
    f"{'+'.join(separate) or 'nothing'}, {rescaling}, tile {tile}, {form}": AlignmentSettings(
        separate, rescaling, alpha=0.8, tile=tile, form=form
    )
    for separate, rescaling, tile, form in itertools.product(
        [(), ("image",), ("image", "text")], ["cosine", "exponent", "none"], [None, 3], ["local", "gathered"]
    )
    if separate or rescaling == "cosine"
}


def own_part(rank, counts):
    (images, texts, scale), semantics = batch(PAIRS)
    parts = [side.detach().split(counts)[rank].clone().requires_grad_() for side in (images, texts)]
    return [*parts, scale], semantics.split(counts)[rank]


def refusal(rank, counts):
    """What every process says where one of them holds a zero vector."""
    inputs, semantics = own_part(rank, counts)
    try:
        alignment_loss(*inputs, semantics * (rank != 0), AlignmentSettings(("image",)))
    except DataError as error:
        return str(error)
    return ""


def work(rank, processes, folder):
    torch.set_num_threads(1)
    address = f"file://{folder}/meeting"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=processes)
    inputs, semantics = own_part(rank, COUNTS[processes])
    found = {key: with_gradients(alignment_loss, inputs, semantics, settings) for key, settings in CASES.items()}
    torch.save(found | {"refusal": refusal(rank, COUNTS[processes])}, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


@pytest.fixture(scope="module", params=[2, pytest.param(3, marks=pytest.mark.slow)])
def processes(request, tmp_path_factory):
    """What each of several processes found, one start for all tests."""
    folder = tmp_path_factory.mktemp("processes")
    multiprocessing.spawn(work, (request.param, folder), nprocs=request.param)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(request.param)]


def joined(parts):
    """One result of all processes: shares and gradients of scalars summed, rows in the order of the ranks."""
    return [torch.cat(every) if every[0].ndim else sum(every) for every in zip(*parts, strict=True)]


@pytest.mark.parametrize("key", CASES)
def test_shares_and_gradients_sum_to_those_of_one_process(processes, key):
    inputs, semantics = batch(PAIRS)
    wanted = with_gradients(alignment_loss, inputs, semantics, CASES[key])
    found = joined([process[key] for process in processes])
    for name, one, other in zip(["loss", "images", "texts", "scale"], found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12, msg=lambda said, name=name: f"{name}: {said}")


def test_gathered_shares_are_equal_and_local_ones_are_not(processes):
    for form, alike in (("gathered", True), ("local", False)):
        shares = [process[f"image+text, cosine, tile 3, {form}"][0] for process in processes]
        assert torch.equal(shares[0], shares[-1]) is alike


def test_every_process_refuses_when_one_holds_a_zero_vector(processes):
    assert {process["refusal"] for process in processes} == {
        "semantic vectors: row 0 of the batch is zero or not finite; embed the captions again"
    }
