"""Evidence: listed, opened in full, held, and destroyed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from interlock_gateway.core.artifact import PNG, is_json
from interlock_gateway.service.evidence import Held, Opened, listed_json
from interlock_gateway.service.identity import Principal
from interlock_gateway.web import render
from interlock_gateway.web.auth import AnyPrincipal, Asking, PersonOnly
from interlock_gateway.web.bodies import Because
from interlock_gateway.web.session import visitor
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

routes = APIRouter(prefix="/v1", tags=["evidence"], route_class=StrictRoute)
pages = APIRouter(include_in_schema=False, dependencies=[Depends(visitor)])

_SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox"


@routes.get("/incidents/{incident}/evidence")
async def listed(incident: str, who: PersonOnly, gateway: Asking) -> Json:
    """List what the incident's events point at, without any content."""
    found, held = await gateway.evidence.looking.listed(who, incident)
    return {"evidence": [listed_json(one) for one in found], "held": _held(held)}


@routes.post("/incidents/{incident}/evidence/hold")
async def hold(incident: str, body: Because, who: PersonOnly, gateway: Asking) -> Json:
    """Keep the incident's evidence until it is released."""
    return {"held": _held(await gateway.evidence.retention.hold(who, incident, body.reason))}


@routes.post("/incidents/{incident}/evidence/release")
async def release(incident: str, body: Because, who: PersonOnly, gateway: Asking) -> Json:
    """Let the incident's evidence expire in its time again."""
    return {"held": _held(await gateway.evidence.retention.release(who, incident, body.reason))}


@routes.get("/evidence/{evidence}")
async def show(evidence: str, who: AnyPrincipal, gateway: Asking) -> Response:
    """Give a piece of evidence in full; that it was opened is an event first."""
    return _file(await gateway.evidence.looking.open(who, evidence))


@routes.post("/evidence/{evidence}/redact")
async def redact(evidence: str, body: Because, who: PersonOnly, gateway: Asking) -> Json:
    """Destroy a piece of evidence and every copy of it."""
    done = await gateway.evidence.redaction.redact(who, evidence, body.reason)
    return {
        "event": done.event,
        "destroyed": list(done.destroyed),
        "copies": list(done.copies),
        "erased": done.erased,
    }


@pages.get("/evidence/{evidence}")
async def download(
    evidence: str, who: Annotated[Principal, Depends(visitor)], gateway: Asking
) -> Response:
    """Give the same to a browser, as a file; never as a page of this gateway."""
    given = _file(await gateway.evidence.looking.open(who, evidence))
    for name, value in render.HEADERS.items():
        given.headers.setdefault(name, value)
    return given


def _file(opened: Opened) -> Response:
    """Return a piece as a file: a browser saves it, whatever it holds, and runs nothing."""
    kind = opened.mediatype
    end = "png" if kind == PNG else "json" if is_json(kind) else "txt"
    known = kind if kind == PNG else f"{'application/json' if end == 'json' else 'text/plain'}"
    headers = {
        "Content-Disposition": f'attachment; filename="{opened.piece.id}.{end}"',
        "Content-Security-Policy": _SANDBOX,
        "X-Interlock-Part": opened.piece.part,
    }
    return Response(opened.content, media_type=known, headers=headers)


def _held(held: Held) -> Json | None:
    at = held.at.isoformat() if held.at else ""
    return {"by": held.by, "reason": held.reason, "at": at} if held.by else None
