"""What waits for a decision and what was decided, as lists: no proposal is read for them.

A list is cut at a limit and says how many there are. Looking at one request is `Approvals.show`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from interlock_gateway.core import approval as core
from interlock_gateway.core.approval import ApprovalState
from interlock_gateway.service.ballots import ballot_of
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import may_read
from interlock_gateway.service.planned import plan_of
from interlock_gateway.service.plans import refused_on_plan
from interlock_gateway.service.ports import Clock, PolicySource, Reading, Seal, Store
from interlock_gateway.service.records import ApprovalRow, VoteRow

MOST_WAITING, MOST_LISTED = 100, 500
_MOST_DECIDED = 30
_PENDING = ApprovalState.PENDING.value
_DECIDED = tuple(state.value for state in ApprovalState if state is not ApprovalState.PENDING)


@dataclass(frozen=True, slots=True)
class Listed:
    """Approval requests as far as a list goes.

    Attributes:
        rows: those that fit and that the reader may read of.
        total: how many there are, whether or not they fit.
        cut: whether some did not fit.
    """

    rows: tuple[ApprovalRow, ...]
    total: int
    cut: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a decision: the oldest, how many more, and on which of them somebody votes.

    Attributes:
        votable: the ids of those shown, and of plans, on which the reader has a vote.
        more: how many wait that are not shown.
    """

    rows: tuple[ApprovalRow, ...] = ()
    votable: frozenset[str] = frozenset()
    more: int = 0


class Inbox:
    """Lists approval requests."""

    def __init__(self, store: Store, policy: PolicySource, seal: Seal, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._seal = seal
        self._clock = clock

    async def listed(self, who: Principal, incident: str = "", state: str = "") -> Listed:
        """Return the newest requests, of one incident or in one state if that is given."""
        where = {name: word for name, word in (("incident", incident), ("state", state)) if word}

        def question(tx: Reading) -> Listed:
            found = tx.rows(ApprovalRow, order="-requested_at", limit=MOST_LISTED, **where)
            total = tx.count(ApprovalRow, **where)
            return Listed(self._readable(tx, who, found), total, total > len(found))

        return await self._store.read(question)

    async def decided(self, who: Principal) -> tuple[ApprovalRow, ...]:
        """Return what was decided lately, the newest first."""

        def question(tx: Reading) -> tuple[ApprovalRow, ...]:
            found = tx.rows(
                ApprovalRow, state=_DECIDED, order="-requested_at", limit=_MOST_DECIDED
            )
            return self._readable(tx, who, found)

        return await self._store.read(question)

    async def waiting(self, who: Principal) -> Waiting:
        """Return what waits for a decision, the oldest first.

        One whose stored bytes were changed is left out: nobody may vote on it, and it must not
        keep the others from being seen.
        """

        def question(tx: Reading) -> Waiting:
            found = tx.rows(ApprovalRow, state=_PENDING, order="requested_at", limit=MOST_WAITING)
            rows = tuple(row for row in self._readable(tx, who, found) if self._intact(row))
            alone = {row.id for row in rows if not row.plan and self._may_vote(tx, who, row)}
            plans = {row.plan for row in rows if row.plan}
            mine = alone | {plan for plan in plans if self._may_vote_on_plan(tx, who, plan, rows)}
            return Waiting(
                rows, frozenset(mine), tx.count(ApprovalRow, state=_PENDING) - len(found)
            )

        return await self._store.read(question)

    def _readable(
        self, tx: Reading, who: Principal, rows: Sequence[ApprovalRow]
    ) -> tuple[ApprovalRow, ...]:
        policy = self._policy.current
        known = {
            incident: may_read(tx, policy, who, incident)
            for incident in {row.incident for row in rows}
        }
        return tuple(row for row in rows if known[row.incident])

    def _intact(self, row: ApprovalRow) -> bool:
        try:
            return core.digest(self._seal.open(row.sealed, row.id)) == row.digest
        except ValueError:
            return False

    def _may_vote_on_plan(
        self, tx: Reading, who: Principal, plan: str, rows: Sequence[ApprovalRow]
    ) -> bool:
        """Tell whether somebody votes on a plan; on none of which a part is not shown."""
        shown = sum(row.plan == plan for row in rows)
        whole = plan_of(tx, plan)
        refused = refused_on_plan(tx, whole, who, self._policy.current, self._clock.now())
        return shown == whole.size and refused is None

    def _may_vote(self, tx: Reading, who: Principal, row: ApprovalRow) -> bool:
        votes = tuple(tx.rows(VoteRow, approval=row.id))
        ballot = ballot_of(tx, row, votes, self._policy.current)
        now = self._clock.now()
        refused = core.refuse_vote(ballot, who.person.id, seen=row.digest, prompted=True, now=now)
        return refused is None
