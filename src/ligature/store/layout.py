"""Where every artifact of a study lives: the one place that knows the paths under ``results``."""

from dataclasses import dataclass
from pathlib import Path

from ligature.params import Study
from ligature.params.datasets import ImageFoldersDataset


@dataclass(frozen=True)
class Layout:
    """Paths of one study.

    Attributes:
        study: the study.
        results: the folder of all studies.
    """

    study: Study
    results: Path = Path("results")

    @property
    def root(self) -> Path:
        """Folder of the study."""
        return self.results / self.study.study

    @property
    def world(self) -> Path:
        """Folder of the procedural world."""
        return self.root / "world"

    @property
    def pairs(self) -> Path:
        """Folder of pair discovery."""
        return self.root / "pairs"

    @property
    def train(self) -> Path:
        """Folder of the trained projector."""
        return self.root / "train"

    @property
    def evaluation(self) -> Path:
        """Folder of the evaluation."""
        return self.root / "evaluation"

    @property
    def report(self) -> Path:
        """Folder of the results page."""
        return self.root / "report"

    def encoder(self, name: str) -> Path:
        """Folder of an encoder that the study makes itself."""
        return self.root / "encoders" / name

    def embeddings(self, view: str, encoder: str, dataset: str, part: int) -> Path:
        """Folder of one store."""
        return self.root / "embeddings" / self.group(view, dataset) / view / encoder / dataset / f"part-{part:05d}"

    def group(self, view: str, dataset: str) -> str:
        """Returns ``discovery`` for stores that every encoder needs, ``chosen`` for those of the chosen pair alone.

        Pair discovery must be able to end before it is known which encoders the later stages need.
        """
        pairs = self.study.pairs
        discovery = {*pairs.datasets, pairs.probe.train, pairs.probe.test}
        return "discovery" if view == "pooled" and dataset in discovery else "chosen"

    def embedding_parts(self, view: str, encoder: str, dataset: str) -> list[Path]:
        """Folders of all parts of a data set under one encoder; the prompts of class folders are a single part."""
        params = self.study.datasets[dataset]
        of_texts = encoder in {entry.name for entry in self.study.encoders.text}
        parts = 1 if of_texts and isinstance(params, ImageFoldersDataset) else params.parts
        return [self.embeddings(view, encoder, dataset, part) for part in range(parts)]

    def probe(self, vision: str, text: str) -> Path:
        """File of the probe training of one pair."""
        return self.pairs / "probes" / f"{vision}--{text}.json"
