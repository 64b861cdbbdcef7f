"""Whoever wrote a secret is told at once that a mark stands in its place."""

from typing import TYPE_CHECKING

import httpx
import pytest
from interlock.client import Client
from interlock.client.call import Call
from interlock.client.sending import masked_in

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"event": "evt_1", "masked": {"github-pat": 2}}, [{"github-pat": 2}]),
        ({"event": "evt_1"}, []),
        ({"masked": "a column's own word"}, []),
    ],
)
def test_a_client_is_told_what_was_masked(answer: dict[str, object], told: list[object]) -> None:
    heard: list[Mapping[str, int]] = []
    transport = httpx.MockTransport(lambda _: httpx.Response(201, json=answer))
    with Client("http://gateway.test", "ilk_x", transport=transport) as client:
        client.on_masked = heard.append
        client.send(Call("POST", "/v1/incidents/INC-1/notes", {"text": "x"}))
    assert heard == told


def test_what_is_no_count_is_not_told() -> None:
    assert masked_in({"masked": {"cookie": "many", "bearer-token": 1}}) == {"bearer-token": 1}
