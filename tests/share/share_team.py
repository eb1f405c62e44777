"""A team, its project under git and DVC, and the places where its artifacts may live."""

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(sys.executable).parent
STAGES = ("images", "texts")
BUCKET = "artifacts"


class Clone:
    """One user's clone of the project; commands run in it as that user would type them."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder, self._variables = folder, variables

    def environment(self) -> dict[str, str]:
        """Every user has a DVC of their own: its configuration and what it remembers of remotes."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "AWS_", "SSH_"))}
        person = {f"GIT_{role}_{key}": "t@t" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        own = {
            f"DVC_{key}": str(self.folder.parent / f".{self.folder.name}")
            for key in ("SITE_CACHE_DIR", "GLOBAL_CONFIG_DIR")
        }
        quiet = {"DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}
        path = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])
        return inherited | person | own | quiet | self._variables | {"PATH": path}

    def start(self, *command: str) -> subprocess.Popen:
        """Starts a command in a process group of its own."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment(), start_new_session=True, **streams)

    def run(self, *command: str, status: int = 0) -> str:
        """Runs a command that must end with ``status`` and returns what it printed on both streams."""
        process = self.start(*command)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == status, f"{' '.join(command)}\n{output[-4000:]}"
        return output

    def fill(self, **stages: dict[str, bytes]) -> None:
        """Makes the folders of stages as the workflow would, and records them."""
        for stage, contents in stages.items():
            folder = self.folder / "results" / stage
            shutil.rmtree(folder, ignore_errors=True)
            for name, content in contents.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            (self.folder / f"{stage}.json").write_text('{"rows": 1}', encoding="utf-8")
        self.run("dvc", "commit", "--force", "--quiet", *stages)

    def commit(self, branch: str = "main") -> None:
        self.run("git", "checkout", "--quiet", "-B", branch)
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "work")
        self.run("git", "push", "--quiet", "--force", "origin", branch)

    def contents(self, stage: str) -> dict[str, bytes]:
        folder = self.folder / "results" / stage
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def cache(self) -> dict[str, int]:
        """Returns the time of writing of every whole object in this user's cache."""
        return stamps(self.folder / ".dvc/cache/files/md5")


def stamps(folder: Path) -> dict[str, int]:
    """Returns the time of writing of every whole object below a folder; DVC's partial files have other names."""
    found = {}
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        if not path.name.endswith(".tmp"):
            found[path.parent.name + path.name] = path.stat().st_mtime_ns
    return found


@dataclass
class OnDisk:
    """A place whose objects lie in a folder of this machine."""

    folder: Path
    address: list[str]
    variables: dict[str, str] = field(default_factory=dict)

    def objects(self) -> dict[str, int]:
        return stamps(self.folder / "files/md5")

    def overwrite(self, name: str, content: bytes) -> None:
        path = self.folder / "files/md5" / name[:2] / name[2:]
        path.chmod(0o644)
        path.write_bytes(content)
        path.chmod(0o444)  # what DVC takes for checked

    def remove(self, name: str) -> None:
        (self.folder / "files/md5" / name[:2] / name[2:]).unlink()


@dataclass
class InBucket:
    """A place in a bucket of an S3-compatible server that runs in this process."""

    prefix: str
    address: list[str]
    variables: dict[str, str]

    def _keys(self):
        from moto.backends import get_backend

        return get_backend("s3")["123456789012"]["aws"].buckets[BUCKET].keys

    def _key(self, name: str) -> str:
        return f"{self.prefix}/files/md5/{name[:2]}/{name[2:]}"

    def objects(self) -> dict[str, float]:
        start = f"{self.prefix}/files/md5/"
        keys = [(key, self._keys()[key]) for key in list(self._keys()) if key.startswith(start)]
        return {key.removeprefix(start).replace("/", ""): item.last_modified.timestamp() for key, item in keys}

    def overwrite(self, name: str, content: bytes) -> None:
        """Uploads other content, which the server holds to be right; it finds out itself where its disk rots."""
        from moto.backends import get_backend

        get_backend("s3")["123456789012"]["aws"].put_object(BUCKET, self._key(name), content)

    def remove(self, name: str) -> None:
        del self._keys()[self._key(name)]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Team:
    """A project in a bare repository, from which users clone."""

    def __init__(self, folder: Path, place) -> None:
        self.folder, self.place = folder, place
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", folder / "origin.git"], check=True)

    def clone(self, user: str, branch: str = "main") -> Clone:
        clone = Clone(self.folder / user, self.place.variables)
        subprocess.run(["git", "clone", "--quiet", self.folder / "origin.git", clone.folder], check=True)
        clone.run("git", "checkout", "--quiet", branch)
        if "ssh" in self.place.address[0]:
            clone.run("ligature", "share", "init", *self.place.address)
        return clone

    def founder(self, contents: dict[str, bytes]) -> Clone:
        """Returns the first user, who has made the study and set up its place."""
        founder = Clone(self.folder / "founder", self.place.variables)
        subprocess.run(["git", "clone", "--quiet", self.folder / "origin.git", founder.folder], check=True)
        write_project(founder.folder)
        founder.fill(
            **{stage: {name: stage.encode() + content for name, content in contents.items()} for stage in STAGES}
        )
        founder.run("ligature", "share", "init", *self.place.address)
        founder.commit()
        return founder


def write_project(folder: Path) -> None:
    """Writes what a project under DVC has at least: stages with one folder for the remote and one number for git."""
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n    check_update = false\n", encoding="utf-8")
    (folder / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n", encoding="utf-8")
    (folder / ".gitignore").write_text("/results/\n", encoding="utf-8")
    stages = "".join(
        f"  {name}:\n    cmd: 'false'\n    outs: [results/{name}]\n    metrics: [{name}.json: {{cache: false}}]\n"
        for name in STAGES
    )
    (folder / "dvc.yaml").write_text(f"stages:\n{stages}", encoding="utf-8")
