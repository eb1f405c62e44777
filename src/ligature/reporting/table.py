"""A table as it is shown and as it is written: raw numbers as csv, the shown text as markdown and as LaTeX."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ligature.reporting.latex import latex_tabular
from ligature.reporting.text import bounded
from ligature.store.atomic import write_csv, write_text


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes:
        name: stem of its files.
        caption: one or two sentences.
        data: raw values, one row a shown row or finer.
        header: shown column names.
        rows: shown cells, one tuple a row.
        text_columns: number of leading columns that hold text; the rest are aligned as numbers.
        strong: indices of the rows to mark.
        muted: indices of the rows to show in a lighter tone.
        prose: indices of the columns that hold sentences, which run over several lines.
    """

    name: str
    caption: str
    data: pd.DataFrame
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1
    strong: frozenset[int] = frozenset()
    muted: frozenset[int] = frozenset()
    prose: frozenset[int] = frozenset()

    def save(self, folder: Path) -> None:
        """Writes ``name`` as csv, markdown and LaTeX into ``folder``."""
        write_csv(folder / f"{self.name}.csv", self.data)
        write_text(folder / f"{self.name}.md", self.markdown())
        write_text(folder / f"{self.name}.tex", self.latex())

    def markdown(self) -> str:
        """Returns the shown cells as a markdown table, strong rows in bold."""
        rule = ["---" if column < self.text_columns else "---:" for column in range(len(self.header))]
        lines = [map(_cell, self.header), rule]
        for index, row in enumerate(self.rows):
            mark = "**" if index in self.strong else ""
            lines.append(f"{mark}{_cell(cell)}{mark}" for cell in row)
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def latex(self) -> str:
        """Returns the shown cells as a tabular of booktabs, strong rows in bold, columns of sentences 8 cm wide."""
        columns = "".join(
            "p{8cm}" if column in self.prose else "l" if column < self.text_columns else "r"
            for column in range(len(self.header))
        )
        return latex_tabular(columns, self.header, self.rows, self.strong)


def _cell(text: str) -> str:
    escaped = html.escape(bounded(text, 200), quote=False)
    for character in "\\|*_`[]":
        escaped = escaped.replace(character, f"\\{character}")
    return escaped
