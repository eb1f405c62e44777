"""One step of every connector at one shape, forward, backward and AdamW, against that of the linear connector.

No connector is expected to be faster than one linear map; the ratio says what a step costs beside it. Seconds are CPU
seconds (time.process_time) on one thread, the shortest of a few steps.
"""

import time

import torch
from torch import nn

from harness import Row
from ligature.captioning.connectors import Connector, ConnectorConfig, make_connector
from ligature.training.optimisation import make_optimizer

VIEWS, GRID, WIDTH, LANGUAGE_WIDTH, VOCABULARY, PRUNED = 16, (8, 8), 96, 64, 4_000, 800
ROUNDS = 5
KINDS = {
    "mlp": {"kind": "mlp"},
    "pixel-shuffle": {"kind": "pixel-shuffle", "factor": 2},
    "perceiver": {"kind": "perceiver", "queries": 16},
    "h-reducer": {"kind": "h-reducer"},
    "visual-table": {"kind": "visual-table"},
    "align": {"kind": "align"},
    "align without the norm over the vocabulary": {"kind": "align", "vocabulary_norm": False},
    "align, pixel shuffle of 2": {"kind": "align", "factor": 2},
    f"align, {PRUNED} tokens kept": {"kind": "align", "pruned": PRUNED},
}
TARGET = 0.001


class Training:
    """A connector with its optimiser, on one batch of views, between a frozen encoder and a trained table."""

    def __init__(self, settings: dict) -> None:
        """Draws tables, weights and views; the language model's head is its table."""
        torch.manual_seed(0)
        self.table = nn.Parameter(0.05 * torch.randn(VOCABULARY, LANGUAGE_WIDTH))
        sizes = {"vision_width": WIDTH, "language_width": LANGUAGE_WIDTH, "vocabulary": VOCABULARY}
        config = ConnectorConfig(**sizes, tokens=GRID[0] * GRID[1], grid=GRID, **settings)
        kept = None if config.pruned is None else torch.arange(config.pruned)
        self.connector: Connector = make_connector(config, embeddings=self.table, head=self.table, kept=kept)
        self.optimizer = make_optimizer(self.connector, 0.1)
        self.features = torch.randn(VIEWS, config.tokens, WIDTH)

    def seconds(self) -> float:
        """Returns the CPU seconds of the shortest of a few steps."""
        times = []
        for _ in range(ROUNDS):
            start = time.process_time()
            self.step()
            times.append(time.process_time() - start)
        return min(times)

    def step(self) -> None:
        """Takes one step towards larger visual tokens."""
        self.optimizer.zero_grad()
        self.connector(self.features, self.table).square().sum().backward()
        self.optimizer.step()


def run() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        linear = Training({"kind": "linear"}).seconds()
        return [_row(name, settings, linear) for name, settings in KINDS.items()]
    finally:
        torch.set_num_threads(threads)


def _row(name: str, settings: dict, linear: float) -> Row:
    training = Training(settings)
    connector = training.connector
    note = (
        f"{VIEWS} views of {GRID[0]} x {GRID[1]} tokens, width {WIDTH} to {LANGUAGE_WIDTH}, {VOCABULARY:,} embeddings; "
        f"{connector.config.output_tokens} visual tokens, {connector.count_parameters():,} parameters; plain: linear"
    )
    return Row(f"connector step: {name}", linear, training.seconds(), TARGET, None, note)


if __name__ == "__main__":
    for row in run():
        print(row, f"ratio {row.ratio:.2f}")
