"""Drills: started by whoever runs the gateway, looked at by whoever waits for them."""

from dataclasses import asdict
from datetime import timedelta

from fastapi import APIRouter

from interlock_gateway.core.timeline import stamp
from interlock_gateway.service.drill_report import Report
from interlock_gateway.service.drills import DrillWish
from interlock_gateway.web import bodies
from interlock_gateway.web.auth import Asking, PersonOnly
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

routes = APIRouter(prefix="/v1/drills", tags=["drills"], route_class=StrictRoute)


@routes.post("", status_code=201)
async def begin(body: bodies.NewDrill, who: PersonOnly, gateway: Asking) -> Json:
    """Ask the approvers of each rule, or of one, to show that they can; nothing runs."""
    wish = DrillWish(body.rule, body.commander, timedelta(seconds=body.within_s))
    incident = await gateway.drills.begin(who, wish)
    return _shown(await gateway.drills.report(who, incident))


@routes.get("/{incident}")
async def show(incident: str, who: PersonOnly, gateway: Asking) -> Json:
    """Show how a drill goes, or went."""
    return _shown(await gateway.drills.report(who, incident))


@routes.post("/{incident}/end")
async def end(incident: str, _body: bodies.Empty, who: PersonOnly, gateway: Asking) -> Json:
    """End a drill before its time."""
    await gateway.drills.end(who, incident)
    return _shown(await gateway.drills.report(who, incident))


def _shown(report: Report) -> Json:
    return {
        "incident": report.incident,
        "by": report.by,
        "begun_at": stamp(report.begun_at),
        "over": report.over,
        "rules": [asdict(rule) for rule in report.rules],
    }
