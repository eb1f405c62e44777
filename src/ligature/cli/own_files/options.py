"""Options that the verbs for own files share."""

from pathlib import Path
from typing import Annotated

import typer

ImagesArgument = Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder of images, and of folders of them.")]
VisionOption = Annotated[
    str | None, typer.Option("--vision", help="Vision encoder of the study; by default, of the pair it chose.")
]
TextOption = Annotated[
    str | None, typer.Option("--text", help="Text encoder of the study; by default, of the pair it chose.")
]
StretchOption = Annotated[
    bool, typer.Option("--stretch/--no-stretch", help="Scale every dimension by its deviation over the anchors.")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="Exported folder or Hub id; by default, that of the study or index.")
]
RevisionOption = Annotated[str | None, typer.Option("--revision", help="Of a model on the Hub.")]
ANCHORS_HELP = "csv with the columns image (a path from IMAGES) and caption: three or more known pairs."
