"""Approval requests: looked at, waited for, voted on, used."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from interlock.errors import refusal

from interlock_gateway.service.approvals import RUNNER, Vote
from interlock_gateway.web import bodies, views
from interlock_gateway.web.auth import AnyPrincipal, Asking, PersonOnly
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

routes = APIRouter(prefix="/v1/approvals", tags=["approvals"], route_class=StrictRoute)
CHANNEL = "api"


@routes.get("")
async def listed(
    who: PersonOnly,
    gateway: Asking,
    state: Annotated[str, Query(max_length=40)] = "",
    incident: Annotated[str, Query(max_length=40)] = "",
) -> Json:
    """List approval requests, newest first; if `cut`, there are more, `total` in all."""
    found = await gateway.inbox.listed(who, incident, state)
    rows = [views.approval(row) for row in found.rows]
    return {"approvals": rows, "total": found.total, "cut": found.cut}


@routes.get("/{approval}")
async def show(
    approval: str,
    who: AnyPrincipal,
    gateway: Asking,
    wait: Annotated[float, Query(ge=0, le=60)] = 0.0,
    version: Annotated[int, Query(ge=0)] = 0,
    channel: Literal["api", "cli"] = "api",
) -> Json:
    """Show an approval; with `wait`, once its version is above `version` or time is up.

    `channel` says where it is shown: the prompt, and so what a vote names, is the channel's own.
    """
    row = await gateway.approvals.wait(approval, version if wait else -1, wait)
    if who.run and who.run != row.run:
        raise refusal("run-token-mismatch", f"{approval} belongs to another run.")
    seen_in = RUNNER if who.run else channel
    return views.approval_whole(await gateway.approvals.show(who, approval, seen_in))


@routes.post("/{approval}/votes", status_code=201)
async def vote(approval: str, body: bodies.VoteBody, who: PersonOnly, gateway: Asking) -> Json:
    """Approve or deny exactly what was proposed and seen."""
    cast = Vote(body.vote, body.proposal_digest, body.prompt_digest, body.reason)
    await gateway.approvals.vote(who, approval, cast)
    return views.approval_whole(await gateway.approvals.show(who, approval, CHANNEL))


@routes.post("/{approval}/withdraw")
async def withdraw(approval: str, body: bodies.Because, who: PersonOnly, gateway: Asking) -> Json:
    """Take a request back."""
    return views.approval(await gateway.approvals.withdraw(who, approval, body.reason))


@routes.post("/{approval}/revoke")
async def revoke(approval: str, body: bodies.Because, who: PersonOnly, gateway: Asking) -> Json:
    """Take a yes back that was not used yet, with a reason."""
    return views.approval(await gateway.revoking.revoke(who, approval, body.reason))


@routes.post("/{approval}/execute")
async def execute(approval: str, _body: bodies.Empty, who: AnyPrincipal, gateway: Asking) -> Json:
    """Use the grant: the stored bytes are executed, once."""
    return await gateway.execution.execute(who, approval)


@routes.post("/{approval}/resolve")
async def resolve(
    approval: str, body: bodies.Resolution, who: PersonOnly, gateway: Asking
) -> Json:
    """Record what became of an action with an unknown outcome."""
    await gateway.execution.resolve(who, approval, body.outcome, body.reason)
    return views.approval_whole(await gateway.approvals.show(who, approval, CHANNEL))
