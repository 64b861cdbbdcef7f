"""A real gateway, as it is started: no secret is in its store, its exports or its log."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from support.forms_of_secrets import forms, written
from support.people import logged_in
from support.processes import Command, Gateway, Home, Logins, gateway_of, settled

HELD = "Cadillac/59é tail-fin"
TOKEN = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
SAID = "correct horse battery"
DSN = f"host=127.0.0.1 port=1 user=ro dbname=orders password='{HELD}'"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose one target cannot be reached."""
    return settled(tmp_path_factory.mktemp("masked") / "home", {"orders": Logins(DSN)})


@pytest.fixture(scope="module")
def gateway(home: Home) -> Iterator[Gateway]:
    """The gateway, running."""
    with gateway_of(home, Command()) as started:
        yield started


@pytest.fixture
async def http(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """A line to it."""
    async with httpx.AsyncClient(base_url=gateway.home.url, timeout=60) as line:
        yield line


def everywhere(home: Home, *more: str) -> Iterator[tuple[str, str]]:
    """Yield the name and content of all that the gateway wrote, and `more`."""
    for path in (*home.store.parent.glob("*.db*"), home.log):
        yield path.name, path.read_bytes().decode("utf-8", "replace")
    yield from (("an answer", text) for text in more)


async def test_nothing_that_was_said_typed_run_or_delivered_is_kept_with_its_secrets(
    home: Home, http: httpx.AsyncClient
) -> None:
    who = await logged_in(http, home.folder, "responder")
    incident = await who.declares(f"Login fails with {HELD}")
    at = f"/v1/incidents/{incident}"
    note = {"text": "\n".join([*written(HELD), TOKEN, f'password = "{SAID}"', who.token])}
    told: dict[str, Any] = await who.post(f"{at}/notes", note)
    assert told["masked"]["known-secret"] >= 10
    assert told["masked"]["github-pat"] == 1
    run = await who.runs(incident, notebook=json.dumps({"cells": [TOKEN, HELD]}))
    attempt = await run.starts("look", f"connect(password={SAID!r}, key={TOKEN!r})")
    refused = await run.call("POST", "/v1/queries", run.asks(f"SELECT '{TOKEN}' AS a, '{HELD}' b"))
    end = {"state": "failed", "error": {"evalue": f"no entry with {TOKEN}", TOKEN: HELD}}
    await run.post(f"/v1/runs/{run.id}/steps/look/{attempt}/end", end)
    export = (await who.call("GET", f"{at}/export")).text
    assert "secrets masked before storing" in export
    page = json.dumps(await who.get(f"{at}/timeline"), ensure_ascii=False)
    for name, text in everywhere(home, export, page, refused.text):
        for secret in (HELD, TOKEN, SAID, who.token, run.token):
            assert not [form for form in forms(secret) if form in text], (name, secret[:3])


def test_the_store_and_the_log_were_really_looked_at(home: Home, gateway: Gateway) -> None:
    texts = dict(everywhere(home))
    assert gateway.pid
    assert "incident.declared" in "".join(texts.values())
    assert home.log.name in texts
