"""The jobs that Snakemake would run for a study, and what each waits for."""

import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml
from study_project import ROOT


@dataclass(frozen=True)
class Jobs:
    """The jobs that Snakemake would run, each as the lines of its label (its rule, then its own wildcards)."""

    labels: dict[str, list[str]]
    edges: list[tuple[str, str]]

    def of(self, *words: str) -> list[str]:
        """Returns the jobs whose labels hold all these lines."""
        return [job for job, label in self.labels.items() if set(words) <= set(label)]

    def only(self, *words: str) -> str:
        (job,) = self.of(*words)
        return job

    def inputs(self, job: str) -> list[list[str]]:
        """Returns the labels of the jobs that a job waits for."""
        return [self.labels[before] for before, after in self.edges if after == job]

    def rules_before(self, *words: str) -> Counter:
        """Returns how many jobs of every rule the one job of this label waits for."""
        return Counter(label[0] for label in self.inputs(self.only(*words)))

    def embedded_before(self, *words: str) -> set[tuple[str, str]]:
        """Returns (encoder, data set) of the embeddings that the one job of this label waits for."""
        labels = [dict(line.split(": ") for line in label[1:]) for label in self.inputs(self.only(*words)) if label[1:]]
        return {(label["encoder"], label["dataset"]) for label in labels if "view" in label}


def planned(values: dict, folder: Path, *targets: str) -> Jobs:
    """Returns the jobs of a study in an empty folder."""
    study = folder / "study.yaml"
    study.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    snakemake = str(Path(sys.executable).parent / "snakemake")
    command = [snakemake, *targets, "--dag", "--directory", str(folder), "--config", f"params={study}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    labels = re.findall(r'^\s*(\d+)\[label = "([^"]*)"', done.stdout, re.MULTILINE)
    return Jobs(
        {job: label.split("\\n") for job, label in labels},
        re.findall(r"^\s*(\d+) -> (\d+)$", done.stdout, re.MULTILINE),
    )
