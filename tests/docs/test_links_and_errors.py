"""Links between pages lead somewhere, and every error that a page explains can still occur."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {page.relative_to(DOCS).as_posix(): page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
EXPLAINED = re.compile(r"^- \*\*(?:`` ?(.+?) ?``|`([^`]+)`)\*\*", re.DOTALL | re.MULTILINE)
"""A message at the start of an entry of the page of errors."""


def anchors(text: str) -> set[str]:
    """Returns the anchors of a page's headings, as MkDocs makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[\s-]+", "-", heading) for heading in plain}


@cache
def messages() -> str:
    """Returns the code of the package and of the workflow with the pieces of every message joined."""
    paths = [*(ROOT / "src/ligature").rglob("*.py"), *(ROOT / "workflow/rules").glob("*.smk")]
    joined = (re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8")) for path in paths)
    return "\n".join(joined)


def pieces(message: str) -> list[str]:
    """Returns the constant parts of a message in which `…` stands for what differs."""
    return [piece for part in re.sub(r"\s+", " ", message).split("…") if len(piece := part.strip()) > 3]


def explained() -> list[str]:
    return [double or single for double, single in EXPLAINED.findall(PAGES["troubleshooting.md"])]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_pages_and_headings_that_exist(page):
    for link in LINK.findall(PAGES[page]):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (DOCS / page).parent / path if path else DOCS / page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("message", explained())
def test_every_error_that_is_explained_can_occur(message):
    assert pieces(message)
    assert [piece for piece in pieces(message) if piece not in messages()] == []


def test_the_page_of_errors_has_the_likeliest_ones_each_once():
    assert len(explained()) >= 25
    assert len(explained()) == len(set(explained()))


def test_a_message_that_no_code_has_is_noticed():
    assert pieces("image … has no … caption") == ["image", "has no", "caption"]
    assert "is not a message of this program" not in messages()
    assert anchors("## What you must set\n\n```bash\n# no heading\n```\n") == {"what-you-must-set"}
