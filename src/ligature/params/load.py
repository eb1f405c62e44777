"""Reading a study file, with one clear line for every mistake in it."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ligature.errors import ParamsError
from ligature.params.study import Study


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key_node.value in seen:
                line = key_node.start_mark.line + 1
                problem = f"key {key_node.value!r} stands twice, line {line}; remove one of them"
                raise yaml.constructor.ConstructorError(None, None, problem, None)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def load_study(path: Path | str) -> Study:
    """Reads and validates a study file.

    Raises:
        ParamsError: naming the file, the key, the value and what was expected.
    """
    path = Path(path)
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except OSError as error:
        raise ParamsError(f"{path}: cannot be read ({error.strerror}); name a study file") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    return parse_study(values, str(path))


def parse_study(values: Any, where: str) -> Study:
    """Validates the values of a study; ``where`` names their origin in errors."""
    try:
        return Study.model_validate(values)
    except ValidationError as error:
        raise ParamsError("\n".join(f"{where}: {_explain(problem)}" for problem in error.errors())) from error


def _explain(problem: dict[str, Any]) -> str:
    key = _key(problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key (value {_shown(problem['input'])}); remove it or correct its spelling"
    if problem["type"] == "missing":
        return f"{key}: missing; this key is required"
    if problem["type"] == "union_tag_not_found":
        return f"{key}.format: missing; this key is required"
    if problem["type"] == "union_tag_invalid":
        return f"{key}.format: got {problem['ctx']['tag']!r}; expected {problem['ctx']['expected_tags']}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{key}: {message}" if key else message
    if problem["type"] == "model_type":
        message = "expected a mapping of keys to values"
    got = f"got {_shown(problem['input'])}; {message[0].lower()}{message[1:]}"
    return f"{key}: {got}" if key else got


def _key(location: tuple[str | int, ...]) -> str:
    """Joins the parts of a key, but for the format of a data set, which pydantic puts after its name."""
    parts = location[:2] + location[3:] if location[:1] == ("datasets",) else location
    return ".".join(map(str, parts))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def study_schema() -> str:
    """Returns the JSON schema of a study file, generated from the models, as text."""
    return json.dumps(Study.model_json_schema(), indent=2) + "\n"
