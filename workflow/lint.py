"""Runs `snakemake --lint` and fails on any finding but the declaration of software environments."""

import subprocess
import sys

ALLOWED = "Specify a conda environment or container for each rule."


def findings(output: str) -> list[str]:
    """Returns `place: title` of each finding that counts in the text that `snakemake --lint` writes."""
    place, found = "", []
    for line in output.splitlines():
        if line.startswith("Lints for "):
            place = line.removeprefix("Lints for ").rstrip(":")
        elif line.startswith("    * "):
            title = line.removeprefix("    * ").removesuffix(":")
            if title != ALLOWED:
                found.append(f"{place}: {title}")
    return found


def main() -> int:
    """Prints the findings that count; returns 1 when there are any, or when nothing was linted."""
    done = subprocess.run(["snakemake", "--lint"], capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    if "Lints for " not in output and "Congratulations" not in output:
        print(output)
        return 1
    found = findings(output)
    print("\n".join(found) or "snakemake --lint: no finding but software environments")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
