"""`ligature push`: the exported pair to a Hub."""

import os
from typing import Annotated

import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.progress import say


def push(
    repository: Annotated[str, typer.Argument(help="NAME/MODEL on the Hub.")],
    private: Annotated[
        bool, typer.Option("--private/--public", help="Who may see a repository that is made new.")
    ] = True,
    endpoint: Annotated[str | None, typer.Option(help="Address of a Hub; the public one by default.")] = None,
    message: Annotated[str, typer.Option(help="Of the commit.")] = "Upload the aligned pair",
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Upload the exported pair and its card to a Hub; the token is read from HF_TOKEN."""
    from ligature.data.remote.hub import push_model
    from ligature.export import read_config

    layout = open_layout(params, results)
    read_config(layout.model)
    token = os.environ.get("HF_TOKEN")
    url = push_model(layout.model, repository, endpoint=endpoint, token=token, private=private, message=message)
    say(f"uploaded: {url}")
