"""Synthetic results of captioning whose effects are known: what a connector is and how much it saw make its score."""

import json
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ligature.evaluation import RESULT_COLUMNS
from ligature.reporting.captioning.controls import BLIND, SHUFFLED
from ligature.reporting.captioning.runs import FURTHER, labelled, normalised
from ligature.reporting.captioning.sources import (
    RUN_NUMBERS,
    CaptioningInputs,
    CaptioningSources,
    read_captioning,
    with_variant_columns,
)

HOSTILE_RUN = '<img src=x onerror="alert(1)">'
HOSTILE_CAPTION = "<script>alert('x')</script> & $\\frac{1}{2}$\nsecond line"
SEEDS = (0, 1, 2)
PAIRS = ("500", "2000", "all")
LEVELS = (0.0, 0.3, 1.0, 3.0)
NOISE = 0.004
GRID = 7
IMAGES = 3
BASE = {"align": 0.80, "mlp": 0.72, "linear": 0.66, "perceiver": 0.50, "visual-table": 0.70, "h-reducer": 0.60}
"""CIDEr-D with all pairs, raw."""
KEPT = {"align": 0.75}
"""Share that a connector keeps at the highest level; the others keep less."""
DISTANCE = {"align": (0.02, 0.30)}
"""Cosine distance, raw and centred, at the highest level."""
LOWEST = {SHUFFLED: ("references of other images", 0.05), BLIND: ("one for all, of their mean features", 0.1)}
"""What the controls are, as their protocol says it, and their scores."""
SPEED = {"align": 0.98, "mlp": 1.0}
WORDS = (
    "red",
    "square",
    "a",
    " on",
    "grün",
    "the",
    "🙂",
    "photograph",
    "wwwwwwwwwwwwwww",
    "\n",
    "$x$",
    "שלום",
    "near",
    "two",
)


def run_rows(name: str, kind: str = "align", pairs: tuple[str, ...] = PAIRS, **settings: object) -> list[dict]:
    """Returns the rows of a run, one a number of pairs; what is not given is as published."""
    usual = {"recipe": "small", "language": "tiny", "vision": "vit", "assembly": "prefix", "kind": kind, "factor": 1}
    own = {"head_init": True, "vocabulary_norm": True, "pruned": None} if kind == "align" else {}
    sizes = {"parameters": 2_600_000, "connector_parameters": 310_000, "visual_tokens": 49, "steps": 300, "flops": 1e13}
    own |= {key: None for key in ("head_init", "vocabulary_norm", "pruned") if key not in own}
    return [{"run": name, "pairs": each} | usual | own | sizes | settings for each in pairs]


def several_runs() -> list[dict]:
    """Returns ALIGN, its variants and its rivals."""
    kinds = {"mlp": "mlp", "perceiver": "perceiver", "ovis": "visual-table"}
    variants = {"random": {"head_init": False}, "no-norm": {"vocabulary_norm": False}, "pruned": {"pruned": 340}}
    rows = run_rows("align")
    for name, settings in variants.items():
        rows += run_rows(name, **settings)
    for name, kind in kinds.items():
        rows += run_rows(name, kind)
    return rows


def score_of(row: dict) -> float:
    """Returns the CIDEr-D of a run: more pairs help, rivals more than ALIGN."""
    few = {"500": 2.0, "2000": 1.0}.get(row["pairs"], 0.0)
    score = BASE[row["kind"]] - few * (0.10 if row["kind"] == "align" else 0.18)
    score -= 0.2 * (row["head_init"] is False) + 0.1 * (row["vocabulary_norm"] is False)
    return score * (0.99 if row["pruned"] else 1.0)


def result_rows(rows: list[dict], seeds: tuple[int, ...] = SEEDS) -> pd.DataFrame:
    """Returns results of all trainings and their controls; differences of runs are far above the noise of seeds."""
    found = []
    for row, seed in product(rows, seeds):
        noise = NOISE * np.random.default_rng([seed, *f"{row['pairs']} {row['run']}".encode()]).normal()
        for key, value in measured(row).items():
            found.append(_result(key, row["run"], seed, value + noise, row["pairs"]))
        for (control, (how, value)), metric in product(LOWEST.items(), ("cider", "bleu4", "rouge_l")):
            of_run = _result(("captioning", "", metric), control, seed, value, row["pairs"])
            found.append(of_run | {"protocol": f"captions of {row['run']}, {how}, plain words"})
    return pd.DataFrame(found, columns=list(RESULT_COLUMNS))


def measured(row: dict) -> dict[tuple[str, str, str], float]:
    """Returns all values of a training by task, end of the variant, and metric."""
    score = score_of(row)
    values = {"cider": score, "bleu1": 0.5, "bleu4": score / 4, "rouge_l": score / 2, "meteor": score / 3}
    values |= {"ended": 0.98, "words": 9.5, "distinct": 0.6}
    found = {("captioning", "", metric): value for metric, value in values.items()}
    found["captioning", ";shots=2", "cider"] = score - 0.1
    kept, (raw, centred) = KEPT.get(row["kind"], 0.3), DISTANCE.get(row["kind"], (0.35, 0.6))
    for level in LEVELS:
        part = level / LEVELS[-1]
        values = {"cider": score * (1 - part * (1 - kept))}
        values |= {"cosine_distance": raw * part, "cosine_distance_centred": centred * part}
        found |= {("captioning noise", f";noise={level:g}", metric): value for metric, value in values.items()}
    if row["kind"] == "align":
        tokens = 0.6 * (row["pruned"] or 4000)
        found["visual tokens", "", "effective_vocabulary"] = tokens
        found["visual tokens", "", "entropy_share"] = 0.6
    found["visual tokens", "", "token_spread"] = 0.3 if row["kind"] == "align" else 3.5
    return found


def _result(key: tuple[str, str, str], model: str, seed: int, value: float, pairs: str) -> dict:
    task, ending, metric = key
    row = {"task": task, "dataset": "val", "split": "val", "model": model, "protocol": "greedy", "metric": metric}
    return row | {"value": value, "n": 200, "seed": seed, "variant": f"pairs={pairs}{ending}"}


def trajectory_rows(rows: list[dict], seeds: tuple[int, ...] = SEEDS) -> pd.DataFrame:
    """Returns losses that fall over four epochs of two stages."""
    found = []
    for row, seed, stage, epoch in product(rows, seeds, (1, 2), range(1, 5)):
        loss = 4 - score_of(row) - 0.5 * stage - 0.2 * epoch + 0.05 * seed
        key = {
            "run": row["run"],
            "pairs": row["pairs"],
            "seed": seed,
            "stage": stage,
            "epoch": epoch,
            "step": 20 * epoch,
        }
        found += [
            key | {"metric": "train_loss", "value": loss},
            key | {"metric": "validation_loss", "value": loss + 0.3},
        ]
    return pd.DataFrame(found)


def images(folder: Path) -> list[str]:
    """Writes a few photographs and one that is broken; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    paths = [str(folder / f"{number}.png") for number in range(IMAGES)]
    for path in paths:
        coarse = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((300, 220), Image.Resampling.BICUBIC).save(path)
    Path(paths[-1]).write_bytes(Path(paths[0]).read_bytes()[:100])
    return paths


def caption_rows(rows: list[dict], paths: list[str], seeds: tuple[int, ...] = SEEDS) -> pd.DataFrame:
    """Returns a caption of every image by every training; one caption and one reference are hostile."""
    found = []
    for row, seed, (place, path) in product(rows, seeds, enumerate(paths)):
        text = (
            HOSTILE_CAPTION if place == 0 and row["kind"] == "mlp" else f"a {row['kind']} thing beside {place} others"
        )
        references = ["two things on a table", HOSTILE_CAPTION] if place == 0 else ["one thing"]
        key = {"run": row["run"], "pairs": row["pairs"], "seed": seed, "dataset": "val", "image_id": f"i{place}"}
        found.append(key | {"path": path, "caption": text, "references": json.dumps(references), "cider": 0.1 * place})
    return pd.DataFrame(found)


def word_rows(rows: list[dict], paths: list[str], grid: int = GRID) -> pd.DataFrame:
    """Returns a word on every patch of every image, of the first seed."""
    found = []
    for row, (place, path) in product(rows, enumerate(paths)):
        rng = np.random.default_rng([place, *row["run"].encode()])
        for patch in range(grid * grid):
            key = {"run": row["run"], "pairs": row["pairs"], "seed": 0, "dataset": "val", "image_id": f"i{place}"}
            spot = {"path": path, "row": patch // grid, "column": patch % grid, "rows": grid, "columns": grid}
            found.append(key | spot | {"token": WORDS[rng.integers(len(WORDS))], "weight": 0.5 * rng.random() ** 2})
    return pd.DataFrame(found)


def speed_rows(rows: list[dict], seeds: tuple[int, ...] = SEEDS) -> pd.DataFrame:
    """Returns rates and memory of every training."""
    found = []
    for row, seed in product(rows, seeds):
        rate = SPEED.get(row["kind"], 1.1)
        noise = 1 + 0.001 * np.random.default_rng([seed, *row["run"].encode()]).normal()
        values = {"images_per_second": 60 * rate * noise, "tokens_per_second": 600 * rate * noise}
        values |= {"step_seconds": 0.1 / rate * noise, "peak_mib": 900.0}
        found.append({"run": row["run"], "pairs": row["pairs"], "seed": seed} | values)
    return pd.DataFrame(found)


def write_captioning(
    folder: Path, rows: list[dict] | None = None, seeds: tuple[int, ...] = SEEDS, grid: int = GRID
) -> None:
    """Writes what the stage leaves into ``folder / "captioning"``."""
    rows = several_runs() if rows is None else rows
    target = folder / "captioning"
    paths = images(target / "photographs")
    tables = {
        "results": result_rows(rows, seeds),
        "runs": pd.DataFrame(rows),
        "trajectories": trajectory_rows(rows, seeds),
        "captions": caption_rows(rows, paths, seeds),
        "words": word_rows([row for row in rows if row["pairs"] == "all"], paths, grid),
        "speed": speed_rows(rows, seeds),
    }
    for name, table in tables.items():
        table.to_csv(target / f"{name}.csv", index=False)


def read_folder(folder: Path) -> CaptioningInputs:
    """Returns what was written into a folder of results."""
    return read_captioning(CaptioningSources.in_folder(folder))


def captioning_inputs(rows: list[dict] | None = None, seeds: tuple[int, ...] = SEEDS) -> CaptioningInputs:
    """Returns the tables of some runs as the page has them, without photographs."""
    rows = several_runs() if rows is None else rows
    runs = pd.DataFrame(rows)
    runs = runs.reindex(columns=list(dict.fromkeys([*runs, *FURTHER])))
    texts = [column for column in runs if column not in RUN_NUMBERS]
    runs[texts] = runs[texts].astype(object).where(runs[texts].notna(), "")
    captions = caption_rows(rows, ["nowhere.png"], seeds)
    return CaptioningInputs(
        results=with_variant_columns(result_rows(rows, seeds)),
        runs=labelled(normalised(runs)),
        trajectories=trajectory_rows(rows, seeds).astype({"stage": str}),
        captions=captions.assign(references=captions["references"].map(json.loads)),
        words=word_rows([row for row in rows if row["pairs"] == "all"], ["nowhere.png"], grid=3),
        speed=speed_rows(rows, seeds),
    )


@cache
def usual_inputs() -> CaptioningInputs:
    """Returns the tables of ``several_runs``, made once in a process; nothing may be changed in place."""
    return captioning_inputs()
