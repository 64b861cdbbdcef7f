"""Durable appends a second: our journal beside a chain that commits each event by itself.

Both write the same events with the same function into the same schema under the same settings.
The peer is what one writes first: lock the chain, read its head, insert, commit. It speaks to
the driver directly and shares its lock or its connections in memory, which is kind to it.
"""

import asyncio
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from queue import LifoQueue
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import psycopg
from figure import Figure, Target, alternated
from interlock.proof import leaf_hash
from interlock.testing.postgres import NoPostgres
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.store import SqlStore, open_store
from interlock_gateway.core.timeline import SALT_BYTES, Draft, Event, Place, json_part, write
from served import database

TARGETS = {1: 2_000.0, 64: 10_000.0}
_CONNECTIONS = 16
_random = SystemRandomness()
_folder = TemporaryDirectory(prefix="interlock-bench-keys-")
DRAFT = Draft(
    "query.completed",
    "run:R-1",
    {"run": "R-1", "step": "look", "attempt": 1, "ordinal": 0, "rows": 3, "elapsed_ms": 1.5},
    {"result": json_part({"columns": [{"name": "n", "type": "integer"}], "rows": [[1], [2]]})},
    incident="INC-1",
    subject="R-1/look/1/0",
    correlationid="R-1",
)
Append = Callable[[], None]


def figures(*, smoke: bool) -> list[Figure]:
    """Measure on the embedded store, and on PostgreSQL where there is one."""
    with TemporaryDirectory(prefix="interlock-bench-") as folder:
        found = _embedded(Path(folder), smoke=smoke)
    try:
        with database() as made, database() as peer:
            return [*found, *_on_postgres(made.app, peer.app, smoke=smoke)]
    except NoPostgres:
        return found


def _embedded(folder: Path, *, smoke: bool) -> list[Figure]:
    url = f"sqlite:///{folder}/ours.db"
    _migrated(f"sqlite:///{folder}/peer.db")
    with _sqlite_chain(folder / "peer.db") as append:
        return [_figure("SQLite", url, append, writers, smoke=smoke) for writers in TARGETS]


def _on_postgres(dsn: str, peer: str, *, smoke: bool) -> list[Figure]:
    _migrated(peer)
    with _postgres_chain(peer) as append:
        return [_figure("PostgreSQL", dsn, append, writers, smoke=smoke) for writers in TARGETS]


def _figure(engine: str, url: str, append: Append, writers: int, *, smoke: bool) -> Figure:
    many = (500 if writers == 1 else 8_000) // (10 if smoke else 1)
    each = many // writers
    fewer = max(1, each // (2 if writers == 1 else 16))  # the chain is slow, and a rate is a rate
    found = alternated(
        {
            "ours": lambda: asyncio.run(_ours(url, writers, each)),
            "chain": lambda: _threads(append, writers, fewer),
        },
        smoke=smoke,
    )
    who = "1 writer" if writers == 1 else f"{writers} writers"
    target = Target("value", TARGETS[writers]) if engine == "SQLite" else None
    name, peer = f"appends, {who}, {engine}", "naive chain"
    return Figure(name, "/s", found["ours"], peer, found["chain"], target, "more")


async def _ours(url: str, writers: int, each: int) -> float:
    """Return how many events a second so many tasks append, each waiting for its own."""
    store = _opened(url)

    async def writer() -> None:
        for _ in range(each):
            await store.commit(lambda tx: tx.append(DRAFT))

    try:
        began = perf_counter()
        await asyncio.gather(*(writer() for _ in range(writers)))
        return writers * each / (perf_counter() - began)
    finally:
        await store.aclose()


def _opened(url: str) -> SqlStore:
    keys = LogKeys(Path(_folder.name) / sha256(url.encode()).hexdigest())
    return open_store(url, SystemClock(), _random.identifier, random_bytes, keys)


def _migrated(url: str) -> None:
    async def once() -> None:
        await _opened(url).aclose()

    asyncio.run(once())


# --- the peer -----------------------------------------------------------------------------------

_HEAD = "SELECT coalesce(max(logindex), -1) + 1, coalesce(max(sequence), 0) + 1 FROM events"
_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PART = "INSERT INTO parts VALUES (?, ?, ?, ?, ?)"


def _threads(append: Append, writers: int, each: int) -> float:
    def writer() -> None:
        for _ in range(each):
            append()

    with ThreadPoolExecutor(writers) as pool:
        began = perf_counter()
        for done in [pool.submit(writer) for _ in range(writers)]:
            done.result()
        return writers * each / (perf_counter() - began)


@contextmanager
def _sqlite_chain(path: Path) -> Iterator[Append]:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {setting}")
    lock = threading.Lock()

    def append() -> None:
        with lock:
            connection.execute("BEGIN IMMEDIATE")
            event = _event(*connection.execute(_HEAD).fetchone())
            connection.execute(_EVENT, _event_row(event))
            connection.executemany(_PART, _part_rows(event))
            connection.execute("COMMIT")

    yield append
    connection.close()


@contextmanager
def _postgres_chain(dsn: str) -> Iterator[Append]:
    idle: LifoQueue[psycopg.Connection[Any]] = LifoQueue()
    with ExitStack() as stack:
        with psycopg.connect(dsn) as owner:
            owner.execute("INSERT INTO counters VALUES ('chain', 0)")
        for _ in range(_CONNECTIONS):
            idle.put(stack.enter_context(psycopg.connect(dsn)))

        def append() -> None:
            connection = idle.get()
            try:
                with connection.transaction():
                    _append_locked(connection)
            finally:
                idle.put(connection)

        yield append


def _append_locked(connection: "psycopg.Connection[Any]") -> None:
    connection.execute("SELECT value FROM counters WHERE series = 'chain' FOR UPDATE")
    head = connection.execute(_HEAD).fetchone()
    assert head is not None
    event = _event(*head)
    connection.execute(_EVENT.replace("?", "%s").encode(), _event_row(event))
    for row in _part_rows(event):
        connection.execute(_PART.replace("?", "%s").encode(), row)


def _event(logindex: int, sequence: int) -> Event:
    place = Place(_random.identifier("evt"), logindex, sequence, datetime.now(UTC))  # noqa: TID251  the peer has no clock of its own
    return write(
        DRAFT,
        place,
        part_id=lambda: _random.identifier("part"),
        salt=lambda: secrets.token_bytes(SALT_BYTES),
    )


def _event_row(event: Event) -> tuple[Any, ...]:
    place = event.place
    recorded = int(place.recorded.timestamp() * 1_000_000)
    numbers = (place.logindex, place.event, event.incident, place.sequence)
    return (*numbers, event.type, recorded, event.body, leaf_hash(event.body))


def _part_rows(event: Event) -> list[tuple[Any, ...]]:
    return [(part.id, part.event, part.salt, part.content, part.mediatype) for part in event.parts]
