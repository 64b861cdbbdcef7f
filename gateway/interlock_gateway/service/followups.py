"""Follow-ups: what the postmortem owes an answer to, from its opening until somebody closes it."""

from dataclasses import dataclass

from interlock.errors import refusal

from interlock_gateway.core.limits import MAX_TEXT
from interlock_gateway.core.model import Incident, IncidentRole, IncidentState
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.closing import tell
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import incident_of, must_read, row_of
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


def open_follow_up(tx: Transaction, who: Principal, opening: Opening) -> str:
    """Open a follow-up, owned by whoever leads the incident, and return its number."""
    number = f"F-{tx.number('followup')}"
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
            *(number, opening.incident, opening.about, opening.concerns, owner, opening.text),
            *(OPEN, event, tx.now),
        )
    )
    tell(tx, "followup.opened", number)
    return number


def refuse_closing(tx: Reading, policy: Policy, who: Principal, row: FollowUpRow) -> str:
    """Return why somebody may not close a follow-up, in a sentence; "" when they may.

    Its commander may, and whoever could have approved what it is about; nobody closes what
    their own deed opened.
    """
    person = who.person.id
    if who.run:
        return "A run cannot do this; only a person can."
    if person == row.concerns:
        return f"{row.id} is about what you did yourself; somebody else closes it."
    found = incident_of(tx, row.incident)
    if _leads(found, person) or person in _approvers(tx, policy, row, found):
        return ""
    return "Its commander closes it, or somebody who could have approved what it is about."


class FollowUps:
    """Lists follow-ups, and closes them."""

    def __init__(self, store: Store, policy: PolicySource) -> None:
        self._store = store
        self._policy = policy

    async def listed(self, who: Principal, incident: str) -> list[tuple[FollowUpRow, str]]:
        """Return an incident's follow-ups, each with why `who` may not close it, or ""."""

        def question(tx: Reading) -> list[tuple[FollowUpRow, str]]:
            policy = self._policy.current
            row_of(tx, incident)
            must_read(tx, policy, who, incident)
            rows = tx.rows(FollowUpRow, incident=incident, order="opened_at", limit=500)
            return [(row, refuse_closing(tx, policy, who, row)) for row in rows]

        return await self._store.read(question)

    async def close(self, who: Principal, incident: str, followup: str, answer: str) -> None:
        """Close a follow-up with what came of it; also after its incident was closed.

        Raises:
            InterlockError: the code says why not.
        """
        if len(answer.strip()) < _SHORTEST or len(answer) > MAX_TEXT:
            raise refusal(
                "bad-request", f"Say what came of it, in {_SHORTEST} characters or more."
            )

        def unit(tx: Transaction) -> None:
            policy = self._policy.current
            row_of(tx, incident)
            must_read(tx, policy, who, incident)
            row = tx.get(FollowUpRow, followup)
            if row is None or row.incident != incident:
                raise refusal("bad-request", f"{incident} has no follow-up {followup!r}.")
            if wrong := refuse_closing(tx, policy, who, row):
                raise refusal("no-permission", wrong)
            _must_take_it(tx, row)
            _record_closing(tx, who, row, answer)
            changes = {"closed_at": tx.now, "closed_by": who.person.id, "answer": answer}
            tx.change(row, state=CLOSED, **changes)

        await self._store.commit(unit)


_SHORTEST = 10


def _must_take_it(tx: Reading, row: FollowUpRow) -> None:
    if row.state != OPEN:
        raise refusal("incident-state", f"{row.id} is closed already, by {row.closed_by}.")
    if row_of(tx, row.incident).state == IncidentState.SEALED.value:
        raise refusal("incident-state", f"{row.incident} is sealed; nothing can be added.")


def _record_closing(tx: Transaction, who: Principal, row: FollowUpRow, answer: str) -> None:
    tx.append(
        Draft(
            "followup.closed",
            who.authid,
            {"followup": row.id, "approval": row.about, "person": who.person.id},
            {"answer": text_part(answer)},
            incident=row.incident,
            subject=row.id,
            correlationid=row.about,
            causationid=row.event,
        )
    )


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
