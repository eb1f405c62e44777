"""The jobs of a study, read from the table that `snakemake --summary` prints."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ligature.errors import LigatureError


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        rule: name of its rule.
        wildcards: what tells it from other jobs of the rule, by name.
    """

    rule: str
    wildcards: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """Returns the value of a wildcard."""
        return self.wildcards[name]


def read_jobs(summary: str, patterns: Mapping[str, str]) -> list[Job]:
    """Returns the jobs that make the files of a summary, each once, in the order of their first file.

    Args:
        summary: what Snakemake prints: a table of files with the rule of each.
        patterns: for every rule a regular expression of one file of a job; its groups are the wildcards. Other files
            come with that one. Every file of an unknown rule counts as a job.

    Raises:
        LigatureError: when there is no such table, or no job in it.
    """
    lines = summary.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("output_file\t")), len(lines))
    jobs = {}
    for row in csv.DictReader(lines[start:], delimiter="\t"):
        found = re.search(patterns.get(row["rule"], "(?P<file>.+)"), row["output_file"])
        if found:
            wildcards = found.groupdict()
            jobs[row["rule"], *wildcards.values()] = Job(row["rule"], wildcards)
    if not jobs:
        raise LigatureError(f"snakemake --summary gave no table of jobs: {summary.strip()[-200:] or 'nothing'}")
    return list(jobs.values())
