"""Writes the results page of a study, with its figures and tables beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ligature.params import Study
from ligature.reporting.experiments import write_comparisons
from ligature.reporting.section import Section
from ligature.reporting.sections import PUBLISHED, about, headlines, sections
from ligature.reporting.sources import ReportSources, read_sources
from ligature.reporting.thumbnails import data_uri
from ligature.store.atomic import write_text

OWN_FILES = {"figures": ("*.png", "*.svg", "*.csv"), "tables": ("*.csv", "*.md", "*.tex")}


def write_report(study: Study, sources: ReportSources, folder: Path | str, extra: Sequence[Section] = ()) -> Path:
    """Writes ``index.html``, ``figures/`` and ``tables/`` into ``folder``; returns the path of the page.

    Beside it stand ``metrics.json`` and ``plots/``, which DVC compares between experiments. The page holds its pictures
    and style and fetches nothing. The same inputs give the same bytes. Figures and tables of an earlier report in the
    same folder are removed.

    Args:
        study: all parameters.
        sources: the files the page is made from.
        folder: of the page.
        extra: further sections, shown after those of the results.

    Raises:
        DataError: a required input is missing or not what it should be.
    """
    folder = Path(folder)
    inputs = read_sources(sources)
    parts = sections(study, inputs, extra)
    _clear(folder)
    shown = [_save(part, folder) for part in parts]
    page = _render(
        title=study.report.title,
        study=study.study,
        about=about(study, inputs),
        headlines=headlines(inputs),
        sections=shown,
        published_note=PUBLISHED,
    )
    write_text(folder / "index.html", page)
    write_comparisons(inputs, folder)
    return folder / "index.html"


def _clear(folder: Path) -> None:
    for name, patterns in OWN_FILES.items():
        for pattern in patterns:
            for path in (folder / name).glob(pattern):
                path.unlink()


def _save(section: Section, folder: Path) -> dict[str, Any]:
    """Writes the section's figures and tables and returns what the template shows."""
    pictures = []
    for drawing in section.drawings:
        png = drawing.save(folder / "figures")
        pictures.append({"drawing": drawing, "uri": data_uri("image/png", png)})
    for table in [*section.tables, *section.published, *section.files]:
        table.save(folder / "tables")
    return vars(section) | {"pictures": pictures}


def _render(**values: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from ligature import __version__

    environment = Environment(
        loader=PackageLoader("ligature.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html").render(version=__version__, **values)
