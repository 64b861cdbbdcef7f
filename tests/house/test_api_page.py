"""docs/api.md lists what the application serves, and who may ask for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from house.documents import ROOT, table
from interlock_gateway.web import auth, session
from interlock_gateway.web.server import OPEN
from support.house import House, Someone

_ROWS = table((ROOT / "docs/api.md").read_text("utf-8"), "method")
_DEMANDS = {
    session.visitor: {"browser"},
    auth.person: {"person"},
    auth.run_or_requester: {"run", "person or run"},
}
"""What a route depends on → what the page may say of it."""


@pytest.fixture
def served(home: House) -> dict[str, set[str]]:
    """Every route of the application → what the page may say of who may ask for it."""
    return {
        f"{method} {route.path}": _demanded(route)
        for route in _flat(home.app.routes)
        for method in route.methods
        if method != "HEAD"
    }


def _flat(routes: list[Any]) -> Iterator[Any]:
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", None
        )
        if inner:
            yield from _flat(list(inner))
        else:
            yield route


def _demanded(route: Any) -> set[str]:
    calls = {dependency.call for dependency in _dependencies(route.dependant)}
    said = [words for demand, words in _DEMANDS.items() if demand in calls]
    return set.union(*said) if said else {"anyone"}


def _dependencies(dependant: Any) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner
        yield from _dependencies(inner)


def _place(row: dict[str, str]) -> str:
    return f"{row['method']} {row['path'].strip('`')}"


def test_the_page_lists_exactly_the_routes_of_the_application(
    served: dict[str, set[str]],
) -> None:
    listed = [_place(row) for row in _ROWS]
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(served)


def test_the_page_says_who_may_ask_as_each_route_demands_it(
    served: dict[str, set[str]],
) -> None:
    wrong = {
        _place(row): f"says {row['who may']}, demands {served[_place(row)]}"
        for row in _ROWS
        if row["who may"] not in served.get(_place(row), {row["who may"]})
    }
    assert wrong == {}


def test_what_is_open_on_the_page_is_the_golden_list() -> None:
    assert sorted(_place(row) for row in _ROWS if row["who may"] == "anyone") == sorted(OPEN)


_CALL = {"run": "R-1", "step": "terminate", "attempt": 1, "ordinal": 7, "target": "orders"}
_BODIES = {
    "/v1/queries": {**_CALL, "sql": "SELECT 1"},
    "/v1/metric-queries": {**_CALL, "promql": "up"},
    "/v1/log-queries": {**_CALL, "logql": '{app="api"}'},
    "/v1/actions": {**_CALL, "action": "pg.terminate_backend", "reason": "it blocks"},
    "/v1/executions": {**_CALL, "sql": "DELETE FROM t", "max_rows": 1, "reason": "it blocks"},
    "/v1/plans": {
        **{name: value for name, value in _CALL.items() if name != "target"},
        "members": [{"action": "pg.terminate_backend", "target": "orders"}],
    },
}


@pytest.mark.parametrize("row", [row for row in _ROWS if row["who may"] == "run"], ids=_place)
async def test_what_is_for_runs_alone_refuses_a_person(
    row: dict[str, str], asked: str, approver: Someone
) -> None:
    path = row["path"].strip("`")
    body = _BODIES.get(path, {})
    assert await approver.refused(path.format(approval=asked), body) == "run-token-mismatch"
