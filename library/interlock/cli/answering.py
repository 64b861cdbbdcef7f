"""One line of `interlock sql classify`: JSON in, JSON out; and the process that answers lines.

The process may die of a hostile line: its processor time and memory are bounded, and whoever
started it (`crew.py`) notices and goes on with the next line.
"""
# ruff: noqa: PLC0415  sqlglot loads slowly, and only the process itself needs the guard

import gc
import json
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from interlock.rendering import printable

if TYPE_CHECKING:
    from interlock_gateway.core.model import Classification

Json = dict[str, Any]

READY = b"ready\n"
"""What the process says first: from then on, whatever ends it is the line it works on."""

LINE_CPU_S = 5.0
"""Seconds of processor time for one line; no clock, so that a busy machine changes nothing."""

MEMORY_BYTES = 4 * 1024**3
"""Address space of the process."""


def main() -> None:
    """Answer the lines of standard input until it ends."""
    from interlock_gateway.core.statement import classify_source

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    classify_source("postgres", "SELECT 1")
    gc.freeze()  # lists and grammars stay: looking at them again and again costs a tenth
    out = sys.stdout.buffer
    out.write(READY)
    out.flush()
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, LINE_CPU_S)
        out.write(answer(line, classify_source))
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.flush()


def answer(line: bytes, classify: "Callable[[str, str], Classification]") -> bytes:
    """Return the answer to one line; whatever it is, there is one."""
    try:
        asked = _object(line.decode())
        dialect, sql = asked["dialect"], asked["sql"]
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1} belongs to no character"
        return unknown(f"The line is not UTF-8: {where}.", id_of(line))
    except RecursionError:
        return unknown("The line is nested too deep.")
    except KeyError as error:
        return unknown(f"The line has no {error.args[0]}.", id_of(line))
    except (ValueError, TypeError) as error:
        return unknown(f"The line is no object with id, dialect and sql: {_words(error)}.")
    if not isinstance(dialect, str) or not isinstance(sql, str):
        return unknown("dialect and sql are texts.", asked.get("id"))
    return _encoded({"id": asked.get("id"), **_said(classify(dialect, sql))})


def unknown(detail: str, given: Any = None) -> bytes:
    """Return the answer to a line that could not be classified."""
    reason = {
        "effect": "unknown",
        "what": "input",
        "detail": detail,
        "position": None,
        "length": 0,
    }
    return _encoded({"id": given, "effect": "unknown", "reasons": [reason]})


def id_of(line: bytes) -> Any:
    """Return the id in a line that cannot be used otherwise, or None."""
    try:
        return _object(line.decode(errors="replace")).get("id")
    except (ValueError, TypeError, RecursionError):
        return None


def _object(text: str) -> Mapping[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError(f"it is {type(found).__name__}")
    return found


def _said(verdict: "Classification") -> Json:
    return {
        "effect": verdict.effect,
        "reasons": [
            {
                "effect": reason.effect,
                "what": reason.what,
                "detail": reason.detail,
                "position": reason.position,
                "length": reason.length,
            }
            for reason in verdict.reasons
        ],
    }


def _encoded(answer: Json) -> bytes:
    try:
        text = json.dumps(answer, allow_nan=False)
    except ValueError:  # an id such as NaN, which JSON does not have
        text = json.dumps(answer | {"id": None})
    return text.encode() + b"\n"


def _words(error: Exception) -> str:
    return printable(str(error)).rstrip(".")


if __name__ == "__main__":
    main()
