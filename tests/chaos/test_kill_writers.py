"""kill -9 of the gateway while 64 people write at once, fifty times over, on both stores.

Nothing acknowledged is missing, nothing is there twice, no place is empty, and the log verifies.
`INTERLOCK_SEED` repeats the moments of an earlier run.
"""

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from support.counting import Counters
from support.house import Someone
from support.journal import assert_proven, assert_whole, journal
from support.processes import Gateway, Nursery, gateway_of

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]

ROUNDS = 50
WRITERS = 64
MOST = 300
"""Notes of one round, of which the gateway dies after some."""


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> str:
    """Where the store is: "" for the embedded one."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_dsn"))


@pytest.fixture
async def writing(
    births: Nursery, counters: Counters, store: str, tmp_path: Path
) -> AsyncIterator[Gateway]:
    """A gateway on that store."""
    with gateway_of(counters.home(tmp_path / "home", store_url=store), births) as started:
        yield started


async def test_nothing_acknowledged_is_lost_and_the_log_verifies(
    writing: Gateway, store: str
) -> None:
    seed = os.environ.get("INTERLOCK_SEED") or secrets.token_hex(4)
    print(f"INTERLOCK_SEED={seed}")  # noqa: T201  beside a failure
    moments = random.Random(seed)  # noqa: S311  moments, no secrets
    token, acknowledged = writing.token("responder"), set[str]()
    incident = await _declared(writing, token)
    for _ in range(ROUNDS):
        acknowledged |= await _round(writing, token, incident, moments.randint(1, MOST))
    where = store or str(writing.home.store)
    lines = journal(where)
    assert_whole(lines)
    assert_proven(where)
    assert acknowledged <= {line.id for line in lines}
    assert len(acknowledged) >= ROUNDS
    assert "Traceback" not in writing.said()


async def _declared(gateway: Gateway, token: str) -> str:
    async with httpx.AsyncClient(base_url=gateway.home.url, timeout=30) as http:
        return await Someone(http, token).declares()


async def _round(gateway: Gateway, token: str, incident: str, goal: int) -> set[str]:
    """Let everybody write, kill the gateway after so many, and return what was acknowledged."""
    acknowledged: set[str] = set()
    enough = asyncio.Event()

    async def writer(person: Someone) -> None:
        with suppress(httpx.TransportError):
            while True:
                body = {"text": "seen", "kind": "observation"}
                answer = await person.call("POST", f"/v1/incidents/{incident}/notes", body)
                if answer.status_code == httpx.codes.CREATED:
                    acknowledged.add(answer.json()["event"])
                if len(acknowledged) >= goal:
                    enough.set()

    limits = httpx.Limits(max_connections=WRITERS)
    async with httpx.AsyncClient(base_url=gateway.home.url, timeout=30, limits=limits) as http:
        tasks = [asyncio.create_task(writer(Someone(http, token))) for _ in range(WRITERS)]
        async with asyncio.timeout(60):
            await enough.wait()
        gateway.kill()
        await asyncio.wait(tasks)
    gateway.start()
    return acknowledged
