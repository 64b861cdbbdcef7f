"""Credentials in a Vault: fetched beforehand, kept for minutes, gone when the Vault says so.

The server is a stub that answers as Vault's published API says; no real Vault was at hand.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import pytest
from hostile_http import LOOPBACK, says
from hostile_http import serving as hostile
from interlock_gateway.adapters.secrets import References
from interlock_gateway.adapters.vault import EVERY_S, KEPT_S, Vault, VaultAt, named_in
from interlock_gateway.app import vault_at
from interlock_gateway.core.model import Dialect, Target
from interlock_gateway.service.targets import TargetError
from interlock_gateway.settings import Settings, VaultAccess
from support.house import HandClock

READ = "vault:secret/orders/db#read"
_TOKEN = "hvs.token-of-the-gateway"
_CANARY = "postgresql://reader:canary7zx@db/orders"


@dataclass(slots=True)
class StubVault:
    """Answers `GET /v1/MOUNT/data/PATH` as the KV store, version 2, does."""

    secrets: dict[str, dict[str, object]] = field(default_factory=dict)
    port: int = 0
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.split("\r\n")
        _, path, _ = line.split(" ")
        self.asked.append(path)
        status, body = self._answer(path, fields)
        content = json.dumps(body).encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        await writer.drain()
        writer.close()

    def _answer(self, path: str, fields: list[str]) -> tuple[str, object]:
        if f"authorization: bearer {_TOKEN}" not in (text.lower() for text in fields):
            return "403 Forbidden", {"errors": ["permission denied"]}
        found = self.secrets.get(path.removeprefix("/v1/"))
        if found is None:
            return "404 Not Found", {"errors": []}
        return "200 OK", {"data": {"data": found, "metadata": {"version": 3}}}


@asynccontextmanager
async def serving(vault: StubVault) -> AsyncIterator[VaultAt]:
    server = await asyncio.start_server(vault.serve, "127.0.0.1", vault.port)
    vault.port = server.sockets[0].getsockname()[1]
    try:
        yield VaultAt(f"http://127.0.0.1:{vault.port}", "env:TOKEN", (ip_network("127.0.0.1/32"),))
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def stub() -> StubVault:
    return StubVault({"secret/data/orders/db": {"read": _CANARY, "port": 5432, "empty": " "}})


def reading(at: VaultAt, clock: HandClock, token: str = _TOKEN) -> Vault:
    return Vault(at, lambda _: token, clock)


def told(vault: Vault, reference: str = READ) -> str:
    with pytest.raises(TargetError) as refused:
        vault.value(reference)
    assert refused.value.code == "target-unreachable"
    assert _CANARY not in str(refused.value)
    return str(refused.value)


async def test_what_the_policy_names_is_fetched_beforehand(
    stub: StubVault, clock: HandClock
) -> None:
    async with serving(stub) as at:
        vault = reading(at, clock)
        assert "has not been fetched yet" in told(vault)
        await vault.fetch([READ])
        assert vault.value(READ) == _CANARY
    assert stub.asked == ["/v1/secret/data/orders/db"]


async def test_a_vault_that_is_away_for_a_few_minutes_stops_nobody(
    stub: StubVault, clock: HandClock
) -> None:
    async with serving(stub) as at:
        vault = reading(at, clock)
        await vault.fetch([READ])
    clock.pass_time(seconds=KEPT_S - 1)
    await vault.fetch([READ])
    assert vault.value(READ) == _CANARY
    clock.pass_time(seconds=2)
    assert "the Vault" in told(vault)


async def test_what_was_deleted_counts_at_once(stub: StubVault, clock: HandClock) -> None:
    async with serving(stub) as at:
        vault = reading(at, clock)
        await vault.fetch([READ])
        stub.secrets.clear()
        await vault.fetch([READ])
        assert "there is no such secret, or it was deleted" in told(vault)


async def test_a_rotated_secret_counts_from_the_next_time_it_is_fetched(
    stub: StubVault, clock: HandClock
) -> None:
    async with serving(stub) as at:
        vault = reading(at, clock)
        going = asyncio.create_task(vault.run(lambda: frozenset([READ])))
        await until(lambda: vault.holds(READ))
        stub.secrets["secret/data/orders/db"]["read"] = "rotated"
        clock.pass_time(seconds=EVERY_S)
        await until(lambda: vault.value(READ) == "rotated")
        going.cancel()


async def test_what_nobody_names_any_more_is_forgotten(stub: StubVault, clock: HandClock) -> None:
    async with serving(stub) as at:
        vault = reading(at, clock)
        await vault.fetch([READ])
        going = asyncio.create_task(vault.run(frozenset))
        await until(lambda: not vault.holds(READ))
        going.cancel()


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("vault:secret/orders/db#write", "it has no field 'write'"),
        ("vault:secret/orders/db#port", "its field 'port' is no text, or empty"),
        ("vault:secret/orders/db#empty", "its field 'empty' is no text, or empty"),
        ("vault:secret/billing#read", "there is no such secret"),
        ("vault:secret/../sys/seal#read", "it is no `vault:MOUNT/PATH#FIELD`"),
        ("vault:secret/orders?version=1#read", "it is no `vault:MOUNT/PATH#FIELD`"),
    ],
)
async def test_why_it_is_not_there_is_told(
    stub: StubVault, clock: HandClock, reference: str, why: str
) -> None:
    async with serving(stub) as at:
        vault = reading(at, clock)
        await vault.fetch([reference])
        assert why in told(vault, reference)


async def test_an_answer_that_no_parser_reads_ends_nothing(clock: HandClock) -> None:
    async with hostile(says(b"[" * 100_000)) as server:
        at = VaultAt(f"http://127.0.0.1:{server.port}", "env:TOKEN", LOOPBACK)
        vault = reading(at, clock)
        await vault.fetch([READ])
        assert told(vault)


async def test_a_token_that_has_ended_is_told_and_never_repeated(
    stub: StubVault, clock: HandClock
) -> None:
    async with serving(stub) as at:
        vault = reading(at, clock, token="hvs.another-token")
        await vault.fetch([READ])
        words = told(vault)
    assert "vault.token may not read it, or has ended" in words
    assert "hvs.another-token" not in words


def test_a_target_in_a_vault_without_a_vault_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"Set vault.url and vault.token"):
        References(tmp_path).resolve(READ)


def test_the_references_of_targets_are_those_of_both_logins() -> None:
    targets = [
        Target("a", Dialect.POSTGRES, "production", READ, act="vault:secret/orders/db#act"),
        Target("b", Dialect.POSTGRES, "production", "env:B_READ"),
    ]
    assert named_in(targets) == {READ, "vault:secret/orders/db#act"}


@pytest.mark.parametrize(
    ("access", "why"),
    [
        (VaultAccess(url="http://vault.example.com", token="env:T"), "use https://"),
        (VaultAccess(url="https://vault.example.com"), "vault.token is missing"),
        (VaultAccess(url="https://u@vault.example.com", token="env:T"), "names a user"),
        (VaultAccess(url="https://v", token="env:T", addresses=["10.0.0.1/8"]), "no network"),
    ],
)
def test_settings_that_cannot_be_used_stop_the_gateway(access: VaultAccess, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        vault_at(Settings(vault=access))


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.01)
