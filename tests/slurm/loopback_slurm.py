"""A one-node Slurm on loopback: munge, slurmctld and slurmd, with GPUs that are only counted; and checkouts to run."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import yaml
from tiny_study import NO_CURATION, light_values

ROOT = Path(__file__).parents[2]
CONFIG = Path("/etc/slurm/slurm.conf")
PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "sinfo"]
CPUS, MEMORY, GPUS = 64, 1_000_000, 4

SLURM_CONF = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill
JobAcctGatherFrequency=task=1
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
EnforcePartLimits=ALL
MinJobAge=600
KillWait=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=24:00:00 DefMemPerCPU=512 State=UP
"""


def missing() -> str:
    """Returns why Slurm cannot be started here; empty where it can."""
    if os.geteuid() != 0:
        return "starting Slurm's daemons needs root"
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    lacking = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    return f"not installed: {', '.join(lacking)} (Debian: slurmctld slurmd slurm-client munge)" if lacking else ""


def free_ports(count: int) -> list[int]:
    """Returns ports of loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Cluster:
    """The daemons and their folder.

    Attributes:
        folder: configuration, state and logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        host = socket.gethostname().split(".")[0]
        for name in ("state", "spool", "munge"):
            (folder / name).mkdir(mode=0o700)
        values = {"folder": folder, "host": host, "ports": free_ports(2)}
        text = SLURM_CONF.format(**values, cpus=CPUS, memory=MEMORY, gpus=GPUS)
        (folder / "slurm.conf").write_text(text, encoding="utf-8")
        for gpu in range(GPUS):
            (folder / f"gpu{gpu}").touch()
        gpus = f"NodeName={host} Name=gpu File={folder}/gpu[0-{GPUS - 1}]\n"
        (folder / "gres.conf").write_text(gpus, encoding="utf-8")
        key = folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.host = host

    def start(self) -> None:
        """Starts the daemons and waits for the node."""
        munge = self.folder / "munge"
        files = {"socket": self.folder / "munge.socket", "key-file": munge / "key", "log-file": munge / "log"}
        files |= {"pid-file": self.folder / "munged.pid", "seed-file": munge / "seed"}
        run("munged", "--force", *(f"--{name}={path}" for name, path in files.items()))
        run("slurmctld", "-c", "-f", str(self.folder / "slurm.conf"))
        run("slurmd", "-c", "-f", str(self.folder / "slurm.conf"), "-N", self.host)
        wait_for(lambda: run("sinfo", "-h", "-o", "%T").strip() == "idle", 30, "the node is not idle")

    def stop(self) -> None:
        """Cancels every job and ends the daemons by their process ids."""
        for job in self.jobs():
            self.cancel(job)
        for name in ("slurmd", "slurmctld", "munged"):
            pid = int((self.folder / f"{name}.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda pid=pid: not alive(pid), 20, f"{name} does not end")

    def jobs(self, *states: str) -> dict[str, str]:
        """Returns the comment, which names the rule, of every job in some states; by default of live ones."""
        chosen = ["--states", ",".join(states)] if states else []
        lines = run("squeue", "--noheader", "--format", "%A|%k", *chosen).splitlines()
        return dict(line.split("|", 1) for line in lines if line)

    def cancel(self, job: str) -> None:
        """Cancels a job as its owner would."""
        run("scancel", job)

    def describe(self, job: str) -> str:
        """Returns all that Slurm knows of a job, one line."""
        return run("scontrol", "--oneliner", "show", "job", job)


def run(*command: str, check: bool = True) -> str:
    """Runs a program of Slurm and returns what it printed."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    environment = os.environ | {"PATH": path}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def wait_for(condition, seconds: float, complaint: str) -> None:
    """Waits until a condition holds; fails with the complaint after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, complaint
        time.sleep(0.2)


def smallest_study() -> dict:
    """The tiny study cut down to twelve jobs."""
    values = light_values() | NO_CURATION
    values["world"] |= {"coco": {"train": 4, "val": 60, "test": 4}, "voc": {"val": 1}, "shifted": {"test": 4}}
    values["pairs"]["choose"] = {"vision": "pixels", "text": "bag-of-words"}
    values["pairs"]["probe"] |= {"train": "captions-val", "batch_size": 30}
    projector = {"embed_dim": 32, "dropout": 0.0}
    values["train"] |= {"datasets": ["captions-val"], "batch_size": 30, "epochs": 150, "projector": projector}
    values["evaluate"] |= {"retrieval": ["captions-val"]}
    values["report"] |= {"samples": 1, "tsne_points": 5}
    return values


class Checkout:
    """A copy of the project whose study is the smallest; Snakemake runs in it as typed."""

    def __init__(self, folder: Path, *, copied: bool = False) -> None:
        self.folder = folder
        if copied:
            return
        for name in ("workflow", "profiles"):
            shutil.copytree(ROOT / name, folder / name)
        shutil.copy(ROOT / "Snakefile", folder)
        shutil.copy(ROOT / "slurm", folder / "slurm", follow_symlinks=False)
        text = yaml.safe_dump(smallest_study(), sort_keys=False)
        (folder / "params.yaml").write_text(text, encoding="utf-8")

    def start(self, *options: str, **variables: str) -> subprocess.Popen:
        """Starts `snakemake --profile slurm` with further options; its output goes to a file."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"} | variables
        with open(self.folder / "output.txt", "w", encoding="utf-8") as output:
            return subprocess.Popen(
                ["snakemake", "--profile", "slurm", *options],
                cwd=self.folder, env=environment, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def run(self, *options: str, fails: bool = False, **variables: str) -> str:
        """Runs it to the end and returns what it printed."""
        process = self.start(*options, **variables)
        try:
            code = process.wait(timeout=580)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            time.sleep(5)
            process.kill()
            code = None
        output = self.output()
        assert (code != 0 and code is not None) if fails else code == 0, output[-6000:]
        return output

    def output(self) -> str:
        """Returns what Snakemake printed so far."""
        return (self.folder / "output.txt").read_text(encoding="utf-8")
