"""What must hold over all of the source: imports point down, nothing heavy is imported early, all is tested."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "ligature"
MODULES = sorted(SOURCE.rglob("*.py"))

STAGES = {"similarity", "curation", "projection", "matching", "pretraining", "captioning", "evaluation"}
LAYERS = [
    {"errors", "progress", "intervals"},
    {"params"},
    {"store"},
    {"data"},
    {"encoders"},
    {"training"},
    STAGES,
    {"export"},
    {"planning"},
    {"reporting"},
    {"cli"},
]
LEVEL = {package: level for level, packages in enumerate(LAYERS) for package in packages}
HEAVY = {"transformers", "sentence_transformers", "sklearn", "matplotlib", "seaborn"}
WITHOUT_TORCH = {"errors", "progress", "params", "store", "data"}
MAX_LINES = 300


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported(node: ast.AST) -> Iterator[str]:
    """Yields the dotted names that an import statement may load."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def all_imports(source: str) -> set[str]:
    """Returns what a module imports anywhere."""
    return {name for node in ast.walk(ast.parse(source)) for name in imported(node)}


def top_imports(source: str) -> set[str]:
    """Returns what a module imports when it is imported: neither inside functions nor for type checkers alone."""
    found, nodes = set(), [ast.parse(source)]
    while nodes:
        node = nodes.pop()
        found |= set(imported(node))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            nodes += ast.iter_child_nodes(node)
    return found


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def own_packages(names: set[str]) -> set[str]:
    """Returns the packages of ligature among dotted names."""
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "ligature" and part[1:2] != ["__version__"]}


def upward(package: str, source: str) -> list[str]:
    """Returns the packages that a module of ``package`` imports although they do not stand below it."""
    others = own_packages(all_imports(source)) - {package}
    return sorted(other for other in others if LEVEL[other] >= LEVEL[package])


def test_the_checks_see_what_they_look_for():
    source = "import sklearn.svm\nif x:\n    from torch import nn\ndef f():\n    from ligature.cli import main\n"
    assert roots(top_imports(source)) == {"sklearn", "torch"}
    assert top_imports("if TYPE_CHECKING:\n    import seaborn\nelse:\n    import json\n") == {"json"}
    assert roots(all_imports(source)) == {"sklearn", "torch", "ligature"}
    assert own_packages(all_imports(source)) == {"cli"}
    assert upward("reporting", source) == ["cli"]
    assert upward("similarity", "from ligature import matching, store") == ["matching"]
    assert upward("errors", "import ligature.progress") == ["progress"]
    assert upward("store", "from ligature import __version__\nfrom ligature.params import Study") == []


def test_every_package_has_a_place_in_the_order():
    packages = {package_of(path) for path in MODULES} - {"__init__"}
    assert packages <= set(LEVEL), "give the new package a level in this test and in the design"
    assert {"params", "store", "data", "encoders", "cli"} <= packages


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down_only(path):
    source, package = path.read_text(encoding="utf-8"), package_of(path)
    if package == "__init__":
        assert own_packages(all_imports(source)) == set()
    else:
        assert upward(package, source) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_are_absolute(path):
    assert [name for name in all_imports(path.read_text(encoding="utf-8")) if name.startswith(".")] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_libraries_are_imported_by_the_function_that_needs_them(path):
    early = roots(top_imports(path.read_text(encoding="utf-8")))
    forbidden = HEAVY | {"torch"} if package_of(path) in WITHOUT_TORCH else HEAVY
    assert early & forbidden == set()


def test_the_ground_and_the_command_line_start_without_torch_and_the_like():
    code = "import sys, ligature.cli.main, ligature.params, ligature.store, ligature.data; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "ligature.data" in loaded
    assert loaded & (HEAVY | {"torch"}) == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_has_one_subject_and_few_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def public_functions(source: str) -> list[str]:
    """Returns the functions in a module's ``__all__``, by their lower-case names; classes come with them."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["__all__"]:
            return [name for name in ast.literal_eval(node.value) if name == name.lower()]
    return []


PUBLIC = {path.parent: names for path in SOURCE.rglob("__init__.py") if (names := public_functions(path.read_text()))}


@pytest.mark.parametrize("folder", sorted(PUBLIC), ids=name_of)
def test_every_public_function_stands_in_some_test(folder):
    texts = [path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")]
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    assert [name for name in PUBLIC[folder] if name not in words] == [], "without a test"


def test_packages_with_public_functions_are_found():
    assert public_functions('__all__ = ["Study", "load_study"]') == ["load_study"]
    assert {"params", "store", "data", "encoders"} <= {folder.name for folder in PUBLIC}
