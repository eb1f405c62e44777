"""LaTeX of tables: every cell is text, and the rules are those of booktabs."""

import re

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from reporting_inputs import HOSTILE

from ligature.reporting.latex import ESCAPES, escaped, latex_tabular
from ligature.reporting.table import Table

COMMANDS = {f"\\{name}" for name in re.findall(r"\\([a-z]+)", "".join(ESCAPES.values()))}


def test_a_table_has_the_rules_of_booktabs(tmp_path) -> None:
    table = Table(
        *("name", "caption", pd.DataFrame({"a": [1]}), ["a_b", "n", "why"]),
        rows=[["x & y", "50 %", "so"], ["z", "1", "no"]],
        strong=frozenset({1}),
        prose=frozenset({2}),
    )
    table.save(tmp_path)
    assert (tmp_path / "name.tex").read_text(encoding="utf-8").splitlines() == [
        "% \\usepackage{booktabs}",
        "\\begin{tabular}{lrp{8cm}}",
        "\\toprule",
        "a\\_b & n & why \\\\",
        "\\midrule",
        "x \\& y & 50 \\% & so \\\\",
        "\\textbf{z} & \\textbf{1} & \\textbf{no} \\\\",
        "\\bottomrule",
        "\\end{tabular}",
    ]


def test_what_fonts_and_ligatures_would_change_is_written_out() -> None:
    assert escaped("i→t 1 ± 2, −3 – 4…") == ("i$\\rightarrow$t 1 $\\pm$ 2, $-$3 \\textendash{} 4\\ldots{}")
    assert escaped("a--b---c") == "a-{}-b-{}-{}-c"
    assert escaped("[1] *") == "{[}1{]} {*}"
    assert escaped("日本語 é") == "日本語 é"


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60))
def test_no_character_means_anything_to_latex(text: str) -> None:
    shown = escaped(text)
    assert "\n" not in shown
    left = re.sub(r"\\[a-z]+\{\}|\$(\\[a-z]+|-)\$|\\[&%$#_{}]|\{[\[\]*`']\}|-\{\}", "", shown)
    assert not re.search(r"[\\&%$#_{}^~<>|]", left)
    assert {command for command in re.findall(r"\\[a-z]+", shown) if len(command) > 2} <= COMMANDS


def test_hostile_names_are_cells() -> None:
    lines = latex_tabular("lr", ["name", "n"], [[HOSTILE, "1"]]).splitlines()
    assert len(lines) == 8
    assert lines[5].startswith("\\textless{}script\\textgreater{}alert({'}x{'})")
    assert "\\$\\textbackslash{}frac\\{1\\}\\{2\\}\\$ second line & 1 \\\\" in lines[5]
