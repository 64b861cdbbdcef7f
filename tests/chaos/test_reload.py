"""A running gateway reads its policy again, on SIGHUP and by itself, and stops for neither."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.journal import journal
from support.processes import Command, Gateway, Logins, Nursery, gateway_of, settled

pytestmark = pytest.mark.heavy

SOON_S = 30.0


@pytest.fixture
def serving(births: Nursery, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway over a home of its own, with a SQLite file as its target."""
    file = tmp_path / "notes.db"
    sqlite3.connect(file).close()
    home = settled(tmp_path / "home", {"notes": Logins(str(file), dialect="sqlite")})
    with gateway_of(home, births) as started:
        yield started


def until(true: Callable[[], bool], gateway: Gateway) -> None:
    deadline = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < deadline, gateway.said()
        time.sleep(0.1)  # it is asked again until it is so


def told(gateway: Gateway) -> list[str]:
    """Return what the journal says of the policy, in order."""
    lines = journal(str(gateway.home.store))
    return [line.what[0] for line in lines if line.what[0].startswith("policy.")]


def alarms(gateway: Gateway) -> str:
    text = httpx.get(f"{gateway.home.url}/metrics", timeout=10).text
    found = [line for line in text.splitlines() if 'kind="policy_reload"' in line]
    return next((line.rpartition(" ")[2] for line in found if "_total" in line), "0.0")


def policies(gateway: Gateway) -> Path:
    return gateway.home.folder / "policies"


def events(gateway: Gateway, kind: str) -> list[dict[str, Any]]:
    with sqlite3.connect(gateway.home.store) as store:
        rows = store.execute("SELECT body FROM events WHERE type = ? ORDER BY logindex", [kind])
        return [json.loads(body)["data"] for (body,) in rows]


def test_a_changed_file_comes_into_force_by_itself(serving: Gateway) -> None:
    path = policies(serving) / "permissions.csv"
    path.write_text("# reviewed\n" + path.read_text())

    until(lambda: told(serving) == ["policy.loaded", "policy.reloaded"], serving)

    (loaded,), (reloaded,) = events(serving, "policy.loaded"), events(serving, "policy.reloaded")
    assert reloaded["from"] == loaded["policy"] != reloaded["to"]
    assert reloaded["trigger"] == "change"
    until(lambda: "policy reloaded" in serving.said(), serving)


def test_sighup_reads_the_folder_again_and_ends_nothing(serving: Gateway) -> None:
    until(lambda: "policy unchanged" in serving.said(), serving)
    unchanged = serving.said().count("policy unchanged")

    serving.signal(signal.SIGHUP)

    until(lambda: serving.said().count("policy unchanged") > unchanged, serving)
    path = policies(serving) / "roles.csv"
    path.write_text(path.read_text() + "g, approver, sre\n")
    serving.signal(signal.SIGHUP)
    until(lambda: told(serving)[-1] == "policy.reloaded", serving)
    assert [data["trigger"] for data in events(serving, "policy.reloaded")] == ["signal"]
    assert httpx.get(f"{serving.home.url}/healthz", timeout=10).is_success


IN_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "interlock_gateway", *sys.argv[1:]])
"""


def test_a_gateway_whose_terminal_is_closed_ends_instead(tmp_path: Path) -> None:
    """The same signal, another meaning: nobody asked for the policy to be read again."""
    home = settled(tmp_path / "home", {})
    master, slave = os.openpty()
    with home.log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  our own command, no shell
            [sys.executable, "-c", IN_A_TERMINAL, "--config", str(home.config)],
            stdin=slave,
            stdout=log,
            stderr=log,
            env={**os.environ, **home.env},
        )
    os.close(slave)
    gateway = Gateway(home, Command(), process.pid)
    try:
        gateway.wait_until_up()
        gateway.signal(signal.SIGHUP)
        until(lambda: "policy unchanged" in gateway.said(), gateway)
        assert process.poll() is None

        os.close(master)

        assert process.wait(SOON_S) == 0
    finally:
        process.kill()
        process.wait()


def test_a_folder_that_does_not_load_is_an_alarm_and_the_old_policy_goes_on(
    serving: Gateway,
) -> None:
    path = policies(serving) / "permissions.csv"
    good = path.read_text()
    path.write_text(good.replace(", allow,", ", Allow,", 1))

    until(lambda: alarms(serving) == "1.0", serving)

    until(lambda: told(serving) == ["policy.loaded", "policy.refused"], serving)
    assert "exactly `allow` or `deny`, not 'Allow'" in serving.said()
    assert httpx.get(f"{serving.home.url}/healthz", timeout=10).is_success
    path.write_text("# mended\n" + good)
    until(lambda: told(serving)[-1] == "policy.reloaded", serving)


def test_a_folder_switched_by_its_link_is_taken_whole(births: Nursery, tmp_path: Path) -> None:
    """As configuration managers do it: write another folder, then rename a link to it."""
    home = settled(tmp_path / "home", {})
    first, second = (home.folder / name for name in ("policies-1", "policies-2"))
    (home.folder / "policies").rename(first)
    (home.folder / "policies").symlink_to(first)
    with gateway_of(home, births) as gateway:
        second.mkdir()
        for path in (each for each in first.rglob("*") if each.is_file()):
            goal = second / path.relative_to(first)
            goal.parent.mkdir(exist_ok=True)
            goal.write_bytes(path.read_bytes() + b"\n# second\n")
        assert told(gateway) == ["policy.loaded"]

        (home.folder / "next").symlink_to(second)
        (home.folder / "next").replace(home.folder / "policies")

        until(lambda: told(gateway)[-1] == "policy.reloaded", gateway)
        assert "policy.refused" not in told(gateway)
