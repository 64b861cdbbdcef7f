"""Whatever people do, in whichever order: a plan waits as a whole and is granted as a whole."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from support.house import House, Someone, house
from support.plans import asks_for_plan, needs, vote_on_plan

PEOPLE = ("approver", "colleague", "you", "observer", "responder")
Move: TypeAlias = tuple[str, str, str]

VOTES = st.tuples(st.just("vote"), st.sampled_from(PEOPLE), st.sampled_from(["approve", "deny"]))
ALONE = st.tuples(st.just("alone"), st.sampled_from(PEOPLE), st.sampled_from(["A-1", "A-2"]))
ENDS = st.sampled_from([("withdraw", "responder", "A-2"), ("sweep", "", ""), ("reload", "", "")])
WAITS = st.sampled_from([("wait", "", "1"), ("wait", "", "4"), ("wait", "", "14")])
MOVES = st.lists(st.one_of(VOTES, VOTES, ALONE, ENDS, WAITS), min_size=1, max_size=6)


@settings(max_examples=30, deadline=None)
@given(MOVES)
def test_all_of_it_waits_or_none_and_all_of_it_is_granted_or_none(moves: list[Move]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_played(Path(folder), moves))


async def _played(folder: Path, moves: Sequence[Move]) -> None:
    async with house(folder) as home:
        needs(home, one_dba="dba-and-commander")  # A-1 needs one person, A-2 two
        people = {name: await home.login(name) for name in PEOPLE}
        incident = await people["responder"].declares()
        run = await people["responder"].runs(incident, "small")
        await asks_for_plan(run)
        await people["colleague"].post(f"/v1/incidents/{incident}/take")
        for move in moves:
            await _moved(home, people, move)
            await _is_whole(home, people["approver"], incident)


async def _moved(home: House, people: dict[str, Someone], move: Move) -> None:
    match move:
        case ("vote", name, vote):
            await vote_on_plan(people[name], "P-1", vote)
        case ("alone", name, approval):
            assert (await people[name].vote(approval)).is_error
        case ("withdraw", name, approval):
            await people[name].call("POST", f"/v1/approvals/{approval}/withdraw", {})
        case ("sweep", _, _):
            await home.gateway.approvals.expire()
        case ("reload", _, _):
            assert home.policies.reload() == ()
        case ("wait", _, minutes):
            home.clock.pass_time(minutes=int(minutes))


async def _is_whole(home: House, anybody: Someone, incident: str) -> None:
    plan = await anybody.get("/v1/plans/P-1")
    states = [member["state"] for member in plan["members"]]
    assert states.count("pending") in {0, 2}, states
    events = await home.timeline(incident)
    granted = [event["data"] for event in events if event["type"] == "approval.approved"]
    assert [one["approval"] for one in granted] in ([], ["A-1", "A-2"])
    if granted:
        voted = [event["data"] for event in events if event["type"] == "approval.voted"]
        for approval in ("A-1", "A-2"):
            yes = {v["person"] for v in voted if v["approval"] == approval}
            assert yes == {"approver", "colleague"}
    assert home.target.deeds == []
