"""Sends one request to one checked address, and takes in no more than was agreed.

httpx's transport is used without httpx's client, so there is nothing that could follow a
redirect, keep a cookie, read `.netrc` or find a proxy in the environment. A name is resolved
once; what is connected to is the address that was checked, with the name in Host and in TLS
(httpx's `sni_hostname`), so that a name with another address a moment later changes nothing.
Each call has a connection of its own: a pool would go by address, and two names may share one.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from interlock_gateway.adapters.targets.http.body import Body, media_type
from interlock_gateway.adapters.targets.http.credential import NO_CREDENTIAL, Credential
from interlock_gateway.core.endpoint import Base, Network, Request, refused_address
from interlock_gateway.service.skew import Clocks
from interlock_gateway.service.targets import OutcomeUnknownError, TargetError

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name, as texts."""

MAX_HEAD = 32 * 1024
"""Bytes of an answer's header fields; h11 itself stops at 100 KiB."""

MAX_FIELDS = 100
"""Header fields of an answer."""

_CONNECTED = "connection.connect_tcp.complete"
_CONNECTING = "connection."  # how events begin before anything is sent; all others count as sent
_REDIRECTS = range(300, 400)
_FINE = range(200, 300)
_REFUSED = (401, 403)
_EXCERPT = 300
_PLAIN = "text/plain"
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a target is, and with what one goes in.

    Attributes:
        target: its name, for messages.
        base: where it answers.
        addresses: where that may be; empty for public addresses.
        credential: what goes into the Authorization header.
        ca: a PEM file with the certificates that sign the target's; "" for the system's.
        tenant: what goes into X-Scope-OrgID; "" for no such header.
        login: the key of targets.toml that names the credential, for messages.
    """

    target: str
    base: Base
    addresses: tuple[Network, ...] = ()
    credential: Credential = NO_CREDENTIAL
    ca: str = ""
    tenant: str = ""
    login: str = "read"


@dataclass(frozen=True, slots=True)
class Caps:
    """What an answer may cost.

    Attributes:
        bytes: of the body, after decompression.
        seconds: from the look-up of the name to the last byte.
        types: media types of an answer that is understood.
    """

    bytes: int = 4 * 1024 * 1024
    seconds: float = 10.0
    types: tuple[str, ...] = ("application/json",)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, with the credential taken out of it.

    Attributes:
        status: the HTTP status.
        type: the media type.
        body: decompressed.
        elapsed_ms: from the look-up to the last byte.
        etag: the ETag field, "" where there is none.
        date: when it says that it was sent, to the second; None where it does not.
    """

    status: int
    type: str
    body: bytes
    elapsed_ms: float
    etag: str = ""
    date: datetime | None = None


@dataclass(slots=True)
class _Way:
    """What becomes of one call.

    Attributes:
        changes: whether it may change something: then every status is an answer, a redirect too.
        sent: whether the first byte may have left this machine.
        stream: the connection; httpcore loses one whose TLS was not done in time.
    """

    changes: bool = False
    sent: bool = False
    stream: Any = None


async def system_addresses(host: str, port: int) -> list[str]:
    """Return what the system resolves a name to."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class GuardedClient:
    """Asks HTTP targets. Nothing is remembered between two calls but what the system trusts."""

    def __init__(self, resolve: Resolve = system_addresses, clocks: Clocks | None = None) -> None:
        """Connect to nothing yet.

        Args:
            resolve: looks names up; asked once for each call.
            clocks: is told what each target's clock shows.
        """
        self._resolve = resolve
        self._clocks = clocks or Clocks()

    async def send(self, door: Door, request: Request, caps: Caps) -> Answer:
        """Send `request` once and return the answer, of whatever status but a redirect.

        Raises:
            TargetError: `target-unreachable`, `target-timeout`, `outside-limits` or
                `target-failed`; the message holds no credential.
        """
        return await self._sent(door, request, caps, _Way())

    async def change(self, door: Door, request: Request, caps: Caps) -> Answer:
        """Send `request`, which changes something, once; return the answer of whatever status.

        Raises:
            TargetError: not one byte of it was sent.
            OutcomeUnknownError: some was, and there is no whole answer.
        """
        way = _Way(changes=True)
        try:
            return await self._sent(door, request, caps, way)
        except TargetError as error:
            if way.sent:
                raise OutcomeUnknownError(f"It was sent, and then: {error}") from error
            raise

    async def _sent(self, door: Door, request: Request, caps: Caps, way: _Way) -> Answer:
        try:
            async with asyncio.timeout(caps.seconds):
                return await self._exchanged(door, request, caps, way)
        except TimeoutError:
            raise TargetError(
                "target-timeout",
                f"{door.target} had not answered to the end after {caps.seconds:g} s; the "
                "connection was closed.",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            raise _broken(door, error) from error

    async def _exchanged(self, door: Door, request: Request, caps: Caps, way: _Way) -> Answer:
        began, now = monotonic(), datetime.now(UTC)
        *others, last = await self._addresses(door)
        for address in others:
            try:
                answer = await _asked(door, request, address, caps, began, way)
                break
            except httpx.ConnectError:
                if way.sent:
                    raise
                continue  # nothing was sent; the name has another address
        else:
            answer = await _asked(door, request, last, caps, began, way)
        if answer.date is not None:
            self._clocks.heard(door.target, answer.date, now, datetime.now(UTC), _SECOND)
        return answer

    async def _addresses(self, door: Door) -> Sequence[str]:
        """Return the addresses of the name, once every one of them is allowed."""
        try:
            found = await self._resolve(door.base.host, door.base.port)
        except OSError as error:
            raise TargetError(
                "target-unreachable",
                f"The name {door.base.host} of {door.target} cannot be resolved: "
                f"{error.strerror or error}.",
            ) from error
        for text in found:
            _must_be_allowed(door, text)
        if not found:
            raise TargetError("target-unreachable", f"{door.base.host} has no address.")
        return found


async def _asked(
    door: Door, request: Request, address: str, caps: Caps, began: float, way: _Way
) -> Answer:
    transport = httpx.AsyncHTTPTransport(
        verify=_trust(door),
        trust_env=False,
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
    )
    try:
        response = await transport.handle_async_request(_built(door, request, address, way))
        try:
            head = _checked(door, response, way)
            body = await _taken(door, response, caps)
        finally:
            await response.aclose()
    finally:
        await transport.aclose()
        if way.stream is not None:
            await way.stream.aclose()
    body = door.credential.removed_from(body)
    elapsed_ms = (monotonic() - began) * 1_000
    tag = response.headers.get("etag", "").encode("ascii", "replace")
    etag = door.credential.removed_from(tag).decode()
    date = _date(response.headers.get("date", ""))
    answer = Answer(response.status_code, head, body, elapsed_ms, etag, date)
    return answer if way.changes else _understood(door, answer, caps)


def _date(text: str) -> datetime | None:
    """Return the moment in a Date field (RFC 9110, 5.6.7); None where it is none."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _must_be_allowed(door: Door, text: str) -> None:
    why = refused_address(ip_address(text), door.addresses)
    if why:
        raise TargetError(
            "target-unreachable",
            f"{door.base.host} of {door.target} was not connected to: {why}. If that is right, "
            f"list it: `addresses` of {door.target} in targets.toml.",
        )


def _built(door: Door, request: Request, address: str, way: _Way) -> httpx.Request:
    base = door.base
    headers = {
        **dict(request.fields),
        "Host": base.authority,
        "User-Agent": "interlock",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Connection": "close",
        **({} if request.body is None else {"Content-Type": request.media}),
        **({"X-Scope-OrgID": door.tenant} if door.tenant else {}),
        **door.credential.headers,
    }
    return httpx.Request(
        request.method,
        httpx.URL(
            scheme=base.scheme, host=address, port=base.port, raw_path=request.path.encode("ascii")
        ),
        headers=headers,
        content=request.body,
        extensions={"sni_hostname": base.host, "trace": _Watch(door, address, way)},
    )


@dataclass(frozen=True, slots=True)
class _Watch:
    """Looks at the connection that was made, before anything is sent over it."""

    door: Door
    address: str
    way: _Way

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if not event.startswith(_CONNECTING):
            self.way.sent = True
        if event != _CONNECTED:
            return
        stream = self.way.stream = info["return_value"]
        peer = str(stream.get_extra_info("server_addr")[0])
        try:
            self._must_be_meant(peer)
            _must_be_allowed(self.door, peer)
        except TargetError:
            await stream.aclose()
            raise

    def _must_be_meant(self, peer: str) -> None:
        if ip_address(peer) != ip_address(self.address):
            raise TargetError(
                "target-unreachable",
                f"{self.door.target} was to be at {self.address} and the connection went to "
                f"{peer}; nothing was sent.",
            )


def _checked(door: Door, response: httpx.Response, way: _Way) -> str:
    """Return the media type, once nothing in the head speaks against reading on."""
    fields = response.headers.raw
    if len(fields) > MAX_FIELDS or sum(len(a) + len(b) for a, b in fields) > MAX_HEAD:
        raise TargetError(
            "outside-limits",
            f"The answer of {door.target} has a larger head than {MAX_HEAD:,} bytes or "
            f"{MAX_FIELDS} fields.",
        )
    if response.status_code in _REDIRECTS and not way.changes:
        raise TargetError(
            "target-failed",
            f"{door.target} answered with a redirect ({response.status_code}), and redirects are "
            "not followed. Write the URL it redirects to into targets.toml, if that is right.",
        )
    return media_type(response.headers.get("content-type", ""))


async def _taken(door: Door, response: httpx.Response, caps: Caps) -> bytes:
    coding = response.headers.get("content-encoding", "").strip().lower()
    body = Body(door.target, coding, caps.bytes)
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TargetError("target-failed", f"The answer of {door.target} cannot be read.")
    async for chunk in stream:
        body.take(chunk)
    return body.whole()


def _understood(door: Door, answer: Answer, caps: Caps) -> Answer:
    if answer.status in _REFUSED:
        said = f"; it says {excerpt(answer.body)!r}" if answer.type == _PLAIN else ""
        tenant = ", and at its `tenant`" if door.tenant or said else ""
        raise TargetError(
            "target-unreachable",
            f"{door.target} does not let its credential in ({answer.status}{said}). Look at what "
            f"`{door.login}` of {door.target} in targets.toml points at{tenant}.",
            answered=True,
        )
    if answer.type not in caps.types:
        expected = " or ".join(caps.types)
        told = f"{door.target} answered {answer.status} with {answer.type or 'no content type'}"
        raise TargetError(
            "target-failed",
            f"{told} where {expected} was expected: {excerpt(answer.body)}",
        )
    if answer.status not in _FINE and not answer.body:
        raise TargetError("target-failed", f"{door.target} answered {answer.status}.")
    return answer


def excerpt(body: bytes) -> str:
    """Return the beginning of a body on one line, with nothing in it that steers a terminal."""
    text = " ".join(body[: 4 * _EXCERPT].decode(errors="replace").split())[:_EXCERPT]
    shown = "".join(c if c.isprintable() else "�" for c in text)
    return shown or "an empty body"


def _broken(door: Door, error: Exception) -> TargetError:
    """Return what became of a call in words that quote nothing but the library's own."""
    base, why = door.base, " ".join(str(error).split())[:_EXCERPT]
    if isinstance(error, httpx.ConnectError):
        told = "TLS failed" if "SSL" in why or "certificate" in why else "no connection"
        return TargetError("target-unreachable", f"{door.target} at {base}: {told}: {why}.")
    if isinstance(error, httpx.RemoteProtocolError):
        message = f"{door.target} broke off or speaks no proper HTTP: {why}."
        return TargetError("target-failed", message)
    return TargetError(
        "target-unreachable", f"The connection to {door.target} at {base} was lost: {why}."
    )


def _trust(door: Door) -> ssl.SSLContext:
    """Return what certificates are checked against; a file that was replaced is read again."""
    try:
        return _context(door.ca, Path(door.ca).stat().st_mtime_ns if door.ca else 0)
    except OSError as error:
        raise TargetError(
            "target-unreachable",
            f"`ca` of {door.target} in targets.toml names no certificates that can be read: "
            f"{error.strerror or error}.",
        ) from error


@lru_cache(maxsize=32)
def _context(ca: str, _version: int) -> ssl.SSLContext:
    """Return a context; loading one takes longer than a call."""
    return ssl.create_default_context(cafile=ca or None)
