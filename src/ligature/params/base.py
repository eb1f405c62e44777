"""What every block of a study shares: strict keys, names fit for paths, paths with placeholders."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=60)]
"""A name that becomes part of a path: lower case letters, digits, dot, dash and underscore."""

LocalPath = Annotated[
    str,
    StringConstraints(min_length=1),
    Field(
        description="A path; `{world}` stands for the rendered world, `{data}` for the folder of unpacked public data, "
        "`${NAME}` for an environment variable."
    ),
]
ResourceKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""`NAME@VERSION` of a row of `workflow/resources/sources.csv`."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]


class Block(BaseModel):
    """A block of a study: unknown keys are refused, values cannot be changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)
