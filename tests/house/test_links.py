"""A link on a page leads somewhere."""

import re
from pathlib import Path

import pytest
from house.documents import links, name, pages


def _heading(line: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    plain = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
    return plain.replace(" ", "-")


def _is_dead(page: Path, link: str) -> bool:
    if re.match(r"https?://|mailto:", link):
        return False
    path, _, anchor = link.partition("#")
    goal = (page.parent / path).resolve() if path else page
    if not goal.exists():
        return True
    lines = goal.read_text("utf-8").splitlines() if anchor else []
    return bool(anchor) and anchor not in {_heading(each) for each in lines if each[:1] == "#"}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_local_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [link for link in links(text) if _is_dead(page, link)] == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_page_begins_with_its_title(page: Path) -> None:
    assert page.read_text("utf-8").startswith("# ")
