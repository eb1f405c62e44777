"""The stages of `dvc.yaml`: their folders, what stands above each, and what `dvc.lock` says of their parameters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ligature.errors import LigatureError

DEFINITION, LOCK, PARAMETERS = Path("dvc.yaml"), Path("dvc.lock"), Path("params.yaml")


@dataclass(frozen=True)
class Stage:
    """One stage of the second door.

    Attributes:
        name: its name in `dvc.yaml`.
        folder: the folder that it makes, its first output.
        needs: the folders that it reads.
    """

    name: str
    folder: Path
    needs: tuple[Path, ...]

    @property
    def target(self) -> str:
        """The target of Snakemake that makes the stage; the last stage is all of the study."""
        return "all" if self.name == "report" else f"stage_{self.name}"


def read_stages(study: str) -> dict[str, Stage]:
    """Returns the stages of `dvc.yaml` by name and in order, with the paths of one study."""

    def path(entry: str | dict[str, Any]) -> Path:
        name = entry if isinstance(entry, str) else next(iter(entry))
        return Path(name.replace("${study}", study))

    return {
        name: Stage(name, path(stage["outs"][0]), tuple(path(entry) for entry in stage.get("deps", [])))
        for name, stage in _read(DEFINITION)["stages"].items()
    }


def above(stages: dict[str, Stage], name: str) -> list[str]:
    """Returns the stages that a stage rests on, directly or not, in the order of `dvc.yaml`."""
    makers = {stage.folder: stage.name for stage in stages.values()}
    found, waiting = set(), [name]
    while waiting:
        makes = {makers[path] for path in stages[waiting.pop()].needs if path in makers} - found
        found |= makes
        waiting += makes
    return [stage for stage in stages if stage in found]


def recorded_stages() -> dict[str, dict[str, Any]]:
    """Returns the stages of `dvc.lock`; none where nothing was recorded yet."""
    return _read(LOCK).get("stages", {}) if LOCK.is_file() else {}


def changed_parameters(stage: str) -> list[str]:
    """Returns the keys of params.yaml whose values are not those that `dvc.lock` records for a stage."""
    recorded = recorded_stages().get(stage, {}).get("params", {}).get(PARAMETERS.name, {})
    values = _read(PARAMETERS)
    return [key for block, value in recorded.items() for key in differing(block, value, lookup(values, block))]


def differing(key: str, first: Any, second: Any) -> Iterator[str]:
    """Yields the dotted keys under which two values differ, as deep as both are mappings."""
    if isinstance(first, dict) and isinstance(second, dict):
        for name in dict.fromkeys([*first, *second]):
            yield from differing(f"{key}.{name}", first.get(name), second.get(name))
    elif first != second:
        yield key


def lookup(values: Any, key: str) -> Any:
    """Returns the value under a dotted key; None where a part of it is absent."""
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _read(file: Path) -> dict[str, Any]:
    """Reads YAML as DVC does, by version 1.2: `3e-05` is a number."""
    from ruamel.yaml import YAML, YAMLError

    try:
        return YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise LigatureError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from error
