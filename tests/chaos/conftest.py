"""A gateway that can be killed, over a real PostgreSQL that counts what was executed."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import httpx
import pytest
from interlock.testing.postgres import Database
from support.counting import Counters
from support.house import Someone
from support.processes import Gateway, Nursery, gateway_of

PEOPLE = ("responder", "approver", "colleague")
_numbers = count(1)


@pytest.fixture(scope="session")
def births() -> Iterator[Nursery]:
    """Where gateways come from."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture(scope="module")
def counters(module_database: Database) -> Counters:
    """What counts executions."""
    return Counters(module_database)


@pytest.fixture
def counter() -> int:
    """A counter that no other test counts up."""
    return next(_numbers)


@pytest.fixture(scope="module")
def gateway(
    births: Nursery, counters: Counters, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway on an embedded store; a test that kills it starts it again."""
    home = counters.home(tmp_path_factory.mktemp("home") / "home")
    with gateway_of(home, births) as started:
        yield started


@pytest.fixture(scope="module")
def tokens(gateway: Gateway) -> dict[str, str]:
    """Everybody's key."""
    return {person: gateway.token(person) for person in PEOPLE}


@pytest.fixture
async def http(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """A client that keeps no connection, so that it never meets a dead one."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=gateway.home.url, timeout=30, limits=limits) as client:
        yield client


@pytest.fixture
def responder(http: httpx.AsyncClient, tokens: dict[str, str]) -> Someone:
    """A developer, who runs runbooks and is no dba."""
    return Someone(http, tokens["responder"])


@pytest.fixture
def approver(http: httpx.AsyncClient, tokens: dict[str, str]) -> Someone:
    """A dba, who may approve."""
    return Someone(http, tokens["approver"])
