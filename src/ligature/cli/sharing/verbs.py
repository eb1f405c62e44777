"""`ligature share`: artifacts that a team has in common, in one place that DVC reaches."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ligature.cli.sharing.address import parse_place
from ligature.cli.sharing.config import merge_place, require_project, write_place
from ligature.cli.sharing.objects import Recorded, Share, open_share
from ligature.cli.sharing.probe import probe_place, require_plugin
from ligature.errors import LigatureError
from ligature.progress import say, size_of

share = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Artifacts that a team has in common, in one place."
)


@share.command()
def init(
    url: Annotated[str, typer.Argument(help="A folder (NFS too), s3://BUCKET/PREFIX or ssh://USER@HOST:PORT/FOLDER.")],
    name: Annotated[str, typer.Option(help="DVC's name of the remote.")] = "team",
    endpoint: Annotated[str | None, typer.Option(help="s3: address of a server that is not Amazon's.")] = None,
    region: Annotated[str | None, typer.Option(help="s3: region of the bucket.")] = None,
    profile: Annotated[str | None, typer.Option(help="s3: section of ~/.aws/credentials; personal.")] = None,
    user: Annotated[str | None, typer.Option(help="ssh: account on the server; personal.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="ssh: port of the server.")] = None,
    keyfile: Annotated[str | None, typer.Option(help="ssh: private key; personal.")] = None,
    group: Annotated[bool, typer.Option("--group", help="Folder: let all of its Unix group write.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a remote that is configured already.")] = False,
) -> None:
    """Try a place by writing and reading a small file, then make it the project's remote."""
    require_project()
    options = {"endpoint": endpoint, "region": region, "profile": profile, "user": user, "keyfile": keyfile}
    options |= {"port": str(port) if port else None, "group": "group" if group else None}
    place = parse_place(url, options)
    require_plugin(place.kind)
    shared, personal = merge_place(place, name.lower(), force=force)
    probe_place(place.kind, shared | personal)
    if not write_place(name.lower(), shared, personal):
        say(f"remote {name!r} is {place.url} already; it can be written and read, and nothing was changed")
        return
    say(f"remote {name!r} is {place.url}; it can be written and read")
    if personal:
        say(f"only in .dvc/config.local, which git ignores: {', '.join(sorted(personal))}")
    say("next: git add .dvc/config && git commit -m 'Share artifacts' && git push, then: ligature share push")
    say("colleagues: git clone, then: make pull")


@share.command()
def push(
    partial: Annotated[bool, typer.Option("--partial", help="Push what is recorded though not all is.")] = False,
) -> None:
    """Send what dvc.lock records to the remote; what is there already is not sent again."""
    require_project()
    if not partial:
        _require_recorded()
    with open_share() as remote:
        wanted = _objects(remote.recorded())
        lacking = wanted.keys() - remote.present(wanted)
        size = remote.local_size(lacking)
        if lacking:
            _push(remote)
        left = _send_again(remote, lacking - remote.present(lacking))
        if left:
            raise LigatureError(
                f"{remote.url}: lacks {len(left)} of {len(wanted)} objects, such as {wanted[min(left)]}, and this "
                f"machine does not have them either; make them again with snakemake, or push where they are"
            )
        say(
            f"pushed {_count(len(lacking), 'object')}, {size_of(size)}; "
            f"{len(wanted) - len(lacking)} of {len(wanted)} were at {remote.url} already"
        )
    _remind_to_commit()


@share.command()
def status() -> None:
    """Say what the remote has and lacks of the revision that is checked out."""
    require_project()
    with open_share() as remote:
        outputs = remote.recorded()
        wanted = _objects(outputs)
        there = remote.present(wanted)
        print(f"{remote.name}: {remote.url}")
        for output in outputs:
            print(f"  {output.path}: {_state(output, there)}")
        lacking = len(wanted.keys() - there)
        whole = not lacking and all(output.listed for output in outputs)
        remedy = "complete" if whole else "where the results are: ligature share push"
        print(f"{len(wanted) - lacking} of {_count(len(wanted), 'object')}; {remedy}")


@share.command()
def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Send broken and lost objects again from here.")] = False,
) -> None:
    """Read every object of this revision back from the remote and name what is broken or lost."""
    require_project()
    with open_share() as remote:
        wanted = _objects(remote.recorded())
        there = remote.present(wanted)
        bad = remote.broken_there(there) | (wanted.keys() - there)
        for each in sorted(bad, key=wanted.__getitem__):
            say(f"{'broken' if each in there else 'lost'}: {wanted[each]} (object {each})")
        if bad and repair:
            bad = _send_again(remote, bad)
        if bad:
            raise LigatureError(
                f"{remote.url}: {_count(len(bad), 'object')} of {len(wanted)} broken or lost; whoever has the results "
                f"runs: ligature share verify --repair"
            )
        say(f"{remote.url}: all {_count(len(wanted), 'object')} of this revision are whole")


def _send_again(remote: Share, bad: set[str]) -> set[str]:
    """Sends every bad object that this machine has whole, and returns the others.

    DVC itself sends no object of a folder whose listing is there, although the object may be broken or lost.
    """
    here = {each for each in bad if remote.is_whole_here(each)}
    for each in sorted(here):
        remote.replace(each)
    if here:
        say(f"sent again: {_count(len(here), 'object')}, {size_of(remote.local_size(here))}")
    return bad - here


def _require_recorded() -> None:
    """Raises LigatureError where the files here are not those that dvc.lock records, naming the stages."""
    if not Path("dvc.lock").is_file():
        raise LigatureError("dvc.lock: missing; run the study with snakemake first, which records it at its end")
    stale = json.loads(_dvc("status", "--json").stdout or "{}")
    if stale:
        raise LigatureError(
            f"dvc.lock: does not record {', '.join(sorted(stale))} as the files and parameters are now; run snakemake, "
            f"or push what is recorded with --partial"
        )


def _push(remote: Share) -> None:
    """Lets DVC send; its progress and its errors go to the terminal as they come."""
    if _dvc("push", "--remote", remote.name, stderr=None).returncode:
        raise LigatureError(
            f"{remote.url}: not all could be sent, see above; run `ligature share push` again, what has arrived stays"
        )


def _dvc(*arguments: str, stderr: int | None = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Runs DVC, which waits for other commands of DVC in this project."""
    program = Path(sys.executable).parent / "dvc"
    command = [str(program), "--wait-for-lock", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False)
    if done.returncode and stderr is not None:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise LigatureError(f"dvc {arguments[0]} failed: {last[0]}")
    return done


def _remind_to_commit() -> None:
    """Says which files colleagues need through git, where they are not committed."""
    command = ["git", "status", "--porcelain", "--", "dvc.lock", ".dvc/config"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")
    changed = [line[3:] for line in found if line]
    if changed:
        say(f"colleagues see it once you commit: git add {' '.join(changed)} && git commit && git push")


def _objects(outputs: list[Recorded]) -> dict[str, str]:
    """Returns the path of one file by object, over all outputs.

    Raises:
        LigatureError: where nothing is recorded.
    """
    if not outputs:
        raise LigatureError("dvc.lock: records nothing to share; run the study with snakemake first")
    return {each: path for output in outputs for each, path in output.files.items()}


def _state(output: Recorded, there: set[str]) -> str:
    """Returns in words how much of an output the remote has."""
    if not output.listed:
        return "its listing is neither here nor there; nothing is known of its files"
    lacking = len(output.files.keys() - there)
    state = f"lacks {lacking} of {len(output.files)}" if lacking else "all there"
    return f"{state} ({_count(len(output.files), 'object')}, {size_of(output.size)})"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
