"""`snakemake --profile slurm` on a real Slurm: to the end, killed, short of memory, without a GPU, through srun."""

import shutil

import pytest
from loopback_slurm import Checkout, wait_for
from safetensors.numpy import load_file

pytestmark = pytest.mark.slow

POLLS = ["--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"]
QUICK = [*POLLS, "--latency-wait", "5", "--set-threads", "train=1"]
ON_CPU = ["--config", "device=cpu"]
EARLY = ["world", "embed", "compare", "probe", "select"]
LATE = ["evaluate", "export", "report"]
TOGETHER = ["--groups", *(f"{rule}=early" for rule in EARLY), *(f"{rule}=late" for rule in LATE)]
RESULTS = "results/tiny/evaluation/results.csv"
PROJECTOR = "results/tiny/train/projector.safetensors"


@pytest.fixture(scope="module")
def finished(cluster, tmp_path_factory):
    """A checkout whose study has run to its end, and what Slurm knows of its jobs by rule or group."""
    checkout = Checkout(tmp_path_factory.mktemp("finished"))
    checkout.run(*QUICK, *ON_CPU, *TOGETHER)
    return checkout, {comment: cluster.describe(job) for job, comment in cluster.jobs("all").items()}


@pytest.fixture
def untrained(finished, tmp_path):
    """A copy of that checkout in which the projector and all that follows from it are gone."""
    shutil.copytree(finished[0].folder, tmp_path, dirs_exist_ok=True, symlinks=True)
    for name in ("train", "evaluation", "model", "report"):
        shutil.rmtree(tmp_path / "results" / "tiny" / name)
    shutil.rmtree(tmp_path / "logs")
    return Checkout(tmp_path, copied=True)


@pytest.mark.ci
def test_a_study_runs_through_the_profile_to_its_end(finished):
    checkout, jobs = finished
    assert (checkout.folder / "results/tiny/report/index.html").exists()
    assert len(jobs) == 3, "small rules went together"
    assert all("JobState=COMPLETED" in job and "TresPerJob" not in job for job in jobs.values())


def test_a_killed_job_is_run_again_and_gives_the_same_results(finished, untrained, cluster):
    before = set(cluster.jobs("all"))
    process = untrained.start(*QUICK, *ON_CPU, "--retries", "0", "--", "stage_evaluation")
    log = untrained.folder / "logs/tiny/train.log"
    wait_for(lambda: log.exists() and "vision_local" in log.read_text(), 200, "the training does not start")
    (job,) = set(cluster.jobs()) - before
    cluster.cancel(job)
    assert process.wait(timeout=200) != 0
    assert "JobState=CANCELLED" in cluster.describe(job)
    assert not (untrained.folder / PROJECTOR).exists()
    untrained.run(*QUICK, *ON_CPU, "--", "stage_evaluation")
    assert (untrained.folder / RESULTS).read_bytes() == (finished[0].folder / RESULTS).read_bytes()


def test_gpu_rules_ask_for_a_gpu_and_fail_without_one_and_cpu_rules_do_not_ask(untrained, cluster):
    before = set(cluster.jobs("all"))
    output = untrained.run(*QUICK, "--retries", "0", "--forcerun", "select", "--", "stage_train", fails=True)
    new = {comment: cluster.describe(job) for job, comment in cluster.jobs("all").items() if job not in before}
    select, train = new["rule_select"], new["rule_train"]
    assert "JobState=COMPLETED" in select
    assert "TresPerJob" not in select
    assert "JobState=FAILED" in train
    assert "TresPerJob=gres:gpu:1" in train
    log = (untrained.folder / "logs/tiny/train.log").read_text()
    assert log.endswith("\nerror: device is 'cuda', but torch sees no CUDA GPU here: use cpu\n"), output[-3000:]


def test_a_job_over_its_memory_is_sent_again_with_more(checkout, cluster):
    rule = checkout.folder / "workflow/rules/world.smk"
    assert "memory(1500)" in rule.read_text()
    rule.write_text(rule.read_text().replace("memory(1500)", "memory(350)"))
    before = set(cluster.jobs("all"))
    checkout.run(*QUICK, "--", "stage_world")
    jobs = [cluster.describe(job) for job in sorted(set(cluster.jobs("all")) - before, key=int)]
    assert ["MinMemoryNode=350M" in jobs[0], "MinMemoryNode=700M" in jobs[1]] == [True, True]
    assert "JobState=COMPLETED" not in jobs[0]
    assert "JobState=COMPLETED" in jobs[-1]


def test_two_processes_started_by_srun_torchrun_train_the_same_projector(finished, untrained):
    output = untrained.run(*QUICK, *ON_CPU, "processes=2", "--printshellcmds", "--", "stage_train")
    assert "srun --nodes 1 --ntasks 1 --ntasks-per-node 1 --cpus-per-task" in output
    assert "torchrun --nnodes 1 --nproc-per-node 2" in output
    alone, several = (load_file(checkout.folder / PROJECTOR) for checkout in (finished[0], untrained))
    assert alone.keys() == several.keys()
    for name, weights in alone.items():
        assert abs(weights - several[name]).max() < 1e-4, name
