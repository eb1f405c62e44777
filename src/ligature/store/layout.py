"""Where every artifact of a study lives: the one place that knows the paths under ``results``."""

from dataclasses import dataclass
from pathlib import Path

from ligature.params import Study
from ligature.params.datasets import kind_of
from ligature.params.pretraining_checks import PLACEHOLDER


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

    @property
    def curation(self) -> Path:
        """Folder of prototypes, scores and the selection."""
        return self.root / "curation"

    @property
    def mixes(self) -> Path:
        """Folder of the mixes: which downloaded rows are trained on, with what weights."""
        return self.root / "mixes"

    @property
    def dataset(self) -> Path:
        """Folder of the selection as a data set with its card."""
        return self.root / "dataset"

    @property
    def ablation(self) -> Path:
        """Folder of the trainings on every mix."""
        return self.root / "ablation"

    @property
    def sweep(self) -> Path:
        """Folder of the trainings with other projectors, features and losses."""
        return self.root / "sweep"

    @property
    def segmentation(self) -> Path:
        """Folder of zero-shot segmentation."""
        return self.root / "segmentation"

    @property
    def matching(self) -> Path:
        """Folder of matching without training."""
        return self.root / "matching"

    @property
    def pretraining(self) -> Path:
        """Folder of contrastive pre-training."""
        return self.root / "pretraining"

    def pretrained(self, run: str, seed: int) -> Path:
        """Folder of one pre-training; its ``model`` is the trained pair of encoders."""
        return self.pretraining / run / f"seed-{seed}"

    @property
    def captioning(self) -> Path:
        """Folder of the vision-language models."""
        return self.root / "captioning"

    def language(self, name: str) -> Path:
        """Folder of a language model that the study trains itself; its ``model`` is a transformers folder."""
        return self.captioning / "languages" / name

    def captioned(self, run: str, pairs: int | None, seed: int) -> Path:
        """Folder of one vision-language model, trained on so many pairs; None for all."""
        return self.captioning / "runs" / run / f"pairs-{pairs or 'all'}" / f"seed-{seed}"

    @property
    def model(self) -> Path:
        """Folder of the exported pair."""
        return self.root / "model"

    @property
    def duplicates(self) -> Path:
        """Table of the rows of all sources that stand there already."""
        return self.root / "pool" / "duplicates.parquet"

    def source_file(self, source: str, file: int) -> Path:
        """File of a source that was fetched."""
        return self.root / "sources" / source / f"part-{file:05d}"

    def pool(self, source: str, part: int) -> Path:
        """Table of the wanted rows of one part of a source."""
        return self.root / "pool" / source / f"part-{part:05d}.parquet"

    def pool_parts(self, source: str) -> list[Path]:
        """Tables of all parts of a source."""
        return [self.pool(source, part) for part in range(self.study.sources[source].jobs)]

    def top_k(self, level: int, index: int) -> Path:
        """State of scoring: level 0 is a part of the pool, higher levels are merged."""
        return self.curation / "top_k" / f"level-{level}" / f"state-{index:05d}.safetensors"

    @property
    def pool_jobs(self) -> list[tuple[str, int]]:
        """Source and part of every job that scores captions; its position is the index of its state."""
        return [(source, part) for source in self.study.curate.pool for part in range(self.study.sources[source].jobs)]

    @property
    def merge_levels(self) -> list[int]:
        """Number of states at every level of the tree of merges, from the parts of the pool to one."""
        levels = [len(self.pool_jobs)]
        while levels[-1] > 1:
            levels.append(-(-levels[-1] // self.study.curate.fan_in))
        return levels

    def merge_inputs(self, level: int, index: int) -> list[Path]:
        """States of the level below that one state is merged from."""
        fan_in, count = self.study.curate.fan_in, self.merge_levels[level - 1]
        return [self.top_k(level - 1, number) for number in range(index * fan_in, min((index + 1) * fan_in, count))]

    def download(self, name: str, chunk: int) -> Path:
        """Folder of one downloaded chunk of a set of rows."""
        return self.root / "download" / name / f"chunk-{chunk:05d}"

    def download_chunks(self, name: str) -> list[Path]:
        """Folders of all chunks of a set of rows."""
        return [self.download(name, chunk) for chunk in range(self.study.download.chunks)]

    @property
    def sets(self) -> list[str]:
        """Sets of rows that are downloaded: those that mixes name, in order of first mention."""
        return list(dict.fromkeys(name for mix in self.study.mixes.values() for name in mix.sets))

    def encoder(self, name: str) -> Path:
        """Folder of an encoder that the study makes itself."""
        return self.root / "encoders" / name

    def embeddings(self, view: str, encoder: str, dataset: str, part: int) -> Path:
        """Folder of one store."""
        return self._stores(view, encoder, dataset) / f"part-{part:05d}"

    def _stores(self, view: str, encoder: str, dataset: str) -> Path:
        return self.root.joinpath("embeddings", self.group(view, encoder, dataset), view, encoder, dataset)

    def group(self, view: str, encoder: str, dataset: str) -> str:
        """Returns the group of a store, by the stage that needs it first.

        ``discovery``: every encoder, the data sets of pair discovery, which must be able to end before it is known
        which encoders the later stages need; the captions that pre-training tells apart are among them. ``chosen``: the
        chosen pair alone. ``pool``: captions to be scored. ``sets``: downloaded rows. ``pretrained``: encoders that the
        study pre-trains, whatever the data set.
        """
        encoders = [*self.study.encoders.vision, *self.study.encoders.text]
        if any(entry.name == encoder and (entry.source or "").startswith(PLACEHOLDER) for entry in encoders):
            return "pretrained"
        if dataset not in self.study.datasets:
            return "pool" if dataset in self.study.curate.pool else "sets"
        pairs = self.study.pairs
        discovery = {*pairs.datasets, pairs.probe.train, pairs.probe.test}
        block = self.study.pretraining
        semantic = block is not None and encoder == block.semantics and dataset in block.datasets
        return "discovery" if view == "pooled" and (dataset in discovery or semantic) else "chosen"

    def view(self, mode: str, encoder: str) -> str:
        """Returns the view of an encoder's stores that a mode of training reads.

        Under ``regions`` texts are pooled; ``images``, which encodes images anew in training, evaluates on tokens.
        """
        of_text = encoder in {entry.name for entry in self.study.encoders.text}
        return {"regions": "pooled" if of_text else mode, "images": "tokens"}.get(mode, mode)

    def embedding_parts(self, mode: str, encoder: str, dataset: str) -> list[Path]:
        """Folders of all parts of a data set, pool or downloaded set under one encoder, as a mode of training needs.

        The prompts of class folders are a single part.
        """
        folder = self._stores(self.view(mode, encoder), encoder, dataset)
        return [folder / f"part-{part:05d}" for part in range(self._parts(encoder, dataset))]

    def _parts(self, encoder: str, dataset: str) -> int:
        if dataset not in self.study.datasets:
            pool = dataset in self.study.curate.pool
            return self.study.sources[dataset].jobs if pool else self.study.download.chunks
        params = self.study.datasets[dataset]
        of_texts = encoder in {entry.name for entry in self.study.encoders.text}
        return 1 if of_texts and kind_of(params) == "classes" else params.parts

    def probe(self, vision: str, text: str) -> Path:
        """File of the probe training of one pair."""
        return self.pairs / "probes" / f"{vision}--{text}.json"
