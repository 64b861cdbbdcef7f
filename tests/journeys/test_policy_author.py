"""Whoever writes the policy: simulate a change on what was asked, save it, see it in force."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.house import Someone
from support.processes import Command, Gateway, Logins, gateway_of, settled

DENY = "p, *, *, notes, *, read, *, deny, -, -\n"
SOON_S = 30.0


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway as an operator starts it, with a SQLite file as its target."""
    file = tmp_path / "notes.db"
    sqlite3.connect(file).close()
    home = settled(tmp_path / "home", {"notes": Logins(str(file), dialect="sqlite")})
    with gateway_of(home, Command()) as started:
        yield started
        assert "Traceback" not in started.said()


def interlock(gateway: Gateway, token: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the real command in the gateway's home."""
    folder = gateway.home.folder
    environ = {"INTERLOCK_URL": gateway.home.url, "INTERLOCK_TOKEN": token, "HOME": str(folder)}
    return subprocess.run(  # noqa: S603  our own command, no shell
        [sys.executable, "-m", "interlock", *words],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def asked_twice(http: httpx.AsyncClient, token: str) -> Any:
    """Work on an incident: one read that runs, one write that is refused. Return the run."""
    responder = Someone(http, token)
    run = await responder.runs(await responder.declares())
    await run.starts("look")
    body = run.asks("SELECT 1", target="notes")
    assert (await run.post("/v1/queries", body))["effect"] == "read"
    again = run.asks("DELETE FROM sqlite_master", ordinal=1, target="notes")
    assert await run.refused("/v1/queries", again) in {"not-read-only", "not-understood"}
    return run


async def test_a_change_is_simulated_then_saved_then_in_force(serving: Gateway) -> None:
    token = serving.token("responder")
    async with httpx.AsyncClient(base_url=serving.home.url, timeout=30) as http:
        run = await asked_twice(http, token)

        shutil.copytree(serving.home.folder / "policies", serving.home.folder / "new")
        lines = serving.home.folder / "new" / "permissions.csv"
        same = interlock(serving, token, "policy", "simulate", "new", "--since", "1h")
        assert "✔ 0 would be answered otherwise." in same.stdout, same.stderr
        lines.write_text(DENY + lines.read_text())
        told = interlock(serving, token, "policy", "simulate", "new", "--json")

        found = json.loads(told.stdout)
        assert (found["requests"], found["not_policy"]) == (2, 1)
        (difference,) = found["differences"]
        assert (difference["was"]["decision"], difference["now"]["code"]) == (
            *("freely", "no-permission"),
        )
        assert difference["now"]["text"] == DENY.strip()

        shutil.copy(lines, serving.home.folder / "policies" / "permissions.csv")
        serving.signal(signal.SIGHUP)
        deadline = time.monotonic() + SOON_S
        while "policy reloaded" not in serving.said():
            assert time.monotonic() < deadline, serving.said()
            await asyncio.sleep(0.1)  # until the folder has come to rest
        body = run.asks("SELECT 1", ordinal=2, target="notes")
        assert await run.refused("/v1/queries", body) == "no-permission"
