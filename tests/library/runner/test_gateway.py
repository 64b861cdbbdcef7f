"""Calls that outlive a gateway's restart, and those that must not be repeated."""

import pytest
from interlock.client import Call
from interlock.errors import Denied, NotLoggedIn, Unavailable
from interlock.runner.gateway import PatientGateway
from interlock.runner.progress import GatewayBack, GatewayUnreachable, Progress
from scripted_gateway import Reply, ScriptedGateway

ASK = Call("POST", "/v1/queries")
LOST = Unavailable("The connection was lost.")
BUSY = Denied("The same thing is under way.", code="idempotency-conflict")


def patient(*replies: Reply) -> tuple[PatientGateway, ScriptedGateway, list[Progress]]:
    told: list[Progress] = []
    gateway = ScriptedGateway({"/queries": list(replies)})
    return PatientGateway(gateway, told.append), gateway, told


async def test_a_call_that_did_not_arrive_is_sent_again_without_a_word() -> None:
    asking, gateway, told = patient(LOST, {"rows": []})
    assert await asking.send(ASK) == {"rows": []}
    assert len(gateway.calls) == 2
    assert told == []


async def test_a_longer_outage_is_told_once_and_so_is_its_end() -> None:
    asking, _, told = patient(*[LOST] * 6, {"rows": []})
    await asking.send(ASK)
    assert [type(what) for what in told] == [GatewayUnreachable, GatewayBack]


async def test_patience_ends() -> None:
    asking, _, _ = patient(LOST)
    with pytest.raises(Unavailable, match="lost"):
        await asking.send(ASK, patience_s=0.1)


async def test_what_the_gateway_itself_cannot_reach_is_an_answer() -> None:
    asking, gateway, _ = patient(Unavailable("No target.", code="target-unreachable"))
    with pytest.raises(Unavailable, match="No target"):
        await asking.send(ASK)
    assert len(gateway.calls) == 1


async def test_a_first_try_still_under_way_is_waited_for() -> None:
    asking, _, _ = patient(LOST, BUSY, {"rows": []})
    assert await asking.send(ASK) == {"rows": []}


async def test_a_conflict_without_an_outage_is_an_answer() -> None:
    asking, gateway, _ = patient(BUSY)
    with pytest.raises(Denied):
        await asking.send(ASK)
    assert len(gateway.calls) == 1


async def test_a_record_whose_answer_was_lost_counts_as_made() -> None:
    ended = Denied("That step is not running.", code="no-step-running")
    asking, _, _ = patient(LOST, ended)
    assert await asking.send(ASK, done="no-step-running") == {}
    asking, _, _ = patient(ended)
    with pytest.raises(Denied):
        await asking.send(ASK, done="no-step-running")


async def test_an_expired_token_is_renewed_once() -> None:
    stale = ScriptedGateway({"/queries": [NotLoggedIn("The token has expired.")]})
    fresh = ScriptedGateway({"/queries": [{"rows": []}]})

    async def renew() -> ScriptedGateway:
        return fresh

    assert await PatientGateway(stale, print, renew).send(ASK) == {"rows": []}
    with pytest.raises(NotLoggedIn):
        await PatientGateway(stale, print).send(ASK)
