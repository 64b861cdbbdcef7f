"""An Alertmanager of the tests' own, on loopback, which notifies nobody."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_START_SECONDS = 60.0
_INSTALL = "apt-get install -y prometheus-alertmanager"
_CONFIGURATION = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@dataclass(frozen=True, slots=True)
class OwnAlertmanager:
    """A server on loopback."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fires(self, *alerts: dict[str, str]) -> None:
        """Let alerts with these labels fire, as a Prometheus would."""
        self._call("/api/v2/alerts", [{"labels": labels} for labels in alerts])

    def silenced(self, alertname: str) -> bool:
        """Tell whether the alerts of this name are hidden."""
        found = self._call("/api/v2/alerts")
        states = [one["status"] for one in found if one["labels"]["alertname"] == alertname]
        return bool(states) and all(state["silencedBy"] for state in states)

    def silences(self) -> list[dict[str, Any]]:
        """Return every silence."""
        found: list[dict[str, Any]] = self._call("/api/v2/silences")
        return found

    def changes(self, silence: dict[str, Any], **more: Any) -> str:
        """Post a silence again with something changed, as somebody at its page does."""
        body = {key: silence[key] for key in ("id", "matchers", "startsAt", "endsAt", "createdBy")}
        body |= {"comment": silence["comment"], **more}
        return str(self._call("/api/v2/silences", body)["silenceID"])

    def _call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, kind)  # noqa: S310  our own server
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  our own server
            return json.loads(answer.read() or b"null")


@pytest.fixture(scope="session")
def own_alertmanager() -> Iterator[OwnAlertmanager]:
    """Start an Alertmanager, once; without its binary skip, in CI fail."""
    binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if binary is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"The tests of actions need Alertmanager: {_INSTALL}", pytrace=False)
        pytest.skip(f"Alertmanager is not installed: {_INSTALL}")  # in CI it fails, above
    with _running(binary) as server:
        yield server


@contextmanager
def _running(binary: str) -> Iterator[OwnAlertmanager]:
    folder = Path(tempfile.mkdtemp(prefix="interlock-alertmanager-"))
    server = OwnAlertmanager(_free_port())
    (folder / "alertmanager.yml").write_text(_CONFIGURATION)
    log = (folder / "log").open("wb")
    process = subprocess.Popen(  # noqa: S603  our own command, no shell
        [
            binary,
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{server.port}",
            "--cluster.listen-address=",
        ],
        stdout=log,
        stderr=log,
    )
    try:
        _await_ready(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(20)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _await_ready(server: OwnAlertmanager, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/-/ready", timeout=2):  # noqa: S310  our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)  # until it listens
    pytest.fail(f"Alertmanager does not start:\n{log.read_text()[-2000:]}", pytrace=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
