"""The pages of the API name every package, and nothing that is not there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/ligature"
NAMED = {
    name: page
    for page in sorted((ROOT / "docs/api").glob("*.md"))
    for name in re.findall(r"^::: ligature\.([\w.]+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
}


def exported(path: Path) -> list[str]:
    """Returns the names in ``__all__`` of a package."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


PACKAGES = {
    path.parent.relative_to(SOURCE).as_posix().replace("/", "."): set(exported(path))
    for path in SOURCE.rglob("__init__.py")
    if exported(path)
}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_package_stands_on_a_page_or_is_shown_by_the_one_above_it(package):
    above = PACKAGES.get(package.rpartition(".")[0], set())
    own = {name for name in PACKAGES[package] if not name.isupper()}
    assert package in NAMED or own <= above


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_name_on_a_page_is_a_module_or_a_package(name):
    path = SOURCE / name.replace(".", "/")
    assert (path / "__init__.py").is_file() or path.with_suffix(".py").is_file()


def test_no_package_is_shown_twice():
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs/api").glob("*.md"))
    assert len(re.findall(r"^::: ", text, re.MULTILINE)) == len(NAMED)
