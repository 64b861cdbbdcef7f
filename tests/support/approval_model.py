"""What must hold of approvals, written down once more: it shares no line with the gateway.

Everything here is computed from what a test did and from the timeline, by the plainest means.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

PEOPLE = ("responder", "approver", "colleague", "you", "observer")
REQUESTERS = ("responder", "colleague")

Seats = tuple[str, ...]
"""The roles of one group of seats: `("dba", "dba")` are two dbas."""

_ROLES: dict[str, frozenset[str]] = {
    "responder": frozenset({"developer"}),
    "approver": frozenset({"dba"}),
    "colleague": frozenset({"dba", "sre"}),
    "you": frozenset({"sre"}),
    "observer": frozenset({"developer"}),
}
_RULES: dict[str, tuple[Seats, ...]] = {
    "led": (("dba", "incident:commander"),),
    "two": (("dba", "dba"),),
    "either": (("dba", "dba"), ("sre",)),
    "mixed": (("dba", "sre"),),
}
SEVERITY = {"sev1": "led", "sev2": "two", "sev3": "either", "sev4": "mixed"}
"""Which rule an incident's severity asks for."""


@dataclass(frozen=True, slots=True)
class Law:
    """One policy: who holds which role, what a rule asks for, whether writing is allowed."""

    roles: Mapping[str, frozenset[str]]
    rules: Mapping[str, tuple[Seats, ...]]
    writes: bool = True


def _with(person: str, *roles: str) -> Law:
    return Law({**_ROLES, person: frozenset(roles)}, _RULES)


SHIPPED = "as it was"
LAWS: dict[str, Law] = {
    SHIPPED: Law(_ROLES, _RULES),
    "approver is no dba": _with("approver"),
    "responder is a dba": _with("responder", "developer", "dba"),
    "colleague is no sre": _with("colleague", "dba"),
    "two is one": Law(_ROLES, {**_RULES, "two": (("dba",),)}),
    "nobody writes": Law(_ROLES, _RULES, writes=False),
}

FINAL = frozenset(
    {
        *("denied", "expired", "withdrawn", "revoked", "invalidated"),
        *("succeeded", "failed", "resolved"),
    }
)
STEPS: dict[str, frozenset[str]] = {
    "": frozenset({"pending"}),
    "pending": frozenset({"approved", "denied", "expired", "withdrawn", "invalidated"}),
    "approved": frozenset({"executing", "expired", "withdrawn", "revoked", "invalidated"}),
    "executing": frozenset({"succeeded", "failed", "outcome_unknown"}),
    "outcome_unknown": frozenset({"resolved"}),
}
EVENTS = {
    "approval.requested": "pending",
    "approval.approved": "approved",
    "approval.denied": "denied",
    "approval.expired": "expired",
    "approval.withdrawn": "withdrawn",
    "approval.revoked": "revoked",
    "approval.invalidated": "invalidated",
    "action.started": "executing",
    "action.succeeded": "succeeded",
    "action.failed": "failed",
    "action.outcome_unknown": "outcome_unknown",
    "action.resolved": "resolved",
    "action.proven": "resolved",
}
"""The event of each change of state."""

Event = Mapping[str, Any]


def roles_of(law: str, person: str, commander: str) -> frozenset[str]:
    """Return every role somebody holds."""
    led = {"incident:commander"} if person == commander else set()
    return LAWS[law].roles[person] | led


def enough(groups: Iterable[Seats], voters: Mapping[str, frozenset[str]]) -> bool:
    """Tell whether some group is filled, by trying every order of people."""
    return any(
        all(role in voters[person] for role, person in zip(seats, people, strict=True))
        for seats in groups
        for people in permutations(voters, len(seats))
    )


def history(events: Sequence[Event], approval: str) -> list[str]:
    """Return the states of an approval, as its events tell them in order."""
    own = [event["type"] for event in events if event["data"].get("approval") == approval]
    return [EVENTS[kind] for kind in own if kind in EVENTS]


def assert_a_path(states: Sequence[str]) -> None:
    """Each change is one that is allowed, from nothing on."""
    for before, after in zip(["", *states], states, strict=False):
        assert after in STEPS.get(before, ()), f"{before} -> {after} in {states}"


def before(events: Sequence[Event], approval: str, state: str) -> Sequence[Event] | None:
    """Return what stood on the timeline when an approval came to a state; None if it never did."""
    for place, event in enumerate(events):
        mine = event["data"].get("approval") == approval
        if mine and EVENTS.get(event["type"]) == state:
            return events[:place]
    return None


def approving(events: Sequence[Event], approval: str) -> list[str]:
    """Return who had said yes by then."""
    votes = [event["data"] for event in events if event["type"] == "approval.voted"]
    return [
        vote["person"]
        for vote in votes
        if vote["approval"] == approval and vote["vote"] == "approve"
    ]


def is_open(events: Sequence[Event]) -> bool:
    """Tell whether the incident was open by then."""
    turns = [
        event["type"]
        for event in events
        if event["type"] in ("incident.closed", "incident.reopened")
    ]
    return turns[-1:] != ["incident.closed"]
