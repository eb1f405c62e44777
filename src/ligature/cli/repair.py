"""Which results have to be made again although nothing asks for them: set aside as damaged, or lost with their job."""

from base64 import urlsafe_b64decode
from pathlib import Path

from ligature.cli.doors import STATE
from ligature.store.damage import SUFFIX


def lost_files(root: Path, state: Path = STATE) -> list[Path]:
    """Returns the files of a study that are missing because they were damaged or because their job was killed.

    Snakemake leaves a missing file alone where all that was made from it stands there already; so the workflow asks
    for these by name. What a user has deleted is not among them.

    Args:
        root: folder of the study's results, relative to the working directory.
        state: Snakemake's own folder.
    """
    damaged = {path.with_name(path.name.removesuffix(SUFFIX)) for path in root.rglob(f"*{SUFFIX}")}
    records = state / "incomplete"
    names = ("".join(_parts(path.relative_to(records))) for path in records.rglob("*") if path.is_file())
    unfinished = {Path(urlsafe_b64decode(name).decode()) for name in names}
    wanted = damaged | {path for path in unfinished if path.is_relative_to(root)}
    return sorted(path for path in wanted if not path.exists())


def _parts(record: Path) -> list[str]:
    """Returns the pieces of a name that Snakemake has cut into folders, which begin with @."""
    return [part.removeprefix("@") for part in record.parts]
