"""A gateway in this process: real store, real guard, shipped policies; a target that obeys.

async with house(tmp_path) as home:
responder = await home.login("responder")
incident = await responder.declares()
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from interlock.runbook import canonical_text
from interlock_gateway.adapters.classifier import Classifier
from interlock_gateway.adapters.codes import LocalCodes
from interlock_gateway.adapters.guard import SqlGuard
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.meter import PrometheusMeter
from interlock_gateway.adapters.policy_files import PolicyFolder
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.seal import KeySeal
from interlock_gateway.adapters.shelf import FolderShelf
from interlock_gateway.adapters.store import SqlStore, open_store
from interlock_gateway.adapters.targets import Targets
from interlock_gateway.adapters.template_folder import TemplateFolder
from interlock_gateway.adapters.tokens import SignedRunTokens
from interlock_gateway.core.model import (
    Before,
    Column,
    Limits,
    Person,
    Rows,
    Statement,
    Target,
)
from interlock_gateway.core.statement import Catalogue, with_masks
from interlock_gateway.core.telemetry import Evaluation, Search
from interlock_gateway.service.anchoring import Anchor
from interlock_gateway.service.gateway import Gateway, Ports, assemble
from interlock_gateway.service.pacing import Pacing
from interlock_gateway.service.redacted import (
    RedactedActor,
    RedactedLogs,
    RedactedMetrics,
    RedactedReader,
)
from interlock_gateway.service.redaction import Redaction, SecretScanner, Watched
from interlock_gateway.service.targets import (
    Became,
    Deed,
    Prepared,
    Proof,
    TargetError,
    Witness,
)
from interlock_gateway.web.server import application, attach

from support.own_rules import OwnRules
from support.stores import embedded

ROOT = Path(__file__).parents[2]
BACKEND_START = "2026-01-02T03:04:05.678901+00:00"
TERMINATE = {
    "pid": {"type": "integer", "value": 4711},
    "backend_start": {"type": "timestamptz", "value": BACKEND_START},
}
REQUEUE = "UPDATE jobs SET state = 'queued' WHERE state = :was"
_START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = bytes(range(32))

_TARGETS = """
tiers = ["production", "staging", "development"]

[target.orders]
dialect = "postgres"
tier = "production"
read = "env:ORDERS_READ"
act = "env:ORDERS_ACT"

[target.archive]
dialect = "postgres"
tier = "production"
read = "env:ARCHIVE_READ"

[target.metrics]
dialect = "prometheus"
tier = "production"
url = "https://metrics.example.com"

[target.logs]
dialect = "loki"
tier = "production"
url = "https://loki.example.com"
"""

NOTEBOOK_STEPS = {
    "activity": 'from interlock import query, params\nquery(params.db, "SELECT 1 AS one")',
    "blockers": (
        'from interlock import query, params\nquery(params.db, "SELECT :n::int AS n", n=params.n)'
    ),
    "terminate": (
        "from interlock import act, params\n"
        'act("pg.terminate_backend", target=params.db, reason="it blocks others", '
        "pid=4711, backend_start=params.since)"
    ),
    "requeue": (
        "from interlock import execute, params\n"
        "execute(params.db, \"UPDATE jobs SET state = 'queued' WHERE state = :was\", "
        'max_rows=5, reason="the worker died", was="stuck")'
    ),
    "stuck": (
        "from interlock import act, params\n"
        'act("queue.requeue_stuck", target=params.db, reason="the worker died", jobs=[])'
    ),
    "restart": (
        "from interlock import act\n"
        'act("kubernetes.restart_deployment", target="cluster", reason="it leaks", '
        'namespace="shop", name="web")'
    ),
    "vacuum": (
        "from interlock import act, params\n"
        'act("pg.vacuum", target=params.db, reason="it is bloated", schema="public", '
        "table=params.table, vacuum_count=0)"
    ),
    "pool": (
        "from interlock import params, plan\n"
        'with plan("free the pool, then feed it") as steps:\n'
        '    steps.act("pg.terminate_backend", target=params.db, pid=4711, '
        "backend_start=params.since)\n"
        "    steps.execute(params.db, \"UPDATE jobs SET state = 'queued' WHERE state = :was\", "
        'max_rows=5, reason="the worker died", was="stuck")'
    ),
    "verify": 'from interlock import query, params\nquery(params.db, "SELECT 2 AS two")',
    "errors": (
        "from interlock import params, query_metrics\n"
        'query_metrics("metrics", "sum(rate(errors_total[:window])) by (job)", start="1h", '
        "window=params.window)"
    ),
    "lines": (
        "from interlock import params, query_logs\n"
        'query_logs("logs", "{app=:app} |= :word", start="1h", app=params.since, word="x")'
    ),
}


_STEPS = {
    "terminate": {
        "kind": "action",
        "effect": "admin",
        "verify": "verify",
        "undo": "Cannot be undone.",
    },
    "stuck": {
        "kind": "action",
        "effect": "write",
        "verify": "verify",
        "undo": "Queued jobs can be set back by hand.",
    },
    "restart": {
        "kind": "action",
        "effect": "write",
        "verify": "verify",
        "undo": "Cannot be undone.",
    },
    "vacuum": {
        "kind": "action",
        "effect": "admin",
        "verify": "verify",
        "undo": "Nothing to undo.",
    },
    "requeue": {
        "kind": "action",
        "effect": "write",
        "verify": "verify",
        "undo": "Set the state back by hand.",
    },
    "pool": {
        "kind": "action",
        "effect": "admin",
        "verify": "verify",
        "undo": "Set the state back by hand.",
    },
    "verify": {"kind": "verify"},
}


@dataclass(slots=True)
class HandClock:
    """A clock that only moves when it is told to."""

    at: datetime = _START

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.at

    def monotonic(self) -> float:
        """Return the seconds since it was made."""
        return (self.at - _START).total_seconds()

    def pass_time(self, **span: float) -> None:
        """Move it on."""
        self.at += timedelta(**span)


@dataclass(slots=True)
class ObedientMetrics:
    """Answers questions about metrics as the test says, and remembers what it was sent."""

    answer: Callable[[Evaluation], Rows] = field(default_factory=lambda: one_sample)
    asked: list[Evaluation] = field(default_factory=list)
    limits: list[Limits] = field(default_factory=list)

    async def evaluate(self, _target: Target, asked: Evaluation, limits: Limits) -> Rows:
        """Remember the question and answer it."""
        self.asked.append(asked)
        self.limits.append(limits)
        return self.answer(asked)

    async def aclose(self) -> None:
        """Close nothing."""


@dataclass(slots=True)
class ObedientLogs(ObedientMetrics):
    """Answers questions about logs as the test says, and remembers what it was sent."""

    found: Callable[[Search], Rows] = field(default_factory=lambda: one_line)
    searched: list[Search] = field(default_factory=list)

    async def search(self, _target: Target, asked: Search, limits: Limits) -> Rows:
        """Remember the question and answer it."""
        self.searched.append(asked)
        self.limits.append(limits)
        return self.found(asked)


def one_line(asked: Search) -> Rows:
    """Answer with one line."""
    names = (("time", "timestamptz"), ("at", "text"), ("app", "text"), ("line", "text"))
    at = f"{asked.start:%Y-%m-%dT%H:%M:%S}.000000001Z"
    row = (asked.start.isoformat(), at, "api", "error: \x1b[2J")
    return Rows(tuple(Column(*one) for one in names), (row,), elapsed_ms=1.0)


def one_sample(asked: Evaluation) -> Rows:
    """Answer with one series that has one sample."""
    columns = (Column("time", "timestamptz"), Column("job", "text"), Column("value", "number"))
    return Rows(columns, ((asked.end.isoformat(), "api", 1.5),), elapsed_ms=1.0)


@dataclass(slots=True)
class ObedientTarget:
    """Answers reads and does deeds as the test says, and remembers what it was sent.

    While `held` is an event that is not set, a deed has begun and does not end.
    """

    answer: Callable[[Statement], Rows] = field(default_factory=lambda: one_row)
    deed: Callable[[Deed], Rows] = lambda _: Rows((Column("ok", "boolean"),), ((True,),))
    reads: list[str] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    held: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    names: Catalogue | None = None
    asked_for_names: int = 0
    silent: str = ""
    before: Callable[[Deed], Before | None] = lambda _: None
    transaction: dict[str, str] = field(default_factory=dict)
    proof: Callable[[], Proof] = lambda: Proof(Became.UNTOLD, "Nobody knows.")
    asked_for_proof: list[Mapping[str, str]] = field(default_factory=list)
    metrics: ObedientMetrics = field(default_factory=ObedientMetrics)
    logs: ObedientLogs = field(default_factory=ObedientLogs)

    async def catalogue(self, target: Target, *, fresh: bool = False) -> Catalogue | None:  # noqa: ARG002  the port's signature
        """Tell what the names mean, or why not; without `names`, as an engine that needs none."""
        self.asked_for_names += 1
        if self.silent:
            raise TargetError("target-unreachable", self.silent)
        return self.names and with_masks(self.names, target.masked)

    async def read(
        self, _target: Target, statement: Statement, _values: Mapping[str, Any], _limits: Limits
    ) -> Rows:
        """Remember the statement and answer it."""
        self.reads.append(statement.text)
        return self.answer(statement)

    async def act(self, _target: Target, deed: Deed, _limits: Limits, witness: Witness) -> Rows:
        """Remember the deed, have it kept, and do it; `deed` says what comes of its COMMIT."""
        self.deeds.append(deed)
        self.begun.set()
        if self.held is not None:
            await self.held.wait()
        await witness.before_commit(Prepared(deed.rows, self.before(deed), self.transaction))
        return self.deed(deed)

    async def became(self, _target: Target, transaction: Mapping[str, str]) -> Proof:
        """Remember that it was asked, and answer as the test says."""
        self.asked_for_proof.append(transaction)
        return self.proof()

    async def aclose(self) -> None:
        """Close nothing."""


def one_row(statement: Statement) -> Rows:
    """Answer with one row, and with none to the verify query of `pg.terminate_backend`."""
    none = statement.text.startswith("SELECT pid FROM pg_stat_activity WHERE")
    return Rows((Column("n", "integer"),), () if none else ((1,),), elapsed_ms=1.0)


@dataclass(slots=True)
class Someone:
    """A person or a run at the API: every method is one request."""

    http: httpx.AsyncClient
    token: str

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """Send one request and return the response as it is."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        content = None if body is None else json.dumps(body)  # half surrogates and all
        kind = {"Content-Type": "application/json"}
        return await self.http.request(
            method, path, content=content, params=query, headers=headers | kind
        )

    async def get(self, path: str, **query: Any) -> Any:
        """Return the answer of a GET that must succeed."""
        return _good(await self.call("GET", path, **query))

    async def post(self, path: str, body: Any = None) -> Any:
        """Return the answer of a POST that must succeed."""
        return _good(await self.call("POST", path, body if body is not None else {}))

    async def refused(self, path: str, body: Any = None) -> str:
        """Return the code with which a POST is refused."""
        response = await self.call("POST", path, body if body is not None else {})
        assert response.is_error, response.text
        problem = response.json()
        assert problem["detail"]
        assert problem["help"]
        return str(problem["code"])

    async def declares(self, title: str = "Checkout stalls", severity: str = "sev2") -> str:
        """Declare an incident and return its id."""
        body = {"title": title, "severity": severity}
        return str((await self.post("/v1/incidents", body))["id"])

    async def runs(self, incident: str, runbook: str = "", **more: Any) -> "RunAt":
        """Start a run and return it at the API."""
        body = {"incident": incident, "runbook": runbook, **more}
        answer = await self.post("/v1/runs", body)
        return RunAt(self.http, answer["token"], answer["run"]["id"])

    async def prompt(self, approval: str) -> dict[str, Any]:
        """Open an approval request and return what it says."""
        return dict(await self.get(f"/v1/approvals/{approval}"))

    async def vote(self, approval: str, vote: str = "approve", **more: Any) -> httpx.Response:
        """Read an approval request and vote on exactly what it says."""
        seen = await self.prompt(approval)
        body = {
            "vote": vote,
            "proposal_digest": seen["proposal_digest"],
            "prompt_digest": seen["prompt_digest"],
            "reason": "looks right" if vote == "approve" else "not now",
            **more,
        }
        return await self.call("POST", f"/v1/approvals/{approval}/votes", body)


@dataclass(slots=True)
class RunAt(Someone):
    """A run's token at the API."""

    id: str = ""

    async def starts(self, step: str, source: str = "") -> int:
        """Start a step and return its attempt."""
        source = source or NOTEBOOK_STEPS.get(step, "pass")
        path = f"/v1/runs/{self.id}/steps/{step}/start"
        return int((await self.post(path, {"source": source}))["attempt"])

    def place(self, step: str, ordinal: int = 0, attempt: int = 1) -> dict[str, Any]:
        """Return where a call is made."""
        return {"run": self.id, "step": step, "attempt": attempt, "ordinal": ordinal}

    def asks(self, sql: str, step: str = "look", ordinal: int = 0, **more: Any) -> dict[str, Any]:
        """Return the body of a query."""
        return {**self.place(step, ordinal), "target": "orders", "sql": sql, **more}

    def wishes(self, step: str = "terminate", ordinal: int = 0, **more: Any) -> dict[str, Any]:
        """Return the body of a request to end the blocking session."""
        wish = {"action": "pg.terminate_backend", "target": "orders", "args": TERMINATE}
        return {**self.place(step, ordinal), **wish, "reason": "it blocks others", **more}

    def mutates(self, **more: Any) -> dict[str, Any]:
        """Return the body of a request to requeue stuck jobs."""
        return {
            **self.place("requeue"),
            "target": "orders",
            "sql": REQUEUE,
            "params": {"was": {"type": "text", "value": "stuck"}},
            "max_rows": 5,
            "reason": "the worker died",
            **more,
        }


@dataclass(slots=True)
class House:
    """Everything a test of the gateway may want to touch."""

    app: FastAPI
    gateway: Gateway
    store: SqlStore
    clock: HandClock
    target: ObedientTarget
    policies: PolicyFolder
    folder: Path

    async def login(self, person: str) -> Someone:
        """Log somebody in and return them at the API."""
        code = SystemRandomness().code()
        codes = LocalCodes(self.folder / "codes")
        codes.write(Person(person, person.title()), code, self.clock.now())
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://gateway.test"
        )
        token = _good(await http.post("/v1/login", json={"code": code}))["token"]
        return Someone(http, token)

    async def timeline(self, incident: str) -> list[dict[str, Any]]:
        """Return the bodies of an incident's events."""
        events = await self.store.read(lambda tx: tx.events(incident))
        return [json.loads(event.body) for event in events]

    async def kinds(self, incident: str) -> list[str]:
        """Return the types of an incident's events."""
        return [event["type"] for event in await self.timeline(incident)]


@asynccontextmanager
async def house(  # noqa: PLR0913  each is one way in which a test's gateway differs
    folder: Path,
    store_url: str = "",
    clock: HandClock | None = None,
    *,
    more_targets: str = "",
    doors: Targets | None = None,
    steward_role: str = "sre",
    anchors: Sequence[Anchor] = (),
    scanner: SecretScanner | None = None,
) -> AsyncIterator[House]:
    """Open a gateway over a folder; opening it again is what a restart is.

    Args:
        folder: where everything is.
        store_url: the store, if not the embedded one.
        clock: what time it is.
        more_targets: text at the end of targets.toml, when the folder is new.
        doors: real adapters in place of the obedient target.
        scanner: what looks for secrets, if not our own rules alone.
        steward_role: whose people run the gateway: `you` is an sre in the shipped policies.
        anchors: where checkpoints are laid down.
    """
    clock = clock or HandClock()
    _furnish(folder, more_targets)
    random, meter = SystemRandomness(), PrometheusMeter()
    policies, target = PolicyFolder(folder / "policies"), ObedientTarget()
    url = store_url or f"sqlite:///{embedded(folder / 'store.db')}"
    redaction = Redaction(Watched(), scanner or OwnRules(), meter)
    keys = LogKeys(folder / "log-keys")
    store = open_store(url, clock, random.identifier, random_bytes, keys, redaction)
    gateway = assemble(
        Ports(
            store=store,
            policy=policies,
            guard=SqlGuard(target, Classifier()),
            reader=RedactedReader(doors or target, redaction),
            actor=RedactedActor(doors or target, redaction),
            metrics=RedactedMetrics(target.metrics, redaction),
            logs=RedactedLogs(target.logs, redaction),
            seal=KeySeal(KEY),
            tokens=SignedRunTokens(KEY),
            codes=LocalCodes(folder / "codes"),
            library=FolderShelf(folder / "runbooks"),
            templates=TemplateFolder(folder / "exports"),
            clock=clock,
            randomness=random,
            meter=meter,
            pacing=Pacing(clock),
            signer=keys,
            anchors=anchors,
            redaction=redaction,
        ),
        steward_role=steward_role,
    )
    app = _IDLE.pop() if _IDLE else application()
    attach(app, gateway, meter.exposition)
    try:
        yield House(app, gateway, store, clock, target, policies, folder)
    finally:
        await gateway.execution.drain()
        await store.aclose()
        _IDLE.append(app)


_IDLE: list[FastAPI] = []
"""Applications that serve nobody any more: to build their routes takes half of a test's time."""


def _furnish(folder: Path, more_targets: str) -> None:
    """Put the shipped policies and a small curated runbook into the folder, once."""
    if (folder / "policies").exists():
        return
    for source in (ROOT / "policies").rglob("*"):
        if source.is_file() and source.name not in ("cases.toml", "matrix.txt"):
            goal = folder / "policies" / source.relative_to(ROOT / "policies")
            goal.parent.mkdir(parents=True, exist_ok=True)
            goal.write_bytes(source.read_bytes())
    (folder / "policies" / "targets.toml").write_text(_TARGETS + more_targets)
    curated = folder / "runbooks" / "postgres" / "small.ipynb"
    curated.parent.mkdir(parents=True)
    curated.write_text(small_runbook())


def small_runbook() -> str:
    """Return a curated runbook whose steps are `NOTEBOOK_STEPS`."""
    notebook = json.loads((ROOT / "runbooks/postgres/pg-lock-contention.ipynb").read_text())
    notebook["metadata"]["runbook"] |= {
        "id": "small",
        "actions": [
            *("pg.terminate_backend", "pg.vacuum", "queue.requeue_stuck"),
            "kubernetes.restart_deployment",
        ],
        "params": {
            "db": {"type": "target", "default": "orders", "help": "Where to look."},
            "n": {"type": "integer", "default": 1, "min": 1, "max": 9, "help": "How many."},
            "window": {"type": "duration", "default": "5m", "help": "How wide."},
            "table": {"type": "string", "default": "jobs", "help": "Which table."},
            "since": {"type": "string", "default": "", "help": "When it began."},
        },
    }
    notebook["metadata"]["runbook"]["targets"] += [
        {"target": "metrics", "dialect": "prometheus"},
        {"target": "logs", "dialect": "loki"},
        {"target": "cluster", "dialect": "kubernetes"},
    ]
    notebook["cells"] = [cell for name in NOTEBOOK_STEPS for cell in _step_cells(name)]
    return canonical_text(json.dumps(notebook))


def _step_cells(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    step = {"kind": "query", "title": name.title()} | _STEPS.get(name, {})
    prose = {"cell_type": "markdown", "id": f"about-{name}", "metadata": {}}
    code: dict[str, Any] = {
        "cell_type": "code",
        "id": name,
        "metadata": {"step": step},
        "outputs": [],
        "execution_count": None,
    }
    return {**prose, "source": "Look, then act."}, {**code, "source": NOTEBOOK_STEPS[name]}


def _good(response: httpx.Response) -> Any:
    assert not response.is_error, f"{response.status_code}: {response.text}"
    return response.json()
