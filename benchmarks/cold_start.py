"""From starting a process to the first finding on the terminal: `interlock run`, and the peers.

Ours asks the real gateway, which guards the query and writes everything down durably. The
peers ask the same SQLite file the same question with Python's own driver, the cheapest way there
is, and keep nothing until they end. Each side is one fresh process that starts one fresh kernel.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from figure import Figure, Side, Target, alternated
from peers import FIRST, notebook
from served import RUNBOOK, gateway, responder
from support.processes import Logins

OURS = """\
from interlock import finding, params, query

rows = query(params.db, "SELECT n FROM counters WHERE id = 7")
finding(rows, bad=rows.any("n", ">", 9), ok="first")"""
THEIRS = """\
import sqlite3

rows = sqlite3.connect(%r).execute("SELECT n FROM counters WHERE id = 7").fetchall()
print("bad" if any(n > 9 for n, in rows) else "first", flush=True)"""
TARGETS = {"nbclient": Target("ratio", 0.75), "papermill": None}
_PEERS = str(Path(__file__).with_name("peers.py"))


def figures(*, smoke: bool) -> list[Figure]:
    """Measure each in turn, over one gateway."""
    with TemporaryDirectory(prefix="interlock-bench-") as folder:
        target, book = Path(folder, "target.db"), Path(folder, "book.ipynb")
        _fill(target)
        book.write_text(notebook([THEIRS % str(target)]))
        with gateway(Logins(str(target), dialect="sqlite"), {"look": OURS}) as real:
            with responder(real) as person:
                incident, token = person.declares(), person.token
            words = [sys.executable, "-m", "interlock", "run", RUNBOOK, "--incident", incident]
            access = {"INTERLOCK_URL": real.home.url, "INTERLOCK_TOKEN": token}
            peers = {
                name: _side([sys.executable, _PEERS, name, str(book)], {}) for name in TARGETS
            }
            found = alternated({"interlock": _side(words, access), **peers}, smoke=smoke, times=7)
    return [
        Figure("cold start to first finding", "ms", found["interlock"], peer, found[peer], target)
        for peer, target in TARGETS.items()
    ]


def _fill(path: Path) -> None:
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER)")
        owner.execute("INSERT INTO counters VALUES (7, 0)")
        owner.commit()


def _side(command: Sequence[str], more: Mapping[str, str]) -> Side:
    return lambda: _until_first(command, {**os.environ, **more})


def _until_first(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Return the milliseconds until a fresh process says its first finding."""
    began = perf_counter()
    with subprocess.Popen(  # noqa: S603  our own commands, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as started:
        assert started.stdout is not None
        said = next((line for line in started.stdout if FIRST in line), None)
        spent = perf_counter() - began
        assert said, f"It ended without a finding: {command}"
        started.stdout.read()
    assert started.returncode == 0, f"It failed: {command}"
    return spent * 1000
