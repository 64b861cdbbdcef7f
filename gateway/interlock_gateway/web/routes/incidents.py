"""Incidents and their timelines."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from interlock.errors import InterlockError
from sse_starlette import EventSourceResponse

from interlock_gateway.web import views
from interlock_gateway.web.auth import Asking, PersonOnly, person, principal
from interlock_gateway.web.bodies import (
    Because,
    Declaration,
    Empty,
    HandOver,
    RoleChange,
    SeverityChange,
)
from interlock_gateway.web.exporting import ExportQuery, exported
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

routes = APIRouter(prefix="/v1/incidents", tags=["incidents"], route_class=StrictRoute)
After = Annotated[int, Query(ge=0, lt=2**53)]
_LOOK_EVERY_S = 0.5


@routes.post("", status_code=201)
async def declare(body: Declaration, who: PersonOnly, gateway: Asking) -> Json:
    """Declare an incident and lead it."""
    key = body.key or gateway.randomness.secret()
    made = await gateway.incidents.declare(who, body.title, body.severity, key)
    return views.incident(await gateway.overview.incident(made), whole=True)


@routes.get("")
async def listed(_who: PersonOnly, gateway: Asking) -> Json:
    """List incidents, newest first."""
    return {"incidents": [views.incident(one) for one in await gateway.overview.incidents()]}


@routes.get("/{incident}")
async def show(incident: str, _who: PersonOnly, gateway: Asking) -> Json:
    """Show one incident with its runs and approvals."""
    return views.incident(await gateway.overview.incident(incident), whole=True)


@routes.post("/{incident}/severity")
async def severity(incident: str, body: SeverityChange, who: PersonOnly, gateway: Asking) -> Json:
    """Change the severity."""
    await gateway.incidents.set_severity(who, incident, body.severity, body.reason)
    return await show(incident, who, gateway)


@routes.post("/{incident}/roles")
async def roles(incident: str, body: RoleChange, who: PersonOnly, gateway: Asking) -> Json:
    """Give somebody a role."""
    await gateway.incidents.assign(who, incident, body.person, body.role)
    return await show(incident, who, gateway)


@routes.post("/{incident}/take")
async def take(incident: str, _body: Empty, who: PersonOnly, gateway: Asking) -> Json:
    """Take command."""
    await gateway.incidents.take(who, incident)
    return await show(incident, who, gateway)


@routes.post("/{incident}/hand-over")
async def hand_over(incident: str, body: HandOver, who: PersonOnly, gateway: Asking) -> Json:
    """Hand command over."""
    await gateway.incidents.hand_over(who, incident, body.to, body.summary)
    return await show(incident, who, gateway)


@routes.post("/{incident}/close")
async def close(incident: str, body: Because, who: PersonOnly, gateway: Asking) -> Json:
    """Close an incident."""
    await gateway.incidents.close(who, incident, body.reason)
    return await show(incident, who, gateway)


@routes.post("/{incident}/reopen")
async def reopen(incident: str, body: Because, who: PersonOnly, gateway: Asking) -> Json:
    """Open a closed incident again."""
    await gateway.incidents.reopen(who, incident, body.reason)
    return await show(incident, who, gateway)


@routes.post("/{incident}/seal")
async def seal(incident: str, _body: Empty, who: PersonOnly, gateway: Asking) -> Json:
    """Seal a closed incident."""
    await gateway.incidents.seal(who, incident)
    return await show(incident, who, gateway)


@routes.get("/{incident}/timeline")
async def timeline(
    incident: str,
    who: PersonOnly,
    gateway: Asking,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 500,
) -> Json:
    """Read a page of the timeline."""
    entries = await gateway.timeline.entries(who, incident, after=after, limit=limit)
    sight = await gateway.overview.incident(incident)
    last = int(entries[-1]["event"]["sequence"]) if entries else after
    return {"incident": views.incident(sight), "entries": entries, "next": last}


@routes.get("/{incident}/timeline/stream")
async def stream(
    request: Request, incident: str, who: PersonOnly, gateway: Asking, after: After = 0
) -> EventSourceResponse:
    """Follow the timeline as server-sent events, one entry each.

    The stream ends when the credential that opened it does, or the right to read.
    """
    first = await gateway.timeline.entries(who, incident, after=after)

    async def entries() -> AsyncIterator[dict[str, str]]:
        page = first
        last = after
        with suppress(InterlockError):
            while True:
                for one in page:
                    last = int(one["event"]["sequence"])
                    yield {"id": str(last), "data": json.dumps(one)}
                await asyncio.sleep(_LOOK_EVERY_S)
                still = await person(await principal(request))
                page = await gateway.timeline.entries(still, incident, after=last)

    return EventSourceResponse(entries())


@routes.get("/{incident}/export")
async def export(
    incident: str,
    who: PersonOnly,
    gateway: Asking,
    asked: Annotated[ExportQuery, Query()],
) -> Response:
    """Give the timeline as a document; that it was taken is itself an event."""
    return await exported(gateway, who, incident, asked.wish())
