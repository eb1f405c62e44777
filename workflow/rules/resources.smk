# How much a job asks for, and how it is started. Sizes follow what a job reads; every further attempt asks for more.
device, launch = config.get("device"), config.get("launch", "local")
loaders_without_gpu = ("pixels", "bag-of-words")


def training_size(key):
    """Returns how many nodes, or processes a node, the training has."""
    try:
        size = int(config.get(key, 1))
    except ValueError:
        size = 0
    if size < 1:
        raise WorkflowError(f"--config {key}={config[key]}: give a number from 1 up")
    return size


for key, known in {
    "device": (None, "cpu", "cuda"),
    "launch": ("local", "slurm", "lease"),
}.items():
    if config.get(key, known[0]) not in known:
        raise WorkflowError(
            f"--config {key}={config[key]}: use {' or '.join(filter(None, known))}"
        )
nodes, processes = training_size("nodes"), training_size("processes")
# Only here the job itself starts its steps; the plugin then leaves out the step that it wraps around a job.
srun_steps = launch == "slurm" and nodes * processes > 1
if nodes > 1 and not srun_steps:
    raise WorkflowError("--config nodes: only Slurm has several; see profiles/slurm")


def megabytes(files):
    """Returns the size of files; a manifest stands for its store, and what is not there yet counts nothing."""
    size = 0
    for file in map(Path, files):
        paths = file.parent.glob("*/*") if file.name == "manifest.json" else [file]
        size += sum(path.stat().st_size for path in paths if path.exists())
    return size / 1e6


def memory(base, times=0, cuda=0):
    """Returns a function for MB of memory: a base, so much more on a GPU, and so many times what is read."""

    def mem_mb(wildcards, input, attempt):
        extra = cuda if needs_gpu(wildcards) else 0
        return attempt * round(base + extra + times * megabytes(input))

    return mem_mb


def minutes(base, per_gigabyte=0):
    """Returns a function for minutes of runtime: a base, and so many more for every GB that is read."""

    def runtime(wildcards, input, attempt):
        return attempt * round(base + per_gigabyte * megabytes(input) / 1000)

    return runtime


def cpus(wildcards, threads):
    """Returns the CPUs of a process: its threads, which profiles set with `set-threads`."""
    return threads


def needs_gpu(wildcards):
    """Whether a job of a rule that can use a GPU runs on one, where the profile says so, but for small encoders."""
    encoder = wildcards.get("encoder")
    return device == "cuda" and (
        encoder is None or find(encoders, encoder).loader not in loaders_without_gpu
    )


def training_gpus(wildcards):
    """Returns the GPUs of the training: one a process."""
    return nodes * processes if needs_gpu(wildcards) else 0


def one_gpu(wildcards):
    """Returns the GPUs of a job of a rule that uses one at most."""
    return 1 if needs_gpu(wildcards) else 0


def launcher(wildcards, resources):
    """Returns how a rule that can use a GPU starts `ligature`, on which device, and as how many processes."""
    command = (
        training_command(resources) if "processes" in resources.keys() else "ligature"
    )
    if launch == "lease" and needs_gpu(wildcards):
        command = f"ligature lease --gpus {resources.gpu} -- {command}"
    place = "cuda" if needs_gpu(wildcards) else device and "cpu"
    return f"LIGATURE_DEVICE={place} {command}" if place else command


def training_command(resources):
    """Returns how the training is started: as one process, or by torchrun, once on every node of a Slurm job."""
    if resources.processes == 1:
        return "ligature"
    program = "-m ligature.cli.main"
    if not srun_steps:
        if launch == "slurm":
            raise WorkflowError("train:processes: on Slurm say --config processes=N")
        return f"torchrun --standalone --nproc-per-node {resources.processes} {program}"
    return (
        f"srun --nodes {nodes} --ntasks {nodes} --ntasks-per-node 1"
        f" --cpus-per-task {processes * resources.cpus_per_task}"
        f" torchrun --nnodes {nodes} --nproc-per-node {processes} --rdzv-backend c10d"
        ' --rdzv-id "$SLURM_JOB_ID" --rdzv-endpoint "$(hostname):$((20000 + SLURM_JOB_ID % 10000))"'
        f" {program}"
    )
