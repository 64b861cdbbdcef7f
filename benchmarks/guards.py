"""What the guards cost: the gateway beside a proxy without them, and beside the driver itself.

The gateway is the real process with its real store; the target is a real PostgreSQL under a
right-sized login; every answer is in the journal before it is given.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import psycopg
from figure import Figure, Side, Target, alternated, milliseconds
from interlock.testing.postgres import Database
from served import Caller, Questions, database, gateway, responder
from support.processes import Logins, free_port

POINT = "SELECT n FROM counters WHERE id = :id"
SLOW = "SELECT sum(g % 7) AS total FROM generate_series(1, :most) AS g"
_SLOW_MS = 25.0
CELLS = {
    "point": f'from interlock import params, query\nquery(params.db, "{POINT}", id=7)',
    "slow": f'from interlock import params, query\nquery(params.db, "{SLOW}", most=9)',
}


def figures(*, smoke: bool) -> list[Figure]:
    """Measure both, over one gateway."""
    with database() as made:
        fill(made)
        with gateway(Logins(made.read), CELLS) as real, responder(real) as person:
            return [_point(made, person, smoke=smoke), _slow(made, person, smoke=smoke)]


def fill(made: Database) -> None:
    """Make the table that is asked."""
    with psycopg.connect(made.app, autocommit=True) as owner:
        owner.execute("CREATE TABLE counters (id int PRIMARY KEY, n int)")
        owner.execute("INSERT INTO counters SELECT g, 0 FROM generate_series(1, 1000) g")


def _point(made: Database, person: Caller, *, smoke: bool) -> Figure:
    with pass_through(made.read) as http:
        sides = {"guarded": guarded(person, "point", POINT, {"id": 7}), "plain": _plain(http)}
        found = alternated(sides, smoke=smoke, times=400, warm_up=20)
    return Figure(
        "guarded point query",
        "ms",
        found["guarded"],
        "pass-through",
        found["plain"],
        Target("difference", 1.5),
    )


def _slow(made: Database, person: Caller, *, smoke: bool) -> Figure:
    with psycopg.connect(made.read, autocommit=True) as driver:
        most = _lasting(driver, _SLOW_MS)
        sides = {
            "guarded": guarded(person, "slow", SLOW, {"most": most}),
            "direct": lambda: milliseconds(lambda: _direct(driver, most)),
        }
        found = alternated(sides, smoke=smoke, times=40, warm_up=3)
    return Figure(
        "guarded 25 ms query",
        "ms",
        found["guarded"],
        "psycopg",
        found["direct"],
        Target("ratio", 1.35),
    )


def guarded(person: Caller, step: str, sql: str, given: dict[str, int]) -> Side:
    """Return a side that asks the gateway as the cell of this step would."""
    params = {name: {"type": "integer", "value": value} for name, value in given.items()}
    questions = Questions(person, (step, CELLS[step]), {"sql": sql, "params": params})

    def once() -> float:
        who, body = questions.place()
        return milliseconds(lambda: who.post("/v1/queries", body))

    return once


def _plain(http: httpx.Client) -> Side:
    caller = Caller(http, "nobody")
    body: dict[str, Any] = {"sql": POINT.replace(":id", "%(id)s"), "params": {"id": 7}}
    return lambda: milliseconds(lambda: caller.post("/v1/queries", body))


def _direct(driver: "psycopg.Connection[Any]", most: int) -> object:
    sql = SLOW.replace(" % ", " %% ").replace(":most", "%(most)s").encode()
    return driver.execute(sql, {"most": most}).fetchall()


def _lasting(driver: "psycopg.Connection[Any]", wanted_ms: float) -> int:
    """Return how many rows make the slow query last about that long on this machine."""
    tried = 100_000
    found = min(milliseconds(lambda: _direct(driver, tried)) for _ in range(5))
    return int(tried * wanted_ms / found)


@contextmanager
def pass_through(dsn: str) -> Iterator[httpx.Client]:
    """Start the proxy without guards; yield a client of it."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("pass_through.py")), str(port)]
    process = subprocess.Popen(command, env={**os.environ, "TARGET": dsn})  # noqa: S603  our own script
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            _until_it_answers(http, process)
            yield http
    finally:
        process.terminate()
        process.wait(30)


def _until_it_answers(http: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    deadline = perf_counter() + 30
    while True:
        assert process.poll() is None, "The pass-through has ended; its words stand above."
        assert perf_counter() < deadline, "The pass-through does not answer."
        try:
            http.get("/")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
