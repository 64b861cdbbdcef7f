"""Milestones, which people mark, and pins: what of a long timeline matters.

A milestone is at the time of the event that it marks, or at one that a person gives. The last one
of its kind counts; all are kept, so that it is seen who moved it.
"""

from dataclasses import dataclass, field

from interlock.errors import refusal

from interlock_gateway.core.ledger import Milestone, When
from interlock_gateway.core.timeline import Draft, Part, text_part
from interlock_gateway.service.citing import Cited, cite
from interlock_gateway.service.entering import (
    Timed,
    Written,
    must_steer,
    must_take_notes,
    timed,
    written,
)
from interlock_gateway.service.entry_records import PinRow
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import checked_text
from interlock_gateway.service.ports import Store, Transaction


@dataclass(frozen=True, slots=True)
class Mark:
    """A milestone: the number of the event that it marks, or when it was; and why there."""

    milestone: str
    event: int = 0
    when: When | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Milestones:
    """Marks milestones; only those who run the incident may, and no run."""

    _store: Store = field(repr=False)

    async def mark(self, who: Principal, incident: str, mark: Mark) -> Written:
        """Mark a milestone.

        Raises:
            InterlockError: the code says why not.
        """
        word = _milestone(mark.milestone)
        if bool(mark.event) == (mark.when is not None):
            raise refusal("bad-request", "A milestone marks an event, or a time: one of the two.")

        def unit(tx: Transaction) -> str:
            must_steer(tx, who, incident)
            marked = cite(tx, incident, mark.event) if mark.event else None
            data = {"marks": marked.event, "sequence": marked.sequence} if marked else {}
            time = _time_of(marked) if marked else timed(tx, incident, mark.when)
            return tx.append(
                Draft(
                    f"milestone.{word}",
                    who.authid,
                    data,
                    _words(mark.text),
                    incident=incident,
                    causationid=marked.event if marked else "",
                    **time,
                )
            )

        return await written(self._store, await self._store.commit(unit))


@dataclass(frozen=True, slots=True)
class Pins:
    """Pins events to the top of an incident's record, and takes them down again."""

    _store: Store = field(repr=False)

    async def pin(self, who: Principal, incident: str, sequence: int, why: str = "") -> Written:
        """Pin an event; whoever has a part in the incident may."""
        return await self._turn(who, incident, sequence, why, pinned=1)

    async def unpin(self, who: Principal, incident: str, sequence: int, why: str = "") -> Written:
        """Take a pin down; that it was there stays in the timeline."""
        return await self._turn(who, incident, sequence, why, pinned=0)

    async def _turn(
        self, who: Principal, incident: str, sequence: int, why: str, *, pinned: int
    ) -> Written:
        def unit(tx: Transaction) -> str:
            must_take_notes(tx, who, incident)
            about = cite(tx, incident, sequence)
            row = tx.get(PinRow, incident, about.event)
            if (row.pinned if row else 0) == pinned:
                state = "pinned already" if pinned else "not pinned"
                raise refusal("incident-state", f"#{sequence} is {state}.")
            event = tx.append(_pin(who, incident, about, why, "added" if pinned else "removed"))
            if row is None:
                tx.add(PinRow(incident, about.event, pinned, event))
            else:
                tx.change(row, pinned=pinned, last=event)
            return event

        return await written(self._store, await self._store.commit(unit))


def _time_of(marked: Cited) -> Timed:
    """Return the time of the event that is marked, and that it comes from there."""
    return {"time": marked.time, "timesource": "marked", "timeaccuracy": marked.timeaccuracy}


def _pin(who: Principal, incident: str, about: Cited, why: str, word: str) -> Draft:
    data = {"pins": about.event, "sequence": about.sequence}
    return Draft(
        f"pin.{word}",
        who.authid,
        data,
        _words(why),
        incident=incident,
        causationid=about.event,
    )


def _words(text: str) -> dict[str, Part]:
    if not text.strip():
        return {}
    checked_text("text", text)
    return {"text": text_part(text)}


def _milestone(word: str) -> str:
    try:
        return Milestone(word.replace("-", "_")).value
    except ValueError:
        words = ", ".join(Milestone)
        raise refusal("bad-request", f"A milestone is one of {words}; not {word!r}.") from None
