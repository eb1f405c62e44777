"""Stand-ins for conda and Apptainer that write down what they are asked and run commands on this machine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ["Snakefile", "workflow", "profiles", "constraints.txt", "constraints-cuda.txt"]
TOOLS = Path(sys.executable).parent

CONDA = """#!/usr/bin/env bash
echo "conda $*" >> {log}
case "$1 $2" in
    "info --json") echo '{{"conda_prefix": "{base}", "platform": "linux-64"}}' ;;
    "--version ") echo "conda 25.1.0" ;;
    "config --get") echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
    "env create")
        prefix="${{@: -1}}"
        mkdir -p "$prefix/bin"
        ln -s {base}/inside/* "$prefix/bin/"
        ;;
esac
"""
APPTAINER = """#!/usr/bin/env bash
echo "apptainer $*" >> {log}
if [ "$1" = --version ]; then echo "apptainer version 1.3.0"; exit; fi
PATH={base}/inside:/usr/bin:/bin bash -c "${{@: -1}}"
"""
ACTIVATE = 'export PATH="$1/bin:/usr/bin:/bin" CONDA_PREFIX="$1"\n'
PYTHON = '#!/usr/bin/env bash\necho "python $* in $PWD" >> {log}\n'


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


class Deployed:
    """A copy of the workflow in which conda and Apptainer are stand-ins; `inside` is what they offer as programs."""

    def __init__(self, folder: Path, values: dict) -> None:
        self.folder, self.base = folder / "project", folder / "base"
        self.log = folder / "asked.log"
        self.folder.mkdir()
        for name in COPIED:
            source, target = ROOT / name, self.folder / name
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        (self.folder / "params.yaml").write_text(json.dumps(values), encoding="utf-8")
        names = {"log": self.log, "base": self.base}
        write_program(self.base / "host/conda", CONDA.format(**names))
        write_program(self.base / "host/apptainer", APPTAINER.format(**names))
        write_program(self.base / "bin/activate", ACTIVATE)
        write_program(self.base / "inside/python", PYTHON.format(**names))
        (self.base / "inside/ligature").symlink_to(TOOLS / "ligature")

    def snakemake(self, *arguments: str) -> str:
        """Runs Snakemake and returns what it printed on both streams."""
        path = os.pathsep.join([str(self.base / "host"), "/usr/bin", "/bin"])
        command = [str(TOOLS / "snakemake"), "--cores", "1", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output[-4000:]
        return output

    def asked(self) -> str:
        return self.log.read_text(encoding="utf-8")
