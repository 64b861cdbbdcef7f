"""The log over all events, and what leaves with its proof."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response
from interlock.export import FORMS

from interlock_gateway.core.skew import Skew
from interlock_gateway.service.anchoring import Anchored
from interlock_gateway.service.log import LogStatus
from interlock_gateway.service.log_records import LogKeyRow
from interlock_gateway.web.auth import Asking, PersonOnly
from interlock_gateway.web.bodies import Because
from interlock_gateway.web.sights import postmortem
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json, moment

routes = APIRouter(prefix="/v1", tags=["log"], route_class=StrictRoute)
_Size = Annotated[int, Query(ge=0, lt=2**53)]


@routes.get("/log")
async def status(_who: PersonOnly, gateway: Asking) -> Json:
    """Say where the log stands: its size, its newest checkpoint, its keys and anchors."""
    clocks = [_clock(one) for one in gateway.proof.watch.clocks]
    return {**_status(await gateway.proof.log.status()), "clocks": clocks}


@routes.get("/log/growth")
async def growth(old: _Size, new: _Size, _who: PersonOnly, gateway: Asking) -> Json:
    """Give what shows that the log of `new` events begins with that of `old`."""
    return {"old": old, "new": new, "path": await gateway.proof.log.growth(old, new)}


@routes.get("/log/entries")
async def entries(
    who: PersonOnly,
    gateway: Asking,
    first: _Size = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 1_000,
) -> Json:
    """Give every event's body and leaf, of all incidents, to whoever runs the gateway."""
    found = await gateway.proof.log.entries(who, first, limit)
    shown = [
        {"logindex": at, "body": body.decode(), "leaf": leaf.hex()} for at, body, leaf in found
    ]
    return {"entries": shown, "next": found[-1][0] + 1 if found else first}


@routes.post("/log/key", status_code=201)
async def rotate(body: Because, who: PersonOnly, gateway: Asking) -> Json:
    """Have the log signed by a new key from now on."""
    return _key(await gateway.proof.log.rotate(who, body.reason))


@routes.get("/incidents/{incident}/anchored")
async def anchored(incident: str, who: PersonOnly, gateway: Asking) -> Json:
    """Say up to which event an incident's record is anchored outside the store."""
    await gateway.timeline.entries(who, incident, limit=1)  # whoever may not read, may not ask
    found = await gateway.proof.log.anchored(incident)
    return {
        "length": found.length,
        "up_to": found.up_to,
        "at": moment(found.at),
        "anchor": found.anchor,
        "receipt": found.receipt,
    }


@routes.get("/incidents/{incident}/bundle")
async def bundle(incident: str, who: PersonOnly, gateway: Asking) -> Response:
    """Give the evidence bundle; that it was taken is itself an event, and states its length."""
    stated = await gateway.proof.bundling.state(who, incident, "bundle")
    known = (await gateway.timeline.whole(who, incident))[: stated.length]
    sight = await gateway.overview.incident(incident)
    told = postmortem(sight, known, anchored=await gateway.proof.log.anchored(incident))
    more = {
        f"postmortem.{name}": (await asyncio.to_thread(FORMS[name].write, told)).encode()
        for name in ("md", "html")
    }
    content = await gateway.proof.bundling.bundle(stated, more)
    headers = {"Content-Disposition": f'attachment; filename="{incident}.bundle.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


def _status(found: LogStatus) -> Json:
    return {
        "origin": found.origin,
        "size": found.size,
        "checkpoint": found.note,
        "signed_at": moment(found.signed_at),
        "keys": [_key(key) for key in found.keys],
        "anchors": [_anchor(anchor) for anchor in found.anchors],
    }


def _clock(skew: Skew) -> Json:
    return {
        "source": skew.source,
        "offset_s": round(skew.offset_s, 3),
        "uncertainty_s": round(skew.uncertainty_s, 3),
        "off": skew.is_off,
    }


def _key(key: LogKeyRow) -> Json:
    return {"id": key.id, "key": key.text, "since": key.since, "at": moment(key.at)}


def _anchor(found: Anchored) -> Json:
    return {
        "anchor": found.anchor,
        "size": found.size,
        "at": moment(found.at),
        "receipt": found.receipt,
        "trouble": found.trouble,
    }
