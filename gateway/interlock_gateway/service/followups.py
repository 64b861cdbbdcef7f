"""Follow-ups: what the postmortem owes an answer to, from its opening until somebody closes it.

Some open by themselves, about a broken glass: what came of it belongs into the record, so that
one keeps its incident from being sealed. Others a person writes down. Those are work, and outlast
the incident by weeks: an open one stops nobody from sealing, or people would close it untrue. One
that is closed after the seal has its end in the deployment's own timeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from interlock.errors import refusal

from interlock_gateway.core.limits import MAX_TEXT
from interlock_gateway.core.model import Incident, IncidentRole, IncidentState
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.citing import NOTHING_TOLD, cite_all, references, texts_of
from interlock_gateway.service.closing import tell
from interlock_gateway.service.entering import Written, must_steer, written
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import (
    book_of,
    checked_text,
    incident_of,
    may_read,
    must_read,
    row_of,
)
from interlock_gateway.service.people import must_be_known
from interlock_gateway.service.ports import PolicySource, Reading, Store, Transaction
from interlock_gateway.service.records import ApprovalRow, FollowUpRow

OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True, slots=True)
class Opening:
    """What becomes a follow-up: in which incident, about which approval, whose deed, and why.

    `cause` is the event that it came of.
    """

    incident: str
    about: str
    concerns: str
    text: str
    cause: str


@dataclass(frozen=True, slots=True)
class ToDo:
    """What somebody writes down: whom it falls to (their own name, if ""), and until which day.

    `evidence` are the numbers of the events that it came of.
    """

    text: str
    owner: str = ""
    due: str = ""
    evidence: Sequence[int] = ()


def open_follow_up(tx: Transaction, who: Principal, opening: Opening) -> str:
    """Open a follow-up, owned by whoever leads the incident, and return its number."""
    number = _number(tx)
    found = incident_of(tx, opening.incident)
    owner = (found.commander if found else None) or ""
    event = tx.append(
        Draft(
            "followup.opened",
            who.authid,
            {
                "followup": number,
                "approval": opening.about,
                "concerns": opening.concerns,
                "owner": owner,
            },
            {"text": text_part(opening.text)},
            incident=opening.incident,
            subject=number,
            correlationid=opening.about,
            causationid=opening.cause,
        )
    )
    tx.add(
        FollowUpRow(
            *(number, opening.incident, opening.about, opening.concerns, owner, ""),
            *(OPEN, event, tx.now),
        )
    )
    tell(tx, "followup.opened", number)
    return number


def _number(tx: Transaction) -> str:
    return f"F-{tx.number('followup')}"


def refuse_closing(tx: Reading, policy: Policy, who: Principal, row: FollowUpRow) -> str:
    """Return why somebody may not close a follow-up, in a sentence; "" when they may.

    One that a person wrote down: its owner, the commander and every responder may. One about a
    broken glass: its commander, and whoever could have approved what it is about; nobody closes
    what their own deed opened.
    """
    person = who.person.id
    if who.run:
        return "A run cannot do this; only a person can."
    if person == row.concerns:
        return f"{row.id} is about what you did yourself; somebody else closes it."
    found = incident_of(tx, row.incident)
    if not row.about:
        mine = person == row.owner or _responds(found, person)
        return "" if mine else "Its owner closes it, or the commander or a responder."
    if _leads(found, person) or person in _approvers(tx, policy, row, found):
        return ""
    return "Its commander closes it, or somebody who could have approved what it is about."


@dataclass(frozen=True, slots=True)
class Owed:
    """A follow-up as people read it: what it says, its answer, and why one may not close it."""

    row: FollowUpRow
    text: str
    answer: str
    why_not: str


class FollowUps:
    """Opens follow-ups, lists and closes them."""

    def __init__(self, store: Store, policy: PolicySource) -> None:
        self._store = store
        self._policy = policy

    async def open(self, who: Principal, incident: str, todo: ToDo) -> Written:
        """Write down what is to be done later; the commander and responders may.

        Raises:
            InterlockError: the code says why not.
        """
        checked_text("follow-up", todo.text, least=3)
        due = _day(todo.due)

        def unit(tx: Transaction) -> tuple[str, str]:
            must_steer(tx, who, incident)
            if todo.owner:
                must_be_known(tx, self._policy.current, todo.owner)
            return _opened(tx, who, incident, replace(todo, due=due))

        event, name = await self._store.commit(unit)
        return await written(self._store, event, name)

    async def listed(self, who: Principal, incident: str) -> list[Owed]:
        """Return an incident's follow-ups, each with why `who` may not close it, or ""."""

        def question(tx: Reading) -> list[Owed]:
            policy = self._policy.current
            row_of(tx, incident)
            must_read(tx, policy, who, incident)
            rows = tx.rows(FollowUpRow, incident=incident, order="opened_at", limit=500)
            return _told(tx, policy, who, rows)

        return await self._store.read(question)

    async def everywhere(self, who: Principal, *, mine: bool, open_only: bool) -> list[Owed]:
        """Return follow-ups of all incidents that `who` may read, or owns, the oldest first.

        Where they are many, these are the latest.
        """

        def question(tx: Reading) -> list[Owed]:
            policy = self._policy.current
            wanted: dict[str, object] = {"owner": who.person.id} if mine else {}
            wanted |= {"state": OPEN} if open_only else {}
            rows = sorted(
                tx.rows(FollowUpRow, order="-opened_at", limit=_MOST, **wanted), key=_age
            )
            incidents = {row.incident for row in rows}
            seen = {one for one in incidents if may_read(tx, policy, who, one)}
            readable = [row for row in rows if row.incident in seen or row.owner == who.person.id]
            return _told(tx, policy, who, readable)

        return await self._store.read(question)

    async def close(self, who: Principal, incident: str, followup: str, answer: str) -> Owed:
        """Close a follow-up with what came of it; also after its incident was closed.

        Raises:
            InterlockError: the code says why not.
        """
        if len(answer.strip()) < _SHORTEST or len(answer) > MAX_TEXT:
            raise refusal(
                "bad-request", f"Say what came of it, in {_SHORTEST} characters or more."
            )

        def unit(tx: Transaction) -> FollowUpRow:
            policy = self._policy.current
            row_of(tx, incident)
            row = tx.get(FollowUpRow, followup)
            if row is None or row.incident != incident or row.owner != who.person.id:
                must_read(tx, policy, who, incident)
            if row is None or row.incident != incident:
                raise refusal("bad-request", f"{incident} has no follow-up {followup[:40]!r}.")
            if wrong := refuse_closing(tx, policy, who, row):
                raise refusal("no-permission", wrong)
            _must_take_it(tx, row)
            closing = _record_closing(tx, who, row, answer)
            changes = {"closed_at": tx.now, "closed_by": who.person.id, "closing": closing}
            return tx.change(row, state=CLOSED, **changes)

        row = await self._store.commit(unit)
        policy = self._policy.current
        (owed,) = await self._store.read(lambda tx: _told(tx, policy, who, [row]))
        return owed


_MOST = 500
"""Follow-ups that one list shows."""


def _age(row: FollowUpRow) -> tuple[object, ...]:
    return row.opened_at, len(row.id), row.id


def _opened(tx: Transaction, who: Principal, incident: str, todo: ToDo) -> tuple[str, str]:
    number, owner = _number(tx), todo.owner or who.person.id
    due = {"due": todo.due} if todo.due else {}
    evidence = references(cite_all(tx, incident, todo.evidence))
    event = tx.append(
        Draft(
            "followup.opened",
            who.authid,
            {"followup": number, "owner": owner, **due, **evidence},
            {"text": text_part(todo.text)},
            incident=incident,
            subject=number,
        )
    )
    row = FollowUpRow(number, incident, "", "", owner, "", OPEN, event, tx.now)
    tx.add(replace(row, due=todo.due, opened_by=who.person.id))
    return event, number


def _told(tx: Reading, policy: Policy, who: Principal, rows: Sequence[FollowUpRow]) -> list[Owed]:
    known = texts_of(tx, (event for row in rows for event in (row.event, row.closing)))
    return [
        Owed(
            row,
            row.text or known.get(row.event, NOTHING_TOLD).text(),
            row.answer or known.get(row.closing, NOTHING_TOLD).text("answer"),
            refuse_closing(tx, policy, who, row),
        )
        for row in rows
    ]


def _day(text: str) -> str:
    """Return a day as 2026-12-01, or refuse what is none; "" for no day."""
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise refusal("bad-request", f"{text[:40]!r} is no day; write 2026-12-01.") from None


_SHORTEST = 10


def _must_take_it(tx: Reading, row: FollowUpRow) -> None:
    if row.state != OPEN:
        raise refusal("incident-state", f"{row.id} is closed already, by {row.closed_by}.")
    sealed = row_of(tx, row.incident).state == IncidentState.SEALED.value
    if sealed and row.about:  # of those none is open in a sealed incident; so it stays
        raise refusal("incident-state", f"{row.incident} is sealed; nothing can be added.")


def _record_closing(tx: Transaction, who: Principal, row: FollowUpRow, answer: str) -> str:
    book = book_of(tx, row.incident)
    about = {"approval": row.about} if row.about else {}
    beside = {} if book else {"of": row.incident}
    return tx.append(
        Draft(
            "followup.closed",
            who.authid,
            {"followup": row.id, **about, "person": who.person.id, **beside},
            {"answer": text_part(answer)},
            incident=book,
            subject=row.id,
            correlationid=row.about,
            causationid=row.event,
        )
    )


def _responds(found: Incident | None, person: str) -> bool:
    runs_it = {IncidentRole.COMMANDER, IncidentRole.RESPONDER}
    return found is not None and found.roles.get(person) in runs_it


def _leads(found: Incident | None, person: str) -> bool:
    return found is not None and found.roles.get(person) is IncidentRole.COMMANDER


def _approvers(
    tx: Reading, policy: Policy, row: FollowUpRow, found: Incident | None
) -> frozenset[str]:
    approval = tx.get(ApprovalRow, row.about)
    rule = policy.rules.get(approval.rule) if approval else None
    if approval is None or rule is None:
        return frozenset()
    return policy.eligible(rule, found.roles if found else {}, approval.requester)
