"""Around every request: a bound on its body, security headers, a count and a duration."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from interlock.errors import refusal
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock_gateway.web.auth import gateway_of
from interlock_gateway.web.problems import problem

MAX_BODY = 16 * 1024 * 1024
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class _TooLongError(Exception):
    """The body grew past its bound while it was read."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """ASGI middleware; `route_of` names the route of a request for the metrics."""

    app: ASGIApp
    route_of: Callable[[Scope], str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within bounds."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        gateway = gateway_of(Request(scope))
        began, status = gateway.clock.monotonic(), [500]

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._bounded(scope, receive, finish)
        finally:
            route, took = self.route_of(scope), gateway.clock.monotonic() - began
            gateway.meter.count("requests", route=route, status=str(status[0]))
            gateway.meter.observe("request_seconds", took, route=route)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > MAX_BODY:
            await _too_long()(scope, receive, send)
            return
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            await _unsayable()(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise _TooLongError
            return message

        async def unless_too_long(message: Message) -> None:
            if seen <= MAX_BODY:
                await send(message)

        with suppress(_TooLongError):  # the framework may have turned it into its own answer
            await self.app(scope, counted, unless_too_long)
        if seen > MAX_BODY:
            await _too_long()(scope, receive, send)


def _too_long() -> ASGIApp:
    message = f"A request has at most {MAX_BODY:,} bytes."
    return problem(refusal("bad-request", message, line="body"), status=413)


def _unsayable() -> ASGIApp:
    return problem(refusal("bad-request", "An address cannot hold a NUL character.", line="path"))
