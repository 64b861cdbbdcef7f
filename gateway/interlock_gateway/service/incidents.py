"""The life of an incident: authority lives and dies with it."""

import json
from collections.abc import Mapping

from interlock.errors import refusal

from interlock_gateway.core.approval import UNSETTLED
from interlock_gateway.core.drill import claims
from interlock_gateway.core.limits import MAX_TEXT
from interlock_gateway.core.model import (
    Incident,
    IncidentRole,
    IncidentState,
    Severity,
)
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, Part, json_part, text_part
from interlock_gateway.service.closing import close_approvals, end_runs, tell
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.people import must_be_known
from interlock_gateway.service.ports import PolicySource, Reading, Store, Transaction
from interlock_gateway.service.records import (
    ApprovalRow,
    FollowUpRow,
    IncidentRow,
    MemberRow,
)
from interlock_gateway.service.sheets import Sheet, sheet_of


def incident_of(tx: Reading, incident: str) -> Incident | None:
    """Return the incident as authority sees it, or None."""
    row = tx.get(IncidentRow, incident)
    if row is None:
        return None
    members = tx.rows(MemberRow, incident=incident, order="person")
    roles = {member.person: IncidentRole(member.role) for member in members}
    state, severity = IncidentState(row.state), Severity(row.severity)
    return Incident(row.id, row.title, severity, state, roles, drill=bool(row.drill))


def row_of(tx: Reading, incident: str) -> IncidentRow:
    """Return the incident's row, or refuse with `incident-not-found`."""
    row = tx.get(IncidentRow, incident)
    if row is None:
        raise refusal("incident-not-found", f"There is no incident {incident!r}.")
    return row


def book_of(tx: Reading, incident: str) -> str:
    """Return the timeline that takes a new event about `incident`.

    It is the incident's own; once that is sealed, the deployment's, which is named "".
    """
    return "" if row_of(tx, incident).state == IncidentState.SEALED.value else incident


def must_read(tx: Reading, policy: Policy, who: Principal, incident: str) -> None:
    """Refuse with `not-on-incident` whoever has no part in an incident and no standing role."""
    if not may_read(tx, policy, who, incident):
        raise refusal("not-on-incident", f"{who.person.id} may not read of {incident}.")


def may_read(tx: Reading, policy: Policy, who: Principal, incident: str) -> bool:
    """Tell whether somebody may read what an incident holds: it may be production data."""
    if tx.get(MemberRow, incident, who.person.id) is not None:
        return True
    return not who.run and bool(policy.roles_of(who.person.id))


class Incidents:
    """Declares, leads, closes, reopens and seals incidents."""

    def __init__(self, store: Store, policy: PolicySource) -> None:
        self._store = store
        self._policy = policy

    async def declare(self, who: Principal, title: str, severity: str, key: str) -> str:
        """Declare an incident and lead it; the same `key` again returns the same incident."""
        checked_text("title", title, least=3)
        no_drill("title", title)
        level = _severity(severity)
        self._standing(who)

        def unit(tx: Transaction) -> str:
            known = tx.rows(IncidentRow, declared_by=who.person.id, key=key)
            if known:
                return known[0].id
            incident = f"INC-{tx.number('incident')}"
            state = IncidentState.OPEN.value
            tx.add(IncidentRow(incident, title, level, state, who.person.id, tx.now, key))
            tx.append(
                Draft(
                    "incident.declared",
                    who.authid,
                    {"severity": level},
                    {"title": text_part(title)},
                    incident=incident,
                )
            )
            _tell(tx, who, incident, "declared", {"severity": level})
            _give_role(tx, who, incident, who.person.id, IncidentRole.COMMANDER)
            return incident

        return await self._store.commit(unit)

    async def set_severity(
        self, who: Principal, incident: str, severity: str, reason: str
    ) -> None:
        """Change the severity; authority follows it at once."""
        level = _severity(severity)
        checked_text("reason", reason)

        def unit(tx: Transaction) -> None:
            row = self._open(tx, incident)
            must_be(tx, who, incident, IncidentRole.COMMANDER, IncidentRole.RESPONDER)
            if row.severity != level:
                tx.change(row, severity=level)
                data = {"from": row.severity, "to": level}
                _record(tx, who, incident, "severity_changed", data, reason=reason)

        await self._store.commit(unit)

    async def assign(self, who: Principal, incident: str, person: str, role: str) -> None:
        """Give `person` a role: the commander gives any, others join as observer or responder.

        Whoever writes the postmortem may join as an observer once it is closed; not once sealed.
        """
        wanted = _role(role)
        if wanted is IncidentRole.COMMANDER:
            raise refusal("bad-request", "Command is handed over or taken, not assigned.")

        def unit(tx: Transaction) -> None:
            self._takes_people(tx, incident, wanted)
            if person == who.person.id:
                self._standing(who)
            else:
                must_be(tx, who, incident, IncidentRole.COMMANDER)
            must_be_known(tx, self._policy.current, person)
            if _current(tx, incident) == person:
                raise refusal("incident-state", "The commander hands over before stepping back.")
            _give_role(tx, who, incident, person, wanted)

        await self._store.commit(unit)

    async def take(self, who: Principal, incident: str) -> None:
        """Take command; whoever led before stays on as a responder."""
        self._standing(who)

        def unit(tx: Transaction) -> None:
            self._open(tx, incident)
            _pass_command(tx, who, incident, who.person.id, "taken")

        await self._store.commit(unit)

    async def hand_over(self, who: Principal, incident: str, person: str, summary: str) -> None:
        """Hand command to `person`, with a summary of where things stand."""
        checked_text("summary", summary, least=3)

        def unit(tx: Transaction) -> None:
            self._open(tx, incident)
            must_be(tx, who, incident, IncidentRole.COMMANDER)
            must_be_known(tx, self._policy.current, person)
            _pass_command(tx, who, incident, person, summary)

        await self._store.commit(unit)

    async def sheet(self, who: Principal, incident: str) -> Sheet:
        """Return where it stands now, as whoever takes command is told."""

        def question(tx: Reading) -> Sheet:
            row_of(tx, incident)
            must_read(tx, self._policy.current, who, incident)
            return sheet_of(tx, incident)

        return await self._store.read(question)

    async def close(self, who: Principal, incident: str, reason: str) -> None:
        """Close it: runs end, open approvals are withdrawn, unused grants invalidated."""
        checked_text("reason", reason)

        def unit(tx: Transaction) -> None:
            row = self._open(tx, incident)
            must_be(tx, who, incident, IncidentRole.COMMANDER)
            close_approvals(tx, who.authid, "the incident was closed", incident=incident)
            end_runs(tx, who.authid, "the incident was closed", incident=incident)
            tx.change(row, state=IncidentState.CLOSED.value, closed_at=tx.now)
            _record(tx, who, incident, "closed", {}, reason=reason)

        await self._store.commit(unit)

    async def reopen(self, who: Principal, incident: str, reason: str) -> None:
        """Open a closed incident again; what was withdrawn stays so."""
        checked_text("reason", reason)
        await self._turn(who, incident, IncidentState.OPEN, "reopened", reason)

    async def seal(self, who: Principal, incident: str) -> None:
        """Seal a closed incident: it cannot be reopened, nor its record added to."""
        await self._turn(who, incident, IncidentState.SEALED, "sealed", "")

    async def _turn(
        self, who: Principal, incident: str, goal: IncidentState, word: str, reason: str
    ) -> None:
        def unit(tx: Transaction) -> None:
            row = row_of(tx, incident)
            if row.state != IncidentState.CLOSED.value:
                raise refusal(
                    "incident-state",
                    f"{incident} is {row.state}; only a closed incident can be {word}.",
                )
            must_be(tx, who, incident, IncidentRole.COMMANDER)
            if goal is IncidentState.SEALED:
                _must_be_settled(tx, incident)
            closed_at = None if goal is IncidentState.OPEN else row.closed_at
            tx.change(row, state=goal.value, closed_at=closed_at)
            _record(tx, who, incident, word, {}, reason=reason)

        await self._store.commit(unit)

    def _takes_people(self, tx: Reading, incident: str, role: IncidentRole) -> None:
        closed = row_of(tx, incident).state == IncidentState.CLOSED.value
        if not (closed and role is IncidentRole.OBSERVER):
            self._open(tx, incident)

    def _open(self, tx: Reading, incident: str) -> IncidentRow:
        row = row_of(tx, incident)
        if row.state != IncidentState.OPEN.value:
            raise refusal("incident-closed", f"{incident} is {row.state}.")
        return row

    def _standing(self, who: Principal) -> None:
        if who.run:
            raise refusal("not-a-person", "A run cannot do this; only a person can.")
        if not self._policy.current.roles_of(who.person.id):
            raise refusal(
                "no-permission",
                f"{who.person.id} holds no standing role.",
                line="roles.csv: no line names you",
            )


def _current(tx: Reading, incident: str) -> str | None:
    found = incident_of(tx, incident)
    return found.commander if found else None


def _pass_command(
    tx: Transaction, who: Principal, incident: str, person: str, summary: str
) -> None:
    before = _current(tx, incident)
    if before == person:
        raise refusal("incident-state", f"{person} leads {incident} already.")
    if before is not None:
        _give_role(tx, who, incident, before, IncidentRole.RESPONDER)
    _give_role(tx, who, incident, person, IncidentRole.COMMANDER)
    data = {"from": before or "", "to": person}
    parts = {"summary": text_part(summary), "sheet": json_part(sheet_of(tx, incident))}
    tx.append(Draft("incident.handover", who.authid, data, parts, incident=incident))
    _tell(tx, who, incident, "handover", data)


def _give_role(
    tx: Transaction, who: Principal, incident: str, person: str, role: IncidentRole
) -> None:
    member = tx.get(MemberRow, incident, person)
    if member is None:
        tx.add(MemberRow(incident, person, role.value))
    elif member.role != role.value:
        tx.change(member, role=role.value)
    _record(tx, who, incident, "role_assigned", {"person": person, "role": role.value})


def must_be(tx: Reading, who: Principal, incident: str, *roles: IncidentRole) -> None:
    """Refuse a run, and everybody who has none of these roles in the incident."""
    if who.run:
        raise refusal("not-a-person", "A run cannot do this; only a person can.")
    found = incident_of(tx, incident)
    if found is None or found.roles.get(who.person.id) not in roles:
        words = " or ".join(role.value for role in roles)
        raise refusal("not-on-incident", f"Only a {words} of {incident} may do this.")


def _must_be_settled(tx: Reading, incident: str) -> None:
    """Refuse to seal a record that lacks the end of something: it could not be added any more."""
    for row in tx.rows(ApprovalRow, incident=incident, state=tuple(UNSETTLED)):
        message = f"{row.id} is {row.state}: its outcome belongs into the record."
        raise refusal("incident-state", message, line=row.id)
    for owed in tx.rows(FollowUpRow, incident=incident, state="open"):
        if not owed.about:
            continue  # work that outlasts the incident; see `service.followups`
        message = f"{owed.id} is open: what came of it belongs into the record."
        raise refusal("incident-state", message, line=owed.id)


def _record(
    tx: Transaction, who: Principal, incident: str, word: str, data: dict[str, str], **texts: str
) -> None:
    parts: dict[str, Part] = {name: text_part(text) for name, text in texts.items() if text}
    tx.append(Draft(f"incident.{word}", who.authid, data, parts, incident=incident))
    _tell(tx, who, incident, word, data)


def _tell(
    tx: Transaction, who: Principal, incident: str, word: str, data: Mapping[str, str]
) -> None:
    """Have it told outside, without the words that somebody gave for it."""
    tell(tx, f"incident.{word}", incident, json.dumps({"by": who.person.id, **data}))


def _severity(word: str) -> str:
    try:
        return Severity(word).value
    except ValueError:
        words = ", ".join(Severity)
        raise refusal("bad-request", f"A severity is one of {words}; not {word!r}.") from None


def _role(word: str) -> IncidentRole:
    try:
        return IncidentRole(word)
    except ValueError:
        words = ", ".join(IncidentRole)
        raise refusal("bad-request", f"A role is one of {words}; not {word!r}.") from None


def no_drill(name: str, text: str) -> None:
    """Refuse words of a requester's that say they are a drill: approvers would believe it."""
    if claims(text):
        message = f'The {name} says "drill", which only a drill may: `interlock doctor --drill`.'
        raise refusal("bad-request", message, help="Say it in other words.")


def checked_text(name: str, text: str, *, least: int = 1) -> None:
    """Refuse a text that says nothing, or is longer than is kept."""
    if len(text.strip()) < least:
        raise refusal("bad-request", f"The {name} needs at least {least} characters.")
    if len(text) > MAX_TEXT:
        raise refusal("bad-request", f"The {name} is longer than {MAX_TEXT:,} characters.")
