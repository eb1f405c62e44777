"""The team's place in DVC's configuration: what all share stands in one file, what is personal in the other."""

from pathlib import Path

from ligature.cli.sharing.address import DEFAULTS, Place
from ligature.errors import LigatureError


def merge_place(place: Place, name: str, *, force: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Returns what the two configuration files shall say of a remote: all of the team's, and all of this user's.

    What stands there already for the same place stays; someone may have set it with ``dvc remote modify``.

    Raises:
        LigatureError: where another place is configured and ``force`` is not set.
    """
    default = _default_remote()
    for other in dict.fromkeys([name, default or name]):
        stands, _ = _read_remote(other)
        for key in place.shared.keys() & stands.keys() if not force else ():
            if stands[key] != place.shared[key]:
                raise LigatureError(
                    f".dvc/config: {key} of remote {other!r} is {stands[key]}, not {place.shared[key]}; "
                    f"--force replaces it (what lies there stays there)"
                )
    shared, personal = _read_remote(name)
    if shared.get("url") != place.url:
        shared, personal = {}, {}
    return {"verify": "true"} | DEFAULTS[place.kind] | shared | place.shared, personal | place.personal


def write_place(name: str, shared: dict[str, str], personal: dict[str, str]) -> bool:
    """Writes a remote as the default one and returns whether that changed anything."""
    from dvc.config import Config

    if (*_read_remote(name), _default_remote()) == (shared, personal, name):
        return False
    config = Config(".dvc")
    with config.edit("repo") as values:
        values["remote"][name] = shared
        values["core"]["remote"] = name
    if personal or Path(".dvc/config.local").is_file():
        with config.edit("local") as values:
            values["remote"].pop(name, None)
            values["remote"].update({name: personal} if personal else {})
    return True


def require_project() -> None:
    """Raises LigatureError where this folder is no project under DVC."""
    if not Path("dvc.yaml").is_file() or not Path(".dvc").is_dir():
        raise LigatureError("dvc.yaml: missing here, or `dvc init` was never run; go to the project's folder")


def _read_remote(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Returns what the team's and the user's file say of a remote."""
    from dvc.config import Config

    config = Config(".dvc", validate=False)
    files = (config.load_one(level)["remote"].get(name, {}) for level in ("repo", "local"))
    shared, personal = ({key: str(value) for key, value in values.items()} for values in files)
    return shared, personal


def _default_remote() -> str | None:
    """Returns the name of the team's default remote."""
    from dvc.config import Config

    return Config(".dvc", validate=False).load_one("repo")["core"].get("remote")
