"""The template sets that come with the package."""

from pathlib import Path
from typing import Literal

from ligature.data.files import read_json

FILE = Path(__file__).with_name("templates.json")


def builtin_templates(name: Literal["single", "eighty"]) -> list[str]:
    """Returns the templates of a set; ``{}`` stands for the class name.

    ``single`` is the one sentence of Radford et al. (2021). ``eighty`` varies style, crop, light, number and medium, as
    their ensemble does, in sentences of our own.
    """
    return read_json(FILE)[name]
