"""What no code path of ours can do, because the database refuses it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from interlock_gateway.adapters.store import SqlStore
from interlock_gateway.adapters.store.schema import metadata
from interlock_gateway.core.approval import TRANSITIONS, ApprovalState
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.entry_records import (
    HypothesisRow,
    PinRow,
    QuestionRow,
    ViewRow,
)
from interlock_gateway.service.ports import ConflictError, Transaction
from interlock_gateway.service.records import (
    ApprovalRow,
    BreakRow,
    DeedRow,
    FollowUpRow,
    PlanRow,
    VoteRow,
)
from sqlalchemy import Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

_NOW = datetime(2026, 1, 2, tzinfo=UTC)
_ROW = ApprovalRow(
    *("A-1", "INC-1", "R-1", "terminate", 1, 0, "you", "orders", "pg.terminate_backend"),
    *("admin", "one-approver", "permissions.csv:1", "pending", 1, "sha256:0", b"", "key"),
    *(_NOW, _NOW + timedelta(minutes=15), "evt_1"),
)


@pytest.fixture
async def raw(store: SqlStore, store_url: str) -> AsyncIterator[Engine]:
    """The same database past all our code, with an event, a part, a vote and an approval."""

    def unit(tx: Transaction) -> None:
        tx.append(Draft("note.observation", "person:you", {}, {"text": text_part("x")}))
        tx.add(VoteRow("A-1", "colleague", "approve", "", "d", "p", _NOW))
        tx.add(_ROW)

    await store.commit(unit)
    url = make_url(store_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = body",
        "DELETE FROM events",
        "UPDATE parts SET content = content",
        "UPDATE votes SET vote = 'deny'",
        "DELETE FROM votes",
        "DELETE FROM approvals",
        "UPDATE approvals SET state = 'succeeded'",
        "UPDATE approvals SET state = 'executing'",
        "UPDATE approvals SET requester = 'colleague'",
        "UPDATE approvals SET target = 'payments'",
        "UPDATE approvals SET expires_at = expires_at + 1",
        "UPDATE approvals SET idempotency_key = ''",
    ],
)
async def test_history_cannot_be_rewritten(raw: Engine, statement: str) -> None:
    with pytest.raises(DBAPIError), raw.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals SET broken_by = 'you'",
        "UPDATE approvals SET broken_by = 'colleague'",
        "UPDATE approvals SET state = 'approved', broken_by = 'you'",
        "UPDATE breaks SET person = 'you'",
        "DELETE FROM breaks",
        "DELETE FROM followups",
        "UPDATE followups SET answer = 'nothing' WHERE id = 'F-2'",
    ],
)
async def test_a_glass_is_broken_once_and_only_on_what_waits(
    raw: Engine, store: SqlStore, statement: str
) -> None:
    def unit(tx: Transaction) -> None:
        tx.add(BreakRow("A-1", "colleague", "why", "d", "p", _NOW))
        for number, state in (("F-1", "open"), ("F-2", "closed")):
            asks = (number, "INC-1", "A-1", "colleague", "you", "Was it right?", state, "evt_1")
            tx.add(FollowUpRow(*asks, _NOW))

    await store.commit(unit)
    with pytest.raises(DBAPIError), raw.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM hypotheses",
        "DELETE FROM questions",
        "DELETE FROM pins",
        "DELETE FROM views",
        "UPDATE views SET event = 'evt_2'",
        "UPDATE hypotheses SET state = 'open' WHERE id = 'H-2'",
        "UPDATE hypotheses SET confidence = 'high' WHERE id = 'H-2'",
    ],
)
async def test_what_people_keep_account_of_is_kept(
    raw: Engine, store: SqlStore, statement: str
) -> None:
    def unit(tx: Transaction) -> None:
        for name, state in (("H-1", "open"), ("H-2", "refuted")):
            row = HypothesisRow("INC-1", name, state, "low", "evt_1", "evt_1", "you", _NOW)
            tx.add(row)
        tx.add(QuestionRow("evt_1", "INC-1", _NOW))
        tx.add(PinRow("INC-1", "evt_1", 1, "evt_1"))
        tx.add(ViewRow("INC-1", "story", 1, "evt_1", "you", _NOW))

    await store.commit(unit)
    with raw.begin() as connection:
        connection.execute(text("UPDATE hypotheses SET confidence = 'high' WHERE id = 'H-1'"))
    with pytest.raises(DBAPIError), raw.begin() as connection:
        connection.execute(text(statement))


async def test_a_broken_glass_stays_with_its_person(raw: Engine, store: SqlStore) -> None:
    await store.commit(lambda tx: tx.add(BreakRow("A-1", "colleague", "why", "d", "p", _NOW)))
    step = text("UPDATE approvals SET state = 'approved', broken_by = 'colleague'")
    with raw.begin() as connection:
        connection.execute(step)
    for person in ("", "you"):
        with pytest.raises(DBAPIError), raw.begin() as connection:
            connection.execute(text("UPDATE approvals SET broken_by = :who"), {"who": person})


async def test_an_event_cannot_be_replaced(raw: Engine, engine_name: str) -> None:
    if engine_name == "postgresql":
        statement = "TRUNCATE events CASCADE"
    else:
        statement = "INSERT OR REPLACE INTO events SELECT * FROM events"
    settings = "PRAGMA recursive_triggers=ON" if engine_name == "sqlite" else "SELECT 1"
    with raw.begin() as connection:
        connection.execute(text(settings))
        with pytest.raises(DBAPIError):
            connection.execute(text(statement))


async def test_only_the_steps_of_the_table_are_taken(store: SqlStore) -> None:
    """Every pair of states: the database allows exactly what `TRANSITIONS` allows."""
    states = list(ApprovalState)
    for number, (source, goal) in enumerate((a, b) for a in states for b in states if a != b):
        path = _path_to(source)

        unit = partial(_walk, number=number, path=[*path, goal.value])
        if goal in TRANSITIONS.get(source, frozenset()):
            await store.commit(unit)
        else:
            with pytest.raises(DBAPIError):
                await store.commit(unit)


def _walk(tx: Transaction, number: int, path: list[str]) -> None:
    """Add an approval and take it along a path of states."""
    row = replace(_ROW, id=f"A-{number + 10}", target=f"orders-{number}")
    tx.add(row)
    for state in path:
        row = tx.change(row, state=state)


async def test_two_actions_on_one_target_are_refused_by_the_database(store: SqlStore) -> None:
    await store.commit(lambda tx: _begun(tx, "A-1", "orders"))
    await store.commit(lambda tx: _begun(tx, "A-2", "archive"))
    with pytest.raises(DBAPIError, match="another action is under way"):
        await store.commit(lambda tx: _begun(tx, "A-3", "orders"))


def _begun(tx: Transaction, name: str, target: str) -> None:
    row = replace(_ROW, id=name, target=target)
    tx.add(row)
    for state in ("approved", "executing"):
        row = tx.change(row, state=state)


async def test_what_a_deed_did_is_recorded_once_and_kept(store: SqlStore, raw: Engine) -> None:
    def prepared(tx: Transaction) -> None:
        row = DeedRow("A-1", "orders", _NOW)
        tx.add(row)
        tx.change(row, transaction='{"xid": "7"}', prepared_at=_NOW)

    await store.commit(prepared)
    for statement in ("UPDATE deeds SET affected = 3", "DELETE FROM deeds"):
        with pytest.raises(DBAPIError), raw.begin() as connection:
            connection.execute(text(statement))


def _plan(tx: Transaction, *members: ApprovalRow) -> None:
    """Write a plan of two, and members."""
    where = ("INC-1", "R-1", "terminate", 1, 0, "you")
    tx.add(PlanRow("P-1", *where, 2, "sha256:p", _NOW, _NOW, "evt_1"))
    for row in members:
        tx.add(row)


def _member(place: int, **changes: Any) -> ApprovalRow:
    told = {"id": f"A-{place + 10}", "plan": "P-1", "place": place, "wish": "sha256:w"}
    return replace(_ROW, **{**told, **changes})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals SET plan = '' WHERE id = 'A-11'",
        "UPDATE approvals SET plan = 'P-1', place = 2 WHERE id = 'A-1'",
        "UPDATE approvals SET place = 2 WHERE id = 'A-11'",
        "UPDATE approvals SET digest = 'sha256:other' WHERE id = 'A-11'",
        "UPDATE approvals SET wish = 'sha256:other' WHERE id = 'A-11'",
        "UPDATE plans SET digest = 'sha256:other'",
        "UPDATE plans SET size = 3",
        "DELETE FROM plans",
    ],
)
async def test_what_a_plan_holds_cannot_be_rewritten(
    store: SqlStore, raw: Engine, statement: str
) -> None:
    await store.commit(lambda tx: _plan(tx, _member(1)))
    with pytest.raises(DBAPIError), raw.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    "row", [_member(3), _member(0), _member(1, id="A-12"), _member(2, run="R-2")]
)
async def test_no_member_is_added_to_a_plan_at_a_place_it_does_not_have(
    store: SqlStore, row: ApprovalRow
) -> None:
    await store.commit(lambda tx: _plan(tx, _member(1)))
    with pytest.raises((DBAPIError, ConflictError)):
        await store.commit(lambda tx: tx.add(row))
    await store.commit(lambda tx: tx.add(_member(2)))


async def test_a_member_of_no_plan_is_refused(store: SqlStore) -> None:
    with pytest.raises((DBAPIError, ConflictError)):
        await store.commit(lambda tx: tx.add(_member(1, plan="P-9")))


async def test_an_approval_is_born_pending(store: SqlStore) -> None:
    with pytest.raises((DBAPIError, ConflictError), match="start pending"):
        await store.commit(lambda tx: tx.add(replace(_ROW, state="approved")))


@pytest.mark.usefixtures("store")
async def test_migrations_and_tables_say_the_same(store_url: str) -> None:
    url = make_url(store_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert "events" in inspect(connection).get_table_names()
    engine.dispose()


def _path_to(state: ApprovalState) -> list[str]:
    """Return the states on the way from pending to `state`."""
    if state is ApprovalState.PENDING:
        return []
    before = next(one for one, goals in TRANSITIONS.items() if state in goals)
    return [*_path_to(before), state.value]
