"""A Prometheus of the tests' own, which scrapes itself once a second."""

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

import pytest

_START_SECONDS = 60.0
_MISSING = "The tests of metrics need Prometheus: apt-get install -y prometheus"
_CONFIGURATION = """\
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


@dataclass(frozen=True, slots=True)
class OwnPrometheus:
    """A server on loopback that has scraped itself a few times."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def own_prometheus() -> Iterator[OwnPrometheus]:
    """Start a Prometheus, once for each module; without its binary skip, in CI fail."""
    binary = shutil.which("prometheus")
    if binary is None:
        if os.environ.get("CI") == "true":
            pytest.fail(_MISSING, pytrace=False)
        pytest.skip("Prometheus is not installed: apt-get install -y prometheus")
    with _running(binary) as server:
        yield server


@contextmanager
def _running(binary: str) -> Iterator[OwnPrometheus]:
    folder = Path(tempfile.mkdtemp(prefix="interlock-prometheus-"))
    server = OwnPrometheus(_free_port())
    (folder / "prometheus.yml").write_text(_CONFIGURATION.format(port=server.port))
    log = (folder / "log").open("wb")
    process = subprocess.Popen(  # noqa: S603  our own command, no shell
        [
            binary,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{server.port}",
        ],
        stdout=log,
        stderr=log,
    )
    try:
        _await_samples(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(20)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _await_samples(server: OwnPrometheus, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until `up` has a few samples, so that rates have a value."""
    ends = time.monotonic() + _START_SECONDS
    url = f"{server.url}/api/v1/query?query=count_over_time(up[1m])%3E3"
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  our own server
                if b'"value"' in answer.read():
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.2)  # until it listens and has scraped
    pytest.fail(f"Prometheus does not start:\n{log.read_text()[-2000:]}", pytrace=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
