"""What there is to run and to act on: runbooks, targets, actions; what a statement would do."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from interlock.errors import refusal

from interlock_gateway.service.recorded import PAGE
from interlock_gateway.web import bodies, views
from interlock_gateway.web.auth import Asking, PersonOnly
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

_MONTH_S = 30 * 86_400
_LONGEST_S = 10 * 366 * 86_400

routes = APIRouter(prefix="/v1", tags=["catalogue"], route_class=StrictRoute)


@routes.get("/runbooks")
async def runbooks(
    _who: PersonOnly, gateway: Asking, find: Annotated[str, Query(max_length=200)] = ""
) -> Json:
    """List curated runbooks, best match first."""
    return {"runbooks": list(gateway.library.listed(find))}


@routes.get("/runbooks/{runbook}")
async def runbook(runbook: str, _who: PersonOnly, gateway: Asking) -> Json:
    """Give one curated runbook, to the byte."""
    shelved = gateway.library.get(runbook)
    return {
        "id": shelved.runbook.id,
        "version": shelved.runbook.version,
        "title": shelved.runbook.title,
        "digest": shelved.digest,
        "notebook": shelved.text,
    }


@routes.get("/targets")
async def targets(_who: PersonOnly, gateway: Asking) -> Json:
    """List targets."""
    return {"targets": [views.target(one) for one in gateway.policy.current.targets.values()]}


@routes.get("/actions")
async def actions(_who: PersonOnly, gateway: Asking) -> Json:
    """List catalogued actions."""
    return {"actions": [views.action(one) for one in gateway.policy.current.actions.values()]}


@routes.get("/actions/{action}")
async def action(action: str, _who: PersonOnly, gateway: Asking) -> Json:
    """Show one catalogued action."""
    found = gateway.policy.current.actions.get(action)
    if found is None:
        raise refusal("unknown-action", f"There is no action named {action!r}.")
    return views.action(found)


@routes.get("/requests")
async def requests(
    who: PersonOnly,
    gateway: Asking,
    within_s: Annotated[int, Query(ge=1, le=_LONGEST_S)] = _MONTH_S,
    after: Annotated[int, Query(ge=0, lt=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
) -> Json:
    """Give a page of what was asked and how it was decided, for `interlock policy simulate`."""
    within = timedelta(seconds=within_s)
    found, following = await gateway.recorded.page(who, within, after=after, limit=limit)
    return {"requests": found, "next": following}


@routes.post("/sql/explain")
async def explain(body: bodies.Explain, _who: PersonOnly, gateway: Asking) -> Json:
    """Say what a statement would do at a target; nothing of it runs."""
    return await gateway.explaining.explain(body.target, body.sql)
