"""`ligature export`: the trained pair as one folder that others can use."""

from pathlib import Path
from typing import Annotated

import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.cli.ledger import LOGS
from ligature.cli.pairs import chosen_pair
from ligature.progress import say


def export(
    inside: Annotated[
        bool | None,
        typer.Option(
            "--inside/--by-id",
            help="Copy the encoders into the folder, or name them by Hub id; copied where they are not on the Hub.",
        ),
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the pair, for example apache-2.0.")] = None,
    logs: Annotated[Path, typer.Option(help="Folder of logs, with the account of the training's compute.")] = LOGS,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Write the trained pair with its card as one folder, which is tried before this ends."""
    from ligature.export import AlignedModel, export_pair

    layout = open_layout(params, results)
    compute = logs / layout.study.study / "train" / "compute.json"
    folder = export_pair(layout, *chosen_pair(layout), inside=inside, licence=licence, compute=compute)
    AlignedModel.from_pretrained(folder)
    say(f"exported: {folder}")
