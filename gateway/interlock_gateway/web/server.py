"""The FastAPI application over a gateway's use cases."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import Depends, FastAPI, Request, Response
from starlette.types import Scope

from interlock_gateway.service.gateway import Gateway
from interlock_gateway.web import entry_pages, pages, problems, view_pages
from interlock_gateway.web.auth import principal
from interlock_gateway.web.bounds import Bounds
from interlock_gateway.web.routes import (
    approvals,
    catalogue,
    chat,
    drills,
    entries,
    evidence,
    identity,
    incidents,
    links,
    log,
    plans,
    runs,
)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

OPEN = (
    *("POST /v1/login", "GET /healthz", "GET /metrics"),
    *("GET /login", "POST /login", "GET /static/{name}", "POST /slack/callback"),
)
"""The golden list: every other route needs a credential, which a test asks each of them for."""


def serve(
    gateway: Gateway, exposition: Callable[[], bytes], lifespan: Lifespan | None = None
) -> FastAPI:
    """Return the application, serving a gateway."""
    app = application(lifespan)
    attach(app, gateway, exposition)
    return app


def attach(app: FastAPI, gateway: Gateway, exposition: Callable[[], bytes]) -> None:
    """Have an application serve a gateway, and give its counts from `exposition`."""
    app.state.gateway, app.state.exposition = gateway, exposition


def application(lifespan: Lifespan | None = None) -> FastAPI:
    """Return the application: open routes, guarded routes, pages, errors and bounds.

    It serves nobody until a gateway is attached. What stands in it is the same for each.
    """
    app = FastAPI(
        title="Interlock gateway",
        summary="The guarded way from a runbook to production.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    problems.install(app, pages.problem_page)
    guarded = [Depends(principal)]
    busiest_first = (
        runs,
        approvals,
        plans,
        incidents,
        identity,
        catalogue,
        drills,
        links,
        evidence,
        log,
        entries,
    )
    for group in busiest_first:
        app.include_router(group.routes, dependencies=guarded)
    app.include_router(identity.open_routes)
    app.include_router(pages.open_routes)
    app.include_router(pages.routes)
    app.include_router(entry_pages.routes)
    app.include_router(view_pages.routes)
    app.include_router(chat.open_routes)
    app.include_router(chat.routes)
    app.include_router(evidence.pages)

    @app.get("/metrics", tags=["operations"])
    async def metrics(request: Request) -> Response:
        """Give counts and durations to Prometheus; nothing in them is sensitive."""
        content = request.app.state.exposition()
        return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")

    app.add_middleware(Bounds, route_of=_route_of)
    return app


def _route_of(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", "unknown"))


def openapi(app: FastAPI) -> dict[str, object]:
    """Return the OpenAPI document of `app`."""
    return app.openapi()
