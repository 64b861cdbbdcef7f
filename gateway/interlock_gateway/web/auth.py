"""Who makes a request: a bearer token for the API, a cookie for pages, never one for the other."""

from typing import Annotated

from fastapi import Depends, Request
from interlock.errors import refusal

from interlock_gateway.service.gateway import Gateway
from interlock_gateway.service.identity import Principal

COOKIE = "interlock_session"


def gateway_of(request: Request) -> Gateway:
    """Return the gateway that serves this request."""
    found: Gateway = request.app.state.gateway
    return found


async def asked(request: Request) -> Gateway:
    """Return the same to a route. FastAPI would run a plain function in a thread, each time."""
    return gateway_of(request)


async def principal(request: Request) -> Principal:
    """Return who the bearer token belongs to, or refuse."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise refusal("not-logged-in", "This needs a valid login.")
    return await gateway_of(request).identity.authenticate(token.strip())


async def person(who: Annotated[Principal, Depends(principal)]) -> Principal:
    """Return the person who asks; a run's token is refused."""
    if who.run:
        raise refusal("not-a-person", "A run's token cannot do this.")
    return who


async def run_or_requester(who: Annotated[Principal, Depends(principal)]) -> Principal:
    """Return whoever asks for a run; the use case checks whose run it is."""
    return who


Asking = Annotated[Gateway, Depends(asked)]
AnyPrincipal = Annotated[Principal, Depends(run_or_requester)]
PersonOnly = Annotated[Principal, Depends(person)]
