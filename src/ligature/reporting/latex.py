"""Tables as LaTeX: every character of a cell is text, whatever it means to LaTeX elsewhere."""

from collections.abc import Container, Iterable, Sequence

from ligature.reporting.text import bounded

ESCAPES = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{character: f"{{{character}}}" for character in "[]*`'"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "±": "$\\pm$",
    "×": "$\\times$",
    "−": "$-$",
    "→": "$\\rightarrow$",
    "–": "\\textendash{}",
    "…": "\\ldots{}",
    "“": "\\textquotedblleft{}",
    "”": "\\textquotedblright{}",
}
"""Special characters, those that are special in some places, and those that fonts lack or that would become others.

Letters of all scripts stay as they are; a document with Japanese in it takes XeLaTeX or LuaLaTeX.
"""


def latex_tabular(
    columns: str, header: Sequence[str], rows: Iterable[Sequence[str]], strong: Container[int] = ()
) -> str:
    """Returns a ``tabular`` with the rules of booktabs.

    Args:
        columns: one specification a column, for example ``llr``.
        header: names of the columns, as text.
        rows: cells, as text.
        strong: indices of the rows in bold.
    """
    body = [_line(row, index in strong) for index, row in enumerate(rows)]
    lines = [
        "% \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{{columns}}}",
        "\\toprule",
        _line(header),
        "\\midrule",
        *body,
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Returns a text of at most 200 characters so that LaTeX prints it as it is."""
    characters = (ESCAPES.get(character, character) for character in bounded(text, 200))
    return "".join(characters).replace("--", "-{}-").replace("--", "-{}-")


def _line(cells: Iterable[str], strong: bool = False) -> str:
    shown = (f"\\textbf{{{escaped(cell)}}}" if strong else escaped(cell) for cell in cells)
    return f"{' & '.join(shown)} \\\\"
