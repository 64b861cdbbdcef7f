"""A gateway as an operator starts it, in front of a real PostgreSQL that counts."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from interlock.testing.postgres import Database
from support.counting import Counters
from support.house import Someone
from support.processes import Command, Gateway, gateway_of


@pytest.fixture(scope="module")
def counters(module_database: Database) -> Counters:
    """The target, which knows what was really executed."""
    return Counters(module_database)


@pytest.fixture(scope="module")
def counting_gateway(
    counters: Counters, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A real gateway process over it."""
    home = counters.home(tmp_path_factory.mktemp("home") / "home")
    with gateway_of(home, Command()) as started:
        yield started
        assert "Traceback" not in started.said()


@pytest.fixture(scope="module")
def responder_token(counting_gateway: Gateway) -> str:
    """The responder's key."""
    return counting_gateway.token("responder")


@pytest.fixture
async def responder(counting_gateway: Gateway, responder_token: str) -> AsyncIterator[Someone]:
    """The responder at the API."""
    url = counting_gateway.home.url
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        yield Someone(http, responder_token)
