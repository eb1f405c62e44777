"""`ligature assemble`: which downloaded images are trained on, the mixes made of them, and the accounting."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.cli.pool import curate_params, used_sources
from ligature.curation import random_subset
from ligature.data import open_dataset
from ligature.data.mixture import Mixture
from ligature.data.perceptual import near_duplicate_images, near_references, perceptual_hash
from ligature.data.pools.funnel import KEPT, Funnel, drop_rows, funnel_table, merge_funnels
from ligature.data.shards import IMAGES, member_path, read_table
from ligature.progress import say, track
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_json
from ligature.store.damage import read_json, reading
from ligature.store.tables import write_table

SHEET_CONCEPTS = 3
SHEET_ROWS = 12


def assemble(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Check the downloaded images against each other and against evaluation sets, and write the mixes."""
    layout = open_layout(params, results)
    curate_params(layout)
    arrived = {name: _index(layout, name) for name in layout.sets}
    funnels = []
    kept = {}
    references = _evaluation_hashes(layout)
    for name, table in arrived.items():
        kept[name], steps = _checked(layout, name, table, references)
        funnels += steps
    funnels += _trim_random(kept, curate_params(layout).seed)
    rows = [table.assign(set=name)[["set", "uid"]] for name, table in kept.items()]
    layout.mixes.mkdir(parents=True, exist_ok=True)
    _write_mixes(layout, kept)
    _write_accounting(layout, funnels, arrived, kept)
    write_table(layout.mixes / "kept.parquet", pd.concat(rows, ignore_index=True))
    say(", ".join(f"{name}: {len(table):,} images" for name, table in kept.items()))


def _index(layout: Layout, name: str) -> pd.DataFrame:
    """Returns every row of a set that was asked for, with what became of it and where its image lies."""
    parts = [read_table(folder).assign(chunk=chunk) for chunk, folder in enumerate(layout.download_chunks(name))]
    return pd.concat(parts, ignore_index=True)


def _evaluation_hashes(layout: Layout) -> np.ndarray | None:
    """Returns the perceptual hashes of all evaluation images, [m, 24] uint8."""
    from ligature.data.images import read_image

    settings = curate_params(layout).decontaminate
    if settings.image_bits is None or not settings.datasets:
        return None
    paths = [path for name in settings.datasets for path in open_dataset(layout, name).images["path"]]
    hashes = [perceptual_hash(read_image(path)[0]) for path in track(paths, "hash evaluation images", unit="images")]
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 24)


def _checked(
    layout: Layout, name: str, table: pd.DataFrame, references: np.ndarray | None
) -> tuple[pd.DataFrame, list[Funnel]]:
    """Drops what did not arrive, stands in an evaluation set, stands there twice, or is more than was asked for."""
    settings = curate_params(layout)
    table, missing = drop_rows(table, table["status"].where(table["status"] != "success", KEPT), "download", name)
    funnels = [missing]
    hashes = np.array([list(bytes.fromhex(text)) for text in table["hash"]], np.uint8).reshape(-1, 24)
    if references is not None:
        near = near_references(hashes, references, settings.decontaminate.image_bits)
        table, funnel = drop_rows(table, np.where(near, "evaluation image", KEPT), "decontaminate images", name)
        hashes, funnels = hashes[~near], [*funnels, funnel]
    if settings.duplicates.image_bits is not None:
        found = near_duplicate_images(table["uid"].to_numpy(), hashes, settings.duplicates.image_bits)["uid"]
        reasons = np.where(table["uid"].isin(found), "duplicate image", KEPT)
        table, funnel = drop_rows(table, reasons, "duplicate images", name)
        funnels.append(funnel)
    if name == "collected":
        rank = table.sort_values(["score", "uid"], ascending=[False, True]).groupby("concept").cumcount()
        reasons = np.where(rank.reindex(table.index) >= settings.quota, "above quota", KEPT)
        table, funnel = drop_rows(table, reasons, "quota", name)
        funnels.append(funnel)
    return table, funnels


def _trim_random(kept: dict[str, pd.DataFrame], seed: int) -> list[Funnel]:
    """Cuts the random subset at random to the size of the selection."""
    if not {"collected", "random"} <= set(kept):
        return []
    chosen = random_subset(kept["random"]["uid"].to_numpy(), len(kept["collected"]), seed)
    reasons = np.where(kept["random"]["uid"].isin(chosen), KEPT, "more than the selection")
    kept["random"], funnel = drop_rows(kept["random"], reasons, "same size", "random")
    return [funnel]


def _write_mixes(layout: Layout, kept: dict[str, pd.DataFrame]) -> None:
    rows = []
    for name, mix in layout.study.mixes.items():
        sizes = [len(kept[item]) for item in mix.sets]
        mixture = Mixture.of(sizes, mix.weights)
        shards = {
            item: [(folder / IMAGES).relative_to(layout.root).as_posix() for folder in layout.download_chunks(item)]
            for item in mix.sets
        }
        parts = [
            {"set": item, "rows": size, "weight": weight / sum(mixture.weights), "shards": shards[item]}
            for item, size, weight in zip(mix.sets, sizes, mixture.weights, strict=True)
        ]
        write_json(layout.mixes / f"{name}.json", {"mix": name, "rows": sum(sizes), "sets": parts})
        rows += [{"mix": name, "set": part["set"], "rows": part["rows"], "weight": part["weight"]} for part in parts]
    write_csv(layout.mixes / "mixes.csv", pd.DataFrame(rows, columns=["mix", "set", "rows", "weight"]))


def _write_accounting(
    layout: Layout, funnels: list[Funnel], arrived: dict[str, pd.DataFrame], kept: dict[str, pd.DataFrame]
) -> None:
    merged = merge_funnels([*_earlier_funnels(layout), *funnels])
    write_csv(layout.mixes / "funnel.csv", funnel_table(merged))
    samples = [
        {"step": funnel.step, "source": funnel.source, "reason": reason, "samples": rows}
        for funnel in merged
        for reason, rows in funnel.samples.items()
    ]
    write_json(layout.mixes / "funnel_samples.json", samples)
    counts = [
        table.assign(set=name).groupby(["set", "source", "host", "status"]).size().rename("rows").reset_index()
        for name, table in arrived.items()
    ]
    write_csv(layout.mixes / "download.csv", pd.concat(counts, ignore_index=True))
    if "collected" in kept:
        concepts = _concepts(layout, arrived["collected"], kept["collected"])
        write_csv(layout.mixes / "concepts.csv", concepts)
        write_json(layout.mixes / "sheet.json", list(_sheet(layout, concepts, arrived["collected"])))


def _earlier_funnels(layout: Layout) -> Iterator[Funnel]:
    """Yields the accounting that the earlier steps left, in their order."""
    study = layout.study
    paths: list[Path] = [
        path.with_suffix(".json") for source in used_sources(study.curate) for path in layout.pool_parts(source)
    ]
    paths.append(layout.duplicates.with_suffix(".json"))
    paths += [layout.top_k(0, index).with_suffix(".json") for index in range(len(layout.pool_jobs))]
    paths.append(layout.curation / "selected.json")
    for path in paths:
        with reading(path):
            yield from [Funnel.from_dict(values) for values in read_json(path)]


def _concepts(layout: Layout, arrived: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    with reading(layout.curation / "concepts.csv"):
        table = pd.read_csv(layout.curation / "concepts.csv")
    success = arrived[arrived["status"] == "success"]
    for column, rows in (("downloaded", success), ("final", kept)):
        table[column] = rows["concept"].value_counts().reindex(table["concept"], fill_value=0).to_numpy()
    return table


def _sheet(layout: Layout, concepts: pd.DataFrame, arrived: pd.DataFrame) -> Iterator[dict]:
    """Yields what was collected for a few rare, middling and frequent concepts, best scores first."""
    by_rarity = concepts.sort_values("rarity_rank")
    middle = max(0, (len(by_rarity) - SHEET_CONCEPTS) // 2)
    groups = {
        "rare": by_rarity.head(SHEET_CONCEPTS),
        "middle": by_rarity.iloc[middle : middle + SHEET_CONCEPTS],
        "frequent": by_rarity.tail(SHEET_CONCEPTS),
    }
    for kind, rows in groups.items():
        for concept in rows.itertuples():
            found = arrived[arrived["concept"] == concept.concept].sort_values(
                ["score", "uid"], ascending=[False, True]
            )
            yield {
                "concept": int(concept.concept),
                "name": concept.name,
                "kind": kind,
                "rarity_rank": int(concept.rarity_rank),
                "rows": [_sheet_row(layout, row) for row in found.head(SHEET_ROWS).itertuples()],
            }


def _sheet_row(layout: Layout, row) -> dict:
    arrived = row.status == "success"
    tar = layout.download("collected", row.chunk) / IMAGES
    return {
        "caption": row.caption,
        "score": round(float(row.score), 4),
        "source": row.source,
        "uid": f"{row.uid:016x}",
        "image": member_path(tar, int(row.offset), int(row.size)) if arrived else None,
    }
