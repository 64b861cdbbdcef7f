"""The actions on silences, on a real Alertmanager, through the adapters of the gateway."""

import json
from dataclasses import replace
from typing import Any

import pytest
from api_operator import ApiOperator
from interlock.errors import InterlockError
from interlock_gateway.service.targets import TargetError
from own_alertmanager import OwnAlertmanager, own_alertmanager

__all__ = ["own_alertmanager"]

ODD = 'ca"sh\\regi=~".*",x'


@pytest.fixture
def silence(own_alertmanager: OwnAlertmanager) -> ApiOperator:
    """Somebody who will ask for a silence."""
    return ApiOperator.of("alertmanager.silence", own_alertmanager.url)


def label(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


async def test_exactly_the_alerts_with_these_labels_are_hidden(
    own_alertmanager: OwnAlertmanager, silence: ApiOperator
) -> None:
    own_alertmanager.fires(
        {"alertname": "ErrorsA", "service": ODD, "severity": "critical"},
        {"alertname": "ErrorsA", "service": "other"},
        {"alertname": "ErrorsB", "service": ODD},
    )
    matchers = [label("alertname", "ErrorsA"), label("service", ODD)]
    await silence.asks(matchers=matchers, minutes=30)
    (shown,) = silence.shown()
    assert (shown["alertname"], shown["severity"]) == ("ErrorsA", "critical")
    assert shown["labels"]["service"] == ODD
    assert not await silence.verified(within_s=0)

    (cell,) = (await silence.acts()).rows
    assert await silence.verified()
    await silence.asks(matchers=[label("alertname", "ErrorsA")], minutes=30)
    (left,) = silence.shown()
    assert left["labels"]["service"] == "other"
    (made,) = [one for one in own_alertmanager.silences() if one["id"] == cell[0]]
    assert made["createdBy"] == "ann, through Interlock"
    assert made["comment"] == "INC-1: it wakes everybody (t0ken)"
    assert {one["isRegex"] for one in made["matchers"]} == {False}


async def test_what_is_approved_says_every_byte_of_it(
    own_alertmanager: OwnAlertmanager, silence: ApiOperator
) -> None:
    await silence.asks(matchers=[label("alertname", "Nothing")], minutes=20)
    head, body, answer = silence.sent.split("\n\n")
    assert head == (f"POST {own_alertmanager.url}/api/v2/silences\nContent-Type: application/json")
    assert json.loads(body)["matchers"] == [
        {"name": "alertname", "value": "Nothing", "isRegex": False, "isEqual": True}
    ]
    assert 'column "silence" text "/silenceID"' in answer
    assert silence.shown() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("alert name", "x"), ('a=~".*",b', "x"), ("alertname", ""), ("alertname", "a\nb")],
)
def test_what_could_be_another_matcher_is_no_argument(
    silence: ApiOperator, name: str, value: str
) -> None:
    given: dict[str, dict[str, Any]] = {
        "matchers": {"type": "json", "value": [label(name, value)]},
        "minutes": {"type": "integer", "value": 30},
    }
    (told,) = silence.action.problems(given)
    assert "does not have the form" in told


async def test_a_silence_that_would_have_ended_before_it_is_approved_is_refused_by_it(
    silence: ApiOperator,
) -> None:
    await silence.asks(matchers=[label("alertname", "Late")], minutes=20)
    assert silence.design is not None
    ends = json.loads(silence.sent.split("\n\n")[1])["endsAt"]
    late = silence.sent.replace(ends, "2020-01-01T00:00:00Z")
    statement = replace(silence.design.statement, text=late)  # as if hours had passed
    silence.design = replace(silence.design, statement=statement)

    error = await silence.refused()
    assert error.code == "target-failed"
    assert "nothing was done" in str(error)


async def test_a_silence_is_ended_and_only_once(
    own_alertmanager: OwnAlertmanager, silence: ApiOperator
) -> None:
    own_alertmanager.fires({"alertname": "Ended"})
    await silence.asks(matchers=[label("alertname", "Ended")], minutes=30)
    ((made,),) = (await silence.acts()).rows
    assert own_alertmanager.silenced("Ended")

    ending = ApiOperator.of("alertmanager.expire_silence", own_alertmanager.url)
    await ending.asks(silence=made)
    (shown,) = ending.shown()
    assert shown["state"] == "active"
    assert shown["created_by"] == "ann, through Interlock"
    assert await ending.prechecks()
    await ending.acts()
    assert await ending.verified()
    assert not own_alertmanager.silenced("Ended")

    assert not await ending.prechecks()
    with pytest.raises(TargetError, match="precheck expects one row and found 0"):
        await ending.asks(silence=made)


async def test_a_silence_that_somebody_changed_meanwhile_is_not_ended(
    own_alertmanager: OwnAlertmanager, silence: ApiOperator
) -> None:
    await silence.asks(matchers=[label("alertname", "Changed")], minutes=30)
    ((made,),) = (await silence.acts()).rows
    ending = ApiOperator.of("alertmanager.expire_silence", own_alertmanager.url)
    await ending.asks(silence=made)
    assert await ending.prechecks()

    (found,) = [one for one in own_alertmanager.silences() if one["id"] == made]
    assert own_alertmanager.changes(found, comment="needed all night") == made
    assert not await ending.prechecks()


async def test_a_silence_that_is_not_there_is_said(own_alertmanager: OwnAlertmanager) -> None:
    ending = ApiOperator.of("alertmanager.expire_silence", own_alertmanager.url)
    with pytest.raises((TargetError, InterlockError), match="404"):
        await ending.asks(silence="5c0d6a60-7a44-4a8e-9d07-0f3b5cf1f7a1")
