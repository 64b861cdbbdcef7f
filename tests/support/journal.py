"""The journal as it lies in the store, read past all our code, and what must hold of it."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg

_ROWS = "SELECT logindex, incident, sequence, id, body FROM events ORDER BY logindex"
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
    if store.startswith("postgresql"):
        with psycopg.connect(store) as connection:
            rows: Iterable[Sequence[Any]] = connection.execute(_ROWS).fetchall()
    else:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as file:
            rows = file.execute(_ROWS).fetchall()
    return [
        Line(logindex, incident, sequence, name, json.loads(bytes(body)))
        for logindex, incident, sequence, name, body in rows
    ]


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
