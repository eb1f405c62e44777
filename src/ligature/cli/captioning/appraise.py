"""`ligature appraise`: how well one trained model captions, with examples and under noise, and what it sees."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import pandas as pd
import torch
import typer

from ligature.captioning import CaptionData, GenerationSettings, ViewFeatures, VisionLanguageModel
from ligature.captioning.generation import Generated
from ligature.cli.captioning.connect import DecodersOption
from ligature.cli.captioning.data import (
    PairsOption,
    RunArgument,
    SeedOption,
    captioning_params,
    check_training,
    load_stages,
    name_of_pairs,
)
from ligature.cli.captioning.examples import draw_examples
from ligature.cli.captioning.generating import Captioner, Pace
from ligature.cli.captioning.images import CaptionedImages, load_images
from ligature.cli.captioning.models import MODEL, build_model
from ligature.cli.captioning.noise import blind_caption, noise_rows
from ligature.cli.captioning.scores import BLIND, Measured, caption_rows, control_rows
from ligature.cli.captioning.speed import peak_memory, speed_figures, time_step
from ligature.cli.captioning.tokens import WORD_COLUMNS, patch_words, token_rows
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
from ligature.cli.runtime import make_runtime
from ligature.errors import DataError
from ligature.evaluation import Result, results_table
from ligature.evaluation.captions import CaptionScorer
from ligature.params.captioning_checks import captioning_recipe
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_json, write_text

BatchOption = Annotated[int, typer.Option("--batch", min=1, help="Images that are captioned at once.")]
BATCH = 32


def appraise(
    run: RunArgument,
    pairs: PairsOption,
    seed: SeedOption,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    workers: DecodersOption = 1,
    batch: BatchOption = BATCH,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
) -> None:
    """Measure one trained vision-language model on captions: scores, examples, noise, words on patches, speed."""
    layout = open_layout(params, results, threads)
    count = check_training(layout, run, pairs, seed)
    measured = Measured(run, count, seed, captioning_params(layout))
    numbers = getattr(torch, make_runtime(device=device, precision=precision).precision)
    folder = layout.captioned(run, count, seed)
    model, data = load_trained(layout, measured, device), load_stages(layout, run, count, seed, hashed=False)
    captioner = Captioner(model, GenerationSettings(**measured.block.generation.model_dump()), batch, numbers)
    appraisal = Appraisal(layout, measured, captioner, data[-1], workers=workers)
    rows = list(appraisal.measure())
    write_csv(folder / "results.csv", results_table(rows))
    write_text(folder / "captions.jsonl", "".join(json.dumps(line) + "\n" for line in appraisal.captions))
    write_csv(folder / "words.csv", pd.DataFrame(appraisal.words, columns=list(WORD_COLUMNS)))
    pace, peak = appraisal.pace, peak_memory(torch.device(device))
    del appraisal, captioner, model  # from the GPU, too
    fresh = build_model(layout, run, data, seed, device=device)
    stage = captioning_recipe(layout.study, run).stages[-1]
    seconds = time_step(fresh, data[-1], stage, device=device, precision=precision)
    write_json(folder / "speed.json", speed_figures(pace, peak, seconds))


def load_trained(layout: Layout, measured: Measured, device: str) -> VisionLanguageModel:
    """Loads the model of one training.

    Raises:
        DataError: when it has not ended, naming what to run.
    """
    run, pairs, seed = measured.run, measured.pairs, measured.seed
    folder = layout.captioned(run, pairs, seed) / MODEL
    if not folder.is_dir():
        verb = f"ligature connect {run} --pairs {name_of_pairs(pairs)} --seed {seed}"
        raise DataError(f"{folder}: missing; run `{verb}` first")
    return VisionLanguageModel.from_pretrained(folder, device=device)


class Appraisal:
    """The measurement of one trained model.

    Attributes:
        captions: one object an image of every data set, with its caption, references and CIDEr-D.
        words: rows of tokens on patches.
        pace: of the captions without examples and noise.
    """

    def __init__(
        self, layout: Layout, measured: Measured, captioner: Captioner, data: CaptionData, *, workers: int = 1
    ) -> None:
        """Takes a trained model.

        Args:
            layout: of the study.
            measured: the training.
            captioner: its model, and how it captions.
            data: of its last stage, from which examples come.
            workers: threads that read and decode images.
        """
        self._layout, self._measured, self._workers = layout, measured, workers
        self._captioner, self._data = captioner, data
        self.captions: list[dict[str, Any]] = []
        self.words: list[dict[str, Any]] = []
        self.pace = Pace()

    def measure(self) -> Iterator[Result]:
        """Yields all rows of results, data set after data set; the first one is measured under noise, too.

        Raises:
            DataError: an image or caption is missing or broken, or there are too few examples.
        """
        block = self._measured.block
        for number, name in enumerate(block.evaluation):
            images = load_images(self._layout, name, max_failed=block.max_failed, workers=self._workers)
            features = self._features(images.paths)
            made = self._caption(images, features)
            yield from self._score(images, features, made)
            if number == 0:
                yield from self._look_inside(images, features, made)

    def _caption(self, images: CaptionedImages, features: ViewFeatures) -> list[Generated]:
        return self._captioner.caption(features, f"caption {self._measured.run}/{images.name}", pace=self.pace)

    def _score(self, images: CaptionedImages, features: ViewFeatures, made: list[Generated]) -> Iterator[Result]:
        """Yields the scores of captions made without examples, without sight, and with every number of examples."""
        block = self._measured.block
        scorer = CaptionScorer(images.references, tokenizer=block.tokenizer)
        yield from caption_rows(self._measured, images.dataset, made, scorer, shots=0)
        yield from self._blind(images, features, scorer)
        ciders = scorer.per_image_cider([each.text for each in made]).tolist()
        for row, (caption, cider) in enumerate(zip(made, ciders, strict=True)):
            facts = {"dataset": images.name, "id": images.ids[row], "path": images.paths[row]}
            facts |= {"caption": caption.text, "references": images.references[row], "cider": round(cider, 6)}
            self.captions.append(facts)
        yield from self._few_shot(images, features, scorer)

    def _blind(self, images: CaptionedImages, features: ViewFeatures, scorer: CaptionScorer) -> Iterator[Result]:
        """Yields the scores of one caption for all images, two or more."""
        if len(images) > 1:
            texts = [blind_caption(self._captioner, features).text] * len(images)
            variant = self._measured.variant()
            yield from control_rows(self._measured, images.dataset, BLIND, texts, scorer, variant)

    def _few_shot(self, images: CaptionedImages, features: ViewFeatures, scorer: CaptionScorer) -> Iterator[Result]:
        measured, data = self._measured, self._data
        shots = sorted(set(measured.block.shots) - {0})
        if not shots:
            return
        shown = self._features(data.paths)
        drawn = draw_examples(data, images.ids, images.contents, shots[-1], measured.block.generation.seed)
        for count in shots:
            what = f"caption {measured.run}/{images.name}, {count} examples"
            examples = (shown, data, [each[:count] for each in drawn])
            made = self._captioner.caption(features, what, examples=examples)
            yield from caption_rows(measured, images.dataset, made, scorer, shots=count)

    def _look_inside(self, images: CaptionedImages, features: ViewFeatures, made: list[Generated]) -> Iterator[Result]:
        """Yields what visual tokens are like and what noise does, and keeps the words of a few images."""
        block, samples = self._measured.block, self._layout.study.report.samples
        first = images.first(block.noise_images)
        seen = features.load(range(len(first)))
        yield from token_rows(self._measured, first, self._captioner, seen)
        if block.noise:
            yield from noise_rows(self._measured, first, self._captioner, seen, made[: len(first)])
        few = images.first(samples)
        self.words = patch_words(few, self._captioner, features.load(range(len(few))))

    def _features(self, paths: list[str]) -> ViewFeatures:
        return ViewFeatures(self._captioner.model, paths, workers=self._workers)
