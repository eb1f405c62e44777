"""The text tower on captions of mixed length, forward and backward: in groups of like length, against one batch."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from bench_pretraining_step import TWO_TOWERS
from harness import Row, best_of
from ligature.encoders.contrastive import ContrastiveModel
from ligature.encoders.contrastive.lengths import encode_by_length

TEXTS, CONTEXT, ROUNDS = 256, 77, 3
TARGETS = {"the longest of the batch": 1.2, "the whole context, as published": 2.0}


def captions(generator: np.random.Generator) -> torch.Tensor:
    """Returns token numbers whose lengths are spread like those of captions: about 24, some above 50."""
    lengths = np.clip(generator.lognormal(np.log(22), 0.4, TEXTS).astype(int), 5, CONTEXT)
    tokens = torch.zeros(TEXTS, lengths.max(), dtype=torch.int64)
    for row, length in enumerate(lengths):
        tokens[row, : length - 1] = torch.from_numpy(generator.integers(1, TWO_TOWERS.end_token, length - 1))
        tokens[row, length - 1] = TWO_TOWERS.end_token
    return tokens


def run() -> list[Row]:
    """Times one forward and backward pass of the text tower, on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = ContrastiveModel(replace(TWO_TOWERS, context_length=CONTEXT))
    tokens = captions(np.random.default_rng(0))
    padded = torch.nn.functional.pad(tokens, (0, CONTEXT - tokens.shape[1]))

    def pass_over(encode: Callable[[], torch.Tensor]) -> torch.Tensor:
        model.zero_grad()
        features = encode()
        features.square().sum().backward()
        return features.detach()

    plain = {"the longest of the batch": tokens, "the whole context, as published": padded}
    fast_seconds, ours = best_of(
        lambda: pass_over(lambda: encode_by_length(model.encode_text, tokens, TWO_TOWERS.end_token)), ROUNDS
    )
    mean = float((tokens == TWO_TOWERS.end_token).int().argmax(1).float().mean()) + 1
    size = f"{TEXTS} texts of {mean:.0f} tokens in the mean, {tokens.shape[1]} at most, context {CONTEXT}, width 128"
    rows = []
    for name, batch in plain.items():
        seconds, features = best_of(partial(pass_over, partial(model.encode_text, batch)), ROUNDS)
        difference = float((features - ours).abs().max())
        rows.append(Row(f"text tower, padded to {name}", seconds, fast_seconds, TARGETS[name], difference, size))
    return rows


if __name__ == "__main__":
    for row in run():
        print(row, f"ratio {row.ratio:.2f}")
