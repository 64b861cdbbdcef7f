"""A gateway for each test, with people of the shipped policies logged in; import what you use."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.codes import LocalCodes
from interlock_gateway.adapters.randomness import SystemRandomness
from interlock_gateway.core.model import Person

from support.house import House, RunAt, Someone, house


@pytest.fixture
async def home(tmp_path: Path, store_url: str) -> AsyncIterator[House]:
    """An open gateway; each folder of tests says with `store_url` where its store is."""
    async with house(tmp_path, store_url) as opened:
        yield opened


@pytest.fixture
async def responder(home: House) -> Someone:
    """A developer, who runs runbooks and is no dba."""
    return await home.login("responder")


@pytest.fixture
async def approver(home: House) -> Someone:
    """A dba, who may approve."""
    return await home.login("approver")


@pytest.fixture
async def incident(responder: Someone) -> str:
    """An open incident that the responder leads."""
    return await responder.declares()


@pytest.fixture
async def run(responder: Someone, incident: str) -> RunAt:
    """A curated run with its first step running."""
    started = await responder.runs(incident, "small")
    await started.starts("activity")
    return started


@pytest.fixture
async def look(responder: Someone, incident: str) -> RunAt:
    """An ad-hoc run with the step `look` running."""
    started = await responder.runs(incident)
    await started.starts("look")
    return started


@pytest.fixture
async def asked(run: RunAt) -> str:
    """An approval request to end the blocking session, waiting."""
    await run.starts("terminate")
    answer = await run.post("/v1/actions", run.wishes())
    return str(answer["approval"]["id"])


async def logged_in(http: httpx.AsyncClient, home: Path, who: str) -> Someone:
    """Log somebody in at a gateway whose home is at hand, with a code as its operator makes it."""
    code = SystemRandomness().code()
    codes = LocalCodes(home / "state" / "codes")
    codes.write(Person(who, who.title()), code, SystemClock().now())
    answer = await http.post("/v1/login", json={"code": code})
    assert answer.is_success, answer.text
    return Someone(http, str(answer.json()["token"]))
