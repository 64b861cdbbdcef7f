"""The embedded store: one owner, clear refusals, and nothing acknowledged is lost."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.store import SqlStore, open_store
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.ports import StoredEvent, StoreUnwritableError

_WRITER = """
import asyncio, sys
from pathlib import Path
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.store import open_store
from interlock_gateway.core.timeline import Draft

async def main():
    keys = LogKeys(Path(sys.argv[2]))
    name = SystemRandomness().identifier
    store = open_store(sys.argv[1], SystemClock(), name, random_bytes, keys)
    async def write(name):
        number = 0
        while True:
            number += 1
            data = {"who": name, "n": number}
            draft = Draft("note.observation", "system", data, incident="INC-1")
            await store.commit(lambda tx: tx.append(draft))
            print(name, number, flush=True)
    await asyncio.gather(*(write(str(name)) for name in range(8)))

asyncio.run(main())
"""


def _open(path: Path) -> SqlStore:
    random = SystemRandomness()
    return open_store(
        f"sqlite:///{path}",
        SystemClock(),
        random.identifier,
        random_bytes,
        LogKeys(path.parent / "log-keys"),
    )


async def test_a_second_gateway_is_refused(tmp_path: Path) -> None:
    store = _open(tmp_path / "store.db")
    with pytest.raises(StoreUnwritableError, match="Another gateway owns"):
        _open(tmp_path / "store.db")
    await store.aclose()
    await _open(tmp_path / "store.db").aclose()


def test_a_store_in_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnwritableError, match="must be a file"):
        open_store(
            "sqlite://",
            SystemClock(),
            SystemRandomness().identifier,
            random_bytes,
            LogKeys(tmp_path),
        )


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("this is not a database, and it is long enough to be looked at" * 50)
    with pytest.raises(StoreUnwritableError, match="cannot be opened"):
        _open(path)


async def test_a_store_that_stops_taking_writes_refuses_each_unit(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = _open(path)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("PRAGMA max_page_count")
    blocker.execute("BEGIN IMMEDIATE")  # somebody else holds the file for longer than we wait

    with pytest.raises(StoreUnwritableError, match="cannot be written"):
        await store.commit(lambda tx: tx.append(Draft("note.observation", "system")))
    blocker.execute("ROLLBACK")
    blocker.close()
    await store.commit(lambda tx: tx.append(Draft("note.observation", "system")))
    assert len(await store.read(lambda tx: tx.events(""))) == 1
    await store.aclose()


@pytest.mark.parametrize("after", [50, 300])
async def test_kill_9_loses_no_acknowledged_event(tmp_path: Path, after: int) -> None:
    path = tmp_path / "store.db"
    acknowledged = _write_until_killed(path, after)

    store = _open(path)
    events: list[StoredEvent] = []
    while page := await store.read(lambda tx: tx.events("INC-1", after=len(events))):
        events.extend(page)
    await store.aclose()

    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    bodies = [json.loads(event.body)["data"] for event in events]
    written = {(body["who"], body["n"]) for body in bodies}
    assert len(written) == len(bodies)
    assert acknowledged <= written


def _write_until_killed(path: Path, lines: int) -> set[tuple[str, int]]:
    writer = subprocess.Popen(  # noqa: S603  our own interpreter with our own text
        [sys.executable, "-c", _WRITER, f"sqlite:///{path}", str(path.parent / "log-keys")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    )
    assert writer.stdout is not None
    heard = [writer.stdout.readline() for _ in range(lines)]
    os.kill(writer.pid, signal.SIGKILL)
    heard += writer.stdout.readlines()
    writer.stdout.close()
    writer.wait()
    pairs = (line.split() for line in heard if line.endswith("\n"))
    return {(name, int(number)) for name, number in pairs}
