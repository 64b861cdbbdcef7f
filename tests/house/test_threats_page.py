"""docs/threats.md names, for every guard, tests that exist."""

import ast
import re
from functools import cache

import pytest
from house.documents import ROOT, blocks, spans, table

_PAGE = (ROOT / "docs/threats.md").read_text("utf-8")
_ROWS = table(_PAGE, "guard")
_SECTIONS = (
    *("Statement guard", "Engine locks", "Policy", "Approvals and execution"),
    *(
        "Approvals in Slack",
        "Notes and channels in Slack",
        "What people write",
        "Run, kernel and broker",
        "Identity and web",
        "Journal and export",
    ),
    "Not protected yet",
)


@cache
def _tests_in(path: str) -> frozenset[str]:
    """Return the names of the tests in a file, those in classes as `Class::test`."""
    names: set[str] = set()
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inner = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            names |= {node.name, *(f"{node.name}::{each.name}" for each in inner)}
    return frozenset(name for name in names if name.startswith(("test_", "Test")))


def _is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    if not path.startswith("tests/") or not (ROOT / path).is_file():
        return False
    return path.endswith(".sql") if not name else name in _tests_in(path)


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["guard"][:40])
def test_a_guard_says_what_it_stops_what_it_does_not_and_which_tests_prove_it(
    row: dict[str, str],
) -> None:
    assert row["stops"].endswith(".")
    assert row["does not stop"].endswith(".")
    named = spans(row["test"])
    assert any("::" in test for test in named), "no test is named"
    assert [test for test in named if not _is_there(test)] == []


def test_every_part_of_the_house_has_a_section_and_every_section_has_guards() -> None:
    found = re.findall(r"^## (.+)$", _PAGE, re.MULTILINE)
    assert tuple(found) == _SECTIONS
    parts = re.split(r"^## .+$", _PAGE, flags=re.MULTILINE)[1:-1]
    assert all(len(table(part, "guard")) >= 5 for part in parts)
    assert not blocks(_PAGE, "", "python")


def test_what_is_not_protected_yet_is_said_and_names_what_everybody_asks_for() -> None:
    admitted = _PAGE.partition("## Not protected yet")[2]
    for word in ("unconfined", "anchor", "Local people", "Slack", "TLS"):
        assert word in admitted
