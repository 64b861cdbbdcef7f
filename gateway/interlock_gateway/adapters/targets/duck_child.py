"""The child of `duck.py`: opens files, reads or changes them, and tells what came of it.

Its argument says what it is for: `reads` or `deeds`. A deed is told to the gateway while nothing
of it lasts, and is committed only when the gateway says so: whoever ends this process before that
has changed nothing.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from interlock_gateway.adapters.confined import Line, confine
from interlock_gateway.adapters.duckdb_parser import DuckdbParser
from interlock_gateway.adapters.targets import duck_catalogue, duck_lock, duck_work
from interlock_gateway.adapters.targets.duck_work import Task
from interlock_gateway.adapters.targets.expectations import Outcome
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement
from interlock_gateway.service.targets import OutcomeUnknownError, TargetError

_SPENT = 400 * 1024  # kilobytes ever used; what holds on to that much is replaced

_Message = dict[str, Any]


def main(purpose: str) -> None:
    """Answer until the gateway hangs up."""
    line = Line()
    confine(duck_lock.PROCESS_MEMORY, writes=purpose == "deeds")
    line.say({"ready": purpose})
    parser = DuckdbParser()
    while (question := line.hear()) is not None:
        try:
            if purpose == "deeds":
                _change(line, question)
            else:
                line.say(_looked(question, parser))
        except TargetError as error:
            line.say({"error": error.code, "message": str(error), "spent": _spent()})
        except OutcomeUnknownError as error:
            line.say({"unknown": str(error)})


def _looked(question: _Message, parser: DuckdbParser) -> _Message:
    task = _task(question)
    if question["do"] == "catalogue":
        with (
            duck_work.explained(task.name, task.limits.seconds),
            duck_lock.Door(read_only=True).opened(
                task.path, task.name, task.limits.seconds
            ) as connection,
        ):
            found: _Message = {"facts": duck_catalogue.facts(connection)}
    else:
        found = {"rows": _told(duck_work.read(task, parser))}
    return {**found, "spent": _spent()}


def _change(line: Line, question: _Message) -> None:
    def approved(rows: Rows, outcome: Outcome) -> bool:
        line.say({"rows": _told(rows), "outcome": asdict(outcome)})
        if line.hear() != {"do": "commit"}:
            return False
        line.say({"committing": True})  # without these words the gateway knows: it never did
        return True

    duck_work.change(_task(question), approved, lambda: line.say({"done": True}))


def _task(question: _Message) -> Task:
    text = question.get("text", "")
    return Task(
        question["path"],
        question["name"],
        Statement(Dialect.DUCKDB, text, tuple(question.get("names", ())), text),
        question.get("given", {}),
        Limits(**question["limits"]),
        frozenset(question.get("trusted", ())),
    )


def _told(rows: Rows) -> _Message:
    return {
        "columns": [(column.name, column.type) for column in rows.columns],
        "rows": rows.rows,
        "truncated": rows.truncated,
        "affected": rows.affected,
        "elapsed_ms": rows.elapsed_ms,
    }


def _spent() -> bool:
    """Tell whether it once held so much; `ru_maxrss` would count what its parent held as well."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) > _SPENT


if __name__ == "__main__":
    main(sys.argv[1])
