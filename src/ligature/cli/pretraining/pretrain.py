"""`ligature pretrain`: a contrastive pair of encoders trained from scratch."""

from collections.abc import Callable
from typing import Annotated

import numpy as np
import typer

from ligature.cli.captions import load_captions
from ligature.cli.context import (
    PARAMS,
    RESULTS,
    DeviceOption,
    ParamsOption,
    PrecisionOption,
    ResultsOption,
    ThreadsOption,
    open_layout,
)
from ligature.cli.features import open_store
from ligature.cli.pretraining.data import load_pairs_to_pretrain, pretraining_params
from ligature.cli.pretraining.features import encode_images, encode_texts
from ligature.cli.runtime import (
    TRACKERS,
    CheckpointActivationsOption,
    CheckpointOption,
    CompileOption,
    LogFolderOption,
    MicroBatchOption,
    TrackOption,
    make_runtime,
)
from ligature.cli.train import CHECKPOINT_SECONDS
from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.encoders.contrastive.folder import ContrastivePair
from ligature.encoders.contrastive.model import ContrastiveModel
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer, find_tokenizer, train_tokenizer
from ligature.errors import ParamsError
from ligature.evaluation import modality_gap, retrieval_recall
from ligature.params.pretraining import PretrainingParams, PretrainingRun, TowersParams
from ligature.params.pretraining_checks import pretraining_sets
from ligature.pretraining import AlignmentSettings, ImageTextPairs, PretrainSettings
from ligature.pretraining import pretrain as pretrain_pair
from ligature.store import Layout

DECISIVE = {"mix", "validation", "tokenizer", "towers", "semantics"}
"""Keys of the block that stand in the provenance as they are; settings and run stand there already."""
BETA = AlignmentSettings.beta
"""Published weight of the separation."""

RunArgument = Annotated[str, typer.Argument(help="Run of the pre-training.")]
SeedOption = Annotated[int, typer.Option(min=0, help="One of its seeds.")]
DecodersOption = Annotated[int, typer.Option("--workers", min=1, help="Threads that decode and crop images.")]


def pretrain(
    run: RunArgument,
    seed: SeedOption,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    workers: DecodersOption = 1,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    micro_batch: MicroBatchOption = None,
    compiled: CompileOption = False,
    checkpoint_activations: CheckpointActivationsOption = False,
    track: TrackOption = TRACKERS,
    log_folder: LogFolderOption = None,
    checkpoint_every: CheckpointOption = CHECKPOINT_SECONDS,
) -> None:
    """Train one variant of a contrastive pair of encoders from scratch; a killed run goes on where it stopped.

    Under torchrun every process takes its share of each batch.
    """
    layout = open_layout(params, results, threads)
    chosen = chosen_run(layout, run, seed)
    block = pretraining_params(layout)
    runtime = make_runtime(
        device=device,
        precision=precision,
        micro_batch=micro_batch,
        compiled=compiled,
        checkpoint_activations=checkpoint_activations,
        track=track,
        log_folder=log_folder,
    )
    pairs = load_pairs_to_pretrain(layout, chosen)
    tokenizer = make_tokenizer(layout, pairs)
    pretrain_pair(
        model_config(block.towers, chosen, tokenizer),
        pairs,
        tokenizer,
        pretrain_settings(block, chosen, seed, checkpoint_every=checkpoint_every),
        layout.pretrained(run, seed),
        validate=validate_on(layout, block.validation, tokenizer),
        provenance=provenance(layout, run, chosen),
        runtime=runtime,
        workers=workers,
        what=f"pretrain {run}, seed {seed}",
    )


def chosen_run(layout: Layout, run: str, seed: int) -> PretrainingRun:
    """Returns a run of the `pretraining` block by its name.

    Raises:
        ParamsError: naming the runs or seeds that there are.
    """
    block = pretraining_params(layout)
    if run not in block.points:
        raise ParamsError(f"unknown run {run!r}; known: {', '.join(block.points)}")
    if seed not in block.seeds:
        raise ParamsError(f"--seed {seed}: the study trains with seeds {', '.join(map(str, block.seeds))}")
    return block.points[run]


def make_tokenizer(layout: Layout, pairs: ImageTextPairs) -> CaptionTokenizer:
    """Trains the tokenizer on the captions, each once, or loads the published one.

    Raises:
        EncoderError: when the published one cannot be had.
    """
    block = pretraining_params(layout)
    settings, length = block.tokenizer, block.towers.context_length
    if settings.vocabulary is None:
        return find_tokenizer(settings.source, settings.revision, length, layout)
    return train_tokenizer(dict.fromkeys(pairs.captions), settings.vocabulary, length)


def model_config(towers: TowersParams, run: PretrainingRun, tokenizer: CaptionTokenizer) -> ContrastiveConfig:
    """Returns what the model of a run is made of."""
    scale = {}
    if run.logit_scale == "learned":
        scale = {"logit_scale_bounds": None}
    elif run.logit_scale != "clamped":
        scale = {"logit_scale": run.logit_scale, "learn_logit_scale": False, "logit_scale_bounds": None}
    text = {
        key: getattr(towers, key) or getattr(towers, key[5:]) for key in ("text_width", "text_layers", "text_heads")
    }
    return ContrastiveConfig(
        **towers.model_dump(exclude=set(text)),
        **text,
        vocabulary_size=tokenizer.vocabulary_size,
        end_token=tokenizer.end_token,
        pad_token=tokenizer.pad_token,
        tokenizer_hash=tokenizer.hash,
        shared=run.shared,
        **scale,
    )


def pretrain_settings(
    block: PretrainingParams, run: PretrainingRun, seed: int, *, checkpoint_every: float = CHECKPOINT_SECONDS
) -> PretrainSettings:
    """Turns the study's `pretraining` block into settings of the training of one run."""
    separate = {"none": (), "both": ("image", "text")}.get(run.separation, (run.separation,))
    loss = AlignmentSettings(
        separate=separate,
        rescaling=run.rescaling,
        halved=run.objective == "halved",
        alpha=run.alpha,
        beta=run.beta or BETA,
    )
    return PretrainSettings(
        epochs=block.epochs,
        batch_size=block.batch_size,
        warmup_steps=block.warmup_steps,
        learning_rate=block.learning_rate,
        min_learning_rate=block.min_learning_rate,
        weight_decay=block.weight_decay,
        betas=(0.9, block.beta2),
        eps=block.eps,
        seed=seed,
        loss=loss,
        require_progress=False,  # under a high fixed scale the loss stays at chance for long and then falls
        crop=(block.crop[0], block.crop[1]),
        validate_every_epochs=block.gap_every_epochs,
        checkpoint_every_seconds=checkpoint_every,
    )


def validate_on(
    layout: Layout, dataset: str, tokenizer: CaptionTokenizer
) -> Callable[[ContrastiveModel], dict[str, float]]:
    """Returns a function that measures gap and retrieval of a model on the own captions of a data set.

    The gap is that of images and the first caption of each; ``mean_recall`` is the mean of recall at 1, 5 and 10 in
    both directions over all captions.
    """
    data = load_captions(layout, dataset)
    owners = data.image_of_text
    _, first = np.unique(owners, return_index=True)

    def validate(model: ContrastiveModel) -> dict[str, float]:
        pair = ContrastivePair(model, tokenizer)
        images, texts = encode_images(pair, data.images["path"]), encode_texts(pair, data.texts["text"])
        recalls = retrieval_recall(images, texts, owners)
        mean = float(np.mean([value for key, value in recalls.items() if "_recall@" in key]))
        return modality_gap(images, texts[first]) | {"mean_recall": mean}

    return validate


def provenance(layout: Layout, name: str, run: PretrainingRun) -> dict:
    """Returns where a training comes from, as JSON values."""
    block = pretraining_params(layout)
    sets, weights = pretraining_sets(layout.study)
    values = {"study": layout.study.study, "run": name, "variant": run.model_dump(), "sets": sets, "weights": weights}
    values |= block.model_dump(include=DECISIVE)
    if run.semantic:
        values["semantic_encoder"] = open_store(layout, block.semantics, sets[0]).encoder
    return values
