"""What was destroyed is gone from the store's own files, and nothing goes without a tombstone."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from interlock_gateway.adapters.store import SqlStore
from interlock_gateway.adapters.store.erasing import ERASED
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.evidence_records import TombstoneRow
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.records import (
    BreakRow,
    CallRow,
    DeedRow,
    FollowUpRow,
    VoteRow,
)
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

_NOW = datetime(2026, 1, 2, tzinfo=UTC)
_EVENTS = 200


def _secret(number: int) -> str:
    return f"5ecret-{number:04d}-"


def _content(number: int) -> str:
    """Return a text of any size from a few bytes to far beyond a page, the secret all over it."""
    return _secret(number) * (1 + number * number % 1_700)


async def _filled(store: SqlStore) -> list[str]:
    """Write events with parts and artifacts, and calls with copies; return their event ids."""

    def unit(number: int) -> Callable[[Transaction], str]:
        def write(tx: Transaction) -> str:
            place = ("R-1", "look", 1, number, "sha256:0", "query", "completed", "evt", _NOW)
            tx.add(CallRow(*place, answer=_content(number).encode()))
            parts = {"text": text_part(_content(number))}
            return tx.append(Draft("note.observation", "person:you", {}, parts, incident="INC-1"))

        return write

    return [await store.commit(unit(number)) for number in range(_EVENTS)]


def _bury(tx: Transaction, event: str, names: list[str], number: int) -> None:
    for name in names:
        tx.add(TombstoneRow(name, event, "INC-1", "redacted", "you", _NOW, "why"))
        tx.destroy(name)
    row = tx.get(CallRow, "R-1", "look", 1, number)
    assert row is not None
    tx.change(row, answer=b"", state="redacted")


async def _destroyed(store: SqlStore, numbers: range, events: list[str]) -> None:
    """Destroy what those events hold, with its copies."""
    rows = _pieces(store)
    for number in numbers:
        names = [name for event, name in rows if event == events[number]]
        assert names
        await store.commit(
            lambda tx, number=number, names=names: _bury(tx, events[number], names, number)  # type: ignore[misc]  # mypy cannot infer defaults of a lambda
        )


def _pieces(store: SqlStore) -> list[tuple[str, str]]:
    """Return (event, id) of each part and artifact."""
    engine = store_engine(store)
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT event, id FROM parts UNION ALL SELECT event, id FROM artifacts")
        ).all()
    engine.dispose()
    return [(str(event), str(name)) for event, name in found]


def store_engine(store: SqlStore) -> Engine:
    """Return the same database past all our code."""
    url = store._reading._engine.url  # noqa: SLF001  the one place that knows where it is
    if url.get_backend_name() == "sqlite":
        return create_engine(f"sqlite:///{(url.database or '').removeprefix('file:')}")
    return create_engine(url)


def _left(content: bytes, numbers: range) -> list[int]:
    return [number for number in numbers if _secret(number).encode() in content]


def _bytes(*files: Path) -> bytes:
    return b"".join(file.read_bytes() for file in files)


def _wal(file: Path) -> Path:
    return file.with_name(file.name + "-wal")


# --- SQLite --------------------------------------------------------------------------------------


@pytest.fixture
def file(engine_name: str, store_url: str) -> Path:
    """The embedded store's file."""
    if engine_name != "sqlite":
        pytest.skip("This is about the embedded store.")
    return Path(make_url(store_url).database or "")


async def test_nothing_of_it_is_in_the_file_its_log_or_a_backup(
    file: Path, store: SqlStore, tmp_path: Path
) -> None:
    events = await _filled(store)
    gone, kept = range(0, _EVENTS, 2), range(1, _EVENTS, 2)
    await _destroyed(store, gone, events)
    assert not store.untidy
    assert _bytes(_wal(file)) == b""
    assert _left(_bytes(file), gone) == []
    assert _left(_bytes(file), kept) == [*kept]
    copy = tmp_path / "backup.db"
    with sqlite3.connect(file) as source, sqlite3.connect(copy) as goal:
        source.backup(goal)
    assert _left(_bytes(copy), gone) == []
    assert _left(_bytes(copy), kept) == [*kept]


async def test_a_reader_that_keeps_the_log_open_only_puts_it_off(
    file: Path, store: SqlStore
) -> None:
    events = await _filled(store)
    reader = sqlite3.connect(file)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    await _destroyed(store, range(3), events)
    assert not await store.tidy(wholly=True)
    assert _left(_bytes(_wal(file), file), range(3)) == [0, 1, 2]
    reader.close()
    assert await store.tidy(wholly=True)
    assert _left(_bytes(_wal(file), file), range(3)) == []


async def test_it_is_gone_after_a_restart_as_well(
    file: Path, store: SqlStore, opener: Callable[[], SqlStore]
) -> None:
    events = await _filled(store)
    await _destroyed(store, range(5), events)
    await store.aclose()
    again = opener()
    assert _left(_bytes(file), range(5)) == []
    await again.aclose()


_REDACTOR = """
import asyncio, sys
from pathlib import Path
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.store import open_store
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.evidence_records import TombstoneRow

async def main():
    keys, name = LogKeys(Path(sys.argv[2])), SystemRandomness().identifier
    store = open_store(sys.argv[1], SystemClock(), name, random_bytes, keys)
    for line in sys.stdin.read().split():
        event, _, name = line.partition("/")
        def unit(tx):
            row = TombstoneRow(name, event, "INC-1", "redacted", "you", tx.now, "why")
            tx.add(row)
            tx.destroy(name)
            tx.append(Draft("artifact.redacted", "person:you", {"destroyed": [name]}))
        await store.commit(unit)
        print(name, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 7, 40])
async def test_kill_9_leaves_each_piece_whole_or_destroyed_with_its_tombstone_and_its_event(
    file: Path, store: SqlStore, opener: Callable[[], SqlStore], after: int
) -> None:
    await _filled(store)
    pieces = [f"{event}/{name}" for event, name in _pieces(store)]
    await store.aclose()
    acknowledged = _redact_until_killed(file, pieces, after)
    again = opener()
    try:
        left = {name for _, name in _pieces(again)}
        tombstones = await again.read(lambda tx: tx.rows(TombstoneRow))
        events = await again.read(lambda tx: tx.events(""))
    finally:
        await again.aclose()
    buried = {row.part for row in tombstones}
    told = {name for event in events for name in json.loads(event.body)["data"]["destroyed"]}
    assert acknowledged <= buried == told
    assert buried | left == {piece.partition("/")[2] for piece in pieces}
    assert not buried & left


def _redact_until_killed(file: Path, pieces: list[str], lines: int) -> set[str]:
    process = subprocess.Popen(  # noqa: S603  our own interpreter with our own text
        [sys.executable, "-c", _REDACTOR, f"sqlite:///{file}", str(file.parent / "log-keys")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n".join(pieces))
    process.stdin.close()
    heard = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    heard += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    return {line.strip() for line in heard if line.endswith("\n")}


# --- PostgreSQL ----------------------------------------------------------------------------------


@pytest.mark.postgres
async def test_nothing_of_it_is_in_the_servers_files_once_they_were_written_anew(
    engine_name: str, store: SqlStore, request: pytest.FixtureRequest
) -> None:
    if engine_name != "postgresql":
        pytest.skip("This is about PostgreSQL.")
    superuser: str = request.getfixturevalue("postgres_copy").superuser
    with psycopg.connect(superuser, autocommit=True) as raw:
        for table in ("parts", "artifacts"):
            raw.execute(f"ALTER TABLE {table} ALTER content SET STORAGE EXTERNAL".encode())
        raw.execute(b"ALTER TABLE calls ALTER answer SET STORAGE EXTERNAL")
        events = await _filled(store)
        assert _left(_files(raw), range(4)) == [0, 1, 2, 3]
        with psycopg.connect(superuser) as reader:  # whoever reads keeps what they may still see
            reader.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute(b"SELECT count(*) FROM events")
            await _destroyed(store, range(_EVENTS), events)
            assert not await store.tidy(wholly=True)
            assert _is_untidy(store)
        for _ in range(120):  # the server's own statistics read as well, for a moment
            if await store.tidy(wholly=True):
                break
            await asyncio.sleep(0.5)  # until they have ended
        assert not _is_untidy(store)
        assert _left(_files(raw), range(_EVENTS)) == []


_KEYS = {
    *("id", "event", "incident", "run", "step", "approval", "plan", "part", "room", "ts", "key"),
    *("person", "requester", "declared_by", "state"),
}
_SAMPLED = """
SELECT DISTINCT attname::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relname = ANY(%s) AND attnum > 0 AND NOT attisdropped AND coalesce(attstattarget, -1) <> 0
AND atttypid IN ('text'::regtype, 'bytea'::regtype)
"""


@pytest.mark.postgres
async def test_the_server_samples_no_column_that_may_hold_content(
    engine_name: str, store: SqlStore, request: pytest.FixtureRequest
) -> None:
    if engine_name != "postgresql":
        pytest.skip("This is about PostgreSQL.")
    await _filled(store)
    with psycopg.connect(request.getfixturevalue("postgres_copy").superuser) as raw:
        raw.execute(b"ANALYZE")  # as the server does by itself
        seen = raw.execute(b"SELECT string_agg(pg_stats::text, '') FROM pg_stats").fetchone()
        sampled = {row[0] for row in raw.execute(_SAMPLED.encode(), ([*ERASED],))}
    assert sampled == _KEYS
    assert seen is not None
    assert b"5ecret-".hex() not in seen[0]


def _is_untidy(store: SqlStore) -> bool:
    return store.untidy


def _files(raw: psycopg.Connection) -> bytes:
    """Return the bytes of every table's files, out-of-line storage included."""
    raw.execute(b"CHECKPOINT")
    query = (
        b"SELECT pg_read_binary_file(pg_relation_filepath(oid), 0, pg_relation_size(oid), true) "
        b"FROM pg_class WHERE relkind IN ('r', 't') AND relfilenode > 16383"
    )
    return b"".join(bytes(row[0] or b"") for row in raw.execute(query))


# --- what the database refuses -------------------------------------------------------------------


@pytest.fixture
async def raw(store: SqlStore) -> AsyncIterator[Engine]:
    """The database past our code, with a part, an artifact and a row of each frozen kind."""

    def unit(tx: Transaction) -> None:
        parts = {"text": text_part("x"), "result": text_part("y" * 10_000)}
        tx.append(Draft("note.observation", "person:you", {}, parts))
        tx.add(VoteRow("A-1", "colleague", "approve", "why", "d", "p", _NOW))
        tx.add(BreakRow("A-1", "colleague", "why", "d", "p", _NOW))
        deed = DeedRow("A-1", "orders", _NOW)
        tx.add(deed)
        tx.change(deed, undo=b"sealed", prepared_at=_NOW)
        about = ("A-1", "colleague", "you", "text", "closed", "evt_1")
        tx.add(FollowUpRow("F-1", "INC-1", *about, _NOW, answer="answer"))

    await store.commit(unit)
    engine = store_engine(store)
    yield engine
    engine.dispose()


def _does(raw: Engine, statement: str) -> None:
    with raw.begin() as connection:
        connection.execute(text(statement))


def _tombstone(raw: Engine, table: str, covers: str = "") -> None:
    _does(
        raw,
        "INSERT INTO tombstones SELECT id, event, '', 'redacted', 'you', 0, 'why', "  # noqa: S608  our own words
        f"'{covers}' FROM {table}",
    )


@pytest.mark.parametrize("table", ["parts", "artifacts"])
def test_nothing_is_deleted_without_its_own_tombstone(raw: Engine, table: str) -> None:
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET content = content"):  # noqa: S608  our own words
        with pytest.raises(DBAPIError):
            _does(raw, statement)
    other = {"parts": "artifacts", "artifacts": "parts"}[table]
    _tombstone(raw, other)
    with pytest.raises(DBAPIError, match="tombstone"):
        _does(raw, f"DELETE FROM {table}")  # noqa: S608  our own words
    _tombstone(raw, table)
    _does(raw, f"DELETE FROM {table}")  # noqa: S608  our own words


def test_a_tombstone_is_for_what_is_there_and_stays(raw: Engine) -> None:
    made = "INSERT INTO tombstones VALUES ('art_none', 'evt', '', 'redacted', 'you', 0, 'w', '')"
    with pytest.raises(DBAPIError, match="what is there"):
        _does(raw, made)
    _tombstone(raw, "artifacts")
    for statement in (
        "DELETE FROM tombstones",
        "UPDATE tombstones SET reason = ''",
        "UPDATE tombstones SET covers = '|votes/A-1/colleague|'",
        "UPDATE tombstones SET \"by\" = 'somebody'",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            _does(raw, statement)


_FROZEN = [
    ("votes", "reason", "''", "|votes/A-1/colleague|"),
    ("breaks", "reason", "''", "|breaks/A-1|"),
    ("deeds", "undo", "", "|deeds/A-1|"),
    ("followups", "text", "''", "|followups/F-1|"),
    ("followups", "answer", "''", "|followups/F-1|"),
]


@pytest.mark.parametrize(("table", "column", "empty", "covers"), _FROZEN)
def test_a_frozen_copy_goes_only_under_a_tombstone_that_names_its_row(
    raw: Engine, engine_name: str, table: str, column: str, empty: str, covers: str
) -> None:
    empty = empty or ("x''" if engine_name == "sqlite" else r"'\x'::bytea")
    erase = f"UPDATE {table} SET {column} = {empty}"  # noqa: S608  our own words
    with pytest.raises(DBAPIError):
        _does(raw, erase)
    _tombstone(raw, "artifacts", covers.replace("A-1", "A-11").replace("F-1", "F-11"))
    with pytest.raises(DBAPIError):
        _does(raw, erase)
    _tombstone(raw, "parts WHERE id IN (SELECT id FROM parts LIMIT 1)", covers)
    with pytest.raises(DBAPIError):
        _does(raw, erase.replace(empty, "'another'" if empty == "''" else f"{column} || {column}"))
    also = {"votes": "vote = 'deny'", "breaks": "person = 'you'", "deeds": "affected = 3"}
    also["followups"] = "owner = 'me'"
    with pytest.raises(DBAPIError):
        _does(raw, f"{erase}, {also[table]}")
    _does(raw, erase)
