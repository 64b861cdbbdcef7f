"""What a record holds and lacks: missing events, parts that are gone, starts without ends."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from interlock.export.account import Anchored, Recorder, Remark
from interlock.export.fold import ACTION_ENDS, QUERY_ENDS, REFUSALS, STEP_ENDS
from interlock.export.model import Record
from interlock.export.reading import Reading


def record_of(readings: Sequence[Reading], anchored: Anchored | None) -> Record:
    """Return what a reader must know of the record before trusting the rest."""
    absences = [absence for reading in readings for absence in reading.absences()]
    redacted = sum(absence.redacted for absence in absences)
    return Record(
        events=len(readings),
        missing=missing(readings),
        redacted=redacted,
        absent=len(absences) - redacted,
        truncated=_truncated(readings),
        unfinished=_unfinished(readings),
        undated=sum(reading.time is None for reading in readings),
        recorders=tuple(_recorder(r) for r in readings if r.type == "run.started"),
        anchored=anchored,
        masked=sum(map(_masked, readings)),
    )


def _masked(reading: Reading) -> int:
    """Return how many marks an event says it holds in place of secrets."""
    parts = reading.data.get("masked")
    rules = parts.values() if isinstance(parts, Mapping) else ()
    numbers = [n for rule in rules if isinstance(rule, Mapping) for n in rule.values()]
    return sum(number for number in numbers if isinstance(number, int))


def missing(readings: Sequence[Reading]) -> tuple[str, ...]:
    """Return the sequences that are not among `readings`, as numbers and ranges."""
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
    by_type: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_type[reading.type].append(reading)
    return tuple(remark for pair in _PAIRS for remark in _unpaired(by_type, *pair))


def _unpaired(
    by_type: Mapping[str, Sequence[Reading]], start: str, ends: frozenset[str], noun: str
) -> list[Remark]:
    """Return what started and has no end, and what ended and has no start."""
    starts = by_type.get(start, ())
    finals = [r for kind in ends for r in by_type.get(kind, ())]
    started, ended = {_key(r, noun) for r in starts}, {_key(r, noun) for r in finals}
    # A refusal needs no start: nothing ran. Nor does an approval: its request is one.
    alone = [r for r in finals if r.type not in REFUSALS and noun != "request"]
    open_ = [(r, "end") for r in starts if _key(r, noun) not in ended]
    open_ += [(r, "start") for r in alone if _key(r, noun) not in started]
    open_.sort(key=lambda one: one[0].order)
    return [
        Remark(f"{noun} {' '.join(_key(r, noun))}: no {what} recorded", (r.cite,))
        for r, what in open_
    ]


def _key(reading: Reading, noun: str) -> tuple[str, ...]:
    about = reading.subject
    match noun:
        case "run":
            return (about.run,)
        case "action":
            return (about.approval,)
        case "step":
            return (about.run, about.step, about.attempt)
        case _:
            return (about.run, about.step, about.attempt, about.ordinal)
