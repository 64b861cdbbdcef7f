"""Logging in, and whether the gateway is up: the open routes."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from interlock_gateway.core.timeline import stamp
from interlock_gateway.web.auth import AnyPrincipal, Asking
from interlock_gateway.web.bodies import Login
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

open_routes = APIRouter(tags=["identity"], route_class=StrictRoute)
routes = APIRouter(tags=["identity"], route_class=StrictRoute)


@open_routes.post("/v1/login")
async def login(body: Login, gateway: Asking) -> Json:
    """Exchange a one-time code for a key."""
    done = await gateway.identity.login(body.code, kind="key")
    person = {"id": done.person.id, "name": done.person.name}
    return {"token": done.token, "expires_at": stamp(done.expires_at), "person": person}


@open_routes.get("/healthz", response_class=PlainTextResponse)
async def healthz(gateway: Asking) -> str:
    """Say that the gateway and its store are up."""
    await gateway.overview.reach()
    return "ok\n"


@routes.get("/v1/whoami")
async def whoami(who: AnyPrincipal, gateway: Asking) -> Json:
    """Say who the credential belongs to, and what roles they hold."""
    roles = sorted(gateway.identity.roles(who.person.id))
    person = {"id": who.person.id, "name": who.person.name}
    return {"person": person, "roles": roles, "run": who.run or None}
