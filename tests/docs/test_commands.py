"""Commands on the pages exist: verbs with their options, options and targets of Snakemake, profiles, steps of make."""

import argparse
import ast
import re
import shlex
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path

import pytest
import yaml

from ligature.cli.main import VERBS

ROOT = Path(__file__).parents[2]
CLI = ROOT / "src/ligature/cli"
LEADS = {"design.md", "protocols.md"}
PAGES = sorted(page for page in (ROOT / "docs").glob("*.md") if page.name not in LEADS)
TEXTS = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
SHARED = ["context.py", "runtime.py", "own_files/options.py"]
"""Modules that hold options of several verbs."""
PAIRED = ("--config", "--groups", "--resources", "--default-resources", "--set-resources", "--set-threads")
"""Options of Snakemake that take every following word as `name=value`."""
GRAMMAR = re.compile(r"^(?:export |\w+=\S* )*(ligature|snakemake)(?=$| )")


def commands(text: str, program: str) -> list[list[str]]:
    """Returns the words of every command of a program in a page's blocks and between its backticks."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [*"\n".join(blocks).replace("\\\n", " ").splitlines(), *re.findall(r"`([^`\n]+)`", prose)]
    found = [GRAMMAR.search(line) for line in lines]
    return [shlex.split(match.string[match.end() :], comments=True) for match in found if match and match[1] == program]


@cache
def source_of(verb: str) -> str:
    """Returns the text of a verb's module, and of those that share options with others."""
    module = CLI / f"{VERBS[verb].replace('.', '/')}.py"
    paths = [module, *(CLI / name for name in SHARED if (CLI / name).is_file())]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@cache
def options_of(verb: str) -> set[str]:
    """Returns the options that a verb may have: arguments of functions in its module, and names written out."""
    text = source_of(verb)
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    arguments = {f"--{each.arg.replace('_', '-')}" for node in functions for each in [*node.args.args]}
    return arguments | set(re.findall(r"--[a-z][a-z-]+", text)) | {"--help"}


def subverbs_of(verb: str) -> set[str]:
    """Returns the verbs below a group of verbs; none for a verb that is no group."""
    named = re.findall(rf'^@{verb}\.command\((?:"([a-z-]+)"[^)]*)?\)\ndef (\w+)', source_of(verb), re.MULTILINE)
    return {given or function.replace("_", "-") for given, function in named}


@cache
def snakemake_parser() -> argparse.ArgumentParser:
    """Returns Snakemake's own parser, with the options of the executors that are installed."""
    from snakemake.cli import get_argument_parser

    return get_argument_parser()


@cache
def rules() -> set[str]:
    """Returns the names of all rules."""
    paths = [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    return set(re.findall(r"^(?:rule|checkpoint) (\w+):", text, re.MULTILINE))


@cache
def configured() -> set[str]:
    """Returns the keys that `--config` takes."""
    text = (ROOT / "workflow/rules/common.smk").read_text(encoding="utf-8")
    return ast.literal_eval(re.search(r"set\(config\) - (\{[^}]+\})", text)[1])


def own_profiles(text: str) -> dict[str, dict]:
    """Returns the profiles that a page has its reader write, by their names."""
    blocks = re.findall(r"^```yaml\n# ([\w-]+)/config\.yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return {name: yaml.safe_load(block) for name, block in blocks}


@pytest.mark.parametrize("page", TEXTS)
def test_verbs_have_the_options_and_subverbs_that_a_page_gives_them(page):
    for words in commands(TEXTS[page], "ligature"):
        verb, *rest = words or ["--help"]
        if verb.startswith("-") or verb == "schema":
            continue
        assert verb in VERBS, verb
        if subverbs_of(verb) and rest and not rest[0].startswith("-"):
            assert rest[0] in subverbs_of(verb), words
        own = rest[: rest.index("--")] if "--" in rest else rest
        given = {word.partition("=")[0] for word in own if word.startswith("--")}
        assert given <= options_of(verb), (verb, given - options_of(verb))


@pytest.mark.parametrize("page", TEXTS)
def test_snakemake_has_the_options_profiles_and_targets_that_a_page_gives_it(page):
    known = snakemake_parser()._option_string_actions if commands(TEXTS[page], "snakemake") else {}
    for words in commands(TEXTS[page], "snakemake"):
        assert {word for word in words if word.startswith("-") and " " not in word} <= set(known), words
        for option, value in pairwise(words):
            if option == "--profile":
                own = value in own_profiles(TEXTS[page])
                assert own or (ROOT / value / "config.yaml").is_file(), value
            if option in ("--until", "--forcerun"):
                assert value in rules() | {"RULE"}, value
        assert {word for word in words if word.startswith("stage_")} <= rules()


@pytest.mark.parametrize("page", TEXTS)
def test_configuration_that_a_page_gives_is_known_and_its_studies_exist(page):
    for words in commands(TEXTS[page], "snakemake"):
        given = words[words.index("--config") + 1 :] if "--config" in words else []
        pairs = [word.partition("=") for word in given if re.fullmatch(r"[a-z]+=\S*", word)]
        assert {key for key, _, _ in pairs} <= configured(), words
        studies = [value for key, _, value in pairs if key == "params" and "NAME" not in value]
        assert all((ROOT / value).is_file() for value in studies), words


@pytest.mark.parametrize("page", TEXTS)
def test_no_target_follows_an_option_that_would_swallow_it(page):
    for words in commands(TEXTS[page], "snakemake"):
        for place, word in enumerate(words):
            if word in PAIRED:
                values = takewhile(lambda value: not value.startswith("-"), words[place + 1 :])
                assert [value for value in values if not re.search("[=:]", value)] == [], words


@pytest.mark.parametrize("page", [page for page in TEXTS if own_profiles(TEXTS[page])])
def test_profiles_to_write_have_keys_and_rules_that_exist(page):
    for profile in own_profiles(TEXTS[page]).values():
        assert {f"--{key}" for key in profile} <= set(snakemake_parser()._option_string_actions)
        for key in {"set-resources", "set-threads"} & set(profile):
            assert set(profile[key]) <= rules()


def test_what_is_wrong_is_found():
    text = (
        "```bash\nHF_TOKEN=x ligature share init /there --grup\nsnakemake --profile slurm\n```\n`snakemake stage_train`"
    )
    assert commands(text, "ligature") == [["share", "init", "/there", "--grup"]]
    assert commands(text, "snakemake") == [["--profile", "slurm"], ["stage_train"]]
    assert "--grup" not in options_of("share")
    assert subverbs_of("share") == {"init", "push", "status", "verify"}
    assert subverbs_of("cache") == {"ls", "verify", "gc"}
    assert configured() == {"params", "device", "launch", "nodes", "processes"}
