"""The console command `ligature`: one verb a step of the workflow."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ligature.errors import DamagedError, LigatureError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Joins frozen vision encoders and frozen language encoders, step by step.",
)


VERBS = {
    "world": "data",
    "encoder": "data",
    "embed": "data",
    "cache": "cache",
    "compare": "pairs",
    "probe": "pairs",
    "select": "pairs",
    "train": "train",
    "evaluate": "evaluate",
    "segment": "segment",
    "vary": "sweep",
    "sweep": "sweep",
    "pretrain": "pretraining.pretrain",
    "gauge": "pretraining.gauge",
    "pretraining": "pretraining.collect",
    "language": "captioning.language",
    "connect": "captioning.connect",
    "appraise": "captioning.appraise",
    "captioning": "captioning.collect",
    "caption": "caption",
    "match-experiment": "matching.verbs",
    "matching": "matching.verbs",
    "match": "own_files.match",
    "index": "own_files.index",
    "search": "own_files.search",
    "published-encoders": "published",
    "export": "export",
    "push": "push",
    "classify": "classify",
    "fetch": "pool",
    "unpack": "unpack",
    "pool": "pool",
    "dedupe": "pool",
    "prototypes": "scoring",
    "score": "scoring",
    "merge": "scoring",
    "curate": "curate",
    "download": "download",
    "retry-failed": "download",
    "assemble": "assemble",
    "ablate": "ablation",
    "ablation": "ablation",
    "dataset": "dataset",
    "plan": "plan",
    "reproduce": "reproduce",
    "report": "report",
    "show": "report",
    "record": "record",
    "lease": "lease",
    "pull": "checkout",
    "stage": "checkout",
    "share": "sharing.verbs",
}
"""Module of every verb; only the module of the verb that was typed is imported, since importing torch takes seconds."""


def _register(typed: str | None) -> None:
    for verb in [typed] if typed in VERBS else VERBS:
        entry = getattr(import_module(f"ligature.cli.{VERBS[verb]}"), verb.replace("-", "_"))
        if isinstance(entry, typer.Typer):
            app.add_typer(entry, name=verb)
        else:
            app.command(name=verb)(entry)


@app.command()
def schema(output: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write the JSON schema of study files, generated from the models."""
    from ligature.params import study_schema
    from ligature.store.atomic import write_text

    write_text(output, study_schema())


def run() -> None:
    """Runs the command line; errors a user can cause are one line and exit status 1."""
    _register(sys.argv[1] if len(sys.argv) > 1 else None)
    try:
        app()
    except DamagedError as error:
        from ligature.store.damage import set_aside

        sys.exit(f"error: {error}; {set_aside(error.declared)}")
    except LigatureError as error:
        sys.exit("\n".join(f"error: {line}" for line in str(error).splitlines()))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {where}{error.strerror or error}; check the path, its permissions and the free space")


if __name__ == "__main__":
    run()
