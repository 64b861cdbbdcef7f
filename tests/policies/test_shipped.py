"""The policies that ship: reviewed by their consequences, and their actions run for real."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock_gateway.adapters.policy_files import read
from interlock_gateway.core.action import Action
from interlock_gateway.core.model import APPROVABLE, Dialect, Effect, IncidentRole
from interlock_gateway.core.policy import Policy, PolicyError, load
from interlock_gateway.core.policy.cases import load_cases
from interlock_gateway.core.policy.lines import EFFECTS
from interlock_gateway.core.policy.matrix import matrix
from interlock_gateway.core.policy.review import check
from interlock_gateway.core.statement import classify, translate
from interlock_gateway.core.strict import Source
from policy_folder import SHIPPED, ask, names_in


@pytest.fixture(scope="module")
def shipped() -> Policy:
    return read(SHIPPED)


def test_nothing_is_to_be_mended(shipped: Policy) -> None:
    assert check(shipped) == []


def test_the_matrix_is_what_the_policy_comes_to(shipped: Policy) -> None:
    """When this fails: `interlock policy matrix --write`, and read the difference."""
    assert (SHIPPED / "matrix.txt").read_text("utf-8") == matrix(shipped)


def test_every_line_is_the_reason_in_some_case(shipped: Policy) -> None:
    source = Source("cases.toml", (SHIPPED / "cases.toml").read_text("utf-8"))
    cases = load_cases(source, shipped)
    reasons = {case.line for case in cases}

    assert source.problems == []
    assert {line.text for line in shipped.lines if line.tier in {"*", "production"}} <= reasons


def test_a_case_that_no_longer_holds_keeps_the_policy_from_loading() -> None:
    files = {
        path.relative_to(SHIPPED).as_posix(): path.read_text("utf-8")
        for path in SHIPPED.rglob("*.*")
    }
    allow = "p, incident:responder, *, *, *, read, *, allow, freely, -\n"
    assert allow in files["permissions.csv"]
    files["permissions.csv"] = files["permissions.csv"].replace(allow, "")

    with pytest.raises(PolicyError, match=r"cases\.toml:\d+: A responder reads production"):
        load(files, names_in=names_in)


def test_a_case_that_another_line_decides_says_which() -> None:
    files = {
        path.relative_to(SHIPPED).as_posix(): path.read_text("utf-8")
        for path in SHIPPED.rglob("*.*")
    }
    more = "p, incident:observer, *, *, *, read, *, deny, -, -\n"
    files["permissions.csv"] = more + files["permissions.csv"]

    with pytest.raises(PolicyError, match=r"Decided by permissions\.csv:1 instead"):
        load(files, names_in=names_in)


@pytest.mark.parametrize("effect", ["session", "exfiltration", "admin", "lock"])
def test_nobody_is_ever_allowed_what_no_approval_covers(shipped: Policy, effect: str) -> None:
    for part in (None, *IncidentRole):
        for person in shipped.roles.people:
            assert not shipped.rule(ask(effect, person=person, incident_role=part)).allowed


def test_nothing_that_changes_production_is_free(shipped: Policy) -> None:
    changing = [*shipped.actions, "lock", "write", "ddl", "admin"]
    for operation in changing:
        for part in (None, *IncidentRole):
            ruling = shipped.rule(ask(operation, incident_role=part))
            assert not ruling.allowed or ruling.terms in shipped.rules


def test_observers_run_nothing(shipped: Policy) -> None:
    for operation in [*EFFECTS, *shipped.actions]:
        for person in ["observer", *shipped.roles.people]:
            assert not shipped.rule(
                ask(operation, person=person, incident_role=IncidentRole.OBSERVER)
            ).allowed


def test_the_people_of_one_machine_can_approve_each_other(shipped: Policy) -> None:
    rule = shipped.rule_named("one-approver")
    parts = {"you": IncidentRole.COMMANDER, "responder": IncidentRole.RESPONDER}

    assert shipped.eligible(rule, parts, "responder") == {"approver", "colleague", "you"}
    assert shipped.eligible(rule, parts, "you") == {"approver", "colleague"}


@pytest.mark.parametrize("part", ["preview", "count", "precheck", "verify"])
def test_what_an_action_looks_at_is_a_proven_read(shipped: Policy, part: str) -> None:
    for action in shipped.actions.values():
        sql = getattr(action, part).sql
        if not sql:
            continue
        proven = classify(translate(action.dialect, sql))
        assert (proven.effect, proven.reasons) == (Effect.READ, ())


def test_what_an_action_does_could_not_pass_as_a_read(shipped: Policy) -> None:
    """Of a function of the target's own, or of an API, only its reviewed file can tell."""
    for action in shipped.actions.values():
        if action.over_http:
            assert action.effect in APPROVABLE
            continue
        effect = classify(translate(action.dialect, action.execute.sql)).effect
        assert effect in APPROVABLE or (effect is Effect.UNKNOWN and action.effect in APPROVABLE)


# --- the actions, against a real server -------------------------------------------------------


@pytest.fixture
def victim(postgres_database: Database) -> Iterator[psycopg.Connection]:
    """A session of the application that holds a transaction open and runs something long."""
    with closing(psycopg.connect(postgres_database.app, application_name="checkout")) as busy:
        busy.execute("SELECT 1")
        thread = threading.Thread(target=_sleep, args=(busy,))
        thread.start()
        yield busy
        busy.cancel_safe()
        thread.join()


def _sleep(connection: psycopg.Connection) -> None:
    try:
        connection.execute("SELECT pg_sleep(60)")
    except psycopg.Error:
        return


class Console:
    """Runs an action's statements the way the gateway does: translated, with bound values."""

    def __init__(self, database: Database, action: Action, victim: psycopg.Connection) -> None:
        self._database, self._action = database, action
        self.values: dict[str, Any] = {"pid": victim.info.backend_pid}
        columns = "backend_start, query_start"
        while "query_start" not in self.values:
            (row,) = self._rows(
                database.superuser,
                f"SELECT {columns}, query FROM pg_stat_activity WHERE pid = $1",  # noqa: S608  constants
                [self.values["pid"]],
            )
            if "pg_sleep" in row[2]:
                self.values |= {"backend_start": row[0], "query_start": row[1]}

    def run(self, part: str, **changes: object) -> list[tuple[Any, ...]]:
        login = self._database.act if part == "execute" else self._database.read
        statement = translate(Dialect.POSTGRES, getattr(self._action, part).sql)
        values = self.values | changes
        return self._rows(login, statement.text, [values[name] for name in statement.names])

    def _rows(self, login: str, text: str, values: list[Any]) -> list[tuple[Any, ...]]:
        with closing(psycopg.connect(login, cursor_factory=psycopg.RawCursor)) as connection:
            return connection.execute(text.encode(), values).fetchall()


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["pg.cancel_backend", "pg.terminate_backend"])
def test_an_action_does_what_it_says_and_only_once(
    name: str, shipped: Policy, postgres_database: Database, victim: psycopg.Connection
) -> None:
    console = Console(postgres_database, shipped.actions[name], victim)

    (shown,) = console.run("preview")
    assert "checkout" in shown
    assert "SELECT pg_sleep(60)" in shown
    assert len(console.run("precheck")) == 1
    assert console.run("verify") != []

    assert console.run("execute") == [(True,)]
    for _ in range(100):
        if not console.run("verify"):
            break
    assert console.run("verify") == []
    assert console.run("precheck") == []
    assert console.run("execute") == []


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("pg.cancel_backend", "backend_start"),
        ("pg.cancel_backend", "query_start"),
        ("pg.terminate_backend", "backend_start"),
    ],
)
def test_an_action_does_not_hit_what_took_its_targets_place(
    name: str,
    argument: str,
    shipped: Policy,
    postgres_database: Database,
    victim: psycopg.Connection,
) -> None:
    console = Console(postgres_database, shipped.actions[name], victim)
    later = console.values[argument].replace(microsecond=0)

    assert console.run("precheck", **{argument: later}) == []
    assert console.run("execute", **{argument: later}) == []
    assert len(console.run("precheck")) == 1
