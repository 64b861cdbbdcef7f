"""Runs, approvals and people, each gathered from all the events that tell of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from interlock.export.account import Participant, Remark
from interlock.export.model import ApprovalStory, Exhibit, FollowUp, Moment, RunStory, Tone, Vote
from interlock.export.reading import Reading
from interlock.export.recording import cells_of
from interlock.export.text import count

# --- runs --------------------------------------------------------------------------------------


def runs_of(readings: Sequence[Reading], moments: Sequence[Moment]) -> tuple[RunStory, ...]:
    """Return each run that any event names, in order of appearance."""
    by_run: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.subject.run:
            by_run[reading.subject.run].append(reading)
    steps: dict[str, list[Moment]] = defaultdict(list)
    for moment in moments:
        if moment.subject.run:
            steps[moment.subject.run].append(moment)
    return tuple(_run(name, found, steps[name]) for name, found in by_run.items())


def _run(name: str, readings: list[Reading], moments: list[Moment]) -> RunStory:
    start = first(readings, "run.started")
    end = first(readings, "run.ended")
    told = start or readings[0]
    return RunStory(
        id=name,
        runbook=told.word("runbook"),
        version=told.word("version"),
        digest=told.word("digest"),
        mode=told.word("mode"),
        requester=told.word("requester"),
        outcome=end.word("outcome") or "ended" if end else "no end recorded",
        started=start.time if start else None,
        ended=end.time if end else None,
        events=cites(reading for reading in (start, end) if reading),
        exhibits=_exhibits([m for m in moments if m.type.startswith("run.")]),
        moments=tuple(m for m in moments if not m.type.startswith("run.")),
        cells=cells_of(readings),
    )


# --- approvals ---------------------------------------------------------------------------------

_TONES = {
    "requested": Tone.WAITING,
    "approved": Tone.OK,
    "denied": Tone.REFUSED,
    "expired": Tone.WARN,
    "withdrawn": Tone.WARN,
    "revoked": Tone.WARN,
    "invalidated": Tone.WARN,
    "started": Tone.UNKNOWN,
    "succeeded": Tone.OK,
    "failed": Tone.BAD,
    "outcome_unknown": Tone.UNKNOWN,
    "resolved": Tone.INFO,
    "prepared": Tone.UNKNOWN,
    "proven": Tone.INFO,
}
_STATES = {
    "requested": "pending",
    "started": "executing, no end recorded",
    "prepared": "executing, no end recorded",
    "outcome_unknown": "outcome unknown",
}
_ASKED = "action.requested"
_DECISIONS = frozenset(
    f"approval.{state}"
    for state in ("approved", "denied", "expired", "withdrawn", "revoked", "invalidated")
)


def approvals_of(
    readings: Sequence[Reading], moments: Sequence[Moment]
) -> tuple[ApprovalStory, ...]:
    """Return each approval request that any event names, in order of appearance."""
    found: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.subject.approval:
            found[reading.subject.approval].append(reading)
    told: dict[str, list[Moment]] = defaultdict(list)
    for moment in moments:
        told[moment.subject.approval].append(moment)
    return tuple(_approval(name, events, told[name]) for name, events in found.items())


def _approval(name: str, readings: list[Reading], moments: list[Moment]) -> ApprovalStory:
    asked = first(readings, "approval.requested") or first(readings, _ASKED)
    asked = asked or readings[0]
    decided = next((r for r in readings if r.type in _DECISIONS), None)
    state = _last_state(readings)
    ran = [m.what for m in moments if m.type.startswith("action.") and m.type != _ASKED]
    waited = decided.number("after_s") if decided else None
    return ApprovalStory(
        id=name,
        state=_STATES.get(state, state),
        tone=_TONES.get(state, Tone.UNKNOWN),
        requester=asked.word("requester"),
        operation=asked.word("operation"),
        target=asked.word("target"),
        effect=asked.word("effect"),
        rule=asked.word("rule"),
        needs=asked.word("needs"),
        line=asked.word("line"),
        eligible=asked.words("eligible"),
        asked_at=asked.time,
        decided_at=decided.time if decided else None,
        expires_at=asked.when("expires_at"),
        waited_s=waited if waited is not None else between(asked, decided),
        waited_on=cites(r for r in (asked, decided) if r),
        votes=tuple(_vote(r, asked) for r in readings if r.type == "approval.voted"),
        refused=tuple(_refused(r) for r in readings if r.type == "approval.vote_refused"),
        outcome=ran[-1] if ran else "",
        exhibits=_exhibits(moments),
        events=_cited(moments),
        plan=asked.word("plan"),
        place=_place(asked),
        broken=_broken(readings, asked),
    )


def _place(asked: Reading) -> str:
    place, size = asked.word("plan_place"), asked.word("plan_size")
    return f"{place} of {size}" if place and size else ""


def _cited(moments: Sequence[Moment]) -> tuple[str, ...]:
    events = {event for moment in moments for event in moment.events}
    return tuple(sorted(events, key=lambda event: (len(event), event)))


def _last_state(readings: list[Reading]) -> str:
    """Return the last word of the last event that moved the approval on; "?" when none did."""
    kinds = [r.type.partition(".") for r in readings]
    moves = [state for family, _, state in kinds if family in {"approval", "action"}]
    return next((state for state in reversed(moves) if state in _TONES), "?")


def _exhibits(moments: Sequence[Moment]) -> tuple[Exhibit, ...]:
    # The request and its approval hold the same arguments; each exhibit stands once.
    kept: list[Exhibit] = []
    for exhibit in (exhibit for moment in moments for exhibit in moment.exhibits):
        if exhibit not in kept:
            kept.append(exhibit)
    return tuple(kept)


def _vote(reading: Reading, asked: Reading) -> Vote:
    return Vote(
        person=reading.word("person"),
        vote=reading.word("vote"),
        reason=reading.said("reason"),
        time=reading.time,
        after_s=between(asked, reading),
        events=(reading.cite,),
    )


def _broken(readings: list[Reading], asked: Reading) -> Vote | None:
    found = first(readings, "approval.glass_broken")
    return replace(_vote(found, asked), vote="break-glass") if found else None


def _refused(reading: Reading) -> Remark:
    who, code = reading.word("person") or "?", reading.word("code") or "?"
    return Remark(f"{who}: {code}", (reading.cite,))


# --- follow-ups --------------------------------------------------------------------------------


def owed_of(readings: Sequence[Reading]) -> tuple[FollowUp, ...]:
    """Return each follow-up that was opened, with its answer, in order of appearance."""
    closed = {r.word("followup"): r for r in readings if r.type == "followup.closed"}
    opened = (r for r in readings if r.type == "followup.opened")
    return tuple(_owed(reading, closed.get(reading.word("followup"))) for reading in opened)


def _owed(opened: Reading, closed: Reading | None) -> FollowUp:
    return FollowUp(
        id=opened.word("followup"),
        about=opened.word("approval"),
        owner=opened.word("owner"),
        text=opened.said("text"),
        closed_by=(closed.word("person") or "?") if closed else "",
        answer=closed.said("answer") if closed else "",
        events=cites(reading for reading in (opened, closed) if reading),
        due=opened.word("due"),
    )


# --- people ------------------------------------------------------------------------------------

_DID = {
    "incident.declared": "declared",
    "incident.severity_changed": "changed the severity",
    "incident.handover": "handed over",
    "incident.closed": "closed",
    "incident.reopened": "reopened",
    "run.started": "ran",
    "approval.requested": "asked for",
    "action.resolved": "resolved",
}


def people_of(readings: Sequence[Reading], roles: Mapping[str, object]) -> tuple[Participant, ...]:
    """Return everybody who did something or holds a role, commanders first."""
    did: dict[str, list[str]] = defaultdict(list)
    held: dict[str, list[str]] = defaultdict(list)
    for person, role in roles.items():
        held[str(person)].append(str(role))
    for reading in readings:
        for person, deed in _deeds(reading):
            did[person].append(deed)
        if reading.type == "incident.role_assigned" and reading.word("person"):
            held[reading.word("person")].append(reading.word("role"))
    names = list(dict.fromkeys([*held, *did]))
    people = [
        Participant(name, tuple(dict.fromkeys(held[name])), _summed(did[name])) for name in names
    ]
    return tuple(sorted(people, key=lambda person: "commander" not in person.roles))


def _deeds(reading: Reading) -> list[tuple[str, str]]:
    actor, name = _person(reading), reading.subject.approval
    match reading.type.partition("."):
        case ("approval", _, "voted"):
            vote = {"approve": "approved", "deny": "denied"}.get(reading.word("vote"), "voted on")
            return [(reading.word("person") or actor, f"{vote} {name}")]
        case ("approval", _, "glass_broken"):
            return [(reading.word("person") or actor, f"broke the glass for {name}")]
        case ("approval", _, "requested"):
            requester = reading.word("requester") or actor
            return [(requester, f"asked for {reading.subject.approval}")] if requester else []
        case ("run", _, "started"):
            requester = reading.word("requester") or actor
            return [(requester, f"ran {reading.subject.run}")] if requester else []
        case ("note", _, _) if actor:
            return [(actor, "note")]
    deed = _DID.get(reading.type)
    return [(actor, deed)] if actor and deed else [(actor, "")] if actor else []


def _person(reading: Reading) -> str:
    authid = reading.event.get("authid")
    kind, _, name = (authid if isinstance(authid, str) else "").partition(":")
    return name if kind == "person" else ""


def _summed(deeds: list[str]) -> tuple[str, ...]:
    notes = deeds.count("note")
    rest = [deed for deed in dict.fromkeys(deeds) if deed and deed != "note"]
    return (*rest, count(notes, "note")) if notes else tuple(rest)


# --- small parts -------------------------------------------------------------------------------


def first(readings: Iterable[Reading], *kinds: str) -> Reading | None:
    """Return the first reading of one of `kinds`."""
    return next((r for r in readings if r.type in kinds), None)


def cites(readings: Iterable[Reading]) -> tuple[str, ...]:
    """Return what to cite, each once."""
    return tuple(dict.fromkeys(r.cite for r in readings))


def between(start: Reading | None, end: Reading | None) -> float | None:
    """Return the seconds from one reading to another, when both have a time."""
    if not start or not end or not start.time or not end.time:
        return None
    return (end.time - start.time).total_seconds()
