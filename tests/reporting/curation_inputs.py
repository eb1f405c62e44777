"""Synthetic inputs of the curation part of a report: plausible, and with hostile names, hosts and captions in them."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from reporting_inputs import HOSTILE

N_CONCEPTS = 120
ASKED = 50
SOURCES = {"laion": 40_000, "cc12m": 9_000}
STATUSES = {"success": 0.55, "HTTP 404": 0.25, "timed out": 0.12, "not an image": 0.08}
MIXES = {
    "collected": {"collected": 5200},
    "random": {"random": 5200},
    "captioned": {"cc3m": 3000, "sbu": 1800},
    "both": {"collected": 5200, "cc3m": 3000, "sbu": 1800},
}
# mix: top-1, image to text R@1, text to image R@1
LEVELS = {
    "collected": (0.52, 0.21, 0.18),
    "random": (0.40, 0.22, 0.20),
    "captioned": (0.37, 0.45, 0.41),
    "both": (0.51, 0.44, 0.405),
}


def concepts_table() -> pd.DataFrame:
    """Returns concepts by number; the rarest, of place 0, is hostile. The subset is Zipf's, the selection flatter."""
    rng = np.random.default_rng(0)
    rank = rng.permutation(N_CONCEPTS)
    pool = np.round(2000 / (N_CONCEPTS - rank) ** 1.2).astype(int) * (rank > 3)
    found = np.clip(10 + 3 * rank, 0, 400)
    kept = np.minimum(found + 5, ASKED)
    names = [HOSTILE if place == 0 else "null" if place == 1 else f"concept {place}" for place in rank]
    return pd.DataFrame(
        {"concept": np.arange(N_CONCEPTS), "name": names, "rarity_rank": rank}
        | {"kth_score": 0.18 + 0.0012 * rank, "mean_score": 0.22 + 0.001 * rank + rng.normal(0, 0.004, N_CONCEPTS)}
        | {"asked": ASKED, "found": found, "kept": kept, "backfilled": np.minimum(5, ASKED - np.minimum(found, ASKED))}
        | {"pool": pool, "pool_share": pool / pool.sum()}
        | {"downloaded": kept * 3 // 5, "final": kept // 2}
    )


def funnel_table() -> pd.DataFrame:
    """Returns three steps over two sources, the last one over the pool as a whole."""
    steps = {
        "filter": {"too short": 0.05, "language": 0.18, HOSTILE: 0.002},
        "duplicates": {"same address": 0.03, "same caption": 0.07},
    }
    rows, sizes = [], dict(SOURCES)
    for step, reasons in steps.items():
        for source, size in sizes.items():
            dropped = {reason: round(share * size) for reason, share in reasons.items()}
            sizes[source] = size - sum(dropped.values())
            rows += [(step, source, reason, count, size) for reason, count in dropped.items()]
            rows.append((step, source, "kept", sizes[source], size))
    left = sum(sizes.values())
    rows += [("select", "pool", "not selected", left - 5200, left), ("select", "pool", "kept", 5200, left)]
    return pd.DataFrame(rows, columns=["step", "source", "reason", "rows", "rows_in"])


def funnel_samples() -> list[dict]:
    """Returns a few dropped rows, one caption hostile and one endless."""
    rows = [
        {"uid": "00000000000000ff", "caption": caption, "url": "https://images.example.org/" + "a/" * 90}
        for caption in (HOSTILE, "word " * 200, "Ein großer Kreis")
    ]
    return [
        {"step": "filter", "source": "laion", "reason": "language", "samples": rows},
        {"step": "filter", "source": "cc12m", "reason": "language", "samples": rows[2:]},
        {"step": "duplicates", "source": "laion", "reason": "same caption", "samples": rows},
        {"step": "duplicates", "source": "cc12m", "reason": "same caption", "samples": []},
    ]


def downloads_table() -> pd.DataFrame:
    """Returns three sets over thirty hosts, of which the last has no name; the first set arrived best."""
    sets = [("collected", "laion", 2600), ("random", "laion", 2000), ("cc3m", "cc3m", 1500)]
    rows = [
        (
            name,
            source,
            "" if host == 29 else f"images{host}.example.org",
            status,
            round(size * share * (1 + place * (status != "success")) / (1 + host)),
        )
        for place, (name, source, size) in enumerate(sets)
        for host in range(30)
        for status, share in STATUSES.items()
    ]
    return pd.DataFrame(rows, columns=["set", "source", "host", "status", "rows"])


def mixes_table() -> pd.DataFrame:
    """Returns the sets of every mix."""
    rows = [(mix, name, count, 1.0) for mix, sets in MIXES.items() for name, count in sets.items()]
    return pd.DataFrame(rows, columns=["mix", "set", "rows", "weight"])


def ablation_results(levels: dict = LEVELS, seeds: int = 3) -> pd.DataFrame:
    """Returns rows of the results schema: every mix over some seeds, each a hundredth above the last, and chance."""
    measures = [("classification", "labels", "top1", 0.01)]
    measures += [("retrieval", "val", f"{side}_recall@1", 0.002) for side in ("i2t", "t2i")]
    measures += [("retrieval", "val", "i2t_recall@5", 0.01)]
    rows = [
        (task, dataset, "val", mix, "cosine", metric, values[min(place, 2)] + 0.01 * seed, 500, seed)
        for mix, values in levels.items()
        for seed in range(seeds)
        for place, (task, dataset, metric, _) in enumerate(measures)
    ]
    rows += [(*measure[:2], "val", "chance", "cosine", *measure[2:], 500, 0) for measure in measures]
    return pd.DataFrame(rows, columns=["task", "dataset", "split", "model", "protocol", "metric", "value", "n", "seed"])


def sheet(tar: Path) -> list[dict]:
    """Returns a rare, a middle and a frequent concept; pictures stand in ``tar``, one is broken and one not there."""
    paths = pictures_in_tar(tar)
    images = [paths[place % len(paths)] for place in range(7)]
    images[5] = f"{tar}::3+9"
    images[6] = None
    return [
        {
            **{"concept": place, "name": name, "kind": kind, "rarity_rank": rank},
            "rows": [
                {"caption": f"{name}, picture {row} of {kind}", "score": 0.4 - 0.01 * row, "source": "laion"}
                | {"uid": f"{row:016x}", "image": image}
                for row, image in enumerate(images)
            ],
        }
        for place, (name, kind, rank) in enumerate(
            [("concept 119", "frequent", 119), (HOSTILE, "rare", 0), ("concept 60", "middle", 60)]
        )
    ]


def pictures_in_tar(tar: Path) -> list[str]:
    """Writes a few pictures into ``tar`` and returns where they stand in it."""
    tar.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(tar, "w") as archive:
        for place, colour in enumerate(("red", "green", "blue", "orange")):
            picture = io.BytesIO()
            Image.new("RGB", (60, 40 + 10 * place), colour).save(picture, format="JPEG")
            info = tarfile.TarInfo(f"{place}.jpg")
            info.size = picture.tell()
            picture.seek(0)
            archive.addfile(info, picture)
    with tarfile.open(tar) as archive:
        return [f"{tar}::{member.offset_data}+{member.size}" for member in archive.getmembers()]


def prototypes() -> dict:
    """Returns the card of some prototypes."""
    provenance = {"dataset": "labels", "kind": "images", "encoders": {"vision": "pixels", "text": "words"}}
    return {"key": "0", "names": ["a"] * N_CONCEPTS, "shots": [16, 12, 16], "provenance": provenance}


def write_curation(folder: Path) -> None:
    """Writes all files of the curation part into the results folder of a study."""
    tables = {
        "mixes/concepts.csv": concepts_table(),
        "mixes/funnel.csv": funnel_table(),
        "mixes/download.csv": downloads_table(),
        "ablation/results.csv": ablation_results(),
        "mixes/mixes.csv": mixes_table(),
    }
    records = {
        "mixes/funnel_samples.json": funnel_samples(),
        "mixes/sheet.json": sheet(folder / "download/images.tar"),
        "curation/prototypes.json": prototypes(),
    }
    for name in (*tables, *records):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / name, index=False)
    for name, record in records.items():
        (folder / name).write_text(json.dumps(record), encoding="utf-8")
