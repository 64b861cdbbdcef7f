"""Starts the SQL peers and asks each one the point query of `guards`, as its documentation says.

Each is given a folder where it is installed and what it shall ask, and yields how one answer is
timed. All listen on the loopback address only and end, by their pid, with the measurement.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx
from figure import Side, milliseconds
from guards import POINT
from mcp_stdio import Server, ended, served
from support.processes import free_port

ROW = 7
_TOOL = {"name": "execute_sql", "arguments": {"sql": POINT.replace(":id", str(ROW))}}
_STARTS_WITHIN_S = 30
_ACCEPT = {"accept": "application/json, text/event-stream"}
_DBHUB = """
[[sources]]
id = "orders"
dsn = "{dsn}?sslmode=disable"

[[tools]]
name = "execute_sql"
source = "orders"
readonly = true
max_rows = 1000
"""


@contextmanager
def datasette(folder: Path, path: str) -> Iterator[Side]:
    """Serve an SQLite file with Datasette; ask by its JSON API over one kept connection."""
    port = free_port()
    command = [str(folder / "bin/datasette"), "serve", path, "--host", "127.0.0.1"]
    with _listening([*command, "--port", str(port)], port) as http:
        yield lambda: milliseconds(lambda: _datasette_rows(http, Path(path).stem))


def _datasette_rows(http: httpx.Client, name: str) -> None:
    asked = {"sql": POINT, "id": str(ROW), "_shape": "array"}
    answer = http.get(f"/{name}.json", params=asked)
    assert answer.json() == [{"n": 0}], answer.text


@contextmanager
def postgres_mcp(folder: Path, dsn: str) -> Iterator[Side]:
    """Start postgres-mcp in the mode that only reads; ask over its standard input."""
    command = [str(folder / "bin/postgres-mcp"), "--access-mode=restricted"]
    with served(command, {"DATABASE_URI": dsn}) as server:
        yield lambda: milliseconds(lambda: _tool_rows(server))


@contextmanager
def dbhub_stdio(folder: Path, dsn: str) -> Iterator[Side]:
    """Start DBHub and ask over its standard input."""
    with _dbhub(folder, dsn) as program, served([*program, "--transport", "stdio"], {}) as server:
        yield lambda: milliseconds(lambda: _tool_rows(server))


@contextmanager
def dbhub_http(folder: Path, dsn: str) -> Iterator[Side]:
    """Start DBHub as a server and ask over one kept connection; it asks for no token."""
    port = free_port()
    where = ["--transport", "http", "--host", "127.0.0.1", "--port", str(port)]
    with _dbhub(folder, dsn) as program, _listening([*program, *where], port) as http:
        yield lambda: milliseconds(lambda: _posted_rows(http))


@contextmanager
def _dbhub(folder: Path, dsn: str) -> Iterator[list[str]]:
    """Configure a tool that only reads and limits rows, as ours does; yield what to start."""
    modules = folder / "node_modules"
    program = [str(modules / ".bin/node"), str(modules / "@bytebase/dbhub/dist/index.js")]
    with TemporaryDirectory(prefix="interlock-bench-") as place:
        config = Path(place, "dbhub.toml")
        config.write_text(_DBHUB.format(dsn=dsn))
        yield [*program, "--config", str(config)]


def _tool_rows(server: Server) -> None:
    text = server.ask("tools/call", _TOOL)["content"][0]["text"]
    assert "'n': 0" in text or '"n": 0' in text, text


def _posted_rows(http: httpx.Client) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": _TOOL}
    answer = http.post("/mcp", json=message, headers=_ACCEPT).text
    text = json.loads(answer.partition("data:")[2])["result"]["content"][0]["text"]
    assert '"n": 0' in text, text


@contextmanager
def _listening(command: Sequence[str], port: int) -> Iterator[httpx.Client]:
    process = subprocess.Popen(  # noqa: S603  an installed peer, no shell
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            _until_it_answers(http, process)
            yield http
    finally:
        ended(process)


def _until_it_answers(http: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    deadline = perf_counter() + _STARTS_WITHIN_S
    while True:
        assert process.poll() is None, f"{process.args!r} has ended."
        assert perf_counter() < deadline, f"{process.args!r} does not answer."
        try:
            http.get("/")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
