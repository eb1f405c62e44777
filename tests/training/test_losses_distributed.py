"""The contrastive losses in processes of their own, against one process that holds the whole batch."""

import itertools

import pytest
import torch
from torch import distributed, multiprocessing
from torch.nn import functional

from ligature.errors import ParamsError
from ligature.training.losses import LossSettings, contrastive_loss, gather_rows

PAIRS = 10
GROUPED, UNEVEN = {2: [4, 6], 3: [6, 0, 4]}, {2: [3, 7], 3: [7, 0, 3]}
NAMES = ["loss", "images", "texts", "scale", "bias"]
SHARES = {
    f"{kind}, tile {tile}, group {group}, {'grouped' if group else 'uneven'}": (
        GROUPED if group else UNEVEN,
        LossSettings(kind, "local" if group else "global", group, tile),
    )
    for kind, tile, group in itertools.product(["infonce", "siglip"], [None, 3], [None, 2])
}
"""How the batch is cut for a number of processes, and what is computed."""


def whole_batch():
    """Images and texts [10, 4], logit scale and bias, the same in every process."""
    generator = torch.Generator().manual_seed(0)
    sides = [torch.randn(PAIRS, 4, generator=generator, dtype=torch.float64) for _ in range(2)]
    scalars = torch.tensor([2.5, -3.0], dtype=torch.float64)
    return [*(functional.normalize(side) for side in sides), *scalars]


def results(inputs, settings):
    """The loss and its gradients; what an input does not enter has gradient 0."""
    inputs = [value.detach().clone().requires_grad_() for value in inputs]
    loss = contrastive_loss(*inputs, settings)
    gradients = torch.autograd.grad(loss, inputs, allow_unused=True)
    pairs = zip(inputs, gradients, strict=True)
    return [loss.detach(), *(torch.zeros_like(one) if it is None else it for one, it in pairs)]


def own_part(rank, counts):
    images, texts, *scalars = whole_batch()
    return [images.split(counts)[rank], texts.split(counts)[rank], *scalars]


def gathered(rank, counts):
    """What gather_rows gives, and the gradient of a sum that each process weighs differently."""
    own = own_part(rank, counts)[0].clone().requires_grad_()
    rows, offset = gather_rows(own)
    weights = (rank + 1) * torch.arange(1, PAIRS + 1, dtype=torch.float64)
    (weights[:, None] * rows).sum().backward()
    return [rows.detach(), torch.tensor(offset), own.grad]


def refusal(rank, counts):
    """What every process says where one of them holds no whole groups."""
    try:
        contrastive_loss(*own_part(rank, counts), LossSettings(negatives="local", group=2))
    except ParamsError as error:
        return str(error)
    return ""


def work(rank, processes, folder):
    torch.set_num_threads(1)
    address = f"file://{folder}/meeting"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=processes)
    found = {"gathered": gathered(rank, UNEVEN[processes]), "refusal": refusal(rank, UNEVEN[processes])}
    for key, (counts, settings) in SHARES.items():
        found[key] = results(own_part(rank, counts[processes]), settings)
    torch.save(found, f"{folder}/{rank}.pt")
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


@pytest.mark.parametrize("key", SHARES)
def test_shares_and_gradients_sum_to_those_of_one_process(processes, key):
    wanted = results(whole_batch(), SHARES[key][1])
    for name, one, other in zip(NAMES, joined([found[key] for found in processes]), wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12, msg=lambda said, name=name: f"{name}: {said}")


def test_gathered_rows_stand_in_the_order_of_the_ranks(processes):
    counts = UNEVEN[len(processes)]
    for rank, found in enumerate(processes):
        rows, offset, _ = found["gathered"]
        assert torch.equal(rows, whole_batch()[0])
        assert offset == sum(counts[:rank])


def test_gradients_of_gathered_rows_are_summed_and_come_home(processes):
    gradients = torch.cat([found["gathered"][2] for found in processes])
    factor = sum(range(1, len(processes) + 1))
    assert torch.equal(gradients, factor * torch.arange(1.0, PAIRS + 1, dtype=torch.float64)[:, None].expand(-1, 4))


def test_every_process_refuses_when_one_holds_no_whole_groups(processes):
    first = next(count for count in UNEVEN[len(processes)] if count % 2)
    for found in processes:
        assert f"holds {first} pairs, which are not whole groups of 2" in found["refusal"]
