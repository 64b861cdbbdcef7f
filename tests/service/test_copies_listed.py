"""Every part that an event can have is in the table that says where its copies stand."""

import ast
from collections.abc import Iterator
from pathlib import Path

from house.documents import ROOT, files, name
from interlock_gateway.service.evidence_copies import COPIES, GIVEN

_MAKERS = {"text_part", "json_part", "Part"}
_SERVICE = ("gateway/interlock_gateway/service",)
_NOT_LITERAL = {
    "gateway/interlock_gateway/service/charts.py": {"chart"},
    "gateway/interlock_gateway/service/incidents.py": {"reason", "summary"},
    "gateway/interlock_gateway/service/step_events.py": {"finding", "error", "outputs"},
    "gateway/interlock_gateway/service/telemetry.py": {"promql", "logql"},
}
"""Modules that make parts under a name they are given, and which names those are."""


def _is_made(node: ast.expr | None) -> bool:
    """Tell whether an expression makes a part, also behind a condition or inside another call."""
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)] if node else []
    return any(isinstance(call.func, ast.Name) and call.func.id in _MAKERS for call in calls)


def _is_direct(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _name(node) in _MAKERS


def _made(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (part, place) of each part that a module makes; "" for one without a literal name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if _is_direct(value):
                    yield _word(key), f"{name(path)}:{value.lineno}"
        elif isinstance(node, ast.DictComp) and _is_made(node.value):
            yield "", f"{name(path)}:{node.lineno}"
        elif isinstance(node, ast.Assign) and _is_direct(node.value):
            subscripts = [goal for goal in node.targets if isinstance(goal, ast.Subscript)]
            yield from ((_word(goal.slice), f"{name(path)}:{node.lineno}") for goal in subscripts)


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _word(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


_ALL = [found for path in files(".py", below=_SERVICE) for found in _made(path)]
_LISTED = {part for parts in COPIES.values() for part in parts}


def test_parts_are_found_in_the_code_at_all() -> None:
    assert len(_ALL) > 50
    assert {"statement", "result", "title", "undo_sql"} <= {part for part, _ in _ALL}


def test_every_part_of_the_code_is_listed_with_its_copies() -> None:
    missing = [f"{place}: {part}" for part, place in _ALL if part and part not in _LISTED]
    assert missing == [], "say in service/evidence_copies.py where copies of it stand"


def test_a_part_without_a_literal_name_is_made_where_we_know_and_its_names_are_listed() -> None:
    places = {place.partition(":")[0] for part, place in _ALL if not part}
    assert places <= set(_NOT_LITERAL)
    assert set().union(*_NOT_LITERAL.values()) <= _LISTED


def test_what_expires_is_a_part_that_there_is() -> None:
    assert GIVEN <= _LISTED


def test_every_event_of_the_code_with_parts_is_of_a_type_that_is_listed() -> None:
    """Types that are written out; those made of a word are covered by what redaction tests do."""
    found = set()
    for path in files(".py", below=_SERVICE):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node) == "Draft" and _has_parts(node):
                found.add(_word(node.args[0]))
    assert {kind for kind in found - {""} if kind not in COPIES} == set()
    assert len(found) > 15
    assert (ROOT / "gateway").is_dir()


def _has_parts(node: ast.Call) -> bool:
    named = {keyword.arg for keyword in node.keywords}
    return len(node.args) > 3 or "parts" in named
