"""A small causal language model made from texts: its tokenizer, a Llama with tied embeddings, and their run folder."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from ligature.captioning.language.corpus import Corpus, prepare_corpus
from ligature.captioning.language.tokens import TextBatch, TokenizedTexts
from ligature.captioning.token_loop import TokenLoop
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer, train_tokenizer
from ligature.encoders.unimodal.saving import save_model
from ligature.errors import ParamsError
from ligature.store.atomic import replacing_folder, write_csv
from ligature.store.damage import write_sealed
from ligature.training.checkpoint import Checkpoint
from ligature.training.distributed import Processes
from ligature.training.optimisation import make_optimizer
from ligature.training.run import run_training
from ligature.training.runtime import Runtime
from ligature.training.settings import Schedule

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

MODEL, HISTORY, CARD = "model", "history.csv", "training.json"
"""What a finished training leaves: a folder of transformers, a row a step, and all that is known of it."""


@dataclass(frozen=True)
class LanguageSize:
    """The size of a language model.

    Attributes:
        vocabulary: most tokens of its byte-level BPE.
        width: D of its embeddings; the gated layers are three times as wide.
        layers: of the transformer.
        heads: of attention; they divide the width into even parts.
        context_length: longest text in tokens, start and end included.

    Raises:
        ParamsError: for a value out of range.
    """

    vocabulary: int = 4000
    width: int = 64
    layers: int = 2
    heads: int = 4
    context_length: int = 256

    def __post_init__(self) -> None:
        """Checks every value."""
        lowest = {"vocabulary": 260, "width": 2, "layers": 1, "heads": 1, "context_length": 3}
        for key, bound in lowest.items():
            if getattr(self, key) < bound:
                raise ParamsError(f"{key} is {getattr(self, key)}: it is at least {bound}")
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ParamsError(f"heads {self.heads} must divide width {self.width} into an even number")


@dataclass(frozen=True, eq=False)
class LanguageResult:
    """A trained model in evaluation mode with its tokenizer, its history (one row a step) and its facts."""

    model: "LlamaForCausalLM"
    tokenizer: CaptionTokenizer
    history: pd.DataFrame
    facts: dict[str, Any]


def train_language_model(
    texts: Iterable[str],
    size: LanguageSize,
    settings: Schedule,
    run_folder: Path | str | None = None,
    *,
    runtime: Runtime | None = None,
    provenance: dict[str, Any] | None = None,
    what: str = "language",
) -> LanguageResult:
    """Trains a tokenizer and a causal language model on texts with AdamW, and writes a run folder.

    The same texts, in whatever order, and the same other arguments give the same bytes on the same machine; a
    training that was killed goes on from its last checkpoint to the same end. Every text stands once in an epoch;
    one in fifty is held out, to measure the perplexity.

    Args:
        texts: to train on.
        size: of the model.
        settings: the optimisation; a batch is of texts.
        run_folder: takes ``model`` (a folder of transformers, weights and tokenizer), ``history.csv``,
            ``training.json`` and, until it is done, a checkpoint folder; it belongs to this training alone. Nothing is
            written where it is None.
        runtime: device, precision, micro-batches, trackers; float32 on the CPU by default.
        provenance: where the texts come from, as JSON values; kept in ``training.json``.
        what: the label of the progress display.

    Raises:
        DataError: if there are too few texts, or too many.
        ParamsError: if settings, texts and runtime do not fit together.
        TrainingError: if the loss is not finite or does not fall.
        SystemExit: if SIGTERM came, after the step in progress has been finished and saved.
    """
    json.dumps(provenance, allow_nan=False)  # fails here, not after hours of training
    runtime = runtime or Runtime()
    corpus = prepare_corpus(texts)
    tokenizer = train_tokenizer(corpus.texts, size.vocabulary, size.context_length)
    tokenized = TokenizedTexts(corpus.texts, tokenizer)
    held_out = TokenizedTexts(corpus.held_out, tokenizer)
    return run_training(
        lambda processes: LanguageLoop(corpus, tokenizer, tokenized, size, settings, runtime, processes),
        lambda loop: _finish(loop, held_out),
        lambda result, checkpoint: _write_results(result, settings, checkpoint, provenance),
        runtime=runtime,
        run_folder=run_folder,
        validate=None,
        what=what,
    )


class NextToken(nn.Module):
    """A language model as it is trained: the loss of the real tokens of texts.

    Attributes:
        language: the causal language model.
    """

    def __init__(self, language: "LlamaForCausalLM") -> None:
        """Takes the language model."""
        super().__init__()
        self.language = language

    def forward(self, batch: TextBatch) -> Tensor:
        """Returns the sum of the cross entropies of all tokens but the first of each text, in float32.

        Padding stands on the right, where no token sees it, so that it needs no mask; the head, most of the work,
        is computed for real tokens only.
        """
        tokens, lengths = (each.to(self.language.device, non_blocking=True) for each in (batch.tokens, batch.lengths))
        states = self.language.model(input_ids=tokens[:, :-1], use_cache=False).last_hidden_state
        real = torch.arange(1, tokens.shape[1], device=tokens.device) < lengths[:, None]
        logits = self.language.lm_head(states[real])
        return functional.cross_entropy(logits.float(), tokens[:, 1:][real], reduction="sum")

    def count_parameters(self) -> int:
        """Returns the number of parameters, embeddings and head once."""
        return sum(weight.numel() for weight in self.parameters())


class LanguageLoop(TokenLoop[TextBatch]):
    """One training of a language model in progress, in one of its processes."""

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: CaptionTokenizer,
        texts: TokenizedTexts,
        size: LanguageSize,
        settings: Schedule,
        runtime: Runtime,
        processes: Processes,
    ) -> None:
        """Initialises the model from the seed.

        Raises:
            ParamsError: if settings, texts and the number of processes do not fit together.
        """
        self.corpus, self.tokenizer, self.texts, self.size = corpus, tokenizer, texts, size
        torch.manual_seed(settings.seed)
        model = NextToken(_make_model(size, tokenizer)).to(processes.device)
        if runtime.checkpoint_activations:
            model.language.gradient_checkpointing_enable({"use_reentrant": False})
        super().__init__(model, make_optimizer(model, settings.weight_decay), len(texts), settings, runtime, processes)

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """All that decides the results: size, settings, precision and hashes of texts and tokenizer."""
        hashes = {"data": self.corpus.hash, "tokenizer": self.tokenizer.hash}
        return asdict(self.size) | self.settings.decisive() | {"precision": self.runtime.precision} | hashes

    @property
    def chance(self) -> float:
        """The loss of the same probability for every token."""
        return math.log(self.tokenizer.vocabulary_size)

    def load(self, first_step: int) -> Iterator[list[TextBatch]]:
        """Yields the tokens of this process's share of every step."""
        for rows in self.texts.steps(first_step, self.settings):
            mine = rows[self.share]
            size = self.runtime.micro_batch or len(mine)
            yield [self.texts.batch(mine[start : start + size]) for start in range(0, len(mine), size)]

    def token_loss(self, part: TextBatch) -> Tensor:
        """Returns the sum of the cross entropies of a micro-batch's tokens."""
        return self.state.model(part)


def _make_model(size: LanguageSize, tokenizer: CaptionTokenizer) -> "LlamaForCausalLM":
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=tokenizer.vocabulary_size,
        hidden_size=size.width,
        intermediate_size=3 * size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=size.context_length,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.start_token,
        eos_token_id=tokenizer.end_token,
        pad_token_id=tokenizer.pad_token,
    )
    return LlamaForCausalLM(config)


def _finish(loop: LanguageLoop, held_out: TokenizedTexts) -> LanguageResult:
    model = loop.state.model.eval()
    texts = {
        "texts": len(loop.texts),
        "held_out_texts": len(held_out),
        "duplicates": loop.corpus.duplicates,
        "tokens": int(loop.texts.lengths.sum()),
        "cut_texts": loop.texts.cut,
        "longest_text": int(loop.texts.lengths.max()),
        "vocabulary": loop.tokenizer.vocabulary_size,
    }
    facts = texts | loop.outcome() | {"perplexity": perplexity(model, held_out)}
    return LanguageResult(model.language, loop.tokenizer, pd.DataFrame(loop.state.history), facts)


@torch.no_grad()
def perplexity(model: NextToken, texts: TokenizedTexts, batch_size: int = 64) -> float:
    """Returns the exponential of the mean cross entropy in nats over all tokens but the first of each text."""
    order = texts.lengths.argsort(kind="stable")
    batches = [texts.batch(order[start : start + batch_size]) for start in range(0, len(order), batch_size)]
    loss = sum(model(batch).item() for batch in batches)
    return math.exp(loss / sum(batch.count for batch in batches))


def _write_results(
    result: LanguageResult, settings: Schedule, checkpoint: Checkpoint, provenance: dict[str, Any] | None
) -> None:
    folder = checkpoint.run_folder
    with replacing_folder(folder / MODEL) as fresh:
        save_model(result.model, fresh)
        result.tokenizer.save(fresh)
    write_csv(folder / HISTORY, result.history)
    card = {"facts": result.facts, "settings": settings.decisive(), "provenance": provenance or {}}
    card |= {"data_hash": checkpoint.fingerprint["data"], "tokenizer": result.tokenizer.hash}
    write_sealed(folder / CARD, card)
