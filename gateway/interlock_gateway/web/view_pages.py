"""The page on which a narrative view is picked, ordered and annotated, without a script.

Each item has a number, by which it is ordered; one whose number is emptied is taken out. Saving
makes the next version over the one that the page was made from, or is refused, and then what was
typed is still there.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from interlock.errors import InterlockError, problem_from_error, refusal
from interlock.export.entries import HIDEABLE
from interlock.export.views import picked_of

from interlock_gateway.core.timeline import stamp
from interlock_gateway.service.gateway import Gateway
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.views import Definition, Item, View
from interlock_gateway.web import render, sights
from interlock_gateway.web.auth import Asking
from interlock_gateway.web.entry_page_views import ViewingView, ViewRow
from interlock_gateway.web.pages import viewed
from interlock_gateway.web.session import visitor
from interlock_gateway.web.typed import Typed, typed

routes = APIRouter(include_in_schema=False, dependencies=[Depends(visitor)])
Visitor = Annotated[Principal, Depends(visitor)]
MOST_SHOWN = 300
"""Events that a page offers to pick; the command line shows them all."""
_MOST_ROWS = 500
_ORDER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,3})?\Z")
_LAST = 1e9
_NOTHING: View = {"version": 0, "items": [], "hide": []}


@routes.get("/incidents/{incident}/views/{name}")
async def viewing(
    request: Request, incident: str, name: str, who: Visitor, gateway: Asking
) -> Response:
    """Show a view to be edited; one that nobody saved yet is empty."""
    known = await gateway.entries.views.listed(who, incident)
    there = any(row.name == name for row in known)
    held = await gateway.entries.views.show(who, incident, name) if there else _NOTHING
    return await _page(request, (incident, name), who, gateway, held)


@routes.post("/incidents/{incident}/views/{name}")
async def save(
    request: Request, incident: str, name: str, who: Visitor, gateway: Asking
) -> Response:
    """Save what the page says as the next version of the view."""
    sent = await typed(request, gateway.redaction)
    base = sent.word("base")
    try:
        items = [item for _, item in sorted(_items(sent), key=lambda pair: pair[0])]
        hide = tuple(word for word in HIDEABLE if sent.fields.get(f"hide-{word}"))
        wanted = Definition(items, hide, int(base) if base.isdecimal() else 0)
        await gateway.entries.views.save(who, incident, name, wanted)
    except InterlockError as error:
        return await _page(request, (incident, name), who, gateway, _as_typed(sent), error)
    return RedirectResponse(f"/incidents/{incident}/views/{name}", 303, dict(render.HEADERS))


def _items(sent: Typed) -> Iterator[tuple[float, Item]]:
    """Yield (place, item) of everything that is kept, picked or new."""
    for row in _typed_rows(sent):
        if row.order:
            event = int(row.event) if row.event.isdecimal() else 0
            yield _place(row.order), Item(event, row.heading, row.text)
    picked = (name.removeprefix("pick-") for name in sent.fields if name.startswith("pick-"))
    for number, event in enumerate(sorted(int(one) for one in picked if one.isdecimal())):
        yield _LAST + number, Item(event)
    if heading := sent.word("new-heading"):
        order = sent.word("new-order")
        yield _place(order) if order else _LAST - 1, Item(heading=heading)


def _typed_rows(sent: Typed) -> Iterator[ViewRow]:
    for number in range(_MOST_ROWS):
        if f"order-{number}" in sent.fields:
            yield ViewRow(
                order=sent.word(f"order-{number}"),
                event=sent.word(f"event-{number}"),
                heading=sent.word(f"heading-{number}"),
                text=sent.text(f"text-{number}"),
            )


def _place(order: str) -> float:
    if not _ORDER.match(order):
        raise refusal("bad-request", f"{order[:20]!r} is no number to order by.")
    return float(order)


def _as_typed(sent: Typed) -> View:
    """Return what was typed as a view that can be shown again."""
    rows = [
        {"order": row.order, "heading": row.heading, "sequence": row.event, "text": row.text}
        for row in _typed_rows(sent)
    ]
    hide = [word for word in HIDEABLE if sent.fields.get(f"hide-{word}")]
    base = sent.word("base")
    return {"version": int(base) if base.isdecimal() else 0, "items": rows, "hide": hide}


async def _page(
    request: Request,
    which: tuple[str, str],
    who: Principal,
    gateway: Gateway,
    held: View,
    error: InterlockError | None = None,
) -> Response:
    (incident, name), (page, _) = which, await viewed(request, who, gateway)
    entries = await gateway.timeline.whole(who, incident)
    sight = await gateway.overview.incident(incident)
    record = sights.postmortem(sight, entries)
    moments = picked_of(record)
    rows = tuple(_row(place, item) for place, item in enumerate(held["items"], start=1))
    rows = tuple(replace(row, moment=moments.get(row.event)) for row in rows)
    picks = {row.event for row in rows}
    others = [moment for moment in record.moments if not picks & {*moment.events}]
    known = await gateway.entries.views.listed(who, incident)
    view = ViewingView(
        page=page,
        incident=sights.incident_row(sight),
        name=name,
        version=held["version"],
        rows=rows,
        others=tuple(others[-MOST_SHOWN:]),
        left=max(0, len(others) - MOST_SHOWN),
        hide=tuple(held["hide"]),
        hideable=HIDEABLE,
        versions=tuple((r.name, r.version, r.saved_by, stamp(r.saved_at)) for r in known),
        problem=render.Problem(error.message, error.code, error.line, error.help)
        if error
        else None,
    )
    status = problem_from_error(error)["status"] if error else 200
    return HTMLResponse(render.render_viewing(view), status, dict(render.HEADERS))


def _row(place: int, item: Mapping[str, Any]) -> ViewRow:
    heading = str(item.get("heading", ""))
    event = "" if heading else str(item.get("sequence", ""))
    order = str(item.get("order", place * 10))
    return ViewRow(order, event, heading, str(item.get("text", "")))
