"""One sentence per event: who did what, and how it reads at a glance.

Tables map each kind of event to the function that tells it. A kind that is in none of them is
told by its name, with everything it holds; nothing is dropped.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from interlock.export.exhibits import everything, exhibits
from interlock.export.links import links_of
from interlock.export.model import Exhibit, Moment, Pairs, Source, Tone
from interlock.export.reading import Reading
from interlock.export.tell_approvals import APPROVAL_TELLERS
from interlock.export.tell_entries import ENTRY_TELLERS
from interlock.export.tell_evidence import EVIDENCE_TELLERS
from interlock.export.tell_runs import RUN_TELLERS
from interlock.export.telling import Said, Scene, Teller, because, operation_of
from interlock.export.text import shown


def narrate(reading: Reading, scene: Scene) -> Moment:
    """Return what one event says."""
    said = said_of(reading, scene)
    return Moment(
        events=(reading.cite,),
        type=reading.type,
        time=reading.time,
        recorded=reading.recorded,
        offset_s=_since(scene.start, reading.time),
        who=who_of(reading, scene),
        what=said.what,
        tone=said.tone,
        subject=reading.subject,
        sources=(_source(reading),),
        exhibits=_backing(reading, said),
        event=reading.cite,
        since=reading.cite,
        accuracy_s=reading.accuracy_s,
        links=scene.links.get(shown(reading.event.get("id") or ""), ()),
    )


def said_of(reading: Reading, scene: Scene) -> Said:
    """Return the sentence that tells an event, without what backs it up."""
    return TELLERS.get(reading.type, _unknown)(reading, scene)


def _since(start: datetime | None, time: datetime | None) -> float | None:
    return (time - start).total_seconds() if start and time else None


def _source(reading: Reading) -> Source:
    return Source(
        event=reading.cite,
        id=shown(reading.event.get("id") or ""),
        type=reading.type,
        time=reading.time,
        authid=shown(reading.event.get("authid") or ""),
        facts=reading.facts(),
        logindex=shown(reading.event.get("logindex") or ""),
        recorded=reading.recorded,
        classification=shown(reading.event.get("dataclassification") or ""),
        parts=reading.kept,
    )


def _backing(reading: Reading, said: Said) -> tuple[Exhibit, ...]:
    if reading.type not in TELLERS:
        return everything(reading)
    if reading.type == "approval.voted":
        return exhibits(reading, told=said.told, call=f"Vote of {reading.word('person') or '?'}")
    if reading.type == "approval.prompted":
        return exhibits(reading, told=said.told, call=f"Shown on {reading.word('channel') or '?'}")
    if reading.type.startswith("note.") and reading.word("source"):
        return (*exhibits(reading, told=said.told), *_place(reading))
    if not reading.type.startswith("query."):
        return exhibits(reading, told=said.told)
    return exhibits(reading, told=said.told, head=_query_head(reading), call=_query_name(reading))


def _place(reading: Reading) -> tuple[Exhibit, ...]:
    """Return where in a chat something stands that is a note: as text, for no form links it."""
    known = [(word, reading.word(word)) for word in ("author", "account", "permalink")]
    known += [("handle", reading.said("handle"))]
    known += [("message", f"{reading.word('channel')}/{reading.word('ts')}")]
    return (Pairs("In Slack", tuple((name, value, "") for name, value in known if value)),)


def scene_of(readings: Sequence[Reading], start: datetime | None) -> Scene:
    """Gather what sentences need from the whole timeline."""
    runs = {r.word("run"): r.word("requester") for r in readings if r.type == "run.started"}
    asked = [r for r in readings if r.type in {"action.requested", "approval.requested"}]
    voted = [r for r in readings if r.type == "approval.voted"]
    return Scene(
        requesters=runs,
        operations={r.word("approval"): operation_of(r) for r in asked},
        reasons={r.word("approval"): because(r) for r in voted},
        start=start,
        over={r.word("run"): r.cite for r in readings if r.type == "run.ended"},
        links=links_of(readings),
    )


def who_of(reading: Reading, scene: Scene) -> str:
    """Return who did it, as a reader knows them."""
    authid = reading.event.get("authid")
    kind, _, name = (authid if isinstance(authid, str) else "").partition(":")
    if kind == "run" and name:
        requester = scene.requesters.get(name)
        return f"{name} ({requester})" if requester else name
    return name if kind == "person" and name else "Interlock" if kind == "system" else kind or "?"


def _query_name(reading: Reading) -> str:
    ordinal = reading.word("ordinal")
    few = ordinal.isdecimal() and len(ordinal) < 6  # noqa: PLR2004  no run makes more calls
    return f"Query {int(ordinal) + 1}" if few else "Query"


def _query_head(reading: Reading) -> tuple[str, str]:
    """Return where a statement ran, and its effect, when, and by which policy line."""
    tier = reading.word("tier")
    where = f"{_query_name(reading)} on {reading.word('target') or '?'}"
    words = [reading.word("effect")]
    words.append(f"{reading.time:%H:%M:%S} UTC" if reading.time else "")
    denied = reading.type == "query.denied"
    line = reading.word("line")
    words.append(f"{'refused:' if denied else 'allowed by'} {line}" if line else "")
    return where + (f" ({tier})" if tier else ""), ", ".join(word for word in words if word)


# --- the incident ------------------------------------------------------------------------------


def _declared(r: Reading, _: Scene) -> Said:
    return Said(
        f"declared the incident, {r.word('severity')}{because(r, 'title')}", told=("title",)
    )


def _severity(r: Reading, _: Scene) -> Said:
    change = f"changed the severity from {r.word('from')} to {r.word('to')}"
    return Said(change + because(r), told=("reason",))


def _role(r: Reading, _: Scene) -> Said:
    person, role = r.word("person"), r.word("role")
    itself = r.event.get("authid") == f"person:{person}"
    return Said(f"took the role {role}" if itself else f"gave {person} the role {role}")


def _handover(r: Reading, _: Scene) -> Said:
    change = f"handed the incident over from {r.word('from')} to {r.word('to')}"
    return Said(change + because(r, "summary"), told=("summary",))


def _did(what: str, *, key: str = "reason", tone: Tone = Tone.PLAIN) -> Teller:
    def tell(r: Reading, _: Scene) -> Said:
        return Said(what + because(r, key), tone, told=(key,))

    return tell


# --- the rest ----------------------------------------------------------------------------------


def _exported(r: Reading, _: Scene) -> Said:
    return Said(f"exported the timeline as {r.word('form') or '?'}")


def _authentication(r: Reading, _: Scene) -> Said:
    code = f": {r.word('code')}" if r.word("code") else ""
    return Said(f"authentication failed{code}", Tone.REFUSED)


def _unknown(r: Reading, _: Scene) -> Said:
    return Said(f"{r.type or 'an event without a type'} (a kind this version does not know)")


TELLERS: Mapping[str, Teller] = {
    "incident.declared": _declared,
    "incident.severity_changed": _severity,
    "incident.role_assigned": _role,
    "incident.handover": _handover,
    "incident.closed": _did("closed the incident", tone=Tone.OK),
    "incident.reopened": _did("reopened the incident", tone=Tone.WARN),
    "incident.sealed": _did("sealed the incident"),
    **RUN_TELLERS,
    **APPROVAL_TELLERS,
    **EVIDENCE_TELLERS,
    **ENTRY_TELLERS,
    "log.exported": _exported,
    "authentication.failed": _authentication,
}
"""How each known kind of event is told."""
