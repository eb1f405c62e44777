"""`ligature record`: DVC is told what Snakemake made; the one writer of `dvc.lock`."""

from pathlib import Path

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.cli.doors import ask, pending_files
from ligature.cli.stages import DEFINITION, PARAMETERS, read_stages
from ligature.errors import LigatureError
from ligature.progress import say


def record(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Record in dvc.lock every stage whose files Snakemake holds to be up to date; the others are named."""
    layout = open_layout(params, results)
    if not DEFINITION.is_file() or not Path(".dvc").is_dir():
        raise LigatureError("dvc.yaml: missing here, or `dvc init` was never run; go to the project's folder")
    if params.resolve() != PARAMETERS.resolve():
        say(f"{params}: dvc.yaml follows params.yaml; the results of other studies are not recorded")
        return
    pending = [Path(file) for file in pending_files()]
    ready, waiting = [], []
    for stage in read_stages(layout.study.study).values():
        stale = any(file.is_relative_to(stage.folder) for file in pending)
        if stale or not all(path.exists() for path in stage.needs):
            waiting.append(stage.name)
        else:
            stage.folder.mkdir(parents=True, exist_ok=True)
            ready.append(stage.name)
    if ready:
        ask("dvc", "commit", "--force", *(ready if waiting else []))  # a list of all is several times slower
        say(f"recorded in dvc.lock: {', '.join(ready)}")
    if waiting:
        say(f"not recorded, since not up to date: {', '.join(waiting)}; run snakemake first")
