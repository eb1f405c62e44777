"""`ligature export`: the trained pair as one folder that others can use."""

from typing import Annotated

import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
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
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Write the trained pair with its card as one folder, which is tried before this ends."""
    from ligature.export import AlignedModel, export_pair

    layout = open_layout(params, results)
    folder = export_pair(layout, *chosen_pair(layout), inside=inside, licence=licence)
    AlignedModel.from_pretrained(folder)
    say(f"exported: {folder}")
