"""Somebody starts Interlock on one machine, logs in, and stops it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def interlock(*words: str, home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  our own command, no shell
        [sys.executable, "-m", "interlock", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
        cwd=home.parent,
        timeout=60,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def up(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """`interlock up` in a fresh home."""
    words = ["up", "--home", str(tmp_path / "home"), "--port", str(free_port())]
    with subprocess.Popen(  # noqa: S603  our own command, no shell
        [sys.executable, "-u", "-m", "interlock", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
    ) as process:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def welcome(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "interlock incident open" in line:
            break
    return "".join(lines)


def test_up_prints_codes_that_log_people_in_and_stops_cleanly(
    up: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    said, home = welcome(up), tmp_path / "home"
    assert "Not for production" in said
    code = re.findall(r"responder +interlock login (\S+)", said)[0]
    assert interlock("login", code, home=home).returncode == 0
    assert interlock("login", code, home=home).returncode == 4  # a code works once
    assert interlock("whoami", home=home).stdout.startswith("you\tresponder")
    opened = interlock("incident", "open", "Checkout is slow", home=home)
    assert (opened.returncode, "INC-1 is open" in opened.stdout) == (0, True)
    assert interlock("whoami", "--as", "nobody", home=home).returncode == 4
    again = interlock("up", home=home)
    assert (again.returncode, "already answers" in again.stderr) == (2, True)
    up.send_signal(signal.SIGTERM)
    assert up.wait(20) == 0
    down = interlock("whoami", home=home)
    assert (down.returncode, "interlock up" in down.stderr) == (1, True)


def test_up_says_why_the_gateway_does_not_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = f'policies = "none"\n[listen]\nport = {free_port()}\n'
    (home / "interlock.toml").write_text(settings)
    done = interlock("up", home=home)
    assert done.returncode == 1
    assert "The gateway ended by itself" in done.stderr
    assert "There is no such folder" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_home_that_is_read_only_is_said_to_be(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = interlock("up", home=tmp_path / "home")
    tmp_path.chmod(0o700)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_said_to_be_and_another_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = interlock("up", "--port", port, home=tmp_path / "home")
    assert done.returncode == 2
    assert f"Port {port} is taken" in done.stderr
    assert "--port" in done.stderr
