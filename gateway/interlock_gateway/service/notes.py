"""Notes: what people, and steps of runs, add to a timeline in words. Nothing is edited.

A note is about now, or about an earlier moment: then both times are kept, and how good the
claimed one is. An answer names its question, a correction the event it corrects; what was
corrected stays as it was.
"""

from dataclasses import dataclass, field

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.ledger import NOTES, NOTES_OF_RUNS, When
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.citing import Cited, cite, cite_all, cite_id, references, texts_of
from interlock_gateway.service.entering import (
    Written,
    must_steer,
    must_take_notes,
    timed,
    written,
)
from interlock_gateway.service.entry_records import QuestionRow
from interlock_gateway.service.hypotheses import Opening, open_hypothesis
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import checked_text
from interlock_gateway.service.ports import Reading, Store, Transaction
from interlock_gateway.service.records import RunRow


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody adds.

    Attributes:
        kind: one of `core.ledger.NOTES`.
        when: when it happened, if that is not now.
        answers: the number of the question that it answers, or 0.
        corrects: the number of the event that it corrects, or 0.
        evidence: numbers of events that it points at.
    """

    text: str
    kind: str = "observation"
    when: When | None = None
    answers: int = 0
    corrects: int = 0
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StepNote:
    """What a step of a run adds; `about` is the event of an answer that it got, or ""."""

    step: str
    attempt: int
    text: str
    kind: str = "observation"
    about: str = ""


@dataclass(frozen=True, slots=True)
class Notes:
    """Adds notes to timelines."""

    _store: Store = field(repr=False)

    async def add(self, who: Principal, incident: str, note: Note) -> Written:
        """Add a person's note; one of kind hypothesis opens a hypothesis.

        Raises:
            InterlockError: the code says why not.
        """
        checked_text("text", note.text)
        kind = _kind_of(note)

        def unit(tx: Transaction) -> tuple[str, str]:
            (must_steer if kind == "decision" else must_take_notes)(tx, who, incident)
            if kind == "hypothesis":
                opening = Opening(note.text, when=note.when, evidence=note.evidence)
                return open_hypothesis(tx, who, incident, opening)
            return _noted(tx, who, incident, note, kind), ""

        event, name = await self._store.commit(unit)
        return await written(self._store, event, name)


def note_of_step(tx: Transaction, who: Principal, run: RunRow, note: StepNote) -> str:
    """Add what a step of a run wrote, by the run, and return its event.

    Raises:
        InterlockError: the code says why not.
    """
    if note.kind not in NOTES_OF_RUNS:
        raise _not_for_runs(note.kind)
    about = [cite_id(tx, run.incident, note.about)] if note.about else []
    data = {"run": run.id, "step": note.step, "attempt": note.attempt}
    if note.kind == "hypothesis":
        opening = Opening(note.text, data=data, cited=tuple(about), correlationid=run.id)
        return open_hypothesis(tx, who, run.incident, opening)[0]
    event = tx.append(
        Draft(
            f"note.{note.kind}",
            who.authid,
            data | references(about),
            {"text": text_part(note.text)},
            incident=run.incident,
            correlationid=run.id,
        )
    )
    _remember_question(tx, run.incident, event, note.kind)
    return event


_NAMED = {"answer": "answers", "correction": "corrects"}
"""How the data of a note names the one event that it is about."""


def _kind_of(note: Note) -> str:
    """Return what kind of note it is, or refuse one that names too little or too much."""
    named = {"answer": note.answers, "correction": note.corrects}
    implied = [kind for kind, sequence in named.items() if sequence]
    if len(implied) > 1:
        raise refusal("bad-request", "A note answers a question or corrects an event, not both.")
    kind = implied[0] if implied and note.kind == "observation" else note.kind
    if kind not in NOTES:
        raise refusal("bad-request", f"A note is one of {', '.join(NOTES)}; not {kind!r}.")
    if implied and implied != [kind]:
        raise refusal("bad-request", f"A note that is a {kind} names no event as {implied[0]}.")
    if kind == "correction" and not note.corrects:
        raise refusal(
            "bad-request",
            "A correction names the event that it corrects.",
            help='Say which: `interlock note INC "…" --corrects "#12"`.',
        )
    return kind


def _noted(tx: Transaction, who: Principal, incident: str, note: Note, kind: str) -> str:
    target = _target(tx, incident, note, kind)
    named = {_NAMED[kind]: target.reference} if target else {}
    evidence = references(cite_all(tx, incident, note.evidence))
    event = tx.append(
        Draft(
            f"note.{kind}",
            who.authid,
            named | evidence,
            {"text": text_part(note.text)},
            incident=incident,
            causationid=target.event if target else "",
            **timed(tx, incident, note.when),
        )
    )
    _remember_question(tx, incident, event, kind)
    if target and kind == "answer":
        _answered(tx, target, event)
    return event


def _target(tx: Reading, incident: str, note: Note, kind: str) -> Cited | None:
    """Return the event that an answer or a correction is about; None for every other note."""
    if kind == "correction":
        return cite(tx, incident, note.corrects)
    if kind != "answer":
        return None
    if not note.answers:
        raise refusal("bad-request", "An answer names its question.", help=_which(tx, incident))
    found = cite(tx, incident, note.answers)
    if found.type != "note.question":
        message = f"#{found.sequence} is no question: it is {found.type}."
        raise refusal("bad-request", message, help=_which(tx, incident))
    return found


def _which(tx: Reading, incident: str) -> str:
    """Return what to do next: which questions are open."""
    rows = tx.rows(QuestionRow, incident=incident, answer="", order="asked_at", limit=10)
    known = texts_of(tx, (row.event for row in rows))
    numbers = ", ".join(f"#{told.sequence}" for told in known.values())
    return f"Open questions: {numbers}." if numbers else "There is no open question."


def _remember_question(tx: Transaction, incident: str, event: str, kind: str) -> None:
    if kind == "question":
        tx.add(QuestionRow(event, incident, tx.now))


def _answered(tx: Transaction, question: Cited, event: str) -> None:
    row = tx.get(QuestionRow, question.event)
    if row is not None:  # those from before there were rows have none
        tx.change(row, answer=event)


def _not_for_runs(kind: str) -> InterlockError:
    if kind not in NOTES:
        return refusal("bad-request", f"A note is one of {', '.join(NOTES)}; not {kind!r}.")
    allowed = ", ".join(NOTES_OF_RUNS)
    message = f"A run writes no {kind}; it may write: {allowed}."
    return refusal(
        "not-a-person", message, help=f'A person does: `interlock note INC "…" --kind {kind}`.'
    )
