"""Runs `snakemake --lint` and fails on any finding but the declaration of software environments."""

import json
import subprocess
import sys

ALLOWED = "Specify a conda environment or container for each rule."


def main() -> int:
    """Prints the findings that count and returns their number as exit status."""
    done = subprocess.run(["snakemake", "--lint", "json"], capture_output=True, text=True, check=False)
    start = done.stdout.find("{")
    if start < 0:
        print(done.stdout + done.stderr)
        return 1
    report = json.loads(done.stdout[start:])
    places = report.get("rules", []) + report.get("snakefiles", [])
    findings = [(place, lint) for place in places for lint in place["lints"] if lint["title"] != ALLOWED]
    for place, lint in findings:
        print(f"{place['for']}: {lint['title']}")
    return min(len(findings), 1)


if __name__ == "__main__":
    sys.exit(main())
