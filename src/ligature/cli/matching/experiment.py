"""Running one experiment block by block; a killed run goes on after the last finished block."""

import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.cli.matching.cells import Views, fit_methods, measure_cell
from ligature.cli.matching.drawing import Draws
from ligature.cli.matching.plan import Block, plan_blocks, query_seeds
from ligature.cli.matching.pools import Pools, check_disjoint, load_pools
from ligature.cli.matching.samples import sample_matches
from ligature.cli.matching.tables import SEEDWISE_COLUMNS, average, cell_rows, read_table
from ligature.params.matching import MatchingExperiment
from ligature.progress import Progress
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_json


class Experiment:
    """One experiment of a study.

    The rows of a block, one point of the grid with one draw of the anchors, are written as soon as they are complete,
    to ``cells/<key>.csv``. A later run of the same experiment reads them; the folder is removed once all tables are
    written, and with it what an earlier configuration left.

    Attributes:
        folder: takes ``seedwise.csv``, ``results.csv`` and ``samples.json``.
    """

    def __init__(self, layout: Layout, name: str, experiment: MatchingExperiment) -> None:
        """Takes the experiment.

        Args:
            layout: of the study.
            name: of the experiment.
            experiment: its parameters.
        """
        self.layout, self.name, self.experiment = layout, name, experiment
        self.folder = layout.matching / name
        self._draws = Draws(name, experiment)
        self._seeds = query_seeds(experiment)

    def run(self, samples: int) -> None:
        """Computes what is missing and writes the tables.

        Args:
            samples: queries that are shown with what they were matched to.

        Raises:
            DataError: base and queries share images, or there are too few.
            StoreError: when a store is missing or does not fit the others.
            ParamsError: when a method cannot compare the encoders.
        """
        blocks = plan_blocks(self.layout, self.name, self.experiment)
        missing = [block for block in blocks if not self._file(block).is_file()]
        if missing:
            check_disjoint(self.layout, self.name, self.experiment)
            self._compute(missing, len(blocks))
        seedwise = pd.concat(
            [read_table(self._file(block), "run the experiment again") for block in blocks], ignore_index=True
        )
        write_csv(self.folder / "seedwise.csv", seedwise)
        write_csv(self.folder / "results.csv", average(seedwise))
        shown = sample_matches(self.layout, self.name, self.experiment, samples)
        write_json(self.folder / "samples.json", shown)
        shutil.rmtree(self.folder / "cells")

    def _file(self, block: Block) -> Path:
        return self.folder / "cells" / f"{block.key}.csv"

    def _compute(self, missing: list[Block], total: int) -> None:
        cells = len(self._seeds)
        done = (total - len(missing)) * cells
        with Progress(f"matching {self.name}", total * cells, "cells", done=done) as progress:
            for _, group in groupby(missing, key=lambda block: block.point.pools):
                blocks = list(group)
                pools = load_pools(self.layout, self.experiment, blocks[0].point)
                for block in blocks:
                    rows = list(self._measure(block, pools, progress))
                    write_csv(self._file(block), pd.DataFrame(rows, columns=SEEDWISE_COLUMNS))

    def _measure(self, block: Block, pools: Pools, progress: Progress) -> Iterator[dict[str, Any]]:
        experiment, point = self.experiment, block.point
        split = self.layout.study.datasets[experiment.query].split
        anchors = self._draws.anchors(pools, point, block.base_seed)
        views = Views(pools, point, anchors)
        fitted = fit_methods(views, experiment.methods)
        for seed in self._seeds:
            queries = self._draws.queries(pools, anchors, seed)
            measured = measure_cell(fitted, views, queries, experiment.csls)
            seeds = (block.base_seed, seed)
            yield from cell_rows(self.name, experiment, point, split, len(queries.rows), seeds, measured)
            progress.update()
