"""Runs as a notebook: the same cells with what they asked, were answered and put out.

Opening it runs nothing: it is not trusted by any editor, names no kernel that starts by itself,
and its outputs are text and PNG alone. HTML, SVG and scripts that a cell displayed are named and
left out; sanitising them would keep a way in for no fact gained. Running a cell asks the gateway,
like any other. Recorded questions and answers stand in the metadata of each cell, whole.

Source: nbformat 4.5.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from interlock.errors import UsageError
from interlock.export.about import about_lines
from interlock.export.clock import Clock, clock
from interlock.export.exhibits import output_exhibits
from interlock.export.kept import Call, Cell, Kept
from interlock.export.markdown_text import cited, prose
from interlock.export.model import Exhibit, Left, Pairs, Picture, Postmortem, RunStory, Words
from interlock.export.text import block, written
from interlock.export.to_markdown import run_line

SCHEMA = "interlock/run-notebook/v1"
_TEXT = 200_000
_SOURCE = 1_000_000
_ID = re.compile(r"[^a-zA-Z0-9_-]+")


def notebook_text(postmortem: Postmortem, *, zone: str = "UTC", run: str = "") -> str:
    """Return one run, or all of them in order, as a Jupyter notebook.

    Args:
        postmortem: what `build` returned.
        zone: an IANA time zone shown beside UTC.
        run: the run wanted; "" for all.

    Raises:
        UsageError: the zone or the run is not known.
    """
    when = clock(zone)
    runs = [story for story in postmortem.runs if run in ("", story.id)]
    if run and not runs:
        known = ", ".join(story.id for story in postmortem.runs) or "none"
        raise UsageError(
            f"{postmortem.id} has no run {run!r}.", code="run-not-found", help=f"It has {known}."
        )
    cells = chain((_top(postmortem, when),), *(_run(story, when) for story in runs))
    lines = ",\n".join(map(written, cells))  # a cell a line: to be compared, and fast
    metadata = written(_metadata(postmortem, runs))
    return (
        f'{{"cells": [\n{lines}\n],\n"metadata": {metadata},\n'
        '"nbformat": 4,\n"nbformat_minor": 5\n}\n'
    )


def _metadata(pm: Postmortem, runs: Sequence[RunStory]) -> dict[str, Any]:
    told = {
        "schema": SCHEMA,
        "incident": pm.id,
        "profile": pm.profile,
        "events": pm.record.events,
        "runs": [
            {"run": r.id, "runbook": r.runbook, "version": r.version, "digest": r.digest}
            for r in runs
        ],
    }
    # A language for highlighting; no kernelspec, so that no editor picks one by itself.
    return {"interlock": told, "language_info": {"name": "python"}}


def _top(pm: Postmortem, when: Clock) -> dict[str, Any]:
    lines = [f"# {prose(pm.id or 'An incident')}: {prose(pm.title or 'untitled', 300)}", ""]
    lines += [
        "Recorded, not live: opening this runs nothing, and running a cell asks the gateway anew.",
        "",
    ]
    lines += [
        f"- **{label}:** {prose(text)} {cited(events)}".rstrip()
        for label, text, events in about_lines(pm, when)
    ]
    lines.append(
        "- **In this form:** outputs as text and PNG; HTML and SVG are left out and named"
    )
    return _markdown("about", lines)


def _run(story: RunStory, when: Clock) -> Iterator[dict[str, Any]]:
    title = f"{story.id}: {f'{story.runbook} {story.version}'.strip() or '?'}"
    lines = [f"## {prose(title)}", "", f"{prose(run_line(story, when))} {cited(story.events)}"]
    yield _markdown(f"run-{story.id}", lines)
    for place, cell in enumerate(story.cells):
        about = f"{story.id}-{place + 1}-{cell.step}-{cell.attempt}"
        yield _markdown(f"head-{about}", _heading(cell))
        yield _code(story, cell, about)


def _heading(cell: Cell) -> list[str]:
    again = f", attempt {prose(cell.attempt)}" if cell.attempt not in {"", "1"} else ""
    title = f": {prose(cell.title)}" if cell.title else ""
    head = f"### {prose(cell.step) or '?'}{again}{title}"
    return [head, "", f"{prose(cell.state)} {cited(cell.events)}"]


def _code(story: RunStory, cell: Cell, about: str) -> dict[str, Any]:
    told = {
        "run": story.id,
        "step": cell.step,
        "attempt": cell.attempt,
        "state": cell.state,
        "events": list(cell.events),
        "evidence": [_part(part) for part in cell.parts],
        "calls": [_call(call) for call in cell.calls],
    }
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": _id(about),
        "metadata": {"interlock": told},
        "outputs": [_output(one) for one in output_exhibits(cell.outputs)],
        "source": block(cell.source, _SOURCE) or _no_text(cell),
    }


def _no_text(cell: Cell) -> str:
    return f"# The text of {block(cell.step, 100)!r} is not in this export."


def _part(part: Kept) -> dict[str, Any]:
    return {
        "key": part.key,
        "id": part.id,
        "commitment": part.commitment,
        "mediatype": part.mediatype,
        "size": part.size,
    }


def _call(call: Call) -> dict[str, Any]:
    return {
        "ordinal": call.ordinal,
        "kind": call.kind,
        "target": call.target,
        "asked": dict(call.asked),
        "answer": dict(call.answer),
        "events": list(call.events),
    }


def _output(exhibit: Exhibit) -> dict[str, Any]:
    match exhibit:
        case Picture(label, base64):
            data: Mapping[str, str] = {"image/png": base64, "text/plain": block(label, 200)}
        case Words(label, text, _, note):
            remark = f"\n[{label}: {note}]" if note else ""
            data = {"text/plain": block(text, _TEXT) + block(remark, 500)}
        case Left(label, why):
            data = {"text/plain": block(f"[{label}: {why}]", 1_000)}
        case Pairs(label, items):
            told = "\n".join(f"{name} = {value}" for name, value, _ in items)
            data = {"text/plain": block(f"{label}\n{told}", _TEXT)}
        case _:
            data = {"text/plain": block(f"[{exhibit.label}: see the HTML export]", 1_000)}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _markdown(about: str, lines: Sequence[str]) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": _id(about), "metadata": {}, "source": "\n".join(lines)}


def _id(about: str) -> str:
    """Return a cell's id: readable, unique to what it is about, and the same in every export."""
    digest = hashlib.sha256(about.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_ID.sub('-', about)[:50].strip('-') or 'cell'}-{digest}"
