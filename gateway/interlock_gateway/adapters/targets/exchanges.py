"""Sends the requests of catalogued actions, and reads their answers as rows.

A request arrives as the text that was approved and is sent as it stands there. This is the last
place before the network, so it looks once more: a reader sends GET, or a change that the vendor
only tries, and an actor sends a change to the base URL that it was approved for.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from interlock_gateway.adapters.targets.http import Answer, Caps, Door, GuardedClient
from interlock_gateway.adapters.targets.http.client import excerpt
from interlock_gateway.adapters.targets.http.credential import Credential
from interlock_gateway.adapters.targets.values import Typed
from interlock_gateway.core.endpoint import Request
from interlock_gateway.core.exchange import (
    VENDORS,
    ExchangeError,
    Selection,
    Written,
    selected,
    understood,
)
from interlock_gateway.core.model import Column, Endpoint, Limits, Rows, Statement, Target
from interlock_gateway.service.outcomes import as_expected
from interlock_gateway.service.targets import (
    Became,
    Deed,
    OutcomeUnknownError,
    Proof,
    Secrets,
    TargetError,
    Witness,
)

_BODY = 8 * 1024 * 1024  # bytes: an Application or a list of alerts; rows have limits of their own
_ANY_TYPE: tuple[str, ...] = ()
_REFUSED = (401, 403)
_ELSEWHERE = (301, 307, 308)  # RFC 9110: not done, to be sent again there
_GAVE_UP = (408, 499)  # of a proxy: nobody knows what it had passed on
_CLIENT_ERRORS = range(400, 500)


class ApiReader:
    """Implements `service.targets.Reader` for every vendor."""

    def __init__(
        self, secrets: Secrets, client: GuardedClient | None = None, *, login: str = "read"
    ) -> None:
        """Connect to nothing yet.

        Args:
            secrets: gives a credential each time one is sent.
            client: what sends; tests bring one that looks names up otherwise.
            login: the credential that looks, `read` or `act`; doctor tries both.
        """
        self._secrets = secrets
        self._client = client or GuardedClient()
        self._login = login

    async def read(
        self,
        target: Target,
        statement: Statement,
        values: Typed,  # noqa: ARG002  a request has its values in it
        limits: Limits,
    ) -> Rows:
        """Return the rows that a request shows; see `service.targets.Reader`."""
        written = _written(statement)
        tried = written.mutating
        if tried and not _only_tries(target, written):
            message = f"{written.method} was to be sent as a read. Nothing was sent."
            raise TargetError("target-failed", message)
        door = _door(target, self._secrets, act=tried or self._login == "act")
        caps = Caps(bytes=_BODY, seconds=limits.seconds)
        answer = await self._client.send(door, _request(target, written), caps)
        if answer.status not in written.selection.status:
            message = f"{target.name} answered {answer.status}: {excerpt(answer.body)}"
            raise TargetError("target-failed", message)
        try:
            return await asyncio.to_thread(_rows, written.selection, answer, limits)
        except ExchangeError as error:
            message = f"{target.name} answered in an unknown form: {error}."
            raise TargetError("target-failed", message) from error

    async def aclose(self) -> None:
        """Close nothing: every call closes its own connection."""


class ApiActor:
    """Implements `service.targets.Actor` for every vendor."""

    def __init__(self, secrets: Secrets, client: GuardedClient | None = None) -> None:
        """Connect to nothing yet; the arguments are those of `ApiReader`."""
        self._secrets = secrets
        self._client = client or GuardedClient()

    async def act(self, target: Target, deed: Deed, limits: Limits, witness: Witness) -> Rows:  # noqa: ARG002  there is no COMMIT before which it could be called
        """Send a request once; see `service.targets.Actor`."""
        written = _written(deed.statement)
        if not written.mutating:
            raise TargetError("target-failed", "A GET changes nothing. Nothing was sent.")
        request = _request(target, written)
        door = _door(target, self._secrets, act=True)
        caps = Caps(bytes=_BODY, seconds=limits.seconds, types=_ANY_TYPE)
        answer = await self._client.change(door, request, caps)
        if answer.status not in written.selection.status:
            _not_done(target, written.selection, answer)
        try:
            rows = await asyncio.to_thread(_rows, written.selection, answer, limits)
        except ExchangeError as error:
            message = f"{target.name} answered {answer.status} in an unknown form: {error}."
            raise OutcomeUnknownError(message) from error
        if not as_expected(rows, deed.expect.value):
            message = f"{target.name} answered {answer.status}, but not with {deed.expect}."
            raise OutcomeUnknownError(message)
        return rows

    async def became(self, target: Target, transaction: Mapping[str, str]) -> Proof:  # noqa: ARG002  the port's signature
        """Say that nobody knows; see `service.targets.Actor`."""
        return Proof(Became.UNTOLD, f"{target.name} keeps no list of what it was asked.")

    async def aclose(self) -> None:
        """Close nothing: every call closes its own connection."""


def _not_done(target: Target, selection: Selection, answer: Answer) -> NoReturn:
    """Raise what a status means that is not a good one: refused for sure, or nobody knows."""
    said = f"{target.name} answered {answer.status}: {excerpt(answer.body)}"
    if answer.status in selection.changed:
        message = f"It has changed since it was looked at, and nothing was done. {said}"
        raise TargetError("precondition-failed", message)
    if answer.status in _REFUSED:
        then = f"Look at what `act` of {target.name} in targets.toml points at, and its rights."
        raise TargetError(
            "target-unreachable", f"It was not let in, and nothing was done. {said} {then}"
        )
    if answer.status in _ELSEWHERE:
        message = (
            f"{target.name} redirects ({answer.status}), which is not followed. Nothing was done."
        )
        raise TargetError("target-failed", message)
    if answer.status in _CLIENT_ERRORS and answer.status not in _GAVE_UP:
        raise TargetError("target-failed", f"It was refused, and nothing was done. {said}")
    raise OutcomeUnknownError(f"It was sent, and nobody knows whether it was done. {said}")


def _written(statement: Statement) -> Written:
    try:
        return understood(statement.text)
    except ExchangeError as error:
        raise TargetError("target-failed", f"{error} Nothing was sent.") from error


def _only_tries(target: Target, written: Written) -> bool:
    """Tell whether the vendor only tries this: its key stands in the query, once and alone."""
    known = VENDORS[target.dialect].trial if target.dialect in VENDORS else None
    if known is None:
        return False
    same = [pair for pair in written.query if pair.partition("=")[0] == known[0]]
    return same == ["=".join(known)]


def _request(target: Target, written: Written) -> Request:
    try:
        return written.request(_endpoint(target).base)
    except ExchangeError as error:
        raise TargetError("target-failed", f"{error} Nothing was sent.") from error


def _endpoint(target: Target) -> Endpoint:
    if target.endpoint is None:
        raise TargetError("target-unreachable", f"{target.name} has no `url`.")
    return target.endpoint


def _door(target: Target, secrets: Secrets, *, act: bool) -> Door:
    endpoint = _endpoint(target)
    login = target.act if act else target.read
    if act and not login:
        raise TargetError("target-unreachable", f"{target.name} has no `act`. Nothing was sent.")
    secret = secrets.resolve(login) if login else ""
    # Only `path:` gives the place of a file; `file:` is one too, and a certificate no secret.
    ca = secrets.resolve("path:" + endpoint.ca.partition(":")[2]) if endpoint.ca else ""
    credential = Credential(secret, endpoint.scheme)
    key = "act" if act else "read"
    return Door(target.name, endpoint.base, endpoint.addresses, credential, ca, login=key)


def _rows(selection: Selection, answer: Answer, limits: Limits) -> Rows:
    """Return what is selected, cut at the limits.

    Raises:
        ExchangeError: the answer is not what the selection reads.
    """
    columns = tuple(Column(one.name, one.type) for one in selection.columns)
    if not columns:
        return Rows((), (), elapsed_ms=answer.elapsed_ms)
    found = selected(selection, _document(answer), etag=answer.etag)
    kept = found[: limits.rows]
    size, whole = 0, 0
    for row in kept:
        size += len(json.dumps(row))
        whole += size <= limits.bytes
    cut = f"rows ({limits.rows:,} of {len(found):,})" if len(kept) < len(found) else ""
    if whole < len(kept):
        cut = f"bytes ({limits.bytes:,})"
    return Rows(columns, kept[:whole], cut, elapsed_ms=answer.elapsed_ms)


def _document(answer: Answer) -> Any:
    """Return the answer as JSON that every reader reads alike."""
    if answer.type != "application/json":
        raise ExchangeError(f"it is {answer.type or 'of no type'} and not application/json")
    try:
        return json.loads(answer.body, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ExchangeError("it says JSON and sends something else") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")
