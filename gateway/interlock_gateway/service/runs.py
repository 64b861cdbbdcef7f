"""Runs and steps: what a runner records from outside the kernel, and what the gateway checks."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from interlock import wire
from interlock.errors import refusal
from interlock.manifest import Manifest, compute
from interlock.runbook import Bound, Runbook, typed

from interlock_gateway.core.limits import MAX_NOTES_PER_RUN
from interlock_gateway.core.model import IncidentRole, IncidentState, Mode, Run
from interlock_gateway.core.timeline import Draft, json_part, text_part
from interlock_gateway.service.closing import end_run, lose_step
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import checked_text, incident_of
from interlock_gateway.service.notes import StepNote, note_of_step
from interlock_gateway.service.ports import Clock, Reading, RunTokens, Store, Transaction
from interlock_gateway.service.records import RunRow, StepRow
from interlock_gateway.service.redaction import Redaction
from interlock_gateway.service.step_events import (
    ENDS,
    Cell,
    StepEnd,
    checked_finding,
    step_ended,
    step_started,
)

ADHOC = "ad-hoc"
ASK, PREVIEW = "ask", "preview"
"""What becomes of the actions of a run."""

RUNNING = "running"
_STEP = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Ids of cells, as nbformat has them."""

_OUTCOMES = ("completed", "failed", "cancelled", "kernel_died")


@dataclass(frozen=True, slots=True)
class Shelved:
    """A curated runbook as the gateway holds it."""

    runbook: Runbook
    text: str
    digest: str


class Shelf(Protocol):
    """The curated runbooks this gateway serves."""

    def get(self, runbook: str) -> Shelved:
        """Return one, or raise an InterlockError with `runbook-not-found`."""
        ...


@dataclass(frozen=True, slots=True)
class RunnerFacts:
    """What a runner says of itself; `confinement` is what it really reached."""

    kind: str = "self-hosted"
    host: str = ""
    confinement: str = "unconfined"
    python: str = ""
    library: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants to run; without `runbook` it is an ad-hoc run, which may only read.

    In a dry run actions are previewed and nobody is asked for them.
    """

    incident: str
    key: str
    runbook: str = ""
    digest: str = ""
    notebook: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    runner: RunnerFacts = RunnerFacts()
    dry: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    runbook: str
    title: str
    version: str
    digest: str
    mode: Mode
    manifest: str
    manifest_digest: str
    bound: Mapping[str, Bound]


def run_of(tx: Reading, run: str) -> RunRow:
    """Return a run's row, or refuse with `run-not-found`."""
    row = tx.get(RunRow, run)
    if row is None:
        raise refusal("run-not-found", f"There is no run {run!r}.")
    return row


def as_authority(row: RunRow) -> Run:
    """Return the run as the decision sees it."""
    return Run(
        row.id,
        row.incident,
        row.runbook,
        row.version,
        row.digest,
        Mode(row.mode),
        row.requester,
        row.state == "active",
    )


def manifest_of(row: RunRow) -> Manifest | None:
    """Return what a curated run may ask for; an ad-hoc run has no manifest."""
    return _manifest(row.manifest) if row.manifest else None


@lru_cache(maxsize=256)
def _manifest(text: str) -> Manifest:
    """Read a manifest once: every call of a run asks it several times, and it never changes."""
    return Manifest.from_json(json.loads(text))


def params_of(row: RunRow) -> dict[str, dict[str, Any]]:
    """Return a run's parameters as typed values."""
    params: dict[str, dict[str, Any]] = json.loads(row.params)
    return params


class Runs:
    """Starts and ends runs, and records their steps."""

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        tokens: RunTokens,
        clock: Clock,
        redaction: Redaction,
    ) -> None:
        self._redaction = redaction
        self._store = store
        self._shelf = shelf
        self._tokens = tokens
        self._clock = clock

    async def start(self, who: Principal, order: Order) -> RunRow:
        """Start a run; the same key again returns the same run."""
        if who.run:
            raise refusal("not-a-person", "A run cannot start another; only a person can.")
        plan = self._plan(order)
        await self._must_hold_no_secret(plan)

        def unit(tx: Transaction) -> RunRow:
            known = tx.rows(RunRow, requester=who.person.id, key=order.key)
            if known:
                return _the_same(known[0], order, plan)
            _may_run(tx, who, order.incident)
            return _begin(tx, who, order, plan)

        return await self._store.commit(unit)

    async def _must_hold_no_secret(self, plan: _Plan) -> None:
        """Refuse a parameter that holds a secret: it is kept, shown and compared as it is."""
        for name, bound in plan.bound.items():
            found = (await self._redaction.masked({name: bound.typed()["value"]})).rules
            if found:
                rules = ", ".join(sorted(found))
                message = f"The parameter {name} holds a secret ({rules}); it would be kept."
                raise refusal("holds-secret", message, line=name)

    def token(self, run: RunRow) -> tuple[str, datetime]:
        """Return a fresh token for `run` and when it ends."""
        return self._tokens.issue(run.id, run.digest, self._clock.now())

    async def renew(self, who: Principal, run: str) -> tuple[str, datetime]:
        """Return a fresh token to the person who started the run."""
        row = await self._store.read(lambda tx: run_of(tx, run))
        if who.run or who.person.id != row.requester:
            raise refusal("run-token-mismatch", f"{run} was started by somebody else.")
        if row.state != "active":
            raise refusal("run-ended", f"{run} has ended.")
        return self.token(row)

    async def end(self, who: Principal, run: str, outcome: str, summary: str) -> None:
        """End a run; its open approvals are withdrawn. Ending it twice changes nothing."""
        if outcome not in _OUTCOMES:
            raise refusal("bad-request", f"An outcome is one of {', '.join(_OUTCOMES)}.")

        def unit(tx: Transaction) -> None:
            row = _own(tx, who, run)
            if row.state == "active":
                end_run(tx, row, who.authid, outcome, summary)

        await self._store.commit(unit)

    async def start_step(
        self, who: Principal, run: str, step: str, source: str, title: str
    ) -> tuple[int, str]:
        """Record that a step is about to be executed and return (attempt, event).

        For a curated run the source must be the curated cell's, to the byte.
        """
        if not _STEP.fullmatch(step):
            raise refusal("bad-request", f"{step[:40]!r} is not the id of a cell.")

        def unit(tx: Transaction) -> tuple[int, str]:
            row = _active(tx, who, run)
            kind = _checked_source(row, step, source)
            for other in tx.rows(StepRow, run=run, state=RUNNING):
                lose_step(tx, row, other, who.authid)
            attempt = tx.count(StepRow, run=run, step=step) + 1
            data = {"kind": kind, "title": title[:200]}
            event = step_started(tx, who, row, Cell(step, attempt, source), data)
            digest = wire.digest(source.encode())
            tx.add(StepRow(run, step, attempt, RUNNING, digest, event, tx.now))
            return attempt, event

        return await self._store.commit(unit)

    async def end_step(
        self, who: Principal, run: str, step: str, attempt: int, end: StepEnd
    ) -> str:
        """Record how an attempt ended and return the event."""
        if end.state not in ENDS:
            raise refusal("bad-request", f"A step ends {', '.join(ENDS)}; not {end.state!r}.")
        finding = checked_finding(end.finding)

        def unit(tx: Transaction) -> str:
            row = _own(tx, who, run)
            found = tx.get(StepRow, run, step, attempt)
            if found is not None and found.state == end.state:
                return found.event  # a transport retry: it is recorded already
            if found is None or found.state != RUNNING:
                raise refusal("no-step-running", f"{step} (attempt {attempt}) is not running.")
            told = json.dumps(finding) if finding else ""
            event = tx.append(step_ended(row, found, who, end, finding))
            tx.change(found, state=end.state, finding=told, ended_at=tx.now, event=event)
            return event

        return await self._store.commit(unit)

    async def note(self, who: Principal, run: str, note: StepNote) -> str:
        """Add a note that a step wrote, and return its event."""
        checked_text("text", note.text)

        def unit(tx: Transaction) -> str:
            row = _active(tx, who, run)
            found = tx.get(StepRow, run, note.step, note.attempt)
            if found is None or found.state != RUNNING:
                message = f"{note.step} (attempt {note.attempt}) is not running."
                raise refusal("no-step-running", message)
            if tx.number(f"notes of {run}") > MAX_NOTES_PER_RUN:
                limit = f"at most {MAX_NOTES_PER_RUN:,} notes a run"
                raise refusal("too-many-calls", f"The steps of {run} wrote too much.", line=limit)
            return note_of_step(tx, who, row, note)

        return await self._store.commit(unit)

    def _plan(self, order: Order) -> _Plan:
        if not order.runbook:
            digest = wire.digest(order.notebook.encode())
            return _Plan(ADHOC, "Ad-hoc reads", "", digest, Mode.ADHOC, "", "", {})
        if order.notebook:
            raise refusal("bad-request", "A run is either curated or of a notebook given with it.")
        shelved = self._shelf.get(order.runbook)
        runbook = shelved.runbook
        if order.digest and order.digest != shelved.digest:
            raise refusal(
                "runbook-changed",
                f"The gateway holds another text of {runbook.id} than the one you want to run.",
            )
        manifest = compute(runbook)
        return _Plan(
            runbook.id,
            runbook.title,
            runbook.version,
            shelved.digest,
            Mode.CURATED,
            json.dumps(manifest.to_json()),
            manifest.digest,
            runbook.bind(order.params, order.origins, now=self._clock.now()),
        )


def _the_same(known: RunRow, order: Order, plan: _Plan) -> RunRow:
    """Return the run that a key has started, if it is the one that is asked for again."""
    asked = (order.incident, plan.runbook, plan.digest, _actions(order))
    if (known.incident, known.runbook, known.digest, known.actions) != asked:
        message = f"The key started {known.id} already: {known.runbook} in {known.incident}."
        raise refusal("idempotency-conflict", message, line="key")
    return known


def _actions(order: Order) -> str:
    return PREVIEW if order.dry else ASK


def _begin(tx: Transaction, who: Principal, order: Order, plan: _Plan) -> RunRow:
    run_id = f"R-{tx.number('run')}"
    row = RunRow(
        id=run_id,
        incident=order.incident,
        runbook=plan.runbook,
        version=plan.version,
        digest=plan.digest,
        mode=plan.mode.value,
        requester=who.person.id,
        state="active",
        title=plan.title,
        manifest=plan.manifest,
        params=json.dumps(typed(plan.bound)),
        recorded_by=order.runner.kind,
        confinement=order.runner.confinement,
        started_at=tx.now,
        key=order.key,
        actions=_actions(order),
    )
    tx.add(row)
    tx.append(_run_started(row, who, order, plan))
    return row


def _run_started(row: RunRow, who: Principal, order: Order, plan: _Plan) -> Draft:
    params = {
        name: {**bound.typed(), "origin": bound.origin} for name, bound in plan.bound.items()
    }
    data = {
        "run": row.id,
        "runbook": row.runbook,
        "title": row.title,
        "version": row.version,
        "digest": row.digest,
        "mode": row.mode,
        "requester": row.requester,
        "recorded_by": row.recorded_by,
        "confinement": row.confinement,
        "host": order.runner.host[:200],
        "python": order.runner.python[:40],
        "library": order.runner.library[:40],
        "manifest_digest": plan.manifest_digest,
        **({"dry_run": True} if order.dry else {}),
    }
    parts = {"params": json_part(params)}
    if order.notebook:
        parts["notebook"] = text_part(order.notebook)
    return Draft(
        "run.started",
        who.authid,
        data,
        parts,
        incident=row.incident,
        subject=row.id,
        correlationid=row.id,
    )


def _may_run(tx: Reading, who: Principal, incident: str) -> None:
    found = incident_of(tx, incident)
    if found is None:
        raise refusal("incident-not-found", f"There is no incident {incident!r}.")
    if found.state is not IncidentState.OPEN:
        raise refusal("incident-closed", f"{incident} is {found.state}; nothing runs in it.")
    if found.drill:
        raise refusal("only-a-drill", f"{incident} is a drill; nothing runs in it.")
    if found.roles.get(who.person.id) not in (IncidentRole.COMMANDER, IncidentRole.RESPONDER):
        raise refusal("not-on-incident", f"{who.person.id} is not a responder of {incident}.")


def _own(tx: Reading, who: Principal, run: str) -> RunRow:
    row = run_of(tx, run)
    if who.run != run and (who.run or who.person.id != row.requester):
        raise refusal("run-token-mismatch", f"{run} is not yours.")
    return row


def _active(tx: Reading, who: Principal, run: str) -> RunRow:
    row = _own(tx, who, run)
    if row.state != "active":
        raise refusal("run-ended", f"{run} has ended ({row.outcome}).")
    return row


def _checked_source(run: RunRow, step: str, source: str) -> str:
    """Return the step's kind; refuse a curated step whose source is not the curated one."""
    manifest = manifest_of(run)
    if manifest is None:
        return ADHOC
    granted = manifest.steps.get(step)
    if granted is None:
        raise refusal("not-in-manifest", f"{run.runbook} has no step {step!r}.", line="manifest")
    if granted.source_digest != wire.digest(source.encode()):
        raise refusal(
            "not-in-manifest",
            f"The cell {step!r} is not the curated text of {run.runbook}@{run.version}.",
            line="manifest",
        )
    return granted.kind
