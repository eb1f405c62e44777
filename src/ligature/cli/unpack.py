"""`ligature unpack`: a public data set fetched, checked and unpacked into the folder of public data."""

from pathlib import Path
from typing import Annotated

import typer


def unpack(
    resource: Annotated[str, typer.Argument(help="NAME@VERSION of the table of sources.")],
    sources: Annotated[
        Path | None, typer.Option(help="Table of sources; LIGATURE_SOURCES or the workflow's own by default.")
    ] = None,
) -> None:
    """Fetch a public data set and unpack it into LIGATURE_DATA; a killed run goes on where it stopped."""
    from ligature.data.remote.resources import table_of_sources
    from ligature.data.remote.unpack import unpack as unpack_resource

    unpack_resource(sources or table_of_sources(), resource)
