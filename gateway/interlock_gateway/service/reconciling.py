"""What became of deeds with an unknown outcome, where that can be proven; never by a guess.

Proven are three things. A target that keeps a list of its transactions says what became of one. A
deed that was never recorded as prepared was never committed: COMMIT is sent after that alone. And
a verify query that did not hold right before the deed and holds soon after it shows that it was
done; one that does not hold proves nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.approval import ApprovalState, Proposal
from interlock_gateway.core.model import Dialect, Effect, Target
from interlock_gateway.service.approvals import opened
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.keeping import UNCOUNTED, sealed_as
from interlock_gateway.service.outcomes import Proven, as_expected, record_proven
from interlock_gateway.service.ports import (
    Clock,
    ConflictError,
    Meter,
    PolicySource,
    Reading,
    Seal,
    Store,
    Transaction,
)
from interlock_gateway.service.proving import HOLDS_NOW
from interlock_gateway.service.records import ApprovalRow, DeedRow
from interlock_gateway.service.targets import (
    Actor,
    Became,
    Expect,
    Proof,
    Reader,
    TargetError,
)
from interlock_gateway.service.uses import asked

_SOON_S, _LATEST_S = 1.0, 60.0
_SOON_AFTER = timedelta(minutes=15)
_SETTLED_S = 600.0
"""Seconds after which it is asked again what a target could not tell: a failover may end."""

_ROLLS_BACK = (Dialect.POSTGRES, Dialect.SQLITE, Dialect.DUCKDB)
"""Engines in which all that a statement changes is in its transaction."""

_NEVER_SENT = "It was never recorded as prepared, and only then is COMMIT sent: it did not last."


@dataclass(frozen=True, slots=True)
class _Next:
    """When a deed is looked at again, by the monotonic clock, and how long it waited last."""

    at: float
    after_s: float


class Reconciling:
    """Proves unknown outcomes, again and again until that is done or a person resolves them."""

    def __init__(  # noqa: PLR0913, PLR0917  one argument per port
        self,
        store: Store,
        policy: PolicySource,
        reader: Reader,
        actor: Actor,
        seal: Seal,
        clock: Clock,
        meter: Meter,
        bell: Bell,
    ) -> None:
        self._store = store
        self._policy = policy
        self._reader = reader
        self._actor = actor
        self._seal = seal
        self._clock = clock
        self._meter = meter
        self._bell = bell
        self._next: dict[str, _Next] = {}

    async def prove(self) -> int:
        """Try what is due, and return how many outcomes were proven."""
        waiting = await self._store.read(_unknown)
        self._next = {row.id: self._next[row.id] for row, _ in waiting if row.id in self._next}
        now = self._clock.monotonic()
        due = [one for one in waiting if self._due(one[0].id) <= now]
        return sum([await self._try(row, deed) for row, deed in due])

    def _due(self, approval: str) -> float:
        return self._next[approval].at if approval in self._next else 0.0

    async def _try(self, row: ApprovalRow, deed: DeedRow) -> bool:
        try:
            proof = await self._proof(row, deed)
        except (TargetError, InterlockError):
            self._later(row.id)
            return False
        match proof.became:
            case Became.COMMITTED | Became.ROLLED_BACK:
                return await self._write(row, deed, proof)
            case Became.OPEN:
                self._later(row.id)
            case Became.UNTOLD:
                self._next[row.id] = _Next(self._clock.monotonic() + _SETTLED_S, _LATEST_S)
        return False

    def _later(self, approval: str) -> None:
        known = self._next.get(approval)
        after = min(2 * known.after_s, _LATEST_S) if known else _SOON_S
        self._next[approval] = _Next(self._clock.monotonic() + after, after)

    async def _proof(self, row: ApprovalRow, deed: DeedRow) -> Proof:
        proposal = opened(self._seal, row)
        proof = await self._by_its_transaction(proposal, deed)
        if proof.became is Became.UNTOLD and deed.provable:
            return await self._by_its_verify(proposal, deed)
        return proof

    async def _by_its_verify(self, proposal: Proposal, deed: DeedRow) -> Proof:
        """Ask the verify query for a while; later, what it asks may hold for another reason."""
        if self._clock.now() - deed.begun_at > _SOON_AFTER:
            return Proof(Became.UNTOLD, "Its verify query was asked for long enough.")
        target, check = self._target(proposal.target), proposal.verify
        rows = await asked(self._reader, target, proposal, check)
        if as_expected(rows, check["expect"]):
            return Proof(Became.COMMITTED, f"{HOLDS_NOW}: it expects {check['expect']}.")
        return Proof(Became.OPEN, "Its verify query does not hold yet.")

    async def _by_its_transaction(self, proposal: Proposal, deed: DeedRow) -> Proof:
        if deed.prepared_at is None:
            known = _is_all_in_its_transaction(proposal)
            became = Became.ROLLED_BACK if known else Became.UNTOLD
            return Proof(became, _NEVER_SENT if known else "It may have acted before.")
        target = self._target(proposal.target)
        proof = await self._actor.became(target, json.loads(deed.transaction))
        if proof.became is Became.ROLLED_BACK and not _is_all_in_its_transaction(proposal):
            return Proof(Became.UNTOLD, "It was rolled back, but a signal is not.")
        return proof

    def _target(self, name: str) -> Target:
        target = self._policy.current.targets.get(name)
        if target is None:
            raise refusal("unknown-target", f"There is no target {name} any more.")
        return target

    async def _write(self, row: ApprovalRow, deed: DeedRow, proof: Proof) -> bool:
        """Record what is proven, unless a person or another gateway was first."""
        committed = proof.became is Became.COMMITTED
        undo = self._undo(deed) if committed else ""
        affected = None if deed.affected == UNCOUNTED else deed.affected
        proven = Proven(committed, proof.words, affected, deed.event, undo)

        def unit(tx: Transaction) -> bool:
            now = tx.get(ApprovalRow, row.id)
            if now is None or now.state != ApprovalState.OUTCOME_UNKNOWN.value:
                return False
            record_proven(tx, now, proven)
            return True

        try:
            written = await self._store.commit(unit)
        except ConflictError:
            return False
        if written:
            outcome = "proven_succeeded" if committed else "proven_failed"
            self._meter.count("actions", outcome=outcome)
            self._bell.ring(row.id)
        return written

    def _undo(self, deed: DeedRow) -> str:
        try:
            sealed = self._seal.open(deed.undo, sealed_as(deed.approval)) if deed.undo else b""
        except ValueError:
            return ""  # what was changed in the store is not offered
        return sealed.decode()


def _is_all_in_its_transaction(proposal: Proposal) -> bool:
    """Tell whether nothing of a deed is left once its transaction is rolled back."""
    changes = proposal.effect in {Effect.WRITE.value, Effect.DDL.value}
    rolls_back = proposal.dialect in _ROLLS_BACK
    return changes and rolls_back and not Expect(proposal.expect).signals


def _unknown(tx: Reading) -> Sequence[tuple[Any, Any]]:
    """Return each deed with an unknown outcome; those of an earlier version have no row."""
    rows = tx.rows(ApprovalRow, state=ApprovalState.OUTCOME_UNKNOWN.value, order="id")
    found = [(row, tx.get(DeedRow, row.id)) for row in rows]
    return [(row, deed) for row, deed in found if deed is not None]
