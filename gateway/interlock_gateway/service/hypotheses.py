"""Hypotheses: what people think is wrong, with the evidence for and against, to its end.

Each is a row for what stands now and a series of events for how it came to be. One that has ended
stays as it is; a better one is a new one that supersedes it. Dead ends are kept, and shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.errors import refusal

from interlock_gateway.core.ledger import Belief, Confidence, When
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.citing import (
    NOTHING_TOLD,
    Cited,
    Told,
    cite_all,
    references,
    texts_of,
)
from interlock_gateway.service.entering import Written, must_take_notes, timed, written
from interlock_gateway.service.entry_records import HypothesisRow
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import checked_text, must_read, row_of
from interlock_gateway.service.ports import PolicySource, Reading, Store, Transaction


@dataclass(frozen=True, slots=True)
class Opening:
    """A new hypothesis.

    Attributes:
        evidence: numbers of events that speak for it.
        cited: such events, where they are known already.
        data: what else its event says, such as which step of a run wrote it.
    """

    text: str
    confidence: str = Confidence.LOW.value
    when: When | None = None
    evidence: Sequence[int] = ()
    cited: Sequence[Cited] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    correlationid: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """What was learnt: numbers of events for and against, and how sure it makes; "" as before."""

    text: str = ""
    speaks_for: Sequence[int] = ()
    against: Sequence[int] = ()
    confidence: str = ""
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a hypothesis ends, and why; `by` is the one that takes its place, `H-2`, or ""."""

    outcome: str
    reason: str
    by: str = ""
    evidence: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A hypothesis as people read it: its row, how it was put, and what was said of it last."""

    row: HypothesisRow
    opened: Told
    last: Told


def open_hypothesis(
    tx: Transaction, who: Principal, incident: str, opening: Opening
) -> tuple[str, str]:
    """Open a hypothesis and return its event and its name."""
    confidence = _confidence(opening.confidence)
    evidence = [*opening.cited, *cite_all(tx, incident, opening.evidence)]
    name = f"H-{tx.number(f'hypotheses of {incident}')}"
    data = {**opening.data, "hypothesis": name, "confidence": confidence}
    event = tx.append(
        Draft(
            "note.hypothesis_opened",
            who.authid,
            data | references(evidence),
            {"text": text_part(opening.text)},
            incident=incident,
            subject=name,
            correlationid=opening.correlationid,
            **timed(tx, incident, opening.when),
        )
    )
    state = Belief.OPEN.value
    row = HypothesisRow(incident, name, state, confidence, event, event, who.person.id, tx.now)
    tx.add(row)
    return event, name


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """Opens, updates, closes and lists the hypotheses of incidents."""

    _store: Store = field(repr=False)
    _policy: PolicySource = field(repr=False)

    async def open(self, who: Principal, incident: str, opening: Opening) -> Written:
        """Open a hypothesis; whoever has a part in the incident may.

        Raises:
            InterlockError: the code says why not.
        """
        checked_text("hypothesis", opening.text, least=3)

        def unit(tx: Transaction) -> tuple[str, str]:
            must_take_notes(tx, who, incident)
            return open_hypothesis(tx, who, incident, opening)

        event, name = await self._store.commit(unit)
        return await written(self._store, event, name)

    async def update(
        self, who: Principal, incident: str, hypothesis: str, update: Update
    ) -> Written:
        """Add evidence for or against, or another confidence, to one that is open."""
        confidence = _confidence(update.confidence) if update.confidence else ""
        if not (update.text.strip() or update.speaks_for or update.against or confidence):
            raise refusal("bad-request", "An update says something: words, evidence, confidence.")
        if update.text:
            checked_text("text", update.text)

        def unit(tx: Transaction) -> str:
            must_take_notes(tx, who, incident)
            row = _open(tx, incident, hypothesis)
            event = tx.append(_updated(tx, who, row, update))
            tx.change(row, last=event, confidence=confidence or row.confidence)
            return event

        return await written(self._store, await self._store.commit(unit), hypothesis)

    async def close(
        self, who: Principal, incident: str, hypothesis: str, ending: Ending
    ) -> Written:
        """End one that is open: confirmed, refuted, superseded or abandoned, with the reason."""
        outcome = _outcome(ending)
        checked_text("reason", ending.reason, least=3)

        def unit(tx: Transaction) -> str:
            must_take_notes(tx, who, incident)
            row = _open(tx, incident, hypothesis)
            if ending.by:
                _must_be_another(tx, row, ending.by)
            event = tx.append(_closed(tx, who, row, ending))
            ended = {"state": outcome, "closed_by": who.person.id, "superseded_by": ending.by}
            tx.change(row, last=event, **ended)
            return event

        return await written(self._store, await self._store.commit(unit), hypothesis)

    async def listed(self, who: Principal, incident: str) -> list[Shown]:
        """Return the hypotheses of an incident in the order in which they were opened."""

        def question(tx: Reading) -> list[Shown]:
            row_of(tx, incident)
            must_read(tx, self._policy.current, who, incident)
            rows = tx.rows(HypothesisRow, incident=incident, order="opened_at", limit=500)
            known = texts_of(tx, (event for row in rows for event in (row.event, row.last)))
            return [
                Shown(row, known.get(row.event, NOTHING_TOLD), known.get(row.last, NOTHING_TOLD))
                for row in rows
            ]

        return await self._store.read(question)


def _updated(tx: Transaction, who: Principal, row: HypothesisRow, update: Update) -> Draft:
    confidence = {"confidence": update.confidence} if update.confidence else {}
    speaks_for = references(cite_all(tx, row.incident, update.speaks_for), "for")
    against = references(cite_all(tx, row.incident, update.against), "against")
    return Draft(
        "note.hypothesis_updated",
        who.authid,
        {"hypothesis": row.id, **confidence, **speaks_for, **against},
        {"text": text_part(update.text)} if update.text else {},
        incident=row.incident,
        subject=row.id,
        causationid=row.last,
        **timed(tx, row.incident, update.when),
    )


def _closed(tx: Transaction, who: Principal, row: HypothesisRow, ending: Ending) -> Draft:
    by = {"superseded_by": ending.by} if ending.by else {}
    evidence = references(cite_all(tx, row.incident, ending.evidence))
    return Draft(
        "note.hypothesis_closed",
        who.authid,
        {"hypothesis": row.id, "outcome": ending.outcome, **by, **evidence},
        {"reason": text_part(ending.reason)},
        incident=row.incident,
        subject=row.id,
        causationid=row.last,
    )


def _open(tx: Reading, incident: str, hypothesis: str) -> HypothesisRow:
    row = _known(tx, incident, hypothesis)
    if row.state != Belief.OPEN.value:
        message = f"{hypothesis} is {row.state} already, by {row.closed_by}."
        advice = "What has ended stays as it is. Open a new hypothesis."
        raise refusal("incident-state", message, help=advice)
    return row


def _known(tx: Reading, incident: str, hypothesis: str) -> HypothesisRow:
    row = tx.get(HypothesisRow, incident, hypothesis)
    if row is None:
        message = f"{incident} has no hypothesis {hypothesis[:40]!r}."
        raise refusal("bad-request", message, help=f"See `interlock hypothesis list {incident}`.")
    return row


def _must_be_another(tx: Reading, row: HypothesisRow, by: str) -> None:
    if by == row.id:
        raise refusal("bad-request", f"{row.id} cannot take its own place.")
    _known(tx, row.incident, by)


def _confidence(word: str) -> str:
    try:
        return Confidence(word).value
    except ValueError:
        words = ", ".join(Confidence)
        raise refusal("bad-request", f"A confidence is one of {words}; not {word!r}.") from None


def _outcome(ending: Ending) -> str:
    """Return how it ends, or refuse a word for it that is none, or lacks what took its place."""
    ends = [belief.value for belief in Belief if belief is not Belief.OPEN]
    if ending.outcome not in ends:
        words = ", ".join(ends)
        raise refusal("bad-request", f"A hypothesis ends {words}; not {ending.outcome!r}.")
    if (ending.outcome == Belief.SUPERSEDED.value) != bool(ending.by):
        raise refusal("bad-request", "Superseded needs the one that takes its place, and only it.")
    return ending.outcome
