"""Whoever owns the database can drop its triggers; the log tells what they changed.

Each attack is made with the gateway stopped, past all our code, and looked for as a reader would:
`verify --log`, with and without a checkpoint that was kept elsewhere.
"""

import base64
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from interlock.proof import Finding, Frontier, leaf_hash, read_key, tree_of
from interlock.proof.log_checks import LogEntry, log_findings
from interlock_gateway.service.log_records import CheckpointRow, LogKeyRow
from interlock_gateway.service.ports import Reading, StoreUnwritableError
from support.house import house

Attack = Callable[[sqlite3.Connection], None]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A house that was left: two incidents with notes, and a checkpoint over all of it."""
    async with house(tmp_path / "house") as home:
        person = await home.login("you")
        for _ in range(2):
            incident = await person.declares()
            for number in range(5):
                body = {"text": f"seen {number}"}
                await person.post(f"/v1/incidents/{incident}/notes", body)
        await home.store.commit(lambda tx: tx.checkpoint())
    return tmp_path / "house"


def _attacked(folder: Path, attack: Attack) -> None:
    with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        attack(connection)


async def _found(folder: Path, outside: str | None = None) -> list[Finding]:
    """Return what a reader of the whole log finds."""
    async with house(folder) as home:

        def question(tx: Reading) -> tuple[list[LogEntry], str, list[str]]:
            newest = tx.rows(CheckpointRow, order="-size", limit=1)[0].note
            entries = [LogEntry(*one) for one in tx.bodies(0, 10_000)]
            return entries, newest, [key.text for key in tx.rows(LogKeyRow)]

        entries, newest, keys = await home.store.read(question)
        return list(log_findings(entries, newest, [read_key(key) for key in keys], outside))


async def _wrong(folder: Path, outside: str | None = None) -> list[str]:
    return [f"{one.about}: {one.text}" for one in await _found(folder, outside) if not one.holds]


def _checkpoint(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        found = connection.execute("SELECT note FROM checkpoints ORDER BY size DESC").fetchone()
        return str(found[0])


def _forged(connection: sqlite3.Connection) -> bytes:
    [body] = connection.execute("SELECT body FROM events WHERE logindex = 4").fetchone()
    return bytes(body).replace(b"person:you", b"person:her")


def _peaks(bodies: list[bytes]) -> bytes:
    frontier = Frontier()
    for body in bodies:
        frontier.push(leaf_hash(body))
    return frontier.packed()


async def test_an_untouched_log_holds(folder: Path) -> None:
    assert await _wrong(folder, _checkpoint(folder)) == []


async def test_an_edited_event_is_named(folder: Path) -> None:
    def attack(db: sqlite3.Connection) -> None:
        db.execute("UPDATE events SET body = ? WHERE logindex = 4", (_forged(db),))

    _attacked(folder, attack)
    found = await _wrong(folder)
    assert "event 4 of the log: It is not what was put into the tree: it was changed." in found
    assert any(one.startswith("checkpoint: ") for one in found)


async def test_an_edited_event_with_its_leaf_is_found_out_by_the_checkpoint(folder: Path) -> None:
    def attack(db: sqlite3.Connection) -> None:
        forged = _forged(db)
        changed = "UPDATE events SET body = ?, leaf = ? WHERE logindex = 4"
        db.execute(changed, (forged, leaf_hash(forged)))

    _attacked(folder, attack)
    [found] = await _wrong(folder)
    assert found.startswith("checkpoint: The first ")


async def test_a_log_rewritten_to_its_peaks_is_not_signed(folder: Path) -> None:
    """Without the key, everything can be computed anew but the signature."""

    def attack(db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT logindex, body FROM events ORDER BY logindex").fetchall()
        bodies = [bytes(body).replace(b"person:you", b"person:her") for _, body in rows]
        for (index, _), body in zip(rows, bodies, strict=True):
            db.execute(
                "UPDATE events SET body = ?, leaf = ? WHERE logindex = ?",
                (body, leaf_hash(body), index),
            )
        root = base64.b64encode(tree_of(bodies).root(len(bodies))).decode()
        [note] = db.execute("SELECT note FROM checkpoints ORDER BY size DESC").fetchone()
        lines = note.split("\n")
        lines[2] = root
        db.execute("UPDATE log SET peaks = ?", (_peaks(bodies),))
        db.execute("UPDATE checkpoints SET note = ?", ("\n".join(lines),))

    _attacked(folder, attack)
    found = await _wrong(folder)
    assert found == ["checkpoint: " + found[0].partition(": ")[2]]
    assert "was changed" in found[0]


async def test_a_deleted_event_stops_the_gateway(folder: Path) -> None:
    def attack(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM parts")
        db.execute("DELETE FROM events WHERE logindex = (SELECT max(logindex) FROM events)")

    _attacked(folder, attack)
    with pytest.raises(StoreUnwritableError, match="changed from outside, or restored in parts"):
        async with house(folder):
            pass


async def test_an_event_deleted_in_the_middle_is_named(folder: Path) -> None:
    def attack(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM parts")
        db.execute("DELETE FROM events WHERE logindex = 5")

    _attacked(folder, attack)
    found = await _wrong(folder)
    assert "event 5 of the log: In its place stands event 6." in found


async def test_a_whole_incident_that_was_dropped_is_found_out(folder: Path) -> None:
    def attack(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM parts")
        db.execute("DELETE FROM events WHERE incident = 'INC-1'")

    _attacked(folder, attack)
    found = await _wrong(folder)
    assert any("In its place stands" in one for one in found)
    assert any(one.startswith("checkpoint: ") for one in found)


async def test_two_events_that_changed_places_are_named(folder: Path) -> None:
    def attack(db: sqlite3.Connection) -> None:
        for old, new in ((4, 1_000), (5, 4), (1_000, 5)):
            db.execute("UPDATE events SET logindex = ? WHERE logindex = ?", (new, old))

    _attacked(folder, attack)
    found = await _wrong(folder)
    assert any("of INC-1, after #" in one for one in found)
    assert any(one.startswith("checkpoint: ") for one in found)


async def test_a_cut_tail_is_found_out_by_an_anchor(folder: Path) -> None:
    """The end is cut, with everything that knew of it; what holds by itself does not outside."""
    elsewhere = _checkpoint(folder)
    size = int(elsewhere.split("\n")[1])

    def attack(db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT body FROM events ORDER BY logindex").fetchall()
        bodies = [bytes(body) for (body,) in rows][: size - 4]
        db.execute("DELETE FROM parts")
        db.execute("DELETE FROM events WHERE logindex >= ?", (len(bodies),))
        db.execute("DELETE FROM checkpoints")
        db.execute("UPDATE log SET peaks = ?, size = ?", (_peaks(bodies), len(bodies)))

    _attacked(folder, attack)
    async with house(folder) as home:
        await home.store.commit(lambda tx: tx.checkpoint())
    assert await _wrong(folder) == []  # by itself it holds: that is what anchors are for
    found = await _wrong(folder, elsewhere)
    assert len(found) == 1
    assert found[0].startswith(f"anchor of {size} events: ")
