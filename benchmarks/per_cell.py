"""What one more cell costs: our runner recording through the real gateway, nbclient, papermill.

Each runs the same trivial cells in one kernel; the median time from one cell to the next is a
round's number. Ours has the start and the end of every cell on disk before it goes on.
"""

import asyncio
import logging
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from figure import Figure, Target, alternated, quiet
from interlock.client import AsyncClient
from interlock.runbook import Step
from interlock.runner.progress import Progress, StepEnded, Work
from interlock.runner.run import run
from peers import nbclient, notebook, papermill
from served import Caller, gateway, responder
from support.processes import Logins

TARGETS = {"nbclient": Target("ratio", 1.3), "papermill": Target("ratio", 0.35)}


def figures(*, smoke: bool) -> list[Figure]:
    """Measure each in turn, over one gateway."""
    cells = [f"total = {n}\ntotal" for n in range(12 if smoke else 40)]
    with TemporaryDirectory(prefix="interlock-bench-") as folder:
        book = Path(folder, "book.ipynb")
        book.write_text(notebook(cells))
        target = Logins(str(Path(folder, "none.db")), dialect="sqlite")
        with gateway(target, {"look": "1"}) as real, responder(real) as person:
            incident = person.declares()
            sides = {
                "interlock": lambda: _between(_ours(person, incident, cells)),
                "nbclient": lambda: _between(_nbclient(book)),
                "papermill": lambda: _between(_papermill(book)),
            }
            with quiet():
                found = alternated(sides, smoke=smoke)
    return [
        Figure("one more cell, recorded", "ms", found["interlock"], peer, found[peer], target)
        for peer, target in TARGETS.items()
    ]


def _between(moments: list[float]) -> float:
    return median(after - before for before, after in pairwise(moments)) * 1000


def _ours(person: Caller, incident: str, cells: list[str]) -> list[float]:
    """Return when each cell was recorded as done."""
    name, at = person.runs(incident, runbook="")
    steps = tuple(
        Step(f"s{n}", "query", "", "", source, "", auto=True) for n, source in enumerate(cells)
    )
    marks: list[float] = []

    def tell(what: Progress) -> None:
        if isinstance(what, StepEnded):
            assert what.ran, what
            marks.append(perf_counter())

    async def go() -> None:
        async with AsyncClient(str(person.http.base_url).rstrip("/"), at.token) as client:
            result = await run(Work(name, steps), client, tell=tell)
        assert result.outcome == "completed", result

    asyncio.run(go())
    return marks


def _nbclient(book: Path) -> list[float]:
    """Return when each cell was done."""
    marks: list[float] = []
    nbclient(book, lambda: marks.append(perf_counter()))
    return marks


def _papermill(book: Path) -> list[float]:
    """Return when each cell was begun, as papermill itself writes down."""
    logging.disable()
    try:
        begun = [cell.metadata.papermill.start_time for cell in papermill(book).cells]
    finally:
        logging.disable(logging.NOTSET)
    return [datetime.fromisoformat(moment).timestamp() for moment in begun]
