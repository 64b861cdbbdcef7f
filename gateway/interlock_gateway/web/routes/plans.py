"""Plans: several actions asked for at once, looked at, waited for and voted on as a whole."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from interlock.errors import refusal

from interlock_gateway.service.approvals import RUNNER, Vote
from interlock_gateway.service.calls import Site
from interlock_gateway.service.wishes import PlanWish, Wish
from interlock_gateway.web import bodies, views
from interlock_gateway.web.auth import AnyPrincipal, Asking, PersonOnly
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

routes = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=StrictRoute)
CHANNEL = "api"


@routes.post("", status_code=202)
async def ask(body: bodies.Plan, who: AnyPrincipal, gateway: Asking, response: Response) -> Json:
    """Ask for several actions at once; they wait for an approval, all or none."""
    site = Site(body.run, body.step, body.attempt, body.ordinal)
    wishes = tuple(_wish(site, member, body.reason) for member in body.members)
    plan, outcome = await gateway.planning.ask(who, PlanWish(site, body.reason, wishes))
    if outcome is not None:
        response.status_code = 200
        return {"outcome": outcome}
    return {"plan": views.plan_whole(await gateway.plans.show(who, plan, RUNNER))}


@routes.get("/{plan}")
async def show(
    plan: str,
    who: AnyPrincipal,
    gateway: Asking,
    wait: Annotated[float, Query(ge=0, le=60)] = 0.0,
    version: Annotated[int, Query(ge=0)] = 0,
    channel: Literal["api", "cli"] = "api",
) -> Json:
    """Show a plan; with `wait`, once its version is above `version` or time is up."""
    row = await gateway.plans.wait(plan, version if wait else -1, wait)
    if who.run and who.run != row.run:
        raise refusal("run-token-mismatch", f"{plan} belongs to another run.")
    seen_in = RUNNER if who.run else channel
    return views.plan_whole(await gateway.plans.show(who, plan, seen_in))


@routes.post("/{plan}/votes", status_code=201)
async def vote(plan: str, body: bodies.PlanVote, who: PersonOnly, gateway: Asking) -> Json:
    """Approve or deny every member of a plan, exactly as it was asked for and seen."""
    cast = Vote(body.vote, body.plan_digest, body.prompt_digest, body.reason)
    await gateway.plans.vote(who, plan, cast)
    return views.plan_whole(await gateway.plans.show(who, plan, CHANNEL))


@routes.post("/{plan}/withdraw")
async def withdraw(plan: str, body: bodies.Because, who: PersonOnly, gateway: Asking) -> Json:
    """Take back what of a plan waits or is granted."""
    await gateway.plans.withdraw(who, plan, body.reason)
    return views.plan_whole(await gateway.plans.show(who, plan, CHANNEL))


def _wish(site: Site, member: bodies.PlannedAction | bodies.PlannedExecution, why: str) -> Wish:
    reason = member.reason or why
    match member:
        case bodies.PlannedAction():
            args = _typed(member.args)
            return Wish(site, member.target, reason, action=member.action, args=args)
        case bodies.PlannedExecution():
            return Wish(
                site,
                member.target,
                reason,
                args=_typed(member.params),
                sql=member.sql,
                max_rows=member.max_rows,
            )


def _typed(params: dict[str, bodies.Typed]) -> dict[str, dict[str, Any]]:
    return {name: {"type": one.type, "value": one.value} for name, one in params.items()}
