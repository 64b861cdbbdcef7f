"""Two gateways over one PostgreSQL: one dies or loses its connections, and the other goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from interlock.testing.postgres import Database
from support.counting import LOOK, Counters, approves, asks, question
from support.house import RunAt, Someone
from support.journal import assert_whole, journal
from support.processes import Gateway, Nursery, gateway_of

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]


class Pair:
    """Two gateways with the same keys and policies, and people who are logged in at both."""

    def __init__(
        self, gateways: tuple[Gateway, Gateway], clients: list[httpx.AsyncClient]
    ) -> None:
        self.first, self.second = gateways
        self._clients = clients
        self._tokens = {name: self.second.token(name) for name in ("responder", "approver")}

    def at(self, gateway: Gateway, person: str) -> Someone:
        """Return a person at one of the gateways; their key is good at both."""
        client = self._clients[0 if gateway is self.first else 1]
        return Someone(client, self._tokens[person])

    def moved(self, run: RunAt) -> RunAt:
        """Return a run whose runner now speaks to the second gateway."""
        return replace(run, http=self._clients[1])


@pytest.fixture
async def pair(
    births: Nursery, counters: Counters, postgres_dsn: str, tmp_path: Path
) -> AsyncIterator[Pair]:
    """Both of them running."""
    home = counters.home(tmp_path / "home", store_url=postgres_dsn)
    limits = httpx.Limits(max_keepalive_connections=0)
    async with AsyncExitStack() as stack:
        with gateway_of(home, births) as first, gateway_of(home.beside(), births) as second:
            clients = [
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=one.home.url, timeout=30, limits=limits)
                )
                for one in (first, second)
            ]
            yield Pair((first, second), clients)
            assert_whole(journal(postgres_dsn))
            assert "Traceback" not in first.said() + second.said()


@pytest.fixture
async def run(pair: Pair) -> RunAt:
    """A run whose runner speaks to the first gateway."""
    responder = pair.at(pair.first, "responder")
    return await responder.runs(await responder.declares(), "counting")


async def test_what_one_has_begun_the_other_finishes(
    pair: Pair, run: RunAt, counters: Counters, counter: int
) -> None:
    approval = await asks(run, counter)
    pair.first.kill()
    await approves(pair.at(pair.second, "approver"), approval)
    answer = await pair.moved(run).post(f"/v1/approvals/{approval}/execute")
    assert answer["state"] == "succeeded"
    assert counters.n(counter) == 1


async def test_a_recorded_answer_is_the_same_at_both(pair: Pair, run: RunAt, counter: int) -> None:
    await run.starts("look", LOOK)
    first = await run.post("/v1/queries", question(run, counter))
    again = await pair.moved(run).post("/v1/queries", question(run, counter))
    assert again == {**first, "replayed": True}


async def test_what_one_dies_over_the_other_never_does_again(
    pair: Pair, run: RunAt, counters: Counters, counter: int
) -> None:
    approval = await asks(run, counter)
    await approves(pair.at(pair.first, "approver"), approval)
    path = f"/v1/approvals/{approval}/execute"
    with counters.hold(counter) as holder:
        lost = asyncio.create_task(run.call("POST", path, {}))
        await asyncio.to_thread(counters.wait_for_waiters)
        pair.first.kill()
        with pytest.raises(httpx.TransportError):
            await lost
        assert await pair.moved(run).refused(path) == "approval-used"
        holder.rollback()
    pair.first.start()
    for where in (run, pair.moved(run)):
        assert await where.refused(path) == "approval-used"
    assert counters.n(counter) == 0


async def test_two_gateways_never_act_on_one_target_at_once(
    pair: Pair, run: RunAt, counters: Counters, counter: int
) -> None:
    """The second waits at its own gateway, though nobody there knows the first."""
    approver = pair.at(pair.first, "approver")
    other = await pair.at(pair.second, "responder").runs(
        await pair.at(pair.second, "responder").declares("Another"), "counting"
    )
    first, second = await asks(run, counter), await asks(other, counter + 100)
    for approval in (first, second):
        await approves(approver, approval)
    with counters.hold(counter) as holder:
        one = asyncio.create_task(run.post(f"/v1/approvals/{first}/execute"))
        await asyncio.to_thread(counters.wait_for_waiters)
        two = asyncio.create_task(other.post(f"/v1/approvals/{second}/execute"))
        await asyncio.sleep(1)  # long enough for the second to act, if nobody held it back
        assert (await approver.prompt(second))["state"] == "approved"
        assert counters.n(counter + 100) == 0
        holder.rollback()
    assert [(await each)["state"] for each in (one, two)] == ["succeeded", "succeeded"]
    assert (counters.n(counter), counters.n(counter + 100)) == (1, 1)


async def test_of_many_at_two_gateways_one_acts_at_a_time_and_each_once(
    pair: Pair, run: RunAt, counters: Counters, counter: int, postgres_dsn: str
) -> None:
    approver, runs = pair.at(pair.second, "approver"), [run]
    for at in (pair.first, pair.second, pair.second):
        responder = pair.at(at, "responder")
        runs.append(await responder.runs(await responder.declares(), "counting"))
    asked = [await asks(each, counter + 100 * number) for number, each in enumerate(runs)]
    for approval in asked:
        await approves(approver, approval)
    calls = [
        each.call("POST", f"/v1/approvals/{approval}/execute", {})
        for each, approval in zip(runs, asked, strict=True)
        for _ in range(3)
    ]
    answers = [response.json() for response in await asyncio.gather(*calls)]

    done = [one for one in answers if one.get("state") == "succeeded" and "replayed" not in one]
    assert len(done) == len(asked)
    assert {one["code"] for one in answers if "code" in one} <= {"approval-used"}
    assert [counters.n(counter + 100 * number) for number in range(len(asked))] == [1] * len(asked)
    at_work = 0
    for line in journal(postgres_dsn):
        at_work += {"action.started": 1, "action.succeeded": -1}.get(line.body["type"], 0)
        assert at_work in {0, 1}


async def test_a_store_that_drops_every_connection_is_found_again(
    pair: Pair, run: RunAt, counters: Counters, counter: int, postgres_database: Database
) -> None:
    approval = await asks(run, counter)
    with psycopg.connect(postgres_database.superuser, autocommit=True) as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await approves(pair.at(pair.second, "approver"), approval)
    assert (await run.post(f"/v1/approvals/{approval}/execute"))["state"] == "succeeded"
    assert counters.n(counter) == 1


def test_two_that_start_at_one_moment_make_one_store_and_one_key(
    births: Nursery, counters: Counters, postgres_dsn: str, tmp_path: Path
) -> None:
    for number in range(3):
        home = counters.home(tmp_path / f"home-{number}", store_url=postgres_dsn)
        both = [Gateway(one, births) for one in (home, home.beside())]
        for gateway in both:
            gateway.begin()
        for gateway in both:
            gateway.wait_until_up()
        token = both[0].token("responder")
        for gateway in both:
            bearer = {"Authorization": f"Bearer {token}"}
            who = httpx.get(f"{gateway.home.url}/v1/whoami", headers=bearer, timeout=30)
            assert who.json()["person"]["id"] == "responder"
            gateway.kill()
        with psycopg.connect(postgres_dsn, autocommit=True) as owner:
            owner.execute("DROP SCHEMA public CASCADE")
            owner.execute("CREATE SCHEMA public")
