"""A credential opens what it is for: a key the API, a cookie the pages, a run's token its run."""

import asyncio

import pytest
from interlock_gateway.adapters.codes import LocalCodes
from interlock_gateway.core.model import Person
from support.house import House, RunAt, Someone

_PAGES = ("/", "/approvals", "/incidents/INC-1", "/incidents/INC-1/export?as=json")


@pytest.mark.parametrize("page", _PAGES)
async def test_neither_a_key_nor_a_runs_token_is_a_session(
    responder: Someone, run: RunAt, page: str
) -> None:
    for token in (responder.token, run.token):
        headers = {"Accept": "text/html", "Cookie": f"interlock_session={token}"}
        answer = await responder.http.get(page, headers=headers)
        assert answer.headers["location"].startswith("/login")


async def test_a_session_is_no_key(home: House, responder: Someone) -> None:
    codes = LocalCodes(home.folder / "codes")
    codes.write(Person("approver", "Approver"), "GOOD-CODE-22", home.clock.now())
    login = await home.gateway.identity.login("GOOD-CODE-22", kind="cookie")
    thief = Someone(responder.http, login.token)
    assert (await thief.call("GET", "/v1/whoami")).status_code == 401


async def test_wrong_tokens_lock_nobody_out(home: House, responder: Someone) -> None:
    stranger = Someone(responder.http, "ilk_wrong")
    for _ in range(40):
        await stranger.call("GET", "/v1/whoami")
    assert (await home.kinds("")).count("authentication.failed") == 20
    assert (await home.login("observer")).token


async def test_a_stream_ends_with_the_credential_that_opened_it(
    home: House, responder: Someone, incident: str
) -> None:
    path = f"/v1/incidents/{incident}/timeline/stream"
    following = asyncio.create_task(responder.call("GET", path))
    await asyncio.sleep(0.1)
    assert not following.done()

    await home.gateway.identity.logout(responder.token)

    async with asyncio.timeout(10):
        answer = await following
    assert "incident.declared" in answer.text
