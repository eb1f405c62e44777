"""A copy of the project in a folder of its own, so that both doors can be used for real."""

import copy
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml
from tiny_study import NO_CURATION, light_values

ROOT = Path(__file__).parents[2]
COPIED = ["Snakefile", "workflow", "profiles", "dvc.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"]


class Project:
    """A checkout whose study is a light one; commands run in it with the tools of this Python."""

    def __init__(self, folder: Path, values: dict) -> None:
        self.folder = folder
        for name in COPIED:
            source, target = ROOT / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        self.write(values)
        self.run("git", "init", "--quiet")
        self.commit("start")

    def write(self, values: dict) -> None:
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        identity = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org"}
        identity |= {"GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org"}
        quiet = {"DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1", "PATH": path}
        return {key: value for key, value in os.environ.items() if not key.startswith("DVC_")} | identity | quiet

    def run(self, *command: str, check: bool = True) -> str:
        """Runs a command and returns what it printed on both streams."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False, timeout=580
        )
        output = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"{' '.join(command)}\n{output[-6000:]}"
        return output

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def after(self, values: dict, change: Callable[[dict], object], *command: str) -> str:
        """Returns what a command prints after a change of the study, which is then taken back."""
        changed = copy.deepcopy(values)
        change(changed)
        self.write(changed)
        output = self.run(*command)
        self.write(values)
        return output

    def jobs_after(self, values: dict, change: Callable[[dict], object]) -> dict[str, int]:
        """Returns the jobs that Snakemake would run after a change of the study."""
        found = re.findall(r"^(\w+) +(\d+)$", self.after(values, change, "snakemake", "--dry-run"), re.MULTILINE)
        return {rule: int(count) for rule, count in found if rule not in ("all", "total")}

    def stages_after(self, values: dict, change: Callable[[dict], object]) -> set[str]:
        """Returns the stages that DVC takes for changed after a change of the study."""
        return set(re.findall(r"^(\w+):$", self.after(values, change, "dvc", "status"), re.MULTILINE))

    def nothing_to_do(self) -> bool:
        """Whether both doors agree that everything is up to date."""
        snakemake, dvc = self.run("snakemake", "--dry-run"), self.run("dvc", "status")
        assert "Nothing to be done" in snakemake, snakemake[-3000:]
        assert "up to date" in dvc, dvc
        return True


def curated_study() -> dict:
    """The tiny study with the two encoders that are not models."""
    return light_values() | {"matching": None}


def light_study() -> dict:
    """The same without curation."""
    return light_values() | NO_CURATION
