"""One incident as the gateway delivers it, for tests of whatever renders a timeline.

The demo's story: sessions pile up behind one that is idle in a transaction on `orders`; the
runbook finds it, a write disguised as a read is refused, a colleague approves ending exactly
that backend after 41 s, and the waiters are gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.export import Entry

START = datetime(2026, 3, 2, 23, 58, 12, tzinfo=UTC)

INCIDENT: Mapping[str, Any] = {
    "id": "INC-1",
    "title": "Checkout stalls: sessions pile up on orders",
    "severity": "sev2",
    "state": "closed",
    "commander": "you",
    "roles": {"you": "commander", "colleague": "responder"},
    "declared_at": START.isoformat(),
    "closed_at": (START + timedelta(seconds=171)).isoformat(),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A value that stands outside the event's body."""

    value: Any

    @property
    def content(self) -> dict[str, Any]:
        return {"text": self.value} if isinstance(self.value, str) else {"json": self.value}


@dataclass(slots=True)
class Story:
    """Tells a timeline event by event: sequence, ids, times and parts are filled in."""

    entries: list[Entry] = field(default_factory=list)

    def tell(
        self,
        kind: str,
        at: float,
        data: Mapping[str, Any],
        *,
        by: str = "person:you",
        late_s: float = 0.0,
    ) -> "Story":
        sequence = len(self.entries) + 1
        parts: dict[str, Any] = {}
        body = {key: _stored(value, sequence, parts) for key, value in data.items()}
        happened = START + timedelta(seconds=at)
        recorded = happened + timedelta(seconds=late_s, milliseconds=2)
        event = {
            "specversion": "1.0",
            "id": f"evt_{sequence:026}",
            "source": "/interlock",
            "type": kind,
            "subject": "INC-1",
            "time": happened.isoformat(),
            "recordedtime": recorded.isoformat(),
            "timesource": "gateway",
            "sequence": str(sequence),
            "logindex": str(sequence),
            "incident": "INC-1",
            "authid": by,
            "dataclassification": "internal",
            "datacontenttype": "application/json",
            "data": body,
        }
        self.entries.append(Entry(event, parts))
        return self


def _stored(value: Any, sequence: int, parts: dict[str, Any]) -> Any:
    if not isinstance(value, Part):
        return value
    name = f"part_{sequence:03}_{len(parts)}"
    parts[name] = value.content
    size = len(str(value.value))
    return {
        "$part": name,
        "commitment": "sha256:" + "0" * 64,
        "size": size,
        "mediatype": "text/plain",
    }


RUN = "run:R-1"
ACTIVITY = """\
SELECT count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
       count(*) FILTER (WHERE state = 'idle in transaction') AS idle_in_transaction,
       max(extract(epoch FROM now() - xact_start))::int AS longest_s
FROM pg_stat_activity
WHERE datname = current_database()
LIMIT 1"""
BLOCKERS = """\
SELECT root.pid, root.application_name, root.state,
       now() - root.xact_start AS xact_age, count(*) AS victims, root.query
FROM pg_stat_activity AS root
JOIN pg_stat_activity AS waiter ON root.pid = ANY (pg_blocking_pids(waiter.pid))
WHERE root.datname = current_database()
GROUP BY root.pid, root.application_name, root.state, root.xact_start, root.query
HAVING count(*) >= $1
ORDER BY victims DESC
LIMIT 20"""
WAITERS = """\
SELECT pid, application_name, now() - query_start AS waiting
FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
LIMIT 50"""
SNEAKY = """\
WITH freed AS (
  DELETE FROM orders WHERE state = 'stuck' RETURNING id
)
SELECT count(*) FROM freed"""
UPDATE = "UPDATE orders SET state = 'new' WHERE id = 1"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "pid": {"type": "integer", "value": 28073},
    "backend_start": {"type": "timestamptz", "value": "2026-03-02T23:50:57.118+00:00"},
}


def columns(*named: str) -> list[dict[str, str]]:
    """`pid integer` → {"name": "pid", "type": "integer"}."""
    return [dict(zip(("name", "type"), each.split(), strict=True)) for each in named]


def call(step: str, attempt: int = 1, ordinal: int = 0) -> dict[str, Any]:
    return {"run": "R-1", "step": step, "attempt": attempt, "ordinal": ordinal, "target": "orders"}


def query(
    story: Story,
    at: float,
    step: str,
    sql: str,
    answer: Mapping[str, Any],
    *,
    params: Mapping[str, Any] | None = None,
    attempt: int = 1,
) -> None:
    """Tell a query that was answered."""
    known = call(step, attempt) | {"tier": "production", "dialect": "postgres", "effect": "read"}
    started = {
        "statement": Part(sql),
        "params": Part(dict(params or {})),
        "line": "permissions.csv:4",
        "policy_digest": "sha256:" + "1" * 64,
        "parsers": {"sqlglot": "30.30.0", "postgast": "0.2.1"},
    }
    rows = len(answer["rows"])
    ended = {"rows": rows, "columns": len(answer["columns"]), "truncated": "", "elapsed_ms": 6.2}
    story.tell("query.started", at, known | started, by=RUN)
    story.tell("query.completed", at + 0.01, known | ended | {"result": Part(answer)}, by=RUN)


def step(story: Story, at: float, name: str, title: str, *, attempt: int = 1) -> None:
    """Tell the start of a step."""
    source = f'rows = query("orders", """…""")\nfinding(rows, ok="nothing in {name}")\n'
    data = {"run": "R-1", "step": name, "attempt": attempt, "title": title, "kind": "query"}
    digests = {"source_digest": "sha256:" + "2" * 64, "source": Part(source)}
    story.tell("step.started", at, data | digests, by=RUN)


def found(
    story: Story,
    at: float,
    name: str,
    status: str,
    text: str,
    *,
    next_step: str = "",
    attempt: int = 1,
) -> None:
    """Tell the end of a step with its finding."""
    finding = {"status": status, "text": text, "next": next_step, "data": None}
    output = {"kind": "result", "text": f"{status}: {text}\n", "data": {"text/html": "<b>…</b>"}}
    data = {"run": "R-1", "step": name, "attempt": attempt, "state": status, "elapsed_ms": 31.0}
    parts = {"finding": Part(finding), "outputs": Part([output])}
    story.tell("step.completed", at, data | parts, by=RUN)


def sample() -> list[Entry]:
    """Return the whole incident."""
    story = Story()
    _opening(story)
    _diagnosis(story)
    _refused(story)
    _approved(story)
    _verified(story)
    return story.entries


def _opening(story: Story) -> None:
    story.tell("incident.declared", 0, {"title": Part(INCIDENT["title"]), "severity": "sev3"})
    story.tell("incident.role_assigned", 0.1, {"person": "you", "role": "commander"})
    story.tell("incident.role_assigned", 4, {"person": "colleague", "role": "responder"})
    reason = Part("Checkout fails for every customer, not for a few")
    story.tell("incident.severity_changed", 9, {"from": "sev3", "to": "sev2", "reason": reason})
    params = {
        "db": {"type": "text", "value": "orders", "origin": "person"},
        "min_victims": {"type": "integer", "value": 2, "origin": "default"},
    }
    run = {
        "run": "R-1",
        "runbook": "pg-lock-contention",
        "version": "1.0.0",
        "digest": "sha256:" + "ab12" * 16,
        "mode": "curated",
        "requester": "you",
        "recorded_by": "self-hosted",
        "confinement": "unconfined",
        "host": "laptop",
        "params": Part(params),
        "manifest_digest": "sha256:" + "3" * 64,
    }
    story.tell("run.started", 21, run)


def _diagnosis(story: Story) -> None:
    step(story, 22, "activity", "What is the database doing?")
    answer = {
        "columns": columns("waiting integer", "idle_in_transaction integer", "longest_s integer"),
        "rows": [[5, 1, 435]],
    }
    query(story, 22.1, "activity", ACTIVITY, answer)
    found(
        story,
        22.2,
        "activity",
        "warn",
        "5 waiting on locks, 1 idle in transaction",
        next_step="blockers",
    )
    step(story, 23, "blockers", "Who blocks whom?")
    shape = columns(
        "pid integer", "application_name text", "state text", "xact_age interval",
        "victims integer", "query text",
    )  # fmt: skip
    root = [28073, "checkout-worker", "idle in transaction", "435000000us", 5, UPDATE]
    answer = {"columns": shape, "rows": [root]}
    params = {"1": {"type": "integer", "value": 2}}
    query(story, 23.1, "blockers", BLOCKERS, answer, params=params)
    text = "pid 28073 (checkout-worker) blocks 5 sessions, transaction open for 435 s"
    found(story, 23.2, "blockers", "bad", text, next_step="terminate-root")
    note = Part("checkout-worker deployed at 23:49, just before the first alert")
    story.tell("note.observation", -30, {"text": note}, late_s=71)


def _refused(story: Story) -> None:
    denied = call("free-orders") | {
        "run": "R-2",
        "tier": "production",
        "dialect": "postgres",
        "code": "not-read-only",
        "line": "permissions.csv:9",
        "effect": "write",
        "message": Part("This statement deletes: node Delete inside the CTE freed."),
        "statement": Part(SNEAKY),
        "reasons": Part([{"effect": "write", "what": "node Delete", "position": 16}]),
    }
    adhoc = {
        "run": "R-2",
        "runbook": "ad-hoc",
        "version": "",
        "digest": "sha256:" + "cd34" * 16,
        "mode": "adhoc",
        "requester": "you",
        "recorded_by": "self-hosted",
        "confinement": "unconfined",
        "host": "laptop",
        "params": Part({}),
        "manifest_digest": "",
    }
    story.tell("run.started", 52, adhoc)
    story.tell("query.denied", 53, denied, by="run:R-2")
    story.tell(
        "run.ended",
        54,
        {"run": "R-2", "outcome": "failed", "summary": Part("refused")},
        by="run:R-2",
    )
    decision = Part("End the one blocking backend; deleting stuck orders would lose them")
    story.tell("note.decision", 60, {"text": decision, "run": "R-1", "step": "blockers"})


def _approved(story: Story) -> None:
    step(story, 64, "terminate-root", "End the blocking backend")
    wanted = call("terminate-root") | {"operation": "pg.terminate_backend", "effect": "admin"}
    asked = wanted | {"approval": "A-1"}
    reason = Part("It has been idle in a transaction for 7 min and blocks checkout")
    requested = wanted | {"args": Part(ARGUMENTS), "reason": reason}
    story.tell("action.requested", 64.2, requested, by=RUN)
    preview = {
        "columns": columns("pid integer", "usename text", "state text", "query text"),
        "rows": [[28073, "checkout", "idle in transaction", UPDATE]],
    }
    approval = asked | {
        "number": 1,
        "proposal_digest": "sha256:" + "4" * 64,
        "rule": "one-other",
        "needs": "one dba or one incident:commander",
        "line": "permissions.csv:17",
        "args": Part(ARGUMENTS),
        "reason": reason,
        "preview": Part(preview),
        "undo": Part("None needed: the client reconnects; its open transaction is rolled back."),
        "expires_at": (START + timedelta(seconds=64 + 900)).isoformat(),
        "requester": "you",
        "eligible": ["colleague", "approver"],
    }
    story.tell("approval.requested", 64.3, approval, by=RUN)
    prompt = {
        "approval": "A-1",
        "prompt_digest": "sha256:" + "5" * 64,
        "prompt": Part("A-1 · INC-1\nasked by you: pg.terminate_backend on orders"),
    }
    story.tell(
        "approval.prompted", 64.4, prompt | {"channel": "cli", "person": "you"}, by="system"
    )
    story.tell(
        "approval.vote_refused",
        70,
        {"approval": "A-1", "person": "you", "code": "self-approval"},
    )
    story.tell(
        "approval.prompted", 80, prompt | {"channel": "web", "person": "colleague"}, by="system"
    )
    vote = {"approval": "A-1", "person": "colleague", "vote": "approve"}
    because = Part("Same pid and start as in the finding")
    story.tell(
        "approval.voted",
        105.3,
        vote | {"reason": because, "prompt_digest": "sha256:" + "5" * 64},
        by="person:colleague",
    )
    story.tell(
        "approval.approved", 105.3, {"approval": "A-1", "by": ["colleague"], "after_s": 41.0},
        by="system",
    )  # fmt: skip
    story.tell("action.started", 105.9, asked, by="system")
    ended = {
        "approval": "A-1",
        "elapsed_ms": 12.4,
        "affected": 1,
        "verified": True,
        "result": Part({"columns": columns("pg_terminate_backend boolean"), "rows": [[True]]}),
        "verify": Part({"columns": columns("still_there integer"), "rows": [[0]]}),
    }
    story.tell("action.succeeded", 106, ended, by="system")
    found(story, 106.2, "terminate-root", "ok", "backend 28073 is gone", next_step="verify")


def _verified(story: Story) -> None:
    step(story, 107, "verify", "Are the waiters gone?")
    answer = {
        "columns": columns("pid integer", "application_name text", "waiting interval"),
        "rows": [],
    }
    query(story, 107.1, "verify", WAITERS, answer)
    found(story, 107.2, "verify", "ok", "nobody waits for a lock")
    story.tell(
        "run.ended", 108, {"run": "R-1", "outcome": "completed", "summary": Part("")}, by=RUN
    )
    story.tell(
        "note.question", 140, {"text": Part("Why did checkout-worker keep the transaction open?")}
    )
    closed = Part("Checkout works again; no waiters for a minute")
    story.tell("incident.closed", 171, {"reason": closed})
    story.tell("log.exported", 180, {"form": "md"})
