"""Narrative views: which there are in a record, and a postmortem as one of them tells it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from interlock.errors import UsageError
from interlock.export.entries import HIDEABLE, NO_LEDGER, View, ViewItem
from interlock.export.model import Moment, Postmortem
from interlock.export.reading import Absent, Reading
from interlock.export.text import count, shown

_WANTED = re.compile(r"([a-z][a-z0-9-]{0,39})(?:@([1-9][0-9]{0,8}))?\Z")


def views_of(readings: Sequence[Reading]) -> tuple[View, ...]:
    """Return every version of every view in the order in which they were saved."""
    cites = {str(r.event.get("id")): r.cite for r in readings if r.event.get("id")}
    found = [_view(r, cites) for r in readings if r.type == "view.changed"]
    newest = {view.name: max(v.version for v in found if v.name == view.name) for view in found}
    return tuple(replace(view, newest=newest[view.name]) for view in found)


def told_by(pm: Postmortem, wanted: str) -> Postmortem:
    """Return a postmortem as one of its views tells it; what that leaves out is confessed on top.

    Args:
        pm: the whole of it.
        wanted: `NAME` for the newest version, or `NAME@VERSION`; "" for no view.

    Raises:
        UsageError: there is no such view.
    """
    if not wanted:
        return pm
    view = _chosen(pm, wanted)
    left = replace(pm, view=view)
    if "timeline" in view.hide:
        left = replace(left, moments=tuple(m for m in pm.moments if picks(view, m)))
    if "runs" in view.hide:
        left = replace(left, runs=())
    if "approvals" in view.hide:
        left = replace(left, approvals=())
    if "ledger" in view.hide:
        left = replace(left, ledger=NO_LEDGER)
    return replace(left, follow_ups=()) if "suggestions" in view.hide else left


def picks(view: View, moment: Moment) -> bool:
    """Tell whether a view picks a moment, by any of its events."""
    return bool({item.event for item in view.items if item.event} & {*moment.events})


def picked_of(pm: Postmortem) -> Mapping[str, Moment]:
    """Return each moment by the number of every event behind it."""
    return {event: moment for moment in pm.moments for event in moment.events}


def about_view(pm: Postmortem) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what a reader must know of the view first; nothing where there is none."""
    view = pm.view
    if view is None:
        return []
    events = sum(bool(item.event) for item in view.items)
    older = f"; version {view.newest} is newer" if view.version < view.newest else ""
    gone = "; what it held was destroyed" if view.destroyed else ""
    left = f"; it leaves out: {', '.join(view.hide)}" if view.hide else "; it leaves nothing out"
    said = f"version {view.version} of {view.name}, by {view.by}, picks {count(events, 'event')}"
    return [("View", f"{said} in its own order{left}{older}{gone}", view.events)]


def _chosen(pm: Postmortem, wanted: str) -> View:
    found = _WANTED.match(wanted)
    version = int(found[2]) if found and found[2] else 0
    fitting = [
        view
        for view in pm.views
        if found and view.name == found[1] and view.version == (version or view.newest)
    ]
    if fitting:
        return fitting[0]
    names = ", ".join(dict.fromkeys(view.name for view in pm.views))
    raise UsageError(
        f"There is no view {wanted[:60]!r} of {pm.id}.",
        code="bad-request",
        help=f"Views: {names}." if names else "Make one: `interlock view edit INC`.",
    )


def _view(reading: Reading, cites: Mapping[str, str]) -> View:
    held = reading.value("definition")
    definition = reading.object("definition")
    items, hide = definition.get("items"), definition.get("hide")
    version = reading.number("version")
    return View(
        name=reading.word("view"),
        version=int(version) if version else 0,
        by=str(reading.event.get("authid") or "?").rpartition(":")[2],
        at=reading.recorded,
        items=tuple(_item(item, cites) for item in items) if isinstance(items, list) else (),
        hide=tuple(word for word in HIDEABLE if isinstance(hide, list) and word in hide),
        events=(reading.cite,),
        destroyed=isinstance(held, Absent),
    )


def _item(item: Any, cites: Mapping[str, str]) -> ViewItem:
    known: Mapping[str, Any] = item if isinstance(item, Mapping) else {}
    event, text = known.get("event"), shown(known.get("text", ""))
    if isinstance(event, str) and event:
        return ViewItem(cites.get(event, f"?{shown(known.get('sequence', ''))}"), "", text)
    return ViewItem("", shown(known.get("heading", "")), text)
