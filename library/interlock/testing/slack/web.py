"""The routes: Web API, `response_url`, Socket Mode, and the page."""

import asyncio
import json
from collections.abc import Callable, Mapping
from email.utils import formatdate
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from interlock.testing.slack.actor import Actor
from interlock.testing.slack.answers import Answers
from interlock.testing.slack.calls import Calls, given, refusal
from interlock.testing.slack.delivery import Delivery
from interlock.testing.slack.faults import (
    CallFault,
    Faults,
    NoAnswer,
    RateLimited,
    Refusal,
    ResetAfter,
    ResetBefore,
    ServerError,
    Slow,
)
from interlock.testing.slack.forms import NotThere
from interlock.testing.slack.page import CSP, Look, nothing_here, render
from interlock.testing.slack.server import Server
from interlock.testing.slack.sockets import Sockets
from interlock.testing.slack.waiting import until
from interlock.testing.slack.workspace import Channel, Refused, View, Workspace

__all__ = ["Site"]

_LOOK = 0.05  # seconds between two looks whether something changed
_CHANGE_SECONDS = 20.0
_ANSWER_SECONDS = 5.0
_NOT_ANSWERED = "Interlock did not answer in time. Whether it heard you is not known: look again."

Act = Callable[[], dict[str, Any]]


class Site:
    """The web site of the fake Slack.

    Attributes:
        application: what the server runs.
    """

    def __init__(
        self,
        workspace: Workspace,
        calls: Calls,
        answers: Answers,
        faults: Faults,
        actor: Callable[[str], Actor],
    ) -> None:
        """Show a workspace and take calls for it."""
        self._workspace, self._calls, self._answers = workspace, calls, answers
        self._faults, self._actor = faults, actor
        self._server: Server | None = None
        self._sockets: Sockets | None = None
        self._over_http: Callable[[], bool] = lambda: False
        self.application = Starlette(
            routes=[
                Route("/api/{method}", self._call, methods=["GET", "POST"]),
                Route("/response/{token}", self._response, methods=["POST"]),
                WebSocketRoute("/link", self._link),
                Route("/", self._page),
                Route("/page.css", self._style),
                Route("/page.js", self._script),
                Route("/page/changes", self._changes),
                Route("/page/do", self._do, methods=["POST"]),
            ]
        )

    def attach(self, server: Server, sockets: Sockets, over_http: Callable[[], bool]) -> None:
        """Learn what runs the site, which needs the site to be made."""
        self._server, self._sockets, self._over_http = server, sockets, over_http

    # --- what the app calls -----------------------------------------------------------------

    async def _call(self, request: Request) -> Response:
        method = request.path_params["method"]
        body = await request.body()
        try:
            arguments = given(request.headers.get("content-type", ""), body, request.url.query)
        except Refused as refused:
            return JSONResponse(refusal(refused.error))
        own = str(arguments.pop("token", ""))
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip() or own
        fault = self._faults.of_call(method)
        return await self._as_ordered(
            request, fault, lambda: self._calls.answer(method, token, arguments)
        )

    async def _as_ordered(self, request: Request, fault: CallFault | None, act: Act) -> Response:
        """Answer a call as it is, or as a fault wants it."""
        match fault:
            case RateLimited(seconds):
                retry = {"Retry-After": str(seconds)}
                return JSONResponse(refusal("ratelimited"), 429, retry)
            case Refusal(error, messages):
                return JSONResponse(refusal(error, messages))
            case Slow(seconds):
                await asyncio.sleep(seconds)
            case None:
                pass
            case _:
                return await self._without_answer(request, fault, act)
        return JSONResponse(act(), headers=self._said_of_calls())

    def _said_of_calls(self) -> dict[str, str]:
        """Return what Slack says beside each answer: the token's scopes, and what time it is."""
        now = formatdate(self._workspace.clock(), usegmt=True)
        return {"x-oauth-scopes": ",".join(sorted(self._calls.scopes)), "date": now}

    async def _without_answer(
        self,
        request: Request,
        fault: ServerError | NoAnswer | ResetBefore | ResetAfter,
        act: Act,
    ) -> Response:
        if isinstance(fault, ResetAfter) or getattr(fault, "after", False):
            act()
        match fault:
            case ServerError(status):
                return PlainTextResponse("upstream connect error", status)
            case NoAnswer():
                await self._silence(request)
            case _ if self._server:
                self._server.reset(request.scope["client"])
        return Response(status_code=503)

    async def _silence(self, request: Request) -> None:
        """Say nothing until the client has given up."""
        while not (self._is_stopping or await request.is_disconnected()):  # noqa: ASYNC110  the client's end is no event
            await asyncio.sleep(_LOOK)

    @property
    def _is_stopping(self) -> bool:
        return self._server is not None and self._server.is_stopping

    async def _response(self, request: Request) -> Response:
        try:
            said = json.loads(await request.body())
            self._answers.take(request.path_params["token"], said)
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
        except Refused as refused:
            status = 404 if refused.error in {"expired_url", "used_url"} else 400
            return JSONResponse({"ok": False, "error": refused.error}, status)
        return JSONResponse({"ok": True})

    async def _link(self, socket: WebSocket) -> None:
        if self._sockets:
            await self._sockets.serve(socket)
            self._workspace.changed()

    # --- what people see --------------------------------------------------------------------

    async def _page(self, request: Request) -> Response:
        if not self._is_our_host(request):
            return PlainTextResponse("This page is for this machine alone.", 421)
        try:
            look = self._look(request.query_params)
        except (KeyError, Refused):
            words = "There is nobody, or no channel, of that name here."
            return HTMLResponse(nothing_here(words), 404, _headers())
        return HTMLResponse(render(look), headers=_headers())

    def _look(self, asked: Mapping[str, str]) -> Look:
        me = self._actor(asked.get("as") or self._first()).person
        seen = [
            each for each in self._workspace.channels.values() if self._workspace.sees(me.id, each)
        ]
        wanted = asked.get("channel")
        channel = self._wanted(wanted, seen) if wanted else None
        return Look(self._workspace, me, channel or next(iter(seen), None), self._count())

    def _first(self) -> str:
        people = self._workspace.people.values()
        return next(person.id for person in people if person.active and not person.bot)

    def _wanted(self, name: str, seen: list[Channel]) -> Channel | None:
        found = self._workspace.channel(name)
        return found if found in seen else None

    def _count(self) -> int:
        if self._over_http() or self._sockets is None:
            return -1
        return len(self._sockets.connections)

    def _is_our_host(self, request: Request) -> bool:
        """Tell whether a browser means us: another name for this address is an attack."""
        host = request.headers.get("host", "").rpartition(":")[0]
        return host in {"127.0.0.1", "localhost"}

    async def _style(self, _: Request) -> Response:
        return Response(_file("page.css"), media_type="text/css", headers=_headers())

    async def _script(self, _: Request) -> Response:
        return Response(_file("page.js"), media_type="text/javascript", headers=_headers())

    async def _changes(self, request: Request) -> Response:
        """Answer when there is something new, or after a while."""
        seen = request.query_params.get("after", "")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CHANGE_SECONDS
        while loop.time() < deadline and not self._is_stopping:
            if str(self._workspace.revision) != seen or await request.is_disconnected():
                break
            await asyncio.sleep(_LOOK)
        return JSONResponse({"changed": str(self._workspace.revision) != seen})

    # --- what people do ---------------------------------------------------------------------

    async def _do(self, request: Request) -> Response:
        """Do what somebody did on the page; only for the page itself, no other site's."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        kind = request.headers.get("content-type", "")
        if not self._is_our_host(request) or site != "same-origin" or kind != "application/json":
            return JSONResponse({"words": "This is for the page alone."}, 403)
        try:
            deed = json.loads(await request.body())
            delivery = _done(self._actor(str(deed["as"])), deed)
        except (NotThere, Refused, KeyError, ValueError, TypeError) as error:
            return JSONResponse({"words": f"That is not possible now: {error.args[0]}"})
        return JSONResponse({"words": await self._heard(delivery)})

    async def _heard(self, delivery: Delivery | None) -> str:
        """Return what to say about a delivery: nothing if the app acknowledged it."""
        if delivery is None or delivery.kind == "events_api":
            return ""
        await until(lambda: delivery.is_over, _ANSWER_SECONDS)
        return "" if delivery.acked else _NOT_ANSWERED


def _done(actor: Actor, deed: Mapping[str, Any]) -> Delivery | None:
    channel = str(deed["channel"])
    match deed["kind"]:
        case "write":
            text = str(deed["text"]).replace("&", "&amp;").replace("<", "&lt;")
            actor.writes(channel, text.replace(">", "&gt;"))
            return None
        case "submit" | "close" as kind:
            view = _open(actor, deed)
            return actor.submits(view, deed["values"]) if kind == "submit" else actor.closes(view)
        case "press" if deed.get("view"):
            return actor.presses_in(
                _open(actor, deed), str(deed["action"]), choosing=_choice(deed)
            )
        case kind:
            shown = [each for each in actor.sees(channel) if each.ts == deed.get("ts")]
            if not shown:
                raise NotThere("the message is gone.")
            if kind == "react":
                return actor.reacts(shown[0], str(deed["name"]))
            return actor.presses(shown[0], str(deed["action"]), choosing=_choice(deed))


def _open(actor: Actor, deed: Mapping[str, Any]) -> View:
    view = actor.modal
    if view is None or view.id != deed.get("view"):
        raise NotThere("the modal is not open any more.")
    return view


def _choice(deed: Mapping[str, Any]) -> str:
    return str(deed.get("choosing", ""))


def _file(name: str) -> bytes:
    return resources.files("interlock.testing.slack").joinpath(name).read_bytes()


def _headers() -> dict[str, str]:
    return {
        "Content-Security-Policy": CSP,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
