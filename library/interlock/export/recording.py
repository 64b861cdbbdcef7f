"""Each cell of a run as it was recorded: its text, what it asked, what was answered."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from interlock.export.fold import QUERY_ENDS, STEP_ENDS
from interlock.export.kept import Call, Cell
from interlock.export.reading import Absent, Reading
from interlock.export.text import shown

_ASKED = ("statement", "promql", "logql", "params", "args", "operation", "reason")
_ANSWERED = ("result", "columns", "rows", "truncated", "code", "message", "elapsed_ms")
_CALLED = frozenset(
    {"action.denied", "action.previewed", "action.requested", "approval.requested"}
)
_FAMILIES = ("step.", "query.")
_ENDS = QUERY_ENDS | (_CALLED - {"action.requested"})


def cells_of(readings: Sequence[Reading]) -> tuple[Cell, ...]:
    """Return every attempt at a step that `readings`, all of one run, tell of."""
    found: dict[tuple[str, str], list[Reading]] = defaultdict(list)
    for reading in readings:
        about = reading.subject
        if about.step and (reading.type in _CALLED or reading.type.startswith(_FAMILIES)):
            found[about.step, about.attempt].append(reading)
    return tuple(_cell(step, attempt, told) for (step, attempt), told in found.items())


def _cell(step: str, attempt: str, told: Sequence[Reading]) -> Cell:
    started = next((r for r in told if r.type == "step.started"), None)
    ended = next((r for r in told if r.type in STEP_ENDS), None)
    about = started or told[0]
    state = (ended.word("state") or ended.type.partition(".")[2]) if ended else ""
    return Cell(
        step=step,
        attempt=attempt,
        title=about.word("title"),
        state=state or "no end recorded",
        source=started.said("source") if started else "",
        outputs=_open(ended.value("outputs")) if ended else None,
        calls=_calls(told),
        events=tuple(r.cite for r in told),
        parts=tuple(part for r in told for part in r.kept),
    )


def _calls(told: Sequence[Reading]) -> tuple[Call, ...]:
    by_place: dict[tuple[str, str], list[Reading]] = defaultdict(list)
    for reading in told:
        if not reading.type.startswith("step."):
            by_place[reading.subject.ordinal, reading.subject.member].append(reading)
    return tuple(_call(ordinal, found) for (ordinal, _), found in by_place.items())


def _call(ordinal: str, found: Sequence[Reading]) -> Call:
    ended = next((r for r in found if r.type in _ENDS), found[-1])
    return Call(
        ordinal=ordinal,
        kind=ended.type,
        target=next(filter(None, (r.word("target") for r in found)), ""),
        asked=_values(found, _ASKED),
        answer=_values((ended,), _ANSWERED),
        events=tuple(r.cite for r in found),
    )


def _values(found: Sequence[Reading], keys: Sequence[str]) -> tuple[tuple[str, Any], ...]:
    held = {
        key: _open(reading.value(key)) for reading in found for key in keys if key in reading.data
    }
    return tuple((key, held[key]) for key in keys if key in held)


def _open(value: Any) -> Any:
    """Return a value that JSON can say: of what is absent, why."""
    return shown(str(value)) if isinstance(value, Absent) else value
