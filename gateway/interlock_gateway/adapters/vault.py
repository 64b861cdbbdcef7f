"""Credentials kept in a Vault, fetched before they are needed and again every half minute.

A credential is asked for while a connection is being made, where nothing else should be able to
fail; so what the policy names is fetched beforehand. A Vault that cannot be reached, or lets
nobody in, stops nobody for a few minutes. What it says is not there counts at once.
Source: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from interlock_gateway.adapters.targets.http import Answer, Caps, Door, GuardedClient
from interlock_gateway.adapters.targets.http.credential import Credential
from interlock_gateway.core.endpoint import Network, Request, base_url
from interlock_gateway.core.model import Target
from interlock_gateway.core.policy.references import VAULT
from interlock_gateway.service.ports import Clock
from interlock_gateway.service.targets import TargetError

EVERY_S = 30.0
"""Seconds after which a value is fetched again."""

KEPT_S = 300.0
"""Seconds for which a value counts while the Vault cannot be reached."""

_AGAIN_S = 2.0  # before what could not be fetched is asked for again
_CAPS = Caps(bytes=256 * 1024, seconds=5.0)
_FINE = 200
_SAID = {
    400: "the Vault does not understand the path",
    404: "there is no such secret, or it was deleted",
}
_REFUSED = "vault.token may not read it, or has ended"
_log = structlog.get_logger("interlock.gateway")


@dataclass(frozen=True, slots=True)
class VaultAt:
    """Where a Vault answers.

    Attributes:
        url: such as `https://vault.example.com`.
        token: a reference to the token, `env:` or `file:`; read anew each time.
        addresses: networks it may be in; none for public addresses.
        ca: a PEM file with the certificates that sign its own; "" for the system's.
    """

    url: str
    token: str
    addresses: tuple[Network, ...] = ()
    ca: str = ""


@dataclass(frozen=True, slots=True)
class _Held:
    value: str
    at: float


class Vault:
    """Holds what was fetched; values are in memory alone."""

    def __init__(
        self,
        at: VaultAt,
        resolve: Callable[[str], str],
        clock: Clock,
        client: GuardedClient | None = None,
    ) -> None:
        """Fetch nothing yet.

        Args:
            at: where.
            resolve: gives the token for its reference.
            clock: tells how old a value is.
            client: what sends; tests bring one that looks names up otherwise.
        """
        self._at = at
        self._resolve = resolve
        self._clock = clock
        self._client = client or GuardedClient()
        self._held: dict[str, _Held] = {}
        self._why: dict[str, str] = {}

    def value(self, reference: str) -> str:
        """Return the value that a `vault:` reference names.

        Raises:
            TargetError: `target-unreachable`, naming the reference and never a value.
        """
        held = self._held.get(reference)
        if held is not None and self._clock.monotonic() - held.at <= KEPT_S:
            return held.value
        why = self._why.get(reference, "it has not been fetched yet; ask again in a few seconds")
        raise TargetError("target-unreachable", f"The credential {reference} is not there: {why}.")

    def holds(self, reference: str) -> bool:
        """Tell whether there is a value, of whatever age."""
        return reference in self._held

    async def fetch(self, references: Iterable[str]) -> None:
        """Fetch each; why one could not be fetched is told when it is needed."""
        await asyncio.gather(*map(self._fetch_one, references))

    async def run(self, wanted: Callable[[], frozenset[str]]) -> None:
        """Keep what `wanted` names fetched, for ever."""
        while True:
            names = wanted()
            for forgotten in self._held.keys() - names:
                del self._held[forgotten]
            await self.fetch(filter(self._is_due, names))
            await asyncio.sleep(_AGAIN_S)

    def _is_due(self, reference: str) -> bool:
        held = self._held.get(reference)
        return held is None or self._clock.monotonic() - held.at >= EVERY_S

    async def _fetch_one(self, reference: str) -> None:
        try:
            value = await self._asked(reference)
        except RecursionError:
            self._failed(reference, "the Vault's answer nests too deeply to be read")
        except TargetError as error:
            refused = "credential in (403)" in str(error)  # the client knows targets alone
            self._failed(reference, _REFUSED if refused else str(error))
        except _GoneError as error:
            self._held.pop(reference, None)
            self._failed(reference, str(error))
        else:
            self._held[reference] = _Held(value, self._clock.monotonic())
            self._why.pop(reference, None)

    def _failed(self, reference: str, why: str) -> None:
        if self._why.get(reference) != why:
            _log.warning("a credential was not fetched", reference=reference, reason=why)
        self._why[reference] = why.removesuffix(".")

    async def _asked(self, reference: str) -> str:
        found = VAULT.fullmatch(reference)
        if found is None:
            raise _GoneError("it is no `vault:MOUNT/PATH#FIELD`")
        base = base_url(self._at.url)
        path = f"{base.path}/v1/{found['mount']}/data/{found['path']}"
        door = Door(
            "the Vault",
            base,
            self._at.addresses,
            Credential(self._resolve(self._at.token)),
            self._at.ca,
        )
        return _field(await self._client.send(door, Request("GET", path), _CAPS), found["field"])


class _GoneError(Exception):
    """The Vault answered, and there is no such value for us."""


def _field(answer: Answer, field: str) -> str:
    if answer.status in _SAID:
        raise _GoneError(_SAID[answer.status])
    if answer.status != _FINE:
        raise TargetError("target-unreachable", f"the Vault answered with {answer.status}")
    try:
        value: Any = json.loads(answer.body)["data"]["data"][field]
    except (ValueError, KeyError, TypeError):
        raise _GoneError(f"it has no field {field!r}") from None
    if not isinstance(value, str) or not value.strip():
        raise _GoneError(f"its field {field!r} is no text, or empty")
    return value.strip()


def named_in(targets: Iterable[Target]) -> frozenset[str]:
    """Return the `vault:` references of targets."""
    every = (reference for target in targets for reference in (target.read, target.act))
    return frozenset(reference for reference in every if reference.startswith("vault:"))
