"""Lists of approval requests: the oldest waits on top, and what does not fit is counted."""

from typing import Any

import pytest
from interlock_gateway.service import inbox
from support.house import TERMINATE, House, RunAt, Someone


@pytest.fixture
async def three(run: RunAt) -> list[str]:
    """Three requests that wait, in the order in which they were asked."""
    await run.starts("terminate")
    asked = []
    for ordinal in range(3):
        args = {**TERMINATE, "pid": {"type": "integer", "value": 100 + ordinal}}
        answer = await run.post("/v1/actions", run.wishes(ordinal=ordinal, args=args))
        asked.append(str(answer["approval"]["id"]))
    return asked


async def _listed(person: Someone, **query: str) -> Any:
    return await person.get("/v1/approvals", **query)


async def test_a_list_that_is_cut_says_so_and_how_many_there_are(
    three: list[str], approver: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await _listed(approver, state="pending")
    assert (whole["total"], whole["cut"], len(whole["approvals"])) == (3, False, 3)
    monkeypatch.setattr(inbox, "MOST_LISTED", 2)
    cut = await _listed(approver, state="pending")
    assert (cut["total"], cut["cut"], len(cut["approvals"])) == (3, True, 2)
    none = await _listed(approver, state="denied")
    assert (none["total"], none["cut"], none["approvals"]) == (0, False, [])
    assert len({row["id"] for row in whole["approvals"]} & set(three)) == 3


async def test_the_oldest_wait_on_top_and_the_others_are_counted(
    home: House, three: list[str], approver: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await home.gateway.identity.authenticate(approver.token)
    waiting = await home.gateway.inbox.waiting(who)
    assert ([row.id for row in waiting.rows], waiting.more) == (three, 0)
    assert waiting.votable == frozenset(three)
    monkeypatch.setattr(inbox, "MOST_WAITING", 2)
    waiting = await home.gateway.inbox.waiting(who)
    assert ([row.id for row in waiting.rows], waiting.more) == (three[:2], 1)


async def test_somebody_without_a_vote_sees_what_waits_and_may_not_vote(
    home: House, three: list[str], responder: Someone
) -> None:
    who = await home.gateway.identity.authenticate(responder.token)
    waiting = await home.gateway.inbox.waiting(who)
    assert [row.id for row in waiting.rows] == three
    assert waiting.votable == frozenset()


async def test_what_was_decided_is_listed_however_much_waits(
    home: House, three: list[str], approver: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many new requests must not push the decided ones off their own list."""
    await approver.vote(three[0])
    monkeypatch.setattr(inbox, "MOST_LISTED", 1)
    who = await home.gateway.identity.authenticate(approver.token)
    assert [row.id for row in await home.gateway.inbox.decided(who)] == [three[0]]
