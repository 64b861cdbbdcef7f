"""Pages on which people write into a timeline: plain forms, no script, the API's own use cases."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from interlock.errors import InterlockError, problem_from_error, refusal
from interlock.export.links import TITLES
from interlock.export.sheet import sheet_lines

from interlock_gateway.service.decisions import Decided
from interlock_gateway.service.followups import ToDo
from interlock_gateway.service.gateway import Gateway
from interlock_gateway.service.hypotheses import Ending, Opening, Shown, Update
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.milestones import Mark
from interlock_gateway.service.notes import Note
from interlock_gateway.web import render, sights
from interlock_gateway.web.auth import Asking
from interlock_gateway.web.entry_page_views import HypothesisRow, WritingView
from interlock_gateway.web.pages import viewed
from interlock_gateway.web.session import visitor
from interlock_gateway.web.typed import Typed, typed

routes = APIRouter(include_in_schema=False, dependencies=[Depends(visitor)])
Visitor = Annotated[Principal, Depends(visitor)]
Deed = Callable[[Gateway, Principal, str, Typed], Awaitable[object]]


@routes.get("/incidents/{incident}/write")
async def writing(request: Request, incident: str, who: Visitor, gateway: Asking) -> Response:
    """Show where an incident stands, and what can be written about it."""
    return await _page(request, incident, who, gateway)


@routes.post("/incidents/{incident}/write/{what}")
async def write(
    request: Request, incident: str, what: str, who: Visitor, gateway: Asking
) -> Response:
    """Write what a form of the page says; a refusal shows the page again, with what was typed."""
    sent = await typed(request, gateway.redaction)
    deed = _DEEDS.get(what)
    if deed is None:
        raise refusal("bad-request", f"Nothing here is called {what[:40]!r}.")
    try:
        await deed(gateway, who, incident, sent)
    except InterlockError as error:
        return await _page(request, incident, who, gateway, (what, sent, error))
    return RedirectResponse(f"/incidents/{incident}#latest", 303, dict(render.HEADERS))


async def _page(
    request: Request,
    incident: str,
    who: Principal,
    gateway: Gateway,
    refused: tuple[str, Typed, InterlockError] | None = None,
) -> Response:
    page, _ = await viewed(request, who, gateway)
    sheet = await gateway.incidents.sheet(who, incident)
    found = await gateway.entries.hypotheses.listed(who, incident)
    form, sent, error = refused or ("", Typed({}), None)
    told = None
    if error is not None:
        told = render.Problem(error.message, error.code, error.line, error.help)
    view = WritingView(
        page=page,
        incident=sights.incident_row(await gateway.overview.incident(incident)),
        sheet=tuple(sheet_lines(sheet)),
        hypotheses=tuple(map(_row, found)),
        milestones=tuple(TITLES.items()),
        form=form,
        typed=sent.fields,
        problem=told,
    )
    status = problem_from_error(error)["status"] if error else 200
    return HTMLResponse(render.render_writing(view), status, dict(render.HEADERS))


def _row(shown: Shown) -> HypothesisRow:
    row = shown.row
    last = shown.last.text("reason") or shown.last.text() if row.last != row.event else ""
    text, number = shown.opened.text(), shown.opened.sequence
    return HypothesisRow(row.id, row.state, row.confidence, text, last, number)


async def _note(gateway: Gateway, who: Principal, incident: str, sent: Typed) -> None:
    note = Note(
        text=sent.text("text"),
        kind=sent.word("kind"),
        when=sent.when(),
        answers=sent.number("answers"),
        corrects=sent.number("corrects"),
        evidence=sent.numbers("evidence"),
    )
    await gateway.entries.notes.add(who, incident, note)


async def _hypothesis(gateway: Gateway, who: Principal, incident: str, sent: Typed) -> None:
    evidence, confidence = sent.numbers("evidence"), sent.word("confidence")
    opening = Opening(sent.text("text"), confidence, sent.when(), evidence)
    await gateway.entries.hypotheses.open(who, incident, opening)


async def _update(gateway: Gateway, who: Principal, incident: str, sent: Typed) -> None:
    speaks_for, against = sent.numbers("for"), sent.numbers("against")
    update = Update(sent.text("text"), speaks_for, against, sent.word("confidence"))
    await gateway.entries.hypotheses.update(who, incident, sent.word("hypothesis"), update)


async def _close(gateway: Gateway, who: Principal, incident: str, sent: Typed) -> None:
    ending = Ending(sent.word("outcome"), sent.text("reason"), sent.word("by"))
    await gateway.entries.hypotheses.close(who, incident, sent.word("hypothesis"), ending)


async def _decision(gateway: Gateway, who: Principal, incident: str, sent: Typed) -> None:
    options = tuple(line for line in sent.text("options").split("\n") if line.strip())
    evidence, when = sent.numbers("evidence"), sent.when()
    reason, by = sent.text("reason"), sent.word("by")
    made = Decided(sent.text("choice"), options, reason, by, evidence, when)
    await gateway.entries.decisions.decide(who, incident, made)


async def _follow_up(gateway: Gateway, who: Principal, incident: str, sent: Typed) -> None:
    evidence = sent.numbers("evidence")
    todo = ToDo(sent.text("text"), sent.word("owner"), sent.word("due"), evidence)
    await gateway.followups.open(who, incident, todo)


async def _mark(gateway: Gateway, who: Principal, incident: str, sent: Typed) -> None:
    mark = Mark(sent.word("milestone"), sent.number("event"), sent.when(), sent.text("text"))
    await gateway.entries.milestones.mark(who, incident, mark)


async def _pin(gateway: Gateway, who: Principal, incident: str, sent: Typed) -> None:
    pins, event, why = gateway.entries.pins, sent.number("event"), sent.text("text")
    turn = pins.unpin if sent.word("turn") == "unpin" else pins.pin
    await turn(who, incident, event, why)


_DEEDS: Mapping[str, Deed] = {
    "note": _note,
    "hypothesis": _hypothesis,
    "update": _update,
    "close": _close,
    "decision": _decision,
    "follow-up": _follow_up,
    "milestone": _mark,
    "pin": _pin,
}
"""What each form of the page does."""
