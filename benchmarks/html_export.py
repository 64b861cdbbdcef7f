"""A long incident as one HTML page: 10,000 events and 200 artifacts, from entries to text.

The peer is what any export pays at least: the same entries through `json.dumps`.
"""

import base64
import json
import struct
import tracemalloc
import zlib
from collections.abc import Sequence

from figure import Figure, Target, alternated, milliseconds
from interlock.export import Entry, build, html
from sample_incident import INCIDENT, Part, Story, call, found, query, step

EVENTS, ARTIFACTS = 10_000, 200
_ROWS = 60
"""Rows of an artifact: about 8 KB, above which only a preview comes with the event."""
_SIDE = 240


def long_incident(events: int = EVENTS, artifacts: int = ARTIFACTS) -> list[Entry]:
    """Return steps with a query and a finding each, notes between, and outputs of some size."""
    story = Story().tell("incident.declared", 0, {"title": Part("long"), "severity": "sev2"})
    story.tell("run.started", 1, {"run": "R-1", "runbook": "long", "requester": "you"})
    every = max(1, events // 5 // max(1, artifacts))
    at = 0
    while len(story.entries) < events - 1:
        at += 1
        _round(story, at, large=at % every == 0)
    return story.tell("run.ended", at + 1, {"run": "R-1", "outcome": "completed"}).entries


def _round(story: Story, at: int, *, large: bool) -> None:
    name = f"step-{at}"
    step(story, at, name, "What is the database doing?")
    answer = {
        "columns": [{"name": "pid", "type": "integer"}, {"name": "query", "type": "text"}],
        "rows": [[n, f"select {n}, {'x' * 100}"] for n in range(_ROWS if large else 3)],
    }  # fmt: skip
    query(story, at, name, "SELECT pid, query FROM pg_stat_activity LIMIT 50", answer)
    if large:
        output = [{"kind": "display", "data": {"image/png": _chart(at)}, "text": "a chart"}]
        ended = call(name) | {"state": "ok", "outputs": Part(output)}
        story.tell("step.completed", at, ended, by="run:R-1")
    else:
        found(story, at, name, "ok", f"finding number {at} of this incident")
    story.tell("note.observation", at, {"text": Part(f"note {at}: still looking")})


def _chart(seed: int) -> str:
    """Return a PNG of some kilobytes, such as a plot has."""
    rows = b"".join(
        b"\0" + bytes((x * y * seed) & 255 for x in range(_SIDE)) for y in range(_SIDE // 8)
    )
    head = struct.pack(">IIBBBBB", _SIDE, _SIDE // 8, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def figures(*, smoke: bool) -> list[Figure]:
    """Return the time, and the memory beside the size of what is written."""
    entries = long_incident(*((500, 10) if smoke else (EVENTS, ARTIFACTS)))
    taken = alternated(
        {
            "html": lambda: milliseconds(lambda: html(build(INCIDENT, entries))),
            "json": lambda: milliseconds(lambda: _plain(entries)),
        },
        smoke=smoke,
        times=3,
    )
    peak, size = _peak(entries)
    return [
        Figure(
            "10,000 events as HTML", "ms", taken["html"], "json.dumps of it", taken["json"],
            target=Target("value", 2_000),
        ),
        Figure("peak memory of that", "MB", peak, "size of the page", size),
    ]  # fmt: skip


def _plain(entries: Sequence[Entry]) -> str:
    return json.dumps([[entry.event, entry.parts] for entry in entries])


def _peak(entries: Sequence[Entry]) -> tuple[float, float]:
    tracemalloc.start()
    page = html(build(INCIDENT, entries))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6, len(page.encode()) / 1e6
