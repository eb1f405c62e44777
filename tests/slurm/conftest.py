"""The cluster of these tests; they are skipped where it cannot be started."""

import fcntl
import shutil
import tempfile
from pathlib import Path

import pytest
from loopback_slurm import CONFIG, Checkout, Cluster, missing


@pytest.fixture(scope="module")
def cluster():
    """A running cluster; the machine's own configuration is put aside and comes back."""
    if why := missing():
        pytest.skip(why)
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    kept = CONFIG.with_name("slurm.conf.kept-by-tests")
    with open(CONFIG.with_name("slurm.conf.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        folder.chmod(0o755)
        made = Cluster(folder)
        if CONFIG.exists() or CONFIG.is_symlink():
            CONFIG.rename(kept)
        CONFIG.symlink_to(folder / "slurm.conf")
        try:
            made.start()
            yield made
        finally:
            made.stop()
            CONFIG.unlink()
            if kept.exists() or kept.is_symlink():
                kept.rename(CONFIG)
            shutil.rmtree(folder)


@pytest.fixture
def checkout(tmp_path):
    """A checkout of its own."""
    return Checkout(tmp_path)
