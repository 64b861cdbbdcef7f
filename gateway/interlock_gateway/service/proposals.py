"""From a wish to change something to a question for approvers.

Nothing mutating runs here: the preview and the precheck are proven reads under the read login.
The intent is durable before the target is touched, and the proposal before anybody is asked.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from interlock.errors import InterlockError, problem_from_error, refusal

from interlock_gateway.core.action import Action
from interlock_gateway.core.decision import (
    AwaitApproval,
    Decision,
    Deny,
    Facts,
    Permit,
    Request,
    decide,
)
from interlock_gateway.core.limits import narrowed
from interlock_gateway.core.model import Limits, Rows, Statement
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.statement import shown_words
from interlock_gateway.service import exchanges, refusing
from interlock_gateway.service.asking import given_up, intended, row_of, write
from interlock_gateway.service.basis import Basis
from interlock_gateway.service.calls import (
    AWAITING,
    FAILED,
    STARTED,
    Scene,
    delivered,
    denial,
    deny,
    must_own,
    open_call,
    recorded,
    scene,
)
from interlock_gateway.service.closing import tell
from interlock_gateway.service.designs import Designer
from interlock_gateway.service.drafting import Ready, drafted
from interlock_gateway.service.exchanges import Asking, Exchanges
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.pacing import Pacing
from interlock_gateway.service.planned import planned, take_up
from interlock_gateway.service.ports import (
    Clock,
    Meter,
    PolicySource,
    Randomness,
    Seal,
    Store,
    Transaction,
)
from interlock_gateway.service.records import CallRow
from interlock_gateway.service.redaction import Redaction
from interlock_gateway.service.rehearsal import previewed
from interlock_gateway.service.repeats import not_twice, too_often
from interlock_gateway.service.runs import PREVIEW
from interlock_gateway.service.targets import Expect, Reader, TargetError
from interlock_gateway.service.wishes import Wish, check, listed

_PREVIEW = Limits(rows=20, bytes=64 * 1024, seconds=10.0)


class Proposals:
    """Turns wishes into approval requests."""

    def __init__(  # noqa: PLR0913, PLR0917  one argument per port
        self,
        store: Store,
        policy: PolicySource,
        designer: Designer,
        reader: Reader,
        seal: Seal,
        clock: Clock,
        randomness: Randomness,
        meter: Meter,
        pacing: Pacing,
        redaction: Redaction,
    ) -> None:
        self._redaction = redaction
        self._store = store
        self._policy = policy
        self._designer = designer
        self._reader = reader
        self._exchanges = Exchanges(reader)
        self._seal = seal
        self._clock = clock
        self._randomness = randomness
        self._meter = meter
        self._pacing = pacing

    async def ask(self, who: Principal, wish: Wish) -> tuple[str, dict[str, Any] | None]:
        """Return (approval id, outcome): the outcome is there when it was carried out already.

        In a dry run there is no approval: the outcome says what approvers would have seen.

        Raises:
            InterlockError: refused; it is in the timeline, and nothing ran.
        """
        must_own(who, wish.site)
        check(wish)
        self.must_hold_no_secret(wish)
        found = await self._store.glance(lambda tx: scene(tx, wish.site, self._clock.now()))
        known = recorded(found.call, wish.digest)
        if known is not None:
            return known.approval, again(known)
        if taken := await self._taken_up(who, wish, found):
            return taken, None
        basis = Basis(found)
        try:
            policy = self._policy.current
            async with self._pacing.caller(policy.callers, found.run.requester, found.run.id):
                ready = await self.admit(wish, basis, policy)
        except InterlockError as error:
            refused, asked = error, wish.asked_on(basis.data)  # the name ends with the block
            await self._store.commit(lambda tx: deny(tx, who, found, wish.site, refused, asked))
            raise
        event = await self._store.commit(lambda tx: _requested(tx, who, ready))
        try:
            seen, preview = await self.look(ready)
            if found.run.actions == PREVIEW:
                return "", await self._rehearse(who, seen, event, preview)
            return await self._propose(who, seen, event, preview), None
        except InterlockError as error:
            failed = error
            await self._store.commit(lambda tx: _abandoned(tx, who, ready, event, failed))
            raise

    def must_hold_no_secret(self, wish: Wish) -> None:
        """Refuse a wish that holds a credential of this gateway's own: every approver reads it.

        Raises:
            InterlockError: `holds-secret`; it names the target and repeats nothing.
        """
        if self._redaction.holds_known([wish.sql, dict(wish.args), wish.reason]):
            message = f"What is wanted of {wish.target} holds a credential of the gateway's own."
            raise refusal("holds-secret", message)

    async def _taken_up(self, who: Principal, wish: Wish, found: Scene) -> str:
        """Return the approval that a plan of this run has asked for already; "" without one."""
        if await self._store.glance(lambda tx: planned(tx, found, wish)) is None:
            return ""
        return await self._store.commit(lambda tx: take_up(tx, who, wish))

    async def admit(self, wish: Wish, basis: Basis, policy: Policy) -> Ready:
        """Return a wish that policy lets people decide about, or refuse it; nothing is read."""
        ready = await self._admit(wish, basis, policy)
        if ready.action is None:
            await self._admit_there(ready, policy)
        return ready

    async def _admit(self, wish: Wish, basis: Basis, policy: Policy) -> Ready:
        found = basis.found
        target = policy.targets.get(wish.target)
        action = policy.actions.get(wish.action)
        statement, operation = await self._designer.operation(wish, action, target)
        facts = found.facts(target, in_manifest=listed(found, wish))
        request = Request(found.run.requester, operation, wish.target)
        decision = self._awaited(request, policy, facts, statement, basis)
        _somebody_can(policy, decision, request.person)
        if target is None or statement is None:
            raise refusal("internal", "A decision was reached without a target or statement.")
        if action is not None and action.over_http:
            design = exchanges.designed(action, wish, statement)
        elif action is not None:
            design = await self._designer.of_action(action, wish, statement)
        else:
            design = await self._designer.of_free_sql(wish, statement, decision.rule)
        return Ready(wish, basis, target, design, decision, action)

    async def _admit_there(self, ready: Ready, policy: Policy) -> None:
        """Decide once more about free SQL, given what the names in it mean at the target."""
        wish, found = ready.wish, ready.found
        operation = await self._designer.at_target(ready.target, wish, ready.design)
        facts = found.facts(ready.target, in_manifest=listed(found, wish))
        request = Request(found.run.requester, operation, wish.target)
        self._awaited(request, policy, facts, ready.design.statement, ready.basis)

    def _awaited(
        self,
        request: Request,
        policy: Policy,
        facts: Facts,
        statement: Statement | None,
        basis: Basis,
    ) -> AwaitApproval:
        decision = decide(request, policy, facts)
        basis.note(request, decision, policy)
        try:
            return awaited(decision, self._meter)
        except InterlockError as error:
            raise refusing.shown(error, request, statement, policy) from None

    async def look(self, ready: Ready) -> tuple[Ready, dict[str, Any]]:
        """Return what reads show now: how many rows would change, and some of them."""
        design = ready.design
        try:
            if ready.action is not None and ready.action.over_http:
                return await self._look_over_http(ready, ready.action)
            if design.precheck is not None:
                _must_hold(await self._read(ready, design.precheck.statement))
            preview: dict[str, Any] = {"note": design.note} if design.note else {}
            if design.expect is Expect.ROW_COUNT:
                counted = await self._read(ready, design.count) if design.count else None
                preview["count"] = int(counted.rows[0][0]) if counted else design.rows
            if design.sample is not None:
                preview |= _sampled(await self._read(ready, design.sample))
        except TargetError as error:
            known = error.code == "precondition-failed"
            words = shown_words(ready.target, None, error.code, str(error))
            raise refusal(error.code if known else "preview-failed", words) from error
        return ready, preview

    async def _look_over_http(self, ready: Ready, action: Action) -> tuple[Ready, dict[str, Any]]:
        """Look as an action's requests say; only then is it known what would be sent."""
        run, wish, token = ready.found.run, ready.wish, self._randomness.secret()
        asking = Asking(run.incident, run.requester, wish.reason, self._clock.now(), token)
        design, preview = await self._exchanges.looked(
            ready.target, action, ready.design, wish, asking
        )
        return replace(ready, design=design), preview

    async def _read(self, ready: Ready, statement: Statement) -> Rows:
        values = {name: ready.wish.args[name] for name in statement.names}
        limits = narrowed(
            ready.target.limits, rows=_PREVIEW.rows, size=_PREVIEW.bytes, seconds=_PREVIEW.seconds
        )
        rows = await self._reader.read(ready.target, statement, values, limits)
        return await self._designer.shown(ready.target, statement, rows)

    async def _rehearse(
        self, who: Principal, ready: Ready, event: str, preview: dict[str, Any]
    ) -> dict[str, Any]:
        """Refuse what would be refused, and return what approvers would be shown."""
        must_count(ready, preview)

        def unit(tx: Transaction) -> dict[str, Any]:
            must_not_repeat(tx, ready)
            return previewed(tx, who, ready, event, preview)

        return await self._store.commit(unit)

    async def _propose(
        self, who: Principal, ready: Ready, event: str, preview: dict[str, Any]
    ) -> str:
        must_count(ready, preview)
        nonce = self._randomness.secret()

        def unit(tx: Transaction) -> str:
            must_not_repeat(tx, ready)
            proposal = drafted(ready, preview, tx.now, nonce)
            row = row_of(ready, proposal, self._seal, tx.number("approval"), event)
            asked = write(tx, who, ready, proposal, row)
            call = open_call(
                tx,
                ready.wish.site,
                ready.wish.digest,
                row.operation,
                state=AWAITING,
                event=asked,
            )
            tx.change(call, approval=row.id)
            tell(tx, "approval.requested", row.id)
            return row.id

        return await self._store.commit(unit)


def again(known: CallRow) -> dict[str, Any] | None:
    """Return the recorded outcome of a call; None while approvers decide."""
    return {**json.loads(known.answer), "replayed": True} if known.answer else None


def must_not_repeat(tx: Transaction, ready: Ready, *, planned: int = 0) -> None:
    """Refuse what is under way already, or is used too often, `planned` uses before it counted."""
    not_twice(tx, ready.design.key)
    wish = ready.wish
    refused = too_often(tx, ready.action, wish.target, wish.site.run, planned=planned)
    if refused is not None:
        raise refused


def must_count(ready: Ready, preview: Mapping[str, Any]) -> None:
    """Refuse what would change no row, or too many."""
    count = int(preview.get("count", 0))
    if ready.design.expect is Expect.ROW_COUNT and not 1 <= count <= ready.design.max_rows:
        raise _wrong_count(ready, count)


def _somebody_can(policy: Policy, decision: AwaitApproval, requester: str) -> None:
    """Refuse now what nobody could ever approve, instead of letting it wait in vain."""
    rule = decision.rule
    if not policy.approvable(rule, requester):
        message = f"Nobody could approve this: it needs {rule.needs}, and not {requester}."
        raise refusal("no-approvers", message, line=rule.place)


def _wrong_count(ready: Ready, count: int) -> InterlockError:
    most = ready.design.max_rows
    place = f"actions/{ready.action.id}.toml: " if ready.action else ""
    message = f"{count:,} rows would change; 1 to {most:,} may."
    return refusal("outside-limits", message, line=f"{place}max_rows ({most:,})")


def _must_hold(rows: Rows) -> None:
    if len(rows.rows) != 1:
        message = f"The precheck expects one row and found {len(rows.rows)}: it has changed."
        raise TargetError("precondition-failed", message)


def _sampled(rows: Rows) -> dict[str, Any]:
    return {**delivered(rows), "truncated": rows.truncated}


def awaited(decision: Decision, meter: Meter) -> AwaitApproval:
    """Return the decision to wait for an approval, or raise the refusal."""
    match decision:
        case AwaitApproval():
            return decision
        case Deny():
            raise denial(decision, meter)
        case Permit():
            raise refusal("internal", "A mutation is never permitted without an approval.")


def _requested(tx: Transaction, who: Principal, ready: Ready) -> str:
    """Write the intent; if this cannot be written, not even the preview is read."""
    wish = ready.wish
    event = intended(tx, who, ready)
    open_call(tx, wish.site, wish.digest, wish.operation, state=STARTED, event=event)
    return event


def _abandoned(
    tx: Transaction, who: Principal, ready: Ready, event: str, error: InterlockError
) -> None:
    wish = ready.wish
    given_up(tx, who, ready, event, error)
    row = open_call(tx, wish.site, wish.digest, wish.operation, state=STARTED, event=event)
    tx.change(row, state=FAILED, answer=json.dumps(problem_from_error(error)).encode())
