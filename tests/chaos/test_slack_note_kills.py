"""kill -9 at every turn between a reaction in Slack and its end: noted once, and said once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from chaos.test_slack_kills import STRIDE, home, http, slack
from interlock.testing.slack import FakeSlack
from interlock_gateway.service.chat.notes import MOST_NOTES
from support.chat import until
from support.counting import asks
from support.dying import TURN
from support.house import Someone
from support.journal import assert_whole, journal
from support.processes import Gateway, Home, Nursery
from support.slack_processes import connected, message_of

__all__ = ["home", "http", "slack"]
pytestmark = [pytest.mark.postgres, pytest.mark.heavy]

_STRIDE = 4 * STRIDE  # a note takes more turns than a click, and nobody notes more than 30 an hour


async def test_a_reaction_survives_a_kill_at_every_turn(
    births: Nursery, home: Home, slack: FakeSlack, http: httpx.AsyncClient
) -> None:
    healthy = Gateway(home, births)
    healthy.start()
    responder = Someone(http, healthy.token("responder"))
    incident, card = await _begun(responder, slack)
    healthy.stop()
    turn, reached = 0, False
    while not reached:
        assert turn < MOST_NOTES * _STRIDE, "It never comes to its end."
        reached = await _round(births, home, slack, card, turn)
        turn += _STRIDE
    healthy = Gateway(home, births)
    healthy.start()
    entries = (await responder.get(f"/v1/incidents/{incident}/timeline"))["entries"]
    healthy.stop()
    noted = [text for entry in entries for text in _note_of(entry)]
    assert noted == [f"said {at}" for at in range(0, turn, _STRIDE)]
    assert turn > 5 * _STRIDE, "It was killed at too few turns for this to prove anything."
    assert_whole(journal(str(home.store)))


async def _begun(responder: Someone, slack: FakeSlack) -> tuple[str, Any]:
    """Return an incident with anna and carla in it, and the card of one of its approvals."""
    incident = await responder.declares()
    for person in ("approver", "colleague"):
        role = {"person": person, "role": "observer"}
        await responder.post(f"/v1/incidents/{incident}/roles", role)
    run = await responder.runs(incident, "counting")
    approval = await asks(run, 1)
    await until(lambda: message_of(slack, approval) is not None)
    return incident, message_of(slack, approval)


async def _round(births: Nursery, home: Home, slack: FakeSlack, card: Any, turn: int) -> bool:
    """React at a gateway that dies at `turn`; tell whether all was said before it died."""
    dies = Gateway(replace(home, env={**home.env, TURN: str(turn)}), births)
    dies.start()
    await until(lambda: connected(slack))
    anna, before = slack.person("anna"), len(_whispers(slack, "U0ANNA"))
    message = anna.writes(card.channel, f"said {turn}", thread=card.ts)
    delivery = anna.reacts(message, "memo")
    assert delivery is not None
    alive = await _dies(dies, lambda: len(_whispers(slack, "U0ANNA")) > before)
    healthy = Gateway(home, births)
    healthy.start()
    try:
        await until(lambda: connected(slack) and delivery.is_over)
        if not delivery.acked:  # Slack gave up on it: somebody else notes it
            slack.person("carla").reacts(message, "memo")
            said = len(_whispers(slack, "U0CARLA"))
            await until(lambda: len(_whispers(slack, "U0CARLA")) > said, 30)
        else:
            await until(lambda: len(_whispers(slack, "U0ANNA")) > before, 30)
    finally:
        healthy.kill()
    return alive


async def _dies(gateway: Gateway, over: Callable[[], bool]) -> bool:
    """Wait until it has died, or all is over before that; tell whether it was still alive."""
    for _ in range(1_000):
        if over() or _is_dead(gateway.pid):
            break
        await asyncio.sleep(0.01)
    alive = not _is_dead(gateway.pid)
    if alive:
        gateway.kill()
    else:
        gateway.ended()
    return alive


def _is_dead(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "Z"


def _whispers(slack: FakeSlack, account: str) -> list[Any]:
    every = slack.channel("incidents").ephemerals
    return [each for each in every if each.only_for == account]


def _note_of(entry: dict[str, Any]) -> list[str]:
    if entry["event"]["type"] != "note.observation":
        return []
    part = entry["event"]["data"]["text"]["$part"]
    return [entry["parts"][part]["text"]]
