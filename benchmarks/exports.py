"""A large record in each form: 10,000 events with 200 large results, beside writing it as JSON.

The time is from the entries, as a gateway reads them, to the text; the peer is `json.dumps` of the
same entries, which reads, folds, narrates, escapes and cuts nothing. It is the time of the one
thread that works, so that others on the machine do not count. Memory is what a process of its
own is larger by at its worst moment, the entries not counted.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import thread_time
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "tests")]  # where the story is

from figure import Figure, Target, alternated  # noqa: E402  found beside this file
from interlock.export import FORMS, Entry, build_for, render  # noqa: E402  see above
from interlock_gateway.cycles import seek_cycles_seldom  # noqa: E402  see above
from sample_incident import INCIDENT, Part, Story, columns  # noqa: E402  see above

EVENTS, LARGE = 10_000, 200
MOST_MS, MOST_MB = 2_000.0, 400.0
_STEPS = 40
_SQL = (
    "SELECT pid, application_name, state\nFROM pg_stat_activity\nWHERE state = 'active'\nLIMIT 400"
)


def figures(*, smoke: bool) -> list[Figure]:
    """Measure each form, and two profiles of Markdown, where memory is kept as a gateway does."""
    seek_cycles_seldom()
    events = 400 if smoke else EVENTS
    entries = record(events)
    jobs = {name: ("internal", name) for name in FORMS}
    jobs |= {"md, external": ("external", "md"), "md, auditor": ("auditor", "md")}
    found = []
    for name, (profile, form) in jobs.items():
        ours = partial(written, entries, profile, form)
        sides = {
            "ours": partial(worked_ms, ours),
            "peer": partial(worked_ms, partial(plainly, entries)),
        }
        taken = alternated(sides, smoke=smoke, times=3)
        title = f"export as {name}, {events:,} events"
        limit = Target("value", MOST_MS)
        found.append(Figure(title, "ms", taken["ours"], "json.dumps", taken["peer"], limit))
    return [*found, *(_memory(name, events) for name in FORMS)]


def worked_ms(work: Callable[[], object]) -> float:
    """Return how many milliseconds this thread works on it."""
    began = thread_time()
    work()
    return (thread_time() - began) * 1000


def record(events: int) -> list[Entry]:
    """Return a timeline of so many events; one query in twelve or so has a large result."""
    story = Story()
    story.tell("incident.declared", 0, {"title": Part("Checkout stalls"), "severity": "sev2"})
    large = max(1, events // 4 // LARGE)
    step = 0
    while len(story.entries) < events:
        if step % _STEPS == 0:
            _run(story, step)
        _step(story, step, rows=400 if step % large == 0 else 3)
        step += 1
    del story.entries[events:]
    return story.entries


def _run(story: Story, step: int) -> None:
    run = {"run": _name(step), "runbook": "pg-lock-contention", "version": "1.0.0"}
    story.tell("run.started", step, run | {"mode": "curated", "requester": "you"})


def _name(step: int) -> str:
    return f"R-{step // _STEPS + 1}"


def _step(story: Story, step: int, *, rows: int) -> None:
    about = {"run": _name(step), "step": f"look-{step % _STEPS}", "attempt": 1}
    by, call = f"run:{_name(step)}", about | {"ordinal": 0, "target": "orders", "effect": "read"}
    answer = [[pid, "checkout-worker", "idle in transaction"] for pid in range(rows)]
    shape = columns("pid integer", "application_name text", "state text")
    result = Part({"columns": shape, "rows": answer})
    source = Part('rows = query("orders", """…""")\nfinding(rows, ok="nothing")\n')
    story.tell("step.started", step, about | {"title": "Who waits?", "source": source}, by=by)
    started: dict[str, Any] = {"statement": Part(_SQL), "params": Part({}), "line": "p.csv:4"}
    story.tell("query.started", step, call | started, by=by)
    ended = call | {"rows": rows, "elapsed_ms": 3.1, "result": result}
    story.tell("query.completed", step, ended, by=by)
    finding = Part({"status": "ok", "text": f"{rows} sessions", "next": ""})
    output = Part([{"kind": "result", "text": "ok: all is well\n" * 10}])
    done = about | {"state": "ok", "elapsed_ms": 4.2, "finding": finding, "outputs": output}
    story.tell("step.completed", step, done, by=by)


def written(entries: list[Entry], profile: str, form: str) -> str:
    """Return the record in a form; a notebook for readers outside is not made, so no job is it."""
    return render(form, build_for(profile, INCIDENT, entries))


def plainly(entries: list[Entry]) -> str:
    """Return the entries as JSON, as they are."""
    return json.dumps([{"event": one.event, "parts": one.parts} for one in entries])


def _memory(form: str, events: int) -> Figure:
    done = subprocess.run(  # noqa: S603  this file
        [sys.executable, __file__, form, f"{events}"], capture_output=True, text=True, check=True
    )
    told: dict[str, float] = json.loads(done.stdout)
    title = f"memory to export as {form}"
    return Figure(title, "MB", told["grown"], target=Target("value", MOST_MB))


def _peak_mb() -> float:
    """Return this program's largest size; `ru_maxrss` would be that of whoever started it."""
    status = Path("/proc/self/status").read_text("ascii")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1000 if found else 0.0


if __name__ == "__main__":
    seek_cycles_seldom()
    entries = record(int(sys.argv[2]))
    before = _peak_mb()
    size = len(written(entries, "internal", sys.argv[1]))
    print(json.dumps({"grown": _peak_mb() - before, "size": size / 1e6}))
