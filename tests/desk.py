"""A responder at a desk: the real command line, a fake gateway behind httpx's own seam."""

import io
import json
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from interlock.cli.entry import entry
from interlock.cli.home import Credential, store_credential
from interlock.cli.world import World
from interlock.client import AsyncClient, Client

URL = "http://gateway.test"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

Route = dict[str, Any] | str | Callable[[httpx.Request], httpx.Response]


class FakeGateway:
    """Answers from a table of `METHOD /path`; remembers what was asked."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[tuple[str, Any]] = []
        self.tokens: list[str] = []

    def refuses(self, route: str, status: int, **problem: str) -> None:
        self.routes[route] = lambda _: httpx.Response(status, json=problem)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        line = f"{request.method} {request.url.path}"
        self.asked.append((line, json.loads(request.content or b"null")))
        self.tokens.append(request.headers.get("authorization", ""))
        match self.routes.get(line):
            case None:
                return httpx.Response(404, json={"code": "not-found", "detail": line})
            case str(text):
                return httpx.Response(200, text=text)
            case dict(body):
                return httpx.Response(200, json=body)
            case answer:
                return answer(request)

    def last(self, line: str) -> Any:
        return next(body for asked, body in reversed(self.asked) if asked == line)


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str


@dataclass
class Desk:
    """Gives commands; `home` is the responder's, `cwd` the working folder."""

    home: Path
    cwd: Path
    gateway: FakeGateway = field(default_factory=FakeGateway)
    environ: dict[str, str] = field(default_factory=dict)

    def login(self, person: str, url: str = URL) -> Path:
        return store_credential(self.home, Credential(person, "", f"ilk_{person}", url))

    def run(
        self, line: str, *, terminal: bool = False, answers: Iterable[str] = (), width: int = 80
    ) -> Result:
        given, out, err = iter(answers), io.StringIO(), io.StringIO()

        def ask(question: str) -> str:
            out.write(question + "\n")
            return next(given)

        def connect(url: str, token: str) -> Client:
            return Client(url, token, transport=httpx.MockTransport(self.gateway))

        def connect_async(url: str, token: str) -> AsyncClient:
            return AsyncClient(url, token, transport=httpx.MockTransport(self.gateway))

        world = World(
            environ={"HOME": str(self.home.parent), "INTERLOCK_HOME": str(self.home)}
            | self.environ,
            cwd=self.cwd,
            out=out,
            err=err,
            interactive=terminal,
            tables=terminal,
            width=width,
            connect=connect,
            connect_async=connect_async,
            ask=ask,
            now=lambda: NOW,
        )
        code = entry(shlex.split(line), world)
        return Result(code, out.getvalue(), err.getvalue())
