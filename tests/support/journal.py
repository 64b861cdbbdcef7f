"""The journal as it lies in the store, read past all our code, and what must hold of it."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from interlock.proof import Frontier, read_key
from interlock.proof.log_checks import LogEntry, log_findings

_ROWS = "SELECT logindex, incident, sequence, id, body FROM events ORDER BY logindex"
_LEAVES = "SELECT logindex, body, leaf FROM events ORDER BY logindex"
_NEWEST = "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1"
_KEYS = "SELECT text FROM log_keys"
_END = "SELECT size, peaks FROM log"
_ONCE = frozenset(
    {
        *("incident.declared", "run.started", "run.ended"),
        *("approval.requested", "approval.approved", "approval.denied", "approval.expired"),
        *("action.started", "action.succeeded", "action.failed", "action.outcome_unknown"),
        *("action.prepared", "action.proven"),
        *("query.completed", "query.failed", "step.completed", "step.failed"),
    }
)
"""Types of which one subject has at most one event."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event: where it stands and its body."""

    logindex: int
    incident: str
    sequence: int
    id: str
    body: dict[str, Any]

    @property
    def what(self) -> tuple[str, str]:
        """Its type, and what it is about."""
        return self.body["type"], self.body.get("subject") or self.incident


def journal(store: str) -> list[Line]:
    """Return every event of the store at a path or a PostgreSQL connection string."""
    [rows] = _read(store, _ROWS)
    return [
        Line(logindex, incident, sequence, name, json.loads(bytes(body)))
        for logindex, incident, sequence, name, body in rows
    ]


def _read(store: str, *queries: LiteralString) -> list[list[tuple[Any, ...]]]:
    """Return what the queries find in one state of the store."""
    if store.startswith("postgresql"):
        with psycopg.connect(store) as connection:
            connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            return [connection.execute(query).fetchall() for query in queries]
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as file:
        file.execute("BEGIN")
        return [file.execute(query).fetchall() for query in queries]


def assert_proven(store: str) -> None:
    """Hold the log to its promises: each event its leaf, its end and its checkpoint over them."""
    rows, newest, keys, [(size, peaks)] = _read(store, _LEAVES, _NEWEST, _KEYS, _END)
    entries = [LogEntry(place, bytes(body), bytes(leaf)) for place, body, leaf in rows]
    frontier = Frontier()
    for entry in entries:
        frontier.push(entry.leaf)
    assert (frontier.size, frontier.packed()) == (size, bytes(peaks))
    known = [read_key(text) for (text,) in keys]
    for (note,) in newest:
        assert [one for one in log_findings(entries, note, known) if not one.holds] == []


def assert_whole(lines: Sequence[Line]) -> None:
    """Hold a journal to its promises: nothing missing, nothing twice, columns as in the bodies."""
    assert [line.logindex for line in lines] == list(range(len(lines)))
    sequences = defaultdict(list)
    for line in lines:
        sequences[line.incident].append(line.sequence)
        body = line.body
        assert (body["id"], int(body["logindex"])) == (line.id, line.logindex)
        assert (int(body["sequence"]), body.get("incident", "")) == (line.sequence, line.incident)
    for incident, found in sequences.items():
        assert found == list(range(1, len(found) + 1)), incident
    _nothing_twice(lines)


def _nothing_twice(lines: Sequence[Line]) -> None:
    assert len({line.id for line in lines}) == len(lines)
    often = Counter(line.what for line in lines if line.body["type"] in _ONCE)
    assert {what: times for what, times in often.items() if times > 1} == {}
    votes = [line.body["data"] for line in lines if line.body["type"] == "approval.voted"]
    voters = Counter((vote["approval"], vote["person"]) for vote in votes)
    assert set(voters.values()) <= {1}
