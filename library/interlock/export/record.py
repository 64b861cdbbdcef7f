"""What a record holds and lacks: missing events, parts that are gone, starts without ends."""

from collections.abc import Sequence
from itertools import pairwise

from interlock.export.account import Anchored
from interlock.export.fold import ACTION_ENDS, QUERY_ENDS, REFUSALS, STEP_ENDS
from interlock.export.model import Record, Recorder, Remark
from interlock.export.reading import Reading


def record_of(readings: Sequence[Reading], anchored: Anchored | None) -> Record:
    """Return what a reader must know of the record before trusting the rest."""
    absences = [absence for reading in readings for absence in reading.absences()]
    redacted = sum(absence.redacted for absence in absences)
    return Record(
        events=len(readings),
        missing=_missing(readings),
        redacted=redacted,
        absent=len(absences) - redacted,
        truncated=_truncated(readings),
        unfinished=_unfinished(readings),
        undated=sum(reading.time is None for reading in readings),
        recorders=tuple(_recorder(r) for r in readings if r.type == "run.started"),
        anchored=anchored,
    )


def _missing(readings: Sequence[Reading]) -> tuple[str, ...]:
    numbered = {int(r.cite) for r in readings if not r.cite.startswith("?")}
    gaps = [
        (before + 1, after - 1)
        for before, after in pairwise([0, *sorted(numbered)])
        if after > before + 1
    ]
    return tuple(f"{low}" if low == high else f"{low}–{high}" for low, high in gaps)  # noqa: RUF001  a range


def _recorder(reading: Reading) -> Recorder:
    return Recorder(
        run=reading.word("run"),
        kind=reading.word("recorded_by") or "unknown",
        confinement=reading.word("confinement") or "unknown",
        host=reading.word("host"),
    )


def _truncated(readings: Sequence[Reading]) -> tuple[Remark, ...]:
    cuts = []
    for reading in readings:
        limit = reading.word("truncated") or reading.word("output_truncated")
        if limit:
            where = ", ".join(filter(None, (reading.subject.run, reading.subject.step)))
            what = "result" if reading.type.startswith("query.") else "output"
            cuts.append(
                Remark(f"{what} of {where or reading.type} cut at {limit}", (reading.cite,))
            )
    return tuple(cuts)


_PAIRS = (
    ("run.started", frozenset({"run.ended"}), "run"),
    ("step.started", STEP_ENDS, "step"),
    ("query.started", QUERY_ENDS, "query"),
    (
        "action.requested",
        frozenset({"approval.requested", "action.previewed", "action.denied"}),
        "request",
    ),
    ("action.started", ACTION_ENDS, "action"),
)


def _unfinished(readings: Sequence[Reading]) -> tuple[Remark, ...]:
    remarks = []
    for start, ends, noun in _PAIRS:
        started = {_key(r, noun) for r in readings if r.type == start}
        ended = {_key(r, noun) for r in readings if r.type in ends}
        for reading in readings:
            key = _key(reading, noun)
            if reading.type == start and key not in ended:
                remarks.append(Remark(f"{noun} {' '.join(key)}: no end recorded", (reading.cite,)))
            # A refusal needs no start: nothing ran. Nor does an approval: its request is one.
            alone = reading.type in REFUSALS or noun == "request"
            if reading.type in ends and key not in started and not alone:
                remarks.append(
                    Remark(f"{noun} {' '.join(key)}: no start recorded", (reading.cite,))
                )
    return tuple(remarks)


def _key(reading: Reading, noun: str) -> tuple[str, ...]:
    about = reading.subject
    return {
        "run": (about.run,),
        "step": (about.run, about.step, about.attempt),
        "query": (about.run, about.step, about.attempt, about.ordinal),
        "request": (about.run, about.step, about.attempt, about.ordinal),
        "action": (about.approval,),
    }[noun]
