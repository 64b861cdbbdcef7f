"""Using a grant: re-check everything, write the intent, act once, verify, write the outcome.

The stored, sealed bytes are executed by approval id; the call that asks for it carries neither
SQL nor arguments. Consuming the grant and writing `action.started` is one unit of work, so
among any number of callers exactly one acts. What has no proven outcome is `outcome_unknown`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.approval import ApprovalState, Proposal, refuse_use
from interlock_gateway.core.approval_rule import ApprovalRule
from interlock_gateway.core.decision import (
    Operation,
    Request,
    decide,
    explain,
)
from interlock_gateway.core.drill import OPERATION as DRILL
from interlock_gateway.core.model import (
    Classification,
    Effect,
    Rows,
)
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.statement import shown_rows
from interlock_gateway.core.timeline import text_part
from interlock_gateway.service.approvals import approval_of, opened, quorum
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.calls import scene
from interlock_gateway.service.closing import settle
from interlock_gateway.service.exchanges import still_there
from interlock_gateway.service.glass import still_broken
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.keeping import Change, Keeper
from interlock_gateway.service.outcomes import (
    Outcome,
    as_expected,
    event_of,
    failed,
    record,
    recorded_outcome,
    site_of,
    succeeded,
    unknown,
)
from interlock_gateway.service.planned import must_stand, used_at
from interlock_gateway.service.ports import (
    Clock,
    ConflictError,
    Guard,
    Meter,
    PolicySource,
    Reading,
    Seal,
    Store,
    StoreUnwritableError,
    Transaction,
)
from interlock_gateway.service.proposals import awaited
from interlock_gateway.service.proving import provable, proven
from interlock_gateway.service.records import ApprovalRow, DeedRow
from interlock_gateway.service.redaction import Redaction
from interlock_gateway.service.repeats import too_often
from interlock_gateway.service.targets import (
    Actor,
    Deed,
    Expect,
    OutcomeUnknownError,
    Reader,
    TargetError,
)
from interlock_gateway.service.turns import BusyError, under_way, wait_for_turn
from interlock_gateway.service.uses import (
    Use,
    asked,
    image_of,
    operation_of,
    statement_of,
    words_of,
)

_ASK_AGAIN_S, _AT_MOST_S = 0.2, 2.0


class _TargetChangedError(Exception):
    """The target's settings are others than those under which everything was checked."""


class Execution:
    """Uses grants, each at most once."""

    def __init__(  # noqa: PLR0913, PLR0917  one argument per port
        self,
        store: Store,
        policy: PolicySource,
        guard: Guard,
        reader: Reader,
        actor: Actor,
        seal: Seal,
        clock: Clock,
        meter: Meter,
        bell: Bell,
        redaction: Redaction,
    ) -> None:
        self._redaction = redaction
        self._store = store
        self._policy = policy
        self._guard = guard
        self._reader = reader
        self._actor = actor
        self._seal = seal
        self._clock = clock
        self._meter = meter
        self._bell = bell
        self._under_way: set[asyncio.Task[dict[str, Any]]] = set()

    async def execute(self, who: Principal, approval: str) -> dict[str, Any]:
        """Use the grant and return the outcome; a retry gets the recorded outcome.

        The work goes on when the caller goes away: it is its own task.

        Raises:
            InterlockError: why it was not used, or that it failed or has an unknown outcome.
        """
        task = asyncio.create_task(self._execute(who, approval), name=approval)
        self._under_way.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        """Wait until everything under way has ended."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def recover(self, older_than: timedelta) -> int:
        """Mark what nobody works on any more: a gateway stopped, or could not write its end.

        Args:
            older_than: how long the work must have been under way; zero when this process alone
                owns the store, else longer than any work of another gateway can take.
        """

        def lost(tx: Reading) -> list[ApprovalRow]:
            ours = {task.get_name() for task in tuple(self._under_way)}
            rows = tx.rows(ApprovalRow, state=ApprovalState.EXECUTING.value)
            others = [row for row in rows if row.id not in ours]
            return [row for row in others if not older_than or self._since(row) >= older_than]

        def unit(tx: Transaction) -> int:
            rows = lost(tx)
            for row in rows:
                record(tx, row, "system", unknown("Its outcome was never recorded."))
            return len(rows)

        if not await self._store.read(lost):
            return 0
        return await self._store.commit(unit)

    async def resolve(self, who: Principal, approval: str, outcome: str, reason: str) -> None:
        """Record what a person found out about an unknown outcome."""
        if outcome not in ("succeeded", "failed"):
            raise refusal("bad-request", "It either succeeded or failed; say which.")
        if not reason.strip():
            raise refusal("bad-request", "Say how you know.")

        def unit(tx: Transaction) -> None:
            row = approval_of(tx, approval)
            found = scene(tx, site_of(row), tx.now)
            commander = found.incident.commander if found.incident else None
            if who.run or who.person.id != commander:
                raise refusal("no-permission", "Only the commander may resolve this.")
            if row.state != ApprovalState.OUTCOME_UNKNOWN.value:
                raise refusal("approval-decided", f"{approval} is {row.state}.")
            tx.change(row, state=ApprovalState.RESOLVED.value, version=row.version + 1)
            data = {"outcome": outcome, "person": who.person.id}
            tx.append(event_of(row, who.authid, "resolved", data, {"reason": text_part(reason)}))

        await self._store.commit(unit)

    def _since(self, row: ApprovalRow) -> timedelta:
        return self._clock.now() - (row.started_at or row.requested_at)

    def _finished(self, task: "asyncio.Task[dict[str, Any]]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # it is told to whoever waits; nobody may be waiting any more

    async def _execute(self, who: Principal, approval: str) -> dict[str, Any]:
        row = await self._store.read(lambda tx: approval_of(tx, approval))
        if row.operation == DRILL:
            raise refusal("only-a-drill", f"{approval} is a drill: there is nothing to run.")
        if who.run != row.run:
            raise refusal("run-token-mismatch", f"{approval} belongs to another run.")
        if row.outcome:
            return recorded_outcome(row)
        while True:
            try:
                use = await self._taken(who, row)
                break
            except _TargetChangedError:
                continue  # another policy came into force meanwhile: everything is asked anew
            except BusyError as busy:
                await wait_for_turn(self._store, self._bell, busy)  # then everything, too
        proposal = use.proposal
        with await self._redaction.noticing(proposal.statement, dict(proposal.arguments)):
            outcome = await self._act(who, use)
            return await self._close(who, use.row, outcome)

    async def _taken(self, who: Principal, row: ApprovalRow) -> Use:
        """Check everything again, and use the grant up."""
        use = await self._ready(row)
        found = await self._proven_again(use)
        shown = await self._looked_through(use, found)
        image = await self._proven_image(use)
        can_prove = await provable(use.proposal, partial(self._ask, use))
        await self._precheck(use)
        use = replace(use, found=shown, image=image, provable=can_prove)
        return replace(use, row=await self._consume(who, use, found))

    async def _ready(self, row: ApprovalRow) -> Use:
        refused = refuse_use(ApprovalState(row.state), row.grant_expires_at, self._clock.now())
        if refused is not None:
            raise refusal(refused.code, refused.message, line=row.line)
        try:
            proposal = opened(self._seal, row)
        except InterlockError as error:
            await self._invalidate(row, error.message)
            raise
        target = self._policy.current.targets.get(proposal.target)
        same = target is not None and target.generation == proposal.generation
        if target is None or not (same and still_there(target, proposal.statement)):
            message = f"The target {proposal.target} has changed since this was approved."
            await self._invalidate(row, message)
            raise refusal("approval-invalidated", message, line="targets.toml")
        return Use(row, proposal, target)

    async def _proven_again(self, use: Use) -> Classification | None:
        """Return what free SQL does now; its names may have come to mean something that acts."""
        if use.proposal.action_digest:
            return None
        found = await self._guard.classify_at(use.target, statement_of(use.proposal))
        if found.effect is Effect.UNKNOWN:
            message = f"What it names has changed at {use.target.name}. {explain(found)}"
            await self._invalidate(use.row, message)
            raise refusal("approval-invalidated", message, line="the target's catalogue")
        return found

    async def _looked_through(
        self, use: Use, found: Classification | None
    ) -> Classification | None:
        """Return what tells which columns of the answer are masked, before anything is done."""
        if found is None and use.target.masked:
            return await self._guard.classify_at(use.target, statement_of(use.proposal))
        return found

    async def _proven_image(self, use: Use) -> Classification | None:
        """Return what tells which columns of the rows as they were are masked."""
        image = image_of(use.proposal)
        return await self._guard.classify_at(use.target, image) if image else None

    async def _precheck(self, use: Use) -> None:
        """Look once more, just before: what the action aims at must still be there."""
        check = use.proposal.precheck
        if not check:
            return
        try:
            rows = await self._ask(use, check)
        except TargetError as error:
            raise refusal(error.code, f"The precheck failed: {words_of(use, error)}") from error
        if not as_expected(rows, check["expect"]):
            message = f"The precheck expects {check['expect']} and found {len(rows.rows)} rows."
            await self._invalidate(use.row, message)
            raise refusal("approval-invalidated", message, line="precheck")

    async def _consume(
        self, who: Principal, use: Use, found: Classification | None
    ) -> ApprovalRow:
        def unit(tx: Transaction) -> ApprovalRow | InterlockError:
            policy = self._policy.current  # of this moment: it may have changed meanwhile
            row = approval_of(tx, use.row.id)
            refused = refuse_use(ApprovalState(row.state), row.grant_expires_at, tx.now)
            if refused is not None:
                return refusal(refused.code, refused.message, line=row.line)
            if (other := under_way(tx, row.target)) is not None:
                raise BusyError(other)
            often = too_often(tx, policy.actions.get(row.operation), row.target, row.run)
            if often is not None:
                return often  # the grant stays: it may be used when the time has passed
            if policy.targets.get(row.target) not in (use.target, None):
                raise _TargetChangedError
            operation = operation_of(use.proposal, policy, found)
            wrong = self._still_allowed(tx, row, use.proposal, policy, operation)
            if wrong is not None:
                settle(tx, row, ApprovalState.INVALIDATED, "system", reason=wrong.message)
                return refusal("approval-invalidated", wrong.message, line=wrong.line)
            changed = tx.change(
                row,
                state=ApprovalState.EXECUTING.value,
                version=row.version + 1,
                started_at=tx.now,
            )
            tx.add(DeedRow(row.id, row.target, tx.now, provable=int(use.provable)))
            tx.append(event_of(row, who.authid, "started", {"proposal_digest": row.digest}, {}))
            return changed

        try:
            consumed = await self._store.commit(unit)
        except ConflictError:
            raise refusal("approval-used", f"{use.row.id} was used by somebody else.") from None
        self._bell.ring(use.row.id)
        if isinstance(consumed, InterlockError):
            raise consumed
        return consumed

    def _still_allowed(
        self,
        tx: Transaction,
        row: ApprovalRow,
        proposal: Proposal,
        policy: Policy,
        operation: Operation,
    ) -> InterlockError | None:
        """Decide again, under today's policy, roles and incident."""
        found = scene(tx, used_at(tx, row), tx.now)
        target = policy.targets.get(proposal.target)
        facts = found.facts(target, in_manifest=True)
        request = Request(row.requester, operation, proposal.target)
        try:
            must_stand(tx, row)
            decision = awaited(decide(request, policy, facts), self._meter)
        except InterlockError as error:
            return error
        rule = {**decision.rule.as_json(), "needs": decision.rule.needs}
        if decision.text != proposal.line or rule != proposal.rule:
            message = "The policy line or the approval rule has changed since this was asked."
            return refusal("approval-invalidated", message, line=decision.line)
        return _still_agreed(tx, row, policy, decision.rule)

    async def _act(self, who: Principal, use: Use) -> Outcome:
        proposal = use.proposal
        statement = statement_of(proposal)
        deed = Deed(
            statement,
            proposal.values,
            Expect(proposal.expect),
            proposal.rows,
            proposal.max_rows,
            image_of(proposal),
            self._guard.table(statement) if proposal.image else (),
        )
        change = Change(use.row, who.authid, use.target, deed.statement, use.image)
        keeper = Keeper(self._store, self._seal, self._guard, change)
        began = self._clock.monotonic()
        try:
            rows = await self._actor.act(use.target, deed, use.target.limits, keeper)
        except TargetError as error:
            return failed(refusal(error.code, words_of(use, error)))
        except OutcomeUnknownError as error:
            if use.provable and use.target.endpoint is not None:  # else a transaction may tell
                return proven(use.row, str(error), await self._verify(use))
            return unknown(str(error))
        except Exception as error:  # noqa: BLE001  it was sent, perhaps: never call that a failure
            return unknown(f"The target adapter broke: {type(error).__name__}.")
        elapsed_ms = round((self._clock.monotonic() - began) * 1000, 3)
        rows = shown_rows(use.target, use.found, rows) if use.found else rows
        return succeeded(use.row, rows, elapsed_ms, await self._verify(use), keeper.kept)

    async def _verify(self, use: Use) -> dict[str, Any]:
        """Ask until what should follow has followed, or the time for it is up."""
        check = use.proposal.verify
        if not check:
            return {"verified": None, "message": "no verify query"}
        ends = self._clock.monotonic() + check["within_ms"] / 1000
        pause_s = _ASK_AGAIN_S
        while True:
            try:
                rows = await self._ask(use, check)
            except TargetError as error:
                message = f"The verify query failed: {words_of(use, error)}"
                return {"verified": False, "message": message}
            held = as_expected(rows, check["expect"])
            if held or self._clock.monotonic() >= ends:
                message = f"expected {check['expect']}, found {len(rows.rows)} rows"
                return {"verified": held, "message": message}
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _AT_MOST_S)

    async def _ask(self, use: Use, check: Mapping[str, Any]) -> Rows:
        return await asked(self._reader, use.target, use.proposal, check)

    async def _invalidate(self, row: ApprovalRow, reason: str) -> None:
        def unit(tx: Transaction) -> None:
            now = approval_of(tx, row.id)
            if now.state == ApprovalState.APPROVED.value:
                settle(tx, now, ApprovalState.INVALIDATED, "system", reason=reason)

        await self._store.commit(unit)
        self._bell.ring(row.id)

    async def _close(self, who: Principal, row: ApprovalRow, outcome: Outcome) -> dict[str, Any]:
        try:
            event = await self._store.commit(lambda tx: record(tx, row, who.authid, outcome))
        except StoreUnwritableError as error:
            raise _unrecorded(outcome) from error
        except ConflictError as error:
            message = f"{row.id} was taken for lost before it ended; see what is recorded of it."
            raise refusal("outcome-unknown", message) from error
        self._meter.count("actions", outcome=outcome.state.value)
        self._bell.ring(row.id)
        if outcome.error is not None:
            raise outcome.error
        return {**(outcome.answer or {}), "event": event}


def _still_agreed(
    tx: Transaction, row: ApprovalRow, policy: Policy, rule: ApprovalRule
) -> InterlockError | None:
    """Ask again whether the people who said yes still may: approvers, or who broke the glass."""
    if row.broken_by:
        if still_broken(tx, row, policy, rule):
            return None
        message = f"Policy no longer lets {row.broken_by} break the glass here."
    else:
        if quorum(tx, row, policy, rule):
            return None
        message = "The votes no longer suffice: somebody lost the role they voted with."
    return refusal("approval-invalidated", message, line=rule.place)


def _unrecorded(outcome: Outcome) -> InterlockError:
    """Return what is said of an outcome that the store did not take."""
    if outcome.state is ApprovalState.FAILED and outcome.error is not None:
        message = f"Nothing was changed, but that could not be recorded. {outcome.error.message}"
        return refusal("store-unwritable", message)
    return refusal("outcome-unknown", "It was done, but its outcome could not be recorded.")
