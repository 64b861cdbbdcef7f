"""The child of `file_calls.py`: does what is asked of a file, and tells what came of it.

Its argument says what it is for: `reads` or `deeds`. A deed is told to the gateway while nothing
of it lasts, and is committed only when the gateway says so: whoever ends this process before that
has changed nothing.
"""

import resource
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from interlock_gateway.adapters.confined import Line, confine
from interlock_gateway.adapters.targets import values
from interlock_gateway.adapters.targets.expectations import Outcome
from interlock_gateway.core.model import Before, Dialect, Limits, Reads, Rows, Statement
from interlock_gateway.service.targets import OutcomeUnknownError, TargetError

_SPENT = 400 * 1024  # kilobytes ever used; what holds on to that much is replaced

_Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with a file.

    Attributes:
        path: of the file.
        name: the target's, for messages.
        statement: exactly these bytes are run.
        given: a wire-typed value for each of its names.
        limits: of this call.
        reads: what may be read, and what of the file's own somebody reviewed.
        always: relations that the guard takes to be in every file.
        image: of a deed, what reads the rows that it will change, or None.
        table: what it changes, as written; () where that is not known.
    """

    path: str
    name: str
    statement: Statement
    given: values.Typed
    limits: Limits
    reads: Reads = field(default_factory=Reads)
    always: frozenset[str] = frozenset()
    image: Statement | None = None
    table: tuple[str, ...] = ()


Approved = Callable[[Rows, Outcome, Before | None], bool]
"""Asks the gateway whether a deed may last."""


class Work(Protocol):
    """What one engine does with its files; a TargetError that it raises: nothing changed."""

    def read(self, task: Task) -> Rows:
        """Run a read."""
        ...

    def facts(self, task: Task) -> Any:
        """Return what there is in the file, as JSON has it."""
        ...

    def change(self, task: Task, approved: Approved, done: Callable[[], None]) -> None:
        """Change a file, and commit if `approved` says so; otherwise everything is as it was.

        Args:
            task: the deed.
            approved: is told what came of it, and what its rows were, while nothing of it lasts.
            done: is called when it lasts; what goes wrong after that concerns it no more.

        Raises:
            OutcomeUnknownError: the commit failed in a way that does not tell.
        """
        ...

    def rest(self) -> None:
        """Let go of what was kept for the next call, since none came."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a child may take of the machine.

    Attributes:
        memory: bytes (RLIMIT_DATA).
        longest_file: bytes that a file may have where a child that reads writes into it.
        rests_s: seconds without a call after which it lets go of its file.
    """

    memory: int
    longest_file: int = 0
    rests_s: float | None = None


def serve(purpose: str, dialect: Dialect, works: Callable[[], Work], bounds: Bounds) -> None:
    """Confine this process, and answer until the gateway hangs up.

    Args:
        purpose: `reads` or `deeds`.
        dialect: of every statement.
        works: begins to work; called when this process is confined.
        bounds: what it is confined to.
    """
    line = Line()
    deeds = purpose == "deeds"
    confine(bounds.memory, longest_file=None if deeds else bounds.longest_file)
    line.say({"ready": purpose})
    work = works()
    while (question := _next(line, work, bounds)) is not None:
        task = _task(question, dialect)
        try:
            if deeds:
                _change(line, task, work)
            else:
                line.say(_looked(question["do"], task, work))
        except TargetError as error:
            line.say({"error": error.code, "message": str(error), "spent": _spent()})
        except OutcomeUnknownError as error:
            line.say({"unknown": str(error)})


def _next(line: Line, work: Work, bounds: Bounds) -> _Message | None:
    if bounds.rests_s is not None and not line.waits(bounds.rests_s):
        work.rest()
    return line.hear()


def _looked(what: str, task: Task, work: Work) -> _Message:
    if what == "facts":
        return {"facts": work.facts(task), "spent": _spent()}
    return {"rows": _told(work.read(task)), "spent": _spent()}


def _change(line: Line, task: Task, work: Work) -> None:
    def approved(rows: Rows, outcome: Outcome, before: Before | None) -> bool:
        kept = {"before": _kept(before)} if before else {}
        line.say({"rows": _told(rows), "outcome": asdict(outcome), **kept})
        if line.hear() != {"do": "commit"}:
            return False
        line.say({"committing": True})  # without these words the gateway knows: it never did
        return True

    work.change(task, approved, lambda: line.say({"done": True}))


def _task(question: _Message, dialect: Dialect) -> Task:
    text = question.get("text", "")
    image = question.get("image")
    reads = {name: tuple(listed) for name, listed in question.get("reads", {}).items()}
    return Task(
        question["path"],
        question["name"],
        Statement(dialect, text, tuple(question.get("names", ())), text),
        question.get("given", {}),
        Limits(**question["limits"]),
        Reads(**reads),
        frozenset(question.get("always", ())),
        Statement(dialect, image["text"], tuple(image["names"]), image["text"]) if image else None,
        tuple(question.get("table", ())),
    )


def _kept(before: Before) -> _Message:
    return {
        "rows": _told(before.rows),
        "stored": [asdict(one) for one in before.stored],
        "literals": before.literals,
    }


def _told(rows: Rows) -> _Message:
    return {
        "columns": [(column.name, column.type) for column in rows.columns],
        "rows": rows.rows,
        "truncated": rows.truncated,
        "affected": rows.affected,
        "elapsed_ms": rows.elapsed_ms,
    }


def _spent() -> bool:
    """Tell whether it once held so much."""
    # The first figure may be what its parent held, and is never less than its own; it costs less.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > _SPENT and _peak() > _SPENT


def _peak() -> int:
    """Return the kilobytes that this process held at its largest."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1])
