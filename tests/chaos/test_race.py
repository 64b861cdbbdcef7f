"""Twenty processes at once: one grant is used once, and nobody's vote is counted twice.

Through one gateway on the embedded store, and through two gateways that share a PostgreSQL.
`INTERLOCK_RACE_ROUNDS` is the number of grants that are raced for.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.counting import BUMP, LOOK, Counters, approves, asks, question, wish
from support.crowd import Answer, Ask, Crowd
from support.house import RunAt, Someone
from support.journal import Line, assert_whole, journal
from support.processes import Gateway, Nursery, gateway_of

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]

ROUNDS = int(os.environ.get("INTERLOCK_RACE_ROUNDS", "300"))
SIZE = 20
_MADE_READY = 20
"""Grants of one run, made ready together: they do not last for all rounds."""

_FEW = max(1, ROUNDS // 100)
_TWO_SEATS = """
[rule.two-dbas]
all_of = [{ role = "dba", count = 2 }]
decide_within = "15m"
use_within = "5m"
max_rows = 100
"""
_LINE = "p, incident:responder, curated, *, production, write, sev4, allow, two-dbas, override\n"


@dataclass(frozen=True, slots=True)
class Arena:
    """Gateways over one store, people who are logged in, and the crowd."""

    gateways: Sequence[Gateway]
    store: str
    tokens: dict[str, str]
    http: httpx.AsyncClient
    crowd: Crowd

    def someone(self, person: str) -> Someone:
        """Return a person at the first gateway."""
        return Someone(self.http, self.tokens[person])

    async def runs(self, severity: str) -> RunAt:
        """Return a run of the counting runbook in a fresh incident."""
        responder = self.someone("responder")
        return await responder.runs(await responder.declares(severity=severity), "counting")

    def rush(self, path: str, asked: Sequence[tuple[str, Any]]) -> list[Answer]:
        """Let the crowd ask with these tokens and bodies, through every gateway in turn."""
        urls = cycle(gateway.home.url for gateway in self.gateways)
        asks = [Ask(url, path, *one) for one, url in zip(asked, urls, strict=False)]
        return self.crowd.all_at_once(asks)

    def journal(self) -> list[Line]:
        """Return the journal, which must be whole."""
        lines = journal(self.store)
        assert_whole(lines)
        return lines


@pytest.fixture(scope="module")
def crowd() -> Iterator[Crowd]:
    """Twenty processes."""
    with Crowd(SIZE) as gathered:
        yield gathered


@pytest.fixture(params=["one gateway, embedded", "two gateways, postgresql"])
async def arena(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    births: Nursery,
    counters: Counters,
    crowd: Crowd,
) -> AsyncIterator[Arena]:
    """One gateway on SQLite, or two on one PostgreSQL."""
    replicas = 1 if "embedded" in request.param else 2
    url = "" if replicas == 1 else str(request.getfixturevalue("postgres_dsn"))
    home = counters.home(tmp_path / "home", store_url=url, rules=_LINE)
    with (home.folder / "policies" / "approvals.toml").open("a") as rules:
        rules.write(_TWO_SEATS)
    async with AsyncExitStack() as stack:
        homes = [home, *(home.beside() for _ in range(replicas - 1))]
        gateways = [stack.enter_context(gateway_of(one, births)) for one in homes]
        people = ("responder", "approver", "colleague", "you")
        tokens = {person: gateways[-1].token(person) for person in people}
        client = httpx.AsyncClient(base_url=home.url, timeout=30)
        http = await stack.enter_async_context(client)
        yield Arena(gateways, url or str(home.store), tokens, http, crowd)


async def test_of_twenty_processes_exactly_one_uses_the_grant(
    arena: Arena, counters: Counters
) -> None:
    first = 500 if len(arena.gateways) == 1 else 500 + ROUNDS
    raced: list[str] = []
    for start in range(first, first + ROUNDS, _MADE_READY):
        batch = range(start, min(start + _MADE_READY, first + ROUNDS))
        run, approvals = await _granted(arena, batch)
        for counter, approval in zip(batch, approvals, strict=True):
            answers = arena.rush(f"/v1/approvals/{approval}/execute", [(run.token, {})] * SIZE)
            assert counters.n(counter) == 1
            done = [answer for answer in answers if answer.status == httpx.codes.OK]
            assert [answer.body.get("replayed", False) for answer in done].count(False) == 1
            assert {answer.code for answer in answers} <= {"", "approval-used"}
        raced += approvals
    told = Counter(line.what for line in arena.journal())
    for kind in ("action.started", "action.succeeded"):
        assert {what[1]: n for what, n in told.items() if what[0] == kind} == dict.fromkeys(
            raced, 1
        )
    assert len(raced) == ROUNDS


async def test_twenty_requests_for_the_same_thing_are_one_request(arena: Arena) -> None:
    """A runner whose answer was lost asks again; here twenty do, at once."""
    run = await arena.runs("sev2")
    attempt = await run.starts("bump", BUMP)
    body = wish(run, 1, attempt)
    answers = arena.rush("/v1/executions", [(run.token, body)] * SIZE)
    made = {answer.body["approval"]["id"] for answer in answers if "approval" in answer.body}
    assert len(made) == 1
    refused = {answer.code for answer in answers} - {""}
    assert refused <= {"call-in-progress", "idempotency-conflict"}
    told = [line.what for line in arena.journal() if line.what[0] == "approval.requested"]
    assert told == [("approval.requested", made.pop())]


async def test_a_call_has_one_answer_however_often_it_is_asked_at_once(arena: Arena) -> None:
    """Whoever is answered is answered what is recorded; the others are told to wait."""
    run = await arena.runs("sev2")
    await run.starts("look", LOOK)
    body = question(run, 1)

    answers = arena.rush("/v1/queries", [(run.token, body)] * SIZE)

    assert {answer.code for answer in answers} <= {"", "call-in-progress"}
    told = [line for line in arena.journal() if line.what[0] == "query.completed"]
    answered = {answer.body["event"] for answer in answers if answer.status == httpx.codes.OK}
    assert answered == {line.id for line in told}
    assert len(told) == 1
    again = await run.post("/v1/queries", body)
    assert (again["replayed"], again["event"]) == (True, told[0].id)


async def test_twenty_votes_of_one_person_are_one_vote(arena: Arena) -> None:
    for counter in range(1, 1 + _FEW):
        approval, answers = await _votes(arena, ["approver"], counter)
        assert [answer.status for answer in answers].count(httpx.codes.CREATED) == 1
        assert {answer.code for answer in answers} <= {"", "already-voted"}
        seen = await arena.someone("approver").prompt(approval)
        assert (seen["state"], len(seen["votes"])) == ("pending", 1)
        arena.journal()


async def test_twenty_votes_of_two_people_fill_two_seats(arena: Arena) -> None:
    for counter in range(1, 1 + _FEW):
        approval, answers = await _votes(arena, ["approver", "colleague"], counter)
        assert [answer.status for answer in answers].count(httpx.codes.CREATED) == 2
        assert {answer.code for answer in answers} <= {"", "already-voted", "approval-decided"}
        seen = await arena.someone("approver").prompt(approval)
        assert seen["state"] == "approved"
        assert sorted(vote["person"] for vote in seen["votes"]) == ["approver", "colleague"]
        arena.journal()


async def test_who_may_not_vote_does_not_in_a_crowd_either(arena: Arena) -> None:
    approval, answers = await _votes(arena, ["approver", "responder", "you"])
    assert [answer.status for answer in answers].count(httpx.codes.CREATED) == 1
    refused = {answer.code for answer in answers} - {""}
    assert refused == {"already-voted", "self-approval", "not-eligible"}
    seen = await arena.someone("approver").prompt(approval)
    assert (seen["state"], len(seen["votes"])) == ("pending", 1)


async def test_twenty_declarations_with_one_key_are_one_incident(arena: Arena) -> None:
    body = {"title": "Checkout stalls", "severity": "sev2", "key": "alert-4711"}
    answers = arena.rush("/v1/incidents", [(arena.tokens["responder"], body)] * SIZE)
    assert {answer.status for answer in answers} == {httpx.codes.CREATED}
    assert len({answer.body["id"] for answer in answers}) == 1
    arena.journal()


async def _granted(arena: Arena, batch: range) -> tuple[RunAt, list[str]]:
    """Let one run ask for each of these counters, and somebody approve all of it."""
    run, approver = await arena.runs("sev2"), arena.someone("approver")
    attempt = await run.starts("bump", BUMP)
    approvals = []
    for ordinal, counter in enumerate(batch):
        body = {**wish(run, counter, attempt), "ordinal": ordinal}
        approvals.append(str((await run.post("/v1/executions", body))["approval"]["id"]))
        await approves(approver, approvals[-1])
    return run, approvals


async def _votes(
    arena: Arena, people: Sequence[str], counter: int = 1
) -> tuple[str, list[Answer]]:
    """Let the crowd vote as these few people on a fresh request that needs two dbas."""
    run = await arena.runs("sev4")
    approval = await asks(run, counter)
    seen = await arena.someone("approver").prompt(approval)
    assert seen["rule"]["name"] == "two-dbas"
    body = {
        "vote": "approve",
        "proposal_digest": seen["proposal_digest"],
        "prompt_digest": seen["prompt_digest"],
    }
    asked = [(arena.tokens[person], body) for person in islice(cycle(people), SIZE)]
    answers = arena.rush(f"/v1/approvals/{approval}/votes", asked)
    return approval, answers
