"""Sends calls over HTTP. The only module on the responder's side that imports httpx."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

import httpx

from interlock.client.call import Call, Json
from interlock.errors import InterlockError, Unavailable, UsageError, error_from_problem

CONNECT_S = 5.0
"""Seconds to wait for a connection; the answer itself may take `Call.patience_s`."""


class Client:
    """Sends calls and waits; close it, or use it in `with`.

    Arguments:
        base_url: `http://host:port`, `https://…`, or `unix:/path/to.sock`.
        token: a person's credential or a run's token; "" for open calls.
        transport: another httpx transport, as in tests.

    Attributes:
        on_masked: is told how often each rule masked a secret in what was sent.
    """

    def __init__(
        self, base_url: str, token: str = "", *, transport: httpx.BaseTransport | None = None
    ) -> None:
        door = _Door(base_url)
        socket = httpx.HTTPTransport(uds=door.socket) if door.socket else None
        self._url = base_url
        self.on_masked: Callable[[Mapping[str, int]], None] = _nothing
        self._http = httpx.Client(transport=transport or socket, **door.options(token))

    def send(self, call: Call) -> Json:
        """Send `call` and return its JSON answer.

        Raises:
            InterlockError: the gateway's refusal, or `Unavailable`.
        """
        answer = _json_of(self._receive(call), self._url)
        if masked := masked_in(answer):
            self.on_masked(masked)
        return answer

    def text(self, call: Call) -> str:
        """Send `call` and return its answer as text, as for exports."""
        return self._receive(call).text

    def content(self, call: Call) -> bytes:
        """Send `call` and return its answer as it is, as for evidence."""
        return self._receive(call).content

    def stream(self, call: Call) -> Iterator[Json]:
        """Send `call` and yield each server-sent event's data until the gateway ends it."""
        events = _Events()
        with _told(call, self._url), self._http.stream(**_arguments(call)) as response:
            if response.is_error:
                response.read()
            _checked(response, self._url)
            for line in response.iter_lines():
                yield from events.feed(line)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self, call: Call) -> httpx.Response:
        with _told(call, self._url):
            return _checked(self._http.request(**_arguments(call)), self._url)


def masked_in(answer: Json) -> Mapping[str, int]:
    """Return how often each rule masked a secret in what was sent; usually nothing."""
    found = answer.get("masked")
    if not isinstance(found, dict):
        return {}
    return {str(rule): int(number) for rule, number in found.items() if isinstance(number, int)}


def _nothing(_masked: Mapping[str, int]) -> None:
    """Tell nobody."""


class AsyncClient:
    """`Client` for asynchronous callers: the same calls, awaited."""

    def __init__(
        self, base_url: str, token: str = "", *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        door = _Door(base_url)
        socket = httpx.AsyncHTTPTransport(uds=door.socket) if door.socket else None
        self._url = base_url
        self._http = httpx.AsyncClient(transport=transport or socket, **door.options(token))

    async def send(self, call: Call) -> Json:
        """Send `call` and return its JSON answer.

        Raises:
            InterlockError: the gateway's refusal, or `Unavailable`.
        """
        return _json_of(await self._receive(call), self._url)

    async def text(self, call: Call) -> str:
        """Send `call` and return its answer as text, as for exports."""
        return (await self._receive(call)).text

    async def content(self, call: Call) -> bytes:
        """Send `call` and return its answer as it is, as for evidence."""
        return (await self._receive(call)).content

    async def stream(self, call: Call) -> AsyncIterator[Json]:
        """Send `call` and yield each server-sent event's data until the gateway ends it."""
        events = _Events()
        with _told(call, self._url):
            async with self._http.stream(**_arguments(call)) as response:
                if response.is_error:
                    await response.aread()
                _checked(response, self._url)
                async for line in response.aiter_lines():
                    for event in events.feed(line):
                        yield event

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _receive(self, call: Call) -> httpx.Response:
        with _told(call, self._url):
            return _checked(await self._http.request(**_arguments(call)), self._url)


class _Door:
    """Where a gateway is: a URL, or the path of its Unix socket."""

    def __init__(self, base_url: str) -> None:
        scheme, _, rest = base_url.partition(":")
        self.socket = rest.removeprefix("//") if scheme == "unix" else ""
        self.url = "http://gateway" if self.socket else base_url.rstrip("/")
        if not self.socket and scheme not in {"http", "https"}:
            raise UsageError(
                f"{base_url!r} is not the URL of a gateway.",
                help="Use http://host:port, https://host or unix:/path/to.sock.",
            )

    def options(self, token: str) -> Json:
        """Return httpx's options; a proxy named by the environment never sees local calls."""
        headers = {"Accept": "application/json", "User-Agent": "interlock"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return {
            "base_url": self.url,
            "headers": headers,
            "trust_env": not self._is_local(),
            "follow_redirects": False,
        }

    def _is_local(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        return bool(self.socket) or host in {"localhost", "::1"} or host.startswith("127.")


class _Events:
    """Server-sent events (WHATWG HTML, 9.2), of which only `data` matters here."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def feed(self, line: str) -> Iterator[Json]:
        """Take one line; yield the event that it completes, if it does."""
        if line.startswith("data:"):
            self._data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and self._data:
            text, self._data = "\n".join(self._data), []
            yield _object(text, "an event stream")


@contextmanager
def _told(call: Call, url: str) -> Iterator[None]:
    """Turn httpx's errors into ours, saying what was not reached and what is not known."""
    doubt = (
        "" if call.idempotent or call.method == "GET" else " Whether it took effect is unknown."
    )
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise Unavailable(f"The gateway at {url} did not accept a connection.") from error
    except httpx.TimeoutException as error:
        waited = f"No answer from the gateway at {url} within {call.patience_s:g} s.{doubt}"
        raise Unavailable(waited, help="Look at its log; then ask again.") from error
    except httpx.ConnectError as error:
        raise Unavailable(f"The gateway at {url} cannot be reached: {error}.") from error
    except httpx.TransportError as error:
        lost = f"The connection to the gateway at {url} was lost ({error}).{doubt}"
        raise Unavailable(lost) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InterlockError(f"The call to {url} failed: {error}.", code="bad-answer") from error


def _arguments(call: Call) -> Json:
    query = {name: value for name, value in (call.query or {}).items() if value is not None}
    timeout = httpx.Timeout(call.patience_s, connect=min(CONNECT_S, call.patience_s))
    return {
        "method": call.method,
        "url": call.path,
        "params": query,
        "json": call.body,
        "timeout": timeout,
    }


def _checked(response: httpx.Response, url: str) -> httpx.Response:
    if response.is_success:
        return response
    try:
        problem = json.loads(response.content)
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        raise error_from_problem(problem)
    raise InterlockError(
        f"{url} answered {response.status_code} {response.reason_phrase}, not as a gateway does.",
        code="bad-answer",
    )


def _json_of(response: httpx.Response, url: str) -> Json:
    return _object(response.text, url)


def _object(text: str, source: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InterlockError(f"{source} answered something that is not JSON.", code="bad-answer")
    return value
