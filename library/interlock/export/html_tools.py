"""What a script adds to an exported page: another zone, a filter, the past, and a check.

Everything here is hidden until the page's one script shows it; without a script the page reads
whole, and nothing in it looks as if it could be used.
"""

from collections.abc import Iterable, Sequence

from interlock.export.clock import Clock
from interlock.export.markup import Child, Html, flag, tag
from interlock.export.model import Moment, Postmortem
from interlock.export.text import capped

Choice = tuple[str, str]


def tools_html(pm: Postmortem, when: Clock, events: int) -> Html:
    """Return the controls above the timeline.

    Args:
        pm: what is shown.
        when: the zone it is written in.
        events: how many events there are to step through.
    """
    zones = [("", "UTC alone")] + ([] if when.is_utc else [(when.name, f"UTC and {when.name}")])
    fields = (
        _select("zone", "Times", [*zones, ("local", "UTC and this device's")], when.name),
        _select("kind", "Kind", [("", "every kind"), *_kinds(pm.moments)]),
        _select("person", "Who", [("", "everybody"), *_people(pm)]),
        _select("run", "Run", [("", "every run"), *((r.id, r.id) for r in pm.runs)]),
        _field("find", "Text", tag("input", id="find", type="search", autocomplete="off")),
    )
    told = tag("p", id="counted", role="status", class_="told")
    past = None if pm.known or not events else _past(pm, events)
    body = tag("div", tag("div", fields, class_="fields"), past, told)
    summary = tag("summary", tag("b", "Filter, time zone, as known at"))
    return flag("div", "hidden", tag("details", summary, body), id="tools")


def _past(pm: Postmortem, events: int) -> Html:
    slider = tag(
        "input", id="known", type="range", min="0", max=str(events), value=str(events), step="1",
        aria_describedby="known-at",
    )  # fmt: skip
    return tag(
        "div",
        _field("known", "As known at", slider),
        _select("moment", "Go to", [("", "now: everything"), *_key_moments(pm)]),
        tag("output", id="known-at", for_="known"),
        class_="fields past",
    )


def _field(name: str, label: str, control: Child) -> Html:
    return tag("div", tag("label", label, for_=name), control)


def _select(name: str, label: str, choices: Iterable[Choice], chosen: str = "") -> Html:
    options = [
        flag("option", 'selected=""', capped(text, 80), value=value)
        if value and value == chosen
        else flag("option", 'value=""', text)
        if not value
        else tag("option", capped(text, 80), value=value)
        for value, text in choices
    ]
    return _field(name, label, tag("select", options, id=name))


_FAMILIES = {
    "action": "actions",
    "approval": "approvals",
    "plan": "approvals",
    "incident": "the incident",
    "note": "notes",
    "milestone": "marks",
    "query": "queries",
    "run": "runs",
    "step": "steps",
    "external": "alerts and deploys",
    "log": "the log itself",
}


def _kinds(moments: Sequence[Moment]) -> list[Choice]:
    families = sorted({moment.type.partition(".")[0] for moment in moments} - {""})
    return [(name, _FAMILIES.get(name, name)) for name in families if _plain(name)]


def _people(pm: Postmortem) -> list[Choice]:
    names = [person.id for person in pm.people]
    if any(moment.who == "Interlock" for moment in pm.moments):
        names.append("Interlock")
    return [(name, name) for name in dict.fromkeys(names) if name]


def _plain(name: str) -> bool:
    return name.isascii() and name.replace("_", "").isalnum()


_KEY = frozenset({
    "incident.declared", "incident.severity_changed", "incident.handover", "incident.closed",
    "approval.requested", "approval.approved", "approval.denied", "approval.expired",
    "action.succeeded", "action.failed", "action.outcome_unknown", "external.alert_fired",
})  # fmt: skip
_MOST_KEYS = 60


def _key_moments(pm: Postmortem) -> list[Choice]:
    """Return the moments that people ask about, by what was known once each was recorded."""
    keys = [m for m in pm.moments if m.type in _KEY or m.type.startswith("milestone.")]
    keys.sort(key=lambda m: (len(m.event), m.event))
    return [(m.event, f"#{m.event} {capped(m.what, 60)}") for m in keys[:_MOST_KEYS]]
