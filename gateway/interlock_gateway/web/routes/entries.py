"""What people write into a timeline, where an incident stands, and views of its record."""

from typing import Annotated

from fastapi import APIRouter, Query

from interlock_gateway.service.decisions import Decided
from interlock_gateway.service.followups import ToDo
from interlock_gateway.service.hypotheses import Ending, Opening, Update
from interlock_gateway.service.milestones import Mark
from interlock_gateway.service.notes import Note
from interlock_gateway.service.views import Definition, Item
from interlock_gateway.web import entry_bodies as bodies
from interlock_gateway.web import entry_views as views
from interlock_gateway.web.auth import Asking, PersonOnly
from interlock_gateway.web.bodies import Answer
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

routes = APIRouter(prefix="/v1", tags=["entries"], route_class=StrictRoute)
Flag = Annotated[bool, Query()]


@routes.post("/incidents/{incident}/notes", status_code=201)
async def note(incident: str, body: bodies.Note, who: PersonOnly, gateway: Asking) -> Json:
    """Add a note to the timeline."""
    points = {"answers": body.answers, "corrects": body.corrects}
    told = Note(body.text, body.kind, body.when, evidence=tuple(body.evidence), **points)
    return views.written(await gateway.entries.notes.add(who, incident, told))


@routes.get("/incidents/{incident}/sheet")
async def sheet(incident: str, who: PersonOnly, gateway: Asking) -> Json:
    """Show where an incident stands, as whoever takes command is told."""
    return await gateway.incidents.sheet(who, incident)


@routes.get("/incidents/{incident}/hypotheses")
async def hypotheses(incident: str, who: PersonOnly, gateway: Asking) -> Json:
    """List hypotheses, ended ones too."""
    found = await gateway.entries.hypotheses.listed(who, incident)
    return {"hypotheses": [views.hypothesis(one) for one in found]}


@routes.post("/incidents/{incident}/hypotheses", status_code=201)
async def open_hypothesis(
    incident: str, body: bodies.NewHypothesis, who: PersonOnly, gateway: Asking
) -> Json:
    """Open a hypothesis."""
    opening = Opening(body.text, body.confidence, body.when, body.evidence)
    return views.written(await gateway.entries.hypotheses.open(who, incident, opening))


@routes.post("/incidents/{incident}/hypotheses/{hypothesis}/update", status_code=201)
async def update_hypothesis(
    incident: str,
    hypothesis: str,
    body: bodies.HypothesisUpdate,
    who: PersonOnly,
    gateway: Asking,
) -> Json:
    """Add evidence or another confidence to a hypothesis."""
    update = Update(body.text, body.speaks_for, body.against, body.confidence, body.when)
    done = await gateway.entries.hypotheses.update(who, incident, hypothesis, update)
    return views.written(done)


@routes.post("/incidents/{incident}/hypotheses/{hypothesis}/close", status_code=201)
async def close_hypothesis(
    incident: str, hypothesis: str, body: bodies.HypothesisEnd, who: PersonOnly, gateway: Asking
) -> Json:
    """End a hypothesis."""
    ending = Ending(body.outcome, body.reason, body.by, body.evidence)
    done = await gateway.entries.hypotheses.close(who, incident, hypothesis, ending)
    return views.written(done)


@routes.post("/incidents/{incident}/decisions", status_code=201)
async def decide(
    incident: str, body: bodies.NewDecision, who: PersonOnly, gateway: Asking
) -> Json:
    """Write a decision down."""
    made = Decided(body.choice, body.options, body.reason, body.by, body.evidence, body.when)
    return views.written(await gateway.entries.decisions.decide(who, incident, made))


@routes.post("/incidents/{incident}/milestones", status_code=201)
async def mark(incident: str, body: bodies.NewMilestone, who: PersonOnly, gateway: Asking) -> Json:
    """Mark a milestone."""
    made = Mark(body.milestone, body.event, body.when, body.text)
    return views.written(await gateway.entries.milestones.mark(who, incident, made))


@routes.post("/incidents/{incident}/pins", status_code=201)
async def pin(incident: str, body: bodies.NewPin, who: PersonOnly, gateway: Asking) -> Json:
    """Pin an event."""
    return views.written(await gateway.entries.pins.pin(who, incident, body.event, body.text))


@routes.post("/incidents/{incident}/unpins", status_code=201)
async def unpin(incident: str, body: bodies.NewPin, who: PersonOnly, gateway: Asking) -> Json:
    """Take a pin down."""
    return views.written(await gateway.entries.pins.unpin(who, incident, body.event, body.text))


@routes.get("/incidents/{incident}/followups")
async def followups(incident: str, who: PersonOnly, gateway: Asking) -> Json:
    """List what the postmortem owes an answer to, and what was answered."""
    found = await gateway.followups.listed(who, incident)
    return {"followups": [views.follow_up(owed) for owed in found]}


@routes.post("/incidents/{incident}/followups", status_code=201)
async def open_followup(
    incident: str, body: bodies.NewFollowUp, who: PersonOnly, gateway: Asking
) -> Json:
    """Write down what is to be done later."""
    todo = ToDo(body.text, body.owner, body.due, body.evidence)
    return views.written(await gateway.followups.open(who, incident, todo))


@routes.post("/incidents/{incident}/followups/{followup}/close")
async def close_followup(
    incident: str, followup: str, body: Answer, who: PersonOnly, gateway: Asking
) -> Json:
    """Close a follow-up with what came of it."""
    closed = await gateway.followups.close(who, incident, followup, body.answer)
    return {"followups": [views.follow_up(closed)]}


@routes.get("/follow-ups")
async def everywhere(
    who: PersonOnly,
    gateway: Asking,
    *,
    mine: Flag = False,
    open: Flag = False,  # noqa: A002  the word in the address
) -> Json:
    """List follow-ups of every incident that you may read, or that are yours."""
    found = await gateway.followups.everywhere(who, mine=mine, open_only=open)
    return {"followups": [views.follow_up(owed) for owed in found]}


@routes.get("/incidents/{incident}/views")
async def listed_views(incident: str, who: PersonOnly, gateway: Asking) -> Json:
    """List every version of every view."""
    found = await gateway.entries.views.listed(who, incident)
    return {"views": [views.view_row(row) for row in found]}


@routes.get("/incidents/{incident}/views/{name}")
async def view(
    incident: str,
    name: str,
    who: PersonOnly,
    gateway: Asking,
    version: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> Json:
    """Show a view, the newest version where none is named."""
    return await gateway.entries.views.show(who, incident, name, version)


@routes.post("/incidents/{incident}/views/{name}", status_code=201)
async def save_view(
    incident: str, name: str, body: bodies.NewView, who: PersonOnly, gateway: Asking
) -> Json:
    """Save a view as its next version."""
    items = [Item(item.event, item.heading, item.text) for item in body.items]
    wanted = Definition(items, body.hide, body.base)
    return {"version": await gateway.entries.views.save(who, incident, name, wanted)}
