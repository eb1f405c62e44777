"""Small pictures of one colour, captions that name it, and stages that train a tiny model on them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tiny_vlm import tiny_vlm

from ligature.captioning import CaptionData, CaptionStage, StageSettings, VisionLanguageModel
from ligature.captioning.features import ViewFeatures
from ligature.captioning.loop import CaptionLoop
from ligature.data.mixture import Mixture
from ligature.training import Runtime
from ligature.training.distributed import Processes

COLOURS = {"red": (220, 20, 30), "green": (30, 190, 40), "blue": (30, 50, 220), "white": (240, 240, 240)}
SIDE = 16

FIRST = StageSettings(epochs=3, batch_size=8, warmup_steps=2, learning_rates={"connector": 1e-2})
SECOND = StageSettings(
    epochs=2,
    batch_size=6,
    warmup_steps=0,
    learning_rates={"connector": 3e-3, "language": 1e-3},
    decay="linear",
)


def coloured_captions(folder: Path, count: int = 24, *, draw: int = 0, mixture: Mixture | None = None) -> CaptionData:
    """Writes pictures and returns them with two captions each, of several lengths; ``draw`` chooses them."""
    generator = np.random.default_rng(draw)
    folder.mkdir(parents=True, exist_ok=True)
    paths, captions = [], []
    for number in range(count):
        name = generator.choice(list(COLOURS))
        pixels = generator.integers(-30, 30, (SIDE, SIDE + number % 3, 3)) + np.array(COLOURS[name])
        paths.append(str(folder / f"{draw}-{number}.png"))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(paths[-1])
        captions += [f"a {name} circle", f"{name} ground above {'the ' * (number % 4)}sea"]
    return CaptionData(
        paths=paths,
        image_ids=[f"image-{number}" for number in range(count)],
        captions=captions,
        image_of_text=np.repeat(np.arange(count), 2),
        content_hash=f"coloured {draw}",
        mixture=mixture,
    )


def two_stages(data: CaptionData, second: CaptionData | None = None) -> list[CaptionStage]:
    """Returns a stage of the connector, and one of connector and language model."""
    return [CaptionStage(data, FIRST), CaptionStage(second or data, SECOND)]


def changed(stage: CaptionStage, **changes: Any) -> CaptionStage:
    """Returns a stage with other settings."""
    return CaptionStage(stage.data, replace(stage.settings, **changes))


def make_loop(
    folder: Path,
    data: CaptionData,
    settings: StageSettings = FIRST,
    runtime: Runtime | None = None,
    processes: Processes | None = None,
    *,
    cache_bytes: int = 1 << 24,
    model: VisionLanguageModel | None = None,
    **options: Any,
) -> CaptionLoop:
    """Returns the loop of one stage, of a tiny model made in ``folder`` with ``options`` where none is given."""
    model = model or tiny_vlm(folder, **options)
    model.set_trained(settings.learning_rates)
    features = ViewFeatures(model, data.paths, cache_bytes=cache_bytes)
    alone = Processes(torch.device("cpu"))
    return CaptionLoop(model, data, features, settings, runtime or Runtime(), processes or alone)
