"""The real parts: a PostgreSQL, the gateway as a process of its own, a run that asks it.

The test suite owns how these are made, so that what is measured is what is tested.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg
from conftest import throw_away_database
from interlock.runbook import canonical_text
from interlock.testing.postgres import Cluster, Database
from support.house import ROOT
from support.processes import Command, Gateway, Logins, gateway_of, settled

_LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_CALLS_PER_RUN = 100
RUNBOOK = "measured"


@contextmanager
def database() -> Iterator[Database]:
    """Make a database with right-sized logins on the server that tests use, or on one started.

    Raises:
        NoPostgres: there is neither.
    """
    named = os.environ.get("INTERLOCK_TEST_POSTGRES") or (_LOCAL if _answers(_LOCAL) else "")
    if named:
        with throw_away_database(named) as made:
            yield made
    else:
        with Cluster(settings=_DURABLE) as cluster, throw_away_database(cluster.dsn()) as made:
            yield made


def _answers(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=2) as connection:
            return connection.execute("SHOW is_superuser").fetchone() == ("on",)
    except psycopg.Error:
        return False


@contextmanager
def gateway(target: Logins, cells: Mapping[str, str]) -> Iterator[Gateway]:
    """Start the real gateway with one target `orders` and one runbook, `measured`."""
    with TemporaryDirectory(prefix="interlock-bench-") as folder:
        books = {RUNBOOK: _runbook(cells, target.dialect)}
        home = settled(Path(folder, "home"), {"orders": target}, runbooks=books)
        with gateway_of(home, Command()) as started:
            yield started


def _runbook(cells: Mapping[str, str], dialect: str) -> str:
    """Return a runbook of these cells, each a query step."""
    book = json.loads((ROOT / "runbooks/sqlite/job-queue-check.ipynb").read_text())
    book["metadata"]["runbook"] |= {
        "id": RUNBOOK,
        "domain": "postgres",
        "params": {"db": {"type": "target", "default": "orders", "help": "Where to ask."}},
        "targets": [{"target": "params.db", "dialect": dialect}],
        "limits": {"calls": 10 * _CALLS_PER_RUN, "rows": 1000, "bytes": 1 << 20, "run_s": 3600},
    }
    book["cells"] = [cell for name, source in cells.items() for cell in _step(name, source)]
    return canonical_text(json.dumps(book))


def _step(name: str, source: str) -> Iterator[dict[str, Any]]:
    about = {"cell_type": "markdown", "id": f"about-{name}", "metadata": {}}
    yield {**about, "source": "What it costs."}
    code: dict[str, Any] = {
        "cell_type": "code",
        "id": name,
        "outputs": [],
        "execution_count": None,
    }
    yield {**code, "metadata": {"step": {"kind": "query", "title": name}}, "source": source}


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or a run at the API."""

    http: httpx.Client
    token: str

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the answer of a request that must succeed."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.http.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def declares(self) -> str:
        """Declare an incident and return its id."""
        incident = self.post("/v1/incidents", {"title": "Measured", "severity": "sev2"})
        return str(incident["id"])

    def runs(self, incident: str, runbook: str = RUNBOOK) -> "tuple[str, Caller]":
        """Start a run; return its id and the run at the API."""
        body = {"incident": incident, "runbook": runbook, "key": secrets.token_hex(8)}
        answer = self.post("/v1/runs", body)
        return str(answer["run"]["id"]), Caller(self.http, answer["token"])


@contextmanager
def responder(gateway: Gateway) -> Iterator[Caller]:
    """Log the responder in, over one kept connection."""
    with httpx.Client(base_url=gateway.home.url, timeout=60) as http:
        yield Caller(http, gateway.token("responder"))


class Questions:
    """Asks one statement at ever new places; a new run begins before a run is unusually long."""

    def __init__(self, person: Caller, cell: tuple[str, str], asked: Mapping[str, Any]) -> None:
        """Prepare.

        Args:
            person: who runs.
            cell: the step's id and its source.
            asked: `sql` and `params` as the API takes them.
        """
        self._person = person
        self._incident = person.declares()
        self._cell = cell
        self._asked = asked
        self._run, self._at = "", person
        self._ordinal = 0

    def place(self) -> tuple[Caller, dict[str, Any]]:
        """Return who asks next, and the body of the request."""
        if self._ordinal % _CALLS_PER_RUN == 0:
            step, source = self._cell
            self._run, self._at = self._person.runs(self._incident)
            self._at.post(f"/v1/runs/{self._run}/steps/{step}/start", {"source": source})
        where = {"run": self._run, "step": self._cell[0], "attempt": 1, "ordinal": self._ordinal}
        self._ordinal += 1
        return self._at, {**where, "target": "orders", **self._asked}
