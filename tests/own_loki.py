"""A stand-in for Loki that is as strict as the vendor's API is documented to be, and stricter.

It is no Loki, which neither Debian nor PyPI carries: what it answers was written from the vendor's
pages ("Loki HTTP API", version 3) and from error messages in its public issues. It holds the lines
it is given, and understands as much of LogQL as the tests ask it: a selector with `=` and `=~`,
filters `|=`, `!=` and `|~`, `count_over_time`, `sum` around it, and `vector`. What it does not
understand it refuses as Loki refuses bad LogQL, and so it does with a parameter that the API does
not document, which a Loki would pass over.
"""

import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MOST_ENTRIES = 5_000
MOST_POINTS = 11_000

_TEXT = r'"((?:[^"\\]|\\.)*)"'
_MATCHER = re.compile(rf"([a-z_]+)(=~|=){_TEXT}")
_FILTER = re.compile(rf"\s*(\|=|!=|\|~)\s*{_TEXT}")
_COUNT = re.compile(r"(?P<sum>sum\()?count_over_time\((?P<of>\{.*)\[(?P<ms>[0-9]+)ms\]\)\)?")
_VECTOR = re.compile(r"vector\(([0-9.]+)\)")

_KNOWN = {
    "/loki/api/v1/query": {"query", "limit", "time", "direction"},
    "/loki/api/v1/query_range": {
        *("query", "limit", "start", "end", "since", "step", "interval", "direction")
    },
    "/loki/api/v1/status/buildinfo": set(),
}

Entry = tuple[int, Mapping[str, str], str]
"""Nanoseconds since 1970, the labels of the stream, the line."""


class BadRequestError(Exception):
    """What Loki says in plain text, with its status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class OwnLoki:
    """A server on loopback.

    Attributes:
        entries: the lines that it holds.
        tenant: without it in X-Scope-OrgID nothing is answered; "" for one that asks for none.
        token: without it as bearer nothing is answered; "" likewise.
        heads: path and header fields of every request.
    """

    entries: list[Entry] = field(default_factory=list)
    tenant: str = ""
    token: str = ""
    port: int = 0
    heads: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, target: str, headers: Mapping[str, str]) -> Any:
        path, query = urlsplit(target).path, urlsplit(target).query
        if self.token and headers.get("Authorization") != f"Bearer {self.token}":
            raise BadRequestError("invalid token", 401)
        if self.tenant and headers.get("X-Scope-OrgID") != self.tenant:
            raise BadRequestError("no org id", 401)
        if path not in _KNOWN:
            raise BadRequestError("404 page not found", 404)
        asked = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
        unknown = asked.keys() - _KNOWN[path]
        if unknown:
            raise BadRequestError(f"unknown parameter: {min(unknown)}")
        if path.endswith("buildinfo"):
            return {"version": "3.0.0", "revision": "none", "goVersion": "none"}
        data = self._at_once(asked) if path.endswith("/query") else self._over_time(asked)
        return {"status": "success", "data": {**data, "stats": {"summary": {}}}}

    def _at_once(self, asked: Mapping[str, str]) -> dict[str, Any]:
        logql, time = asked.get("query", ""), _whole(asked, "time")
        if logql.startswith("{"):
            raise BadRequestError(
                "log queries are not supported as an instant query type, please change your "
                "query to a range query type"
            )
        series = [
            {"metric": labels, "value": [time / 1e9, str(value(time))]}
            for labels, value in self._series(logql)
        ]
        return {"resultType": "vector", "result": series}

    def _over_time(self, asked: Mapping[str, str]) -> dict[str, Any]:
        start, end = _whole(asked, "start"), _whole(asked, "end")
        if end <= start:
            raise BadRequestError("end timestamp must not be before or equal to start time")
        logql = asked.get("query", "")
        if logql.startswith("{"):
            return self._lines(logql, start, end, asked)
        step = float(asked["step"]) * 1e9
        if (end - start) / step > MOST_POINTS:
            raise BadRequestError(
                "exceeded maximum resolution of 11,000 points per time series. Try increasing "
                "the value of the step parameter"
            )
        times = [start + round(n * step) for n in range(int((end - start) / step) + 1)]
        series = [
            {"metric": labels, "values": [[at // 10**9, str(value(at))] for at in times]}
            for labels, value in self._series(logql)
        ]
        return {"resultType": "matrix", "result": series}

    def _lines(self, logql: str, start: int, end: int, asked: Mapping[str, str]) -> dict[str, Any]:
        limit, direction = int(asked.get("limit", "100")), asked.get("direction", "backward")
        if limit > MOST_ENTRIES:
            raise BadRequestError(
                "max entries limit per query exceeded, limit > max_entries_limit_per_query "
                f"({limit} > {MOST_ENTRIES})"
            )
        if direction not in ("forward", "backward"):
            raise BadRequestError(f"invalid direction '{direction}'")
        keep = _reader(logql)
        found = [one for one in self.entries if start <= one[0] < end and keep(one)]
        found.sort(key=lambda one: one[0], reverse=direction == "backward")
        streams: dict[str, dict[str, Any]] = {}
        for at, labels, line in found[:limit]:
            stream = streams.setdefault(json.dumps(labels), {"stream": labels, "values": []})
            stream["values"].append([str(at), line])
        return {"resultType": "streams", "result": list(streams.values())}

    def _series(self, logql: str) -> list[tuple[Mapping[str, str], Callable[[int], float]]]:
        if vector := _VECTOR.fullmatch(logql):
            number = float(vector[1])
            return [({}, lambda _at: number)]
        counts = _COUNT.fullmatch(logql)
        if not counts:
            raise _unexpected(logql)
        keep, width = _reader(counts["of"]), int(counts["ms"]) * 1_000_000
        kept = [one for one in self.entries if keep(one)]
        groups: dict[str, tuple[Mapping[str, str], list[int]]] = {}
        for at, labels, _ in kept:
            shown = {} if counts["sum"] else labels
            groups.setdefault(json.dumps(shown), (shown, []))[1].append(at)
        return [
            (labels, lambda at, times=times: float(sum(at - width < one <= at for one in times)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            for labels, times in groups.values()
        ]


def _whole(asked: Mapping[str, str], name: str) -> int:
    text = asked.get(name, "")
    if not re.fullmatch(r"[0-9]{19}", text):  # nanoseconds, as this project sends them
        raise BadRequestError(f"could not parse '{name}' parameter: {text!r}")
    return int(text)


def _unexpected(logql: str) -> BadRequestError:
    return BadRequestError(
        f"parse error at line 1, col 1: syntax error: unexpected {logql[:10]!r}"
    )


def _reader(logql: str) -> Callable[[Entry], bool]:
    """Return what tells whether an entry is found by a selector and its line filters."""
    inside, closed, rest = logql.removeprefix("{").partition("}")
    matchers, filters = _MATCHER.findall(inside), _FILTER.findall(rest)
    if not closed or not matchers or _FILTER.sub("", rest).strip():
        raise _unexpected(logql)
    if ", ".join(f'{a}{b}"{c}"' for a, b, c in matchers) != inside:
        raise _unexpected(logql)
    if not any(text if sign == "=" else not re.fullmatch(text, "") for _, sign, text in matchers):
        raise BadRequestError(
            "parse error : queries require at least one regexp or equality matcher that does "
            'not have an empty-compatible value. For instance, app=~".*" does not meet this '
            'requirement, but app=~".+" will'
        )

    def keeps(entry: Entry) -> bool:
        _, labels, line = entry
        return all(_fits(sign, text, labels.get(name, "")) for name, sign, text in matchers) and (
            all(_fits(sign, text, line) for sign, text in filters)
        )

    return keeps


def _fits(sign: str, text: str, given: str) -> bool:
    meant = json.loads(f'"{text}"')
    match sign:
        case "=":
            return bool(given == meant)
        case "=~":
            return re.fullmatch(meant, given) is not None
        case "|=":
            return meant in given
        case "!=":
            return meant not in given
        case _:
            return re.search(meant, given) is not None


@contextmanager
def own_loki(*entries: Entry, tenant: str = "", token: str = "") -> Iterator[OwnLoki]:
    """Serve until the block ends."""
    loki = OwnLoki([*entries], tenant, token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            loki.heads.append((self.path, dict(self.headers.items())))
            try:
                status, kind = 200, "application/json; charset=UTF-8"
                body = json.dumps(loki.answer(self.path, dict(self.headers.items()))).encode()
            except BadRequestError as error:
                status, kind = error.status, "text/plain; charset=utf-8"
                body = f"{error}\n".encode()
            self._send(status, kind, body)

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                self.send_header("Content-Encoding", "gzip")
                body = gzip.compress(body)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    loki.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield loki
    finally:
        server.shutdown()
        thread.join(20)
        server.server_close()
