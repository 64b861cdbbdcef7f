"""docs/exports.md names what there is, each thing by the word that the code knows."""

import re
import tomllib
from pathlib import Path

import pytest
from interlock.export import FORMS, PROFILES
from interlock.export.templates import NAMES, SHIPPED, WORDS
from interlock.export.to_csv import COLUMNS

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "exports.md").read_text("utf-8")
THINGS = {
    "forms": FORMS,
    "profiles": PROFILES,
    "templates": SHIPPED,
    "sections": NAMES,
    "words": WORDS,
    "columns": COLUMNS,
}


@pytest.mark.parametrize("kind", THINGS)
def test_every_one_is_on_the_page(kind: str) -> None:
    assert [name for name in THINGS[kind] if f"`{name}`" not in PAGE] == []


def test_the_sections_of_the_page_are_those_of_the_code() -> None:
    table = PAGE.split("| section | holds |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(NAMES)


def test_every_tool_of_the_cases_is_on_the_page() -> None:
    cases = tomllib.loads((HERE / "paste.toml").read_text("utf-8"))["case"]
    assert {tool for case in cases for tool in case["tools"]} <= set(re.findall(r"\w+", PAGE))
    assert all(case["makes"] for case in cases)
