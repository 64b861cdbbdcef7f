"""Where an approval stands, in one line that an approver reads on a phone."""

import json
from collections.abc import Sequence
from typing import Any

from interlock_gateway.core.approval import ApprovalState
from interlock_gateway.core.card import clock_of, lasting, names
from interlock_gateway.core.drill import OPERATION as DRILL
from interlock_gateway.core.prompt import flat
from interlock_gateway.service.records import ApprovalRow, BreakRow, VoteRow

WAITING, GOOD, BAD, STILL = "waiting", "good", "bad", "still"
_MOST = 300

_TONES = {
    ApprovalState.PENDING: WAITING,
    ApprovalState.APPROVED: GOOD,
    ApprovalState.EXECUTING: GOOD,
    ApprovalState.SUCCEEDED: GOOD,
    ApprovalState.DENIED: BAD,
    ApprovalState.FAILED: BAD,
    ApprovalState.OUTCOME_UNKNOWN: BAD,
}


def tone(row: ApprovalRow) -> str:
    """Return the tone in which a state is told; what no approver decided is never good."""
    found = _TONES.get(ApprovalState(row.state), STILL)
    return BAD if row.broken_by and found == GOOD else found


def plan_tone(rows: Sequence[ApprovalRow]) -> str:
    """Return the tone of a plan: the worst of its members'."""
    tones = {tone(row) for row in rows}
    return next(one for one in (BAD, WAITING, STILL, GOOD) if one in tones)


def plan_standing(
    rows: Sequence[ApprovalRow], votes: Sequence[VoteRow], needs: str, eligible: Sequence[str]
) -> str:
    """Say where a plan stands: as one while all of it is decided alike, then each for itself."""
    first, *others = rows
    alike = all((row.state, row.version) == (first.state, first.version) for row in others)
    if alike and first.state in _DECIDED_WHOLE:
        return standing(first, votes, needs, eligible)
    each = "; ".join(f"{row.id}: {_alone(row, needs, eligible)}" for row in rows)
    return f"{_approved(first, votes)} {each}" if votes else each


def _alone(row: ApprovalRow, needs: str, eligible: Sequence[str]) -> str:
    """Say where one member stands, without repeating who decided on the plan."""
    if row.state in _ENDED or row.state == ApprovalState.EXPIRED.value:
        return standing(row, (), needs, eligible)
    return _then(row)


def standing(
    row: ApprovalRow,
    votes: Sequence[VoteRow],
    needs: str,
    eligible: Sequence[str],
    broken: BreakRow | None = None,
) -> str:
    """Say where an approval stands.

    Args:
        row: as it is now.
        votes: the votes on it, oldest first.
        needs: who has to approve, in the words of its rule.
        eligible: who may vote now.
        broken: who broke its glass and why, or None.
    """
    match ApprovalState(row.state):
        case ApprovalState.PENDING:
            return f"{_waits(row, needs, eligible)}{_so_far(votes)}"
        case ApprovalState.DENIED:
            return _denied(row, votes)
        case ApprovalState.EXPIRED:
            return f"Expired {_at(row)}: {flat(row.closing_reason)}. Nothing ran."
        case ApprovalState.WITHDRAWN | ApprovalState.REVOKED | ApprovalState.INVALIDATED:
            return f"{_ENDED[row.state]} {_at(row)}: {_cut(row.closing_reason)}. Nothing ran."
        case _:
            then = "Nothing ran: it is a drill." if row.operation == DRILL else _then(row)
            return f"{_broken(row, broken) if broken else _approved(row, votes)} {then}"


_DECIDED_WHOLE = frozenset(
    {
        *(ApprovalState.PENDING.value, ApprovalState.DENIED.value, ApprovalState.EXPIRED.value),
        *(ApprovalState.WITHDRAWN.value, ApprovalState.INVALIDATED.value),
    }
)

_ENDED = {
    ApprovalState.WITHDRAWN.value: "Withdrawn",
    ApprovalState.REVOKED.value: "Revoked",
    ApprovalState.INVALIDATED.value: "Void",
}


def _waits(row: ApprovalRow, needs: str, eligible: Sequence[str]) -> str:
    who = f"{names(eligible)} may decide ({needs}), not {row.requester}"
    return f"Waits until {clock_of(row.expires_at)}: {who}."


def _so_far(votes: Sequence[VoteRow]) -> str:
    if not votes:
        return ""
    told = ", ".join(f"{vote.person} ({clock_of(vote.at)})" for vote in votes)
    return f" Approved so far by {told}."


def _denied(row: ApprovalRow, votes: Sequence[VoteRow]) -> str:
    who = next((vote.person for vote in votes if vote.vote == "deny"), "somebody")
    return f"Denied by {who} · {_when(row)}: {_cut(row.closing_reason)}. Nothing ran."


def _approved(row: ApprovalRow, votes: Sequence[VoteRow]) -> str:
    people = ", ".join(vote.person for vote in votes if vote.vote == "approve")
    return f"Approved by {people} · {_when(row)}."


def _broken(row: ApprovalRow, broken: BreakRow) -> str:
    own = ", who asked for it too" if broken.person == row.requester else ""
    why = f"{_when(row)}: {_cut(broken.reason)}"
    return f"The glass was broken by {broken.person}{own} · {why}. No approver decided."


def _then(row: ApprovalRow) -> str:
    match ApprovalState(row.state):
        case ApprovalState.APPROVED:
            until = clock_of(row.grant_expires_at) if row.grant_expires_at else "it expires"
            return f"May be used once, until {until}."
        case ApprovalState.EXECUTING:
            return "Running now."
        case ApprovalState.SUCCEEDED:
            return f"Done {_ended(row)}: {_affected(row)}."
        case ApprovalState.FAILED:
            return f"Failed {_ended(row)}, proven without effect: {_message(row)}"
        case ApprovalState.OUTCOME_UNKNOWN:
            return f"Nobody knows yet what it did ({_message(row)}). It is not tried again."
        case _:
            return f"What it did was found out {_ended(row)}: {_message(row)}"


def _at(row: ApprovalRow) -> str:
    return clock_of(row.ended_at or row.decided_at or row.expires_at)


def _when(row: ApprovalRow) -> str:
    decided = row.decided_at or row.expires_at
    return f"{clock_of(decided)}, {lasting((decided - row.requested_at).total_seconds())}"


def _ended(row: ApprovalRow) -> str:
    return clock_of(row.ended_at) if row.ended_at else ""


def _affected(row: ApprovalRow) -> str:
    affected = _outcome(row).get("answer", {}).get("affected")
    if affected is None:
        return "the target confirmed it"
    return "1 row changed" if affected == 1 else f"{affected:,} rows changed"


def _message(row: ApprovalRow) -> str:
    found = _outcome(row)
    said = found.get("error", {}).get("message") or found.get("answer", {}).get("state", "done")
    return _cut(str(said))


def _outcome(row: ApprovalRow) -> dict[str, Any]:
    return dict(json.loads(row.outcome)) if row.outcome else {}


def _cut(text: str) -> str:
    shown = flat(text).rstrip(".")
    return shown if len(shown) <= _MOST else f"{shown[:_MOST]}…"
