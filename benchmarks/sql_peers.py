"""A guarded point query beside products that do the same job with fewer checks.

Datasette answers on SQLite over HTTP; postgres-mcp (restricted) and DBHub (read-only) answer on
PostgreSQL over MCP. Standard input and output is the shortest way to them; where ours is a server,
DBHub over HTTP is its like. All ask the same server and table under the same login, in turn. MCP's
tools take no parameters: there the value stands in the text. Only ours authenticates who asks,
decides by policy, and has question and answer durably in the journal before it answers.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from figure import Figure, NotMeasured, Side, Target, alternated
from guards import CELLS, POINT, fill, guarded
from peer_cache import DATASETTE, DBHUB, POSTGRES_MCP, Peer, Unavailable
from served import database, gateway, responder
from sql_servers import ROW, datasette, dbhub_http, dbhub_stdio, postgres_mcp
from support.processes import Logins

Found = Figure | NotMeasured


@dataclass(frozen=True, slots=True)
class Way:
    """A peer and one way to ask it.

    Attributes:
        name: as the table calls it.
        peer: what is installed.
        asked: given where that is and what it shall ask, starts it and yields how it is timed.
    """

    name: str
    peer: Peer
    asked: Callable[[Path, str], AbstractContextManager[Side]]


_SQLITE = (Way("datasette", DATASETTE, datasette),)
_POSTGRES = (
    Way("postgres-mcp", POSTGRES_MCP, postgres_mcp),
    Way("dbhub, stdio", DBHUB, dbhub_stdio),
    Way("dbhub, HTTP", DBHUB, dbhub_http),
)


def figures(*, smoke: bool) -> list[Found]:
    """Measure on both engines, beside each peer that can be had."""
    return [*_on_sqlite(smoke=smoke), *_on_postgres(smoke=smoke)]


def _on_sqlite(*, smoke: bool) -> Iterator[Found]:
    there, missing = _installed(_SQLITE, "SQLite", smoke=smoke)
    if there:
        with TemporaryDirectory(prefix="interlock-bench-") as folder:
            path = str(_counters(Path(folder, "orders.db")))
            yield from _beside(there, Logins(path, dialect="sqlite"), "SQLite", smoke=smoke)
    yield from missing


def _on_postgres(*, smoke: bool) -> Iterator[Found]:
    there, missing = _installed(_POSTGRES, "PostgreSQL", smoke=smoke)
    if there:
        with database() as made:
            fill(made)
            yield from _beside(there, Logins(made.read), "PostgreSQL", smoke=smoke)
    yield from missing


def _installed(
    ways: tuple[Way, ...], engine: str, *, smoke: bool
) -> tuple[dict[Way, Path], list[Found]]:
    """Return who can be asked, and a line for each who cannot; a smoke run installs nothing.

    Raises:
        Unavailable: a peer cannot be had in CI, which has to measure all or say what is wrong.
    """
    there: dict[Way, Path] = {}
    missing: list[Found] = []
    for way in ways:
        try:
            there[way] = way.peer.folder(install=not smoke)
        except Unavailable as error:
            if os.environ.get("CI") == "true" and not smoke:
                raise
            missing.append(NotMeasured(_named(engine), way.name, str(error)))
    return there, missing


def _beside(there: dict[Way, Path], login: Logins, engine: str, *, smoke: bool) -> list[Found]:
    with ExitStack() as stack:
        sides = {
            way.name: stack.enter_context(way.asked(folder, login.read))
            for way, folder in there.items()
        }
        real = stack.enter_context(gateway(login, CELLS))
        person = stack.enter_context(responder(real))
        sides["guarded"] = guarded(person, "point", POINT, {"id": ROW})
        found = alternated(sides, smoke=smoke, times=400, warm_up=20)
    faster = Target("ratio", 1.0)
    return [
        Figure(_named(engine), "ms", found["guarded"], way.name, found[way.name], faster)
        for way in there
    ]


def _named(engine: str) -> str:
    return f"guarded point query, {engine}"


def _counters(path: Path) -> Path:
    """Make the table of `guards.fill` in an SQLite file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute("CREATE TABLE counters (id integer PRIMARY KEY, n integer)")
        rows = [(one, 0) for one in range(1, 1001)]
        owner.executemany("INSERT INTO counters VALUES (?, ?)", rows)
    return path
