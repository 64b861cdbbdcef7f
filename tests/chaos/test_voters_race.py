"""Twelve people vote at one moment, through two gateways over one PostgreSQL.

Whatever the order, it becomes approved with the very vote that is enough, not earlier and not
twice; a vote that was acknowledged is a row and an event; one denial ends it for everybody.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.counting import Counters, asks
from support.crowd import Answer, Ask, Crowd
from support.house import Someone
from support.journal import Line, assert_whole, journal
from support.people import logged_in
from support.processes import Gateway, Nursery, gateway_of

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]

_DBAS = [f"dba-{number}" for number in range(5)]
_SRES = [f"sre-{number}" for number in range(4)]
_BOTH = [f"both-{number}" for number in range(3)]
VOTERS = [*_DBAS, *_SRES, *_BOTH]
_ROUNDS = 30
_DECIDED = ("approval.approved", "approval.denied")

_RULES = {
    "sev1": '[rule.seats]\nall_of = [{ role = "dba", count = 3 }, { role = "sre", count = 3 }]\n',
    "sev2": '[rule.either]\nany_of = [{ role = "dba", count = 6 }, { role = "sre", count = 4 }]\n',
    "sev3": '[rule.many]\nall_of = [{ role = "dba", count = 8 }]\n',
    "sev4": '[rule.one]\nall_of = [{ role = "dba", count = 1 }]\n',
}
_CLOCKS = 'decide_within = "15m"\nuse_within = "5m"\nmax_rows = 100\n\n'
_NAMES = {"sev1": "seats", "sev2": "either", "sev3": "many", "sev4": "one"}
_LINES = "".join(
    f"p, incident:responder, curated, *, production, write, {level}, allow, {name}, override\n"
    for level, name in _NAMES.items()
)


def _enough(severity: str, people: Sequence[str]) -> bool:
    """Tell by plain counting (Hall's theorem) whether these people fill the rule's seats."""
    dbas = {who for who in people if not who.startswith("sre")}
    sres = {who for who in people if not who.startswith("dba")}
    match severity:
        case "sev1":
            return len(dbas) >= 3 and len(sres) >= 3 and len(dbas | sres) >= 6
        case "sev2":
            return len(dbas) >= 6 or len(sres) >= 4
        case "sev3":
            return len(dbas) >= 8
        case _:
            return len(dbas) >= 1


@dataclass(frozen=True, slots=True)
class Hall:
    """Two gateways, the crowd, and everybody's key."""

    gateways: Sequence[Gateway]
    store: str
    tokens: dict[str, str]
    http: httpx.AsyncClient
    crowd: Crowd

    async def asked(self, severity: str, counter: int) -> str:
        """Return a fresh request."""
        responder = Someone(self.http, self.tokens["responder"])
        incident = await responder.declares(severity=severity)
        return await asks(await responder.runs(incident, "counting"), counter)

    async def all_vote(self, approval: str, denying: str = "") -> list[Answer]:
        """Let everybody vote at one moment, each second one at the second gateway."""
        seen = await Someone(self.http, self.tokens[VOTERS[0]]).prompt(approval)
        body = {name: seen[name] for name in ("proposal_digest", "prompt_digest")}
        path, urls = f"/v1/approvals/{approval}/votes", cycle(g.home.url for g in self.gateways)
        return self.crowd.all_at_once(
            [
                Ask(next(urls), path, self.tokens[who], body | _said(who == denying))
                for who in VOTERS
            ]
        )

    def told(self, approval: str) -> list[Line]:
        """Return what the journal, which must be whole, tells of an approval."""
        lines = journal(self.store)
        assert_whole(lines)
        return [line for line in lines if line.body["data"].get("approval") == approval]


def _said(no: bool) -> dict[str, str]:  # noqa: FBT001  the answer itself
    return {"vote": "deny", "reason": "not now"} if no else {"vote": "approve"}


@pytest.fixture(scope="module")
def crowd() -> Iterator[Crowd]:
    """Twelve processes."""
    with Crowd(len(VOTERS)) as gathered:
        yield gathered


@pytest.fixture
async def hall(
    tmp_path: Path, births: Nursery, counters: Counters, crowd: Crowd, postgres_dsn: str
) -> AsyncIterator[Hall]:
    """Everybody is logged in."""
    home = counters.home(tmp_path / "home", store_url=postgres_dsn, rules=_LINES)
    policies = home.folder / "policies"
    with (policies / "approvals.toml").open("a") as rules:
        rules.writelines(["\n", *(rule + _CLOCKS for rule in _RULES.values())])
    with (policies / "roles.csv").open("a") as roles:
        roles.writelines(f"g, {who}, dba\n" for who in [*_DBAS, *_BOTH])
        roles.writelines(f"g, {who}, sre\n" for who in [*_SRES, *_BOTH])
    async with AsyncExitStack() as stack:
        homes = [home, home.beside()]
        gateways = [stack.enter_context(gateway_of(one, births)) for one in homes]
        client = httpx.AsyncClient(base_url=home.url, timeout=30)
        http = await stack.enter_async_context(client)
        people = [*VOTERS, "responder"]
        tokens = {who: (await logged_in(http, home.folder, who)).token for who in people}
        yield Hall(gateways, postgres_dsn, tokens, http, crowd)


@pytest.mark.parametrize("severity", list(_RULES))
async def test_it_is_granted_by_the_very_vote_that_is_enough(hall: Hall, severity: str) -> None:
    for number in range(_ROUNDS):
        approval = await hall.asked(severity, 1_200 + number)
        answers = await hall.all_vote(approval)
        told = hall.told(approval)
        kinds = [line.body["type"] for line in told]
        assert kinds.count("approval.approved") == 1
        voted = _voted(told)
        assert _enough(severity, voted), voted
        assert not _enough(severity, voted[:-1]), voted
        assert kinds.index("approval.approved") > _last(kinds, "approval.voted")
        _nobody_is_lost(answers, told)
        seen = await Someone(hall.http, hall.tokens["dba-0"]).prompt(approval)
        assert seen["state"] == "approved"
        assert {vote["person"] for vote in seen["votes"]} == set(voted)


async def test_a_denial_among_them_ends_it_once_and_for_all(hall: Hall) -> None:
    """All eight dbas are needed: if one of them denies, nobody's yes is enough any more."""
    for number in range(_ROUNDS):
        counts = number % 2 == 0
        approval = await hall.asked("sev3", 1_300 + number)
        answers = await hall.all_vote(approval, denying="dba-2" if counts else "sre-0")
        told = hall.told(approval)
        decided = [line.body["type"] for line in told if line.body["type"] in _DECIDED]
        assert decided == ["approval.denied" if counts else "approval.approved"]
        _nobody_is_lost(answers, told)


def _voted(told: Sequence[Line]) -> list[str]:
    return [
        str(line.body["data"]["person"])
        for line in told
        if line.body["type"] == "approval.voted" and line.body["data"]["vote"] == "approve"
    ]


def _last(kinds: Sequence[str], kind: str) -> int:
    return max(place for place, one in enumerate(kinds) if one == kind)


def _nobody_is_lost(answers: Sequence[Answer], told: Sequence[Line]) -> None:
    """Whoever was told that it counts is on record, and nobody else is."""
    counted = {
        who
        for who, answer in zip(VOTERS, answers, strict=True)
        if answer.status == httpx.codes.CREATED
    }
    cast: list[Any] = [
        line.body["data"]["person"] for line in told if line.body["type"] == "approval.voted"
    ]
    assert sorted(cast) == sorted(counted)
    rest = {answer.code for answer in answers if answer.status != httpx.codes.CREATED}
    assert rest <= {"approval-decided", "not-eligible"}
