"""Sentences about evidence: who opened it, who destroyed it and why, how long it is kept."""

from collections.abc import Mapping

from interlock.export.model import Tone
from interlock.export.reading import Reading
from interlock.export.telling import Said, Scene, Teller, because
from interlock.export.text import count


def _piece(r: Reading) -> str:
    """Return what a piece of evidence is: `the result of query.completed (art_…)`."""
    part = r.word("part").replace("_", " ") or "a part"
    return f"the {part} of {r.word('what') or 'an event'} ({r.word('artifact') or '?'})"


def _accessed(r: Reading, _: Scene) -> Said:
    return Said(f"opened {_piece(r)} in full", told=("by", "artifact", "part", "what"))


def _redacted(r: Reading, _: Scene) -> Said:
    copies = ", ".join(r.words("copies"))
    also = f", and its copies in {copies}" if copies else ""
    held = f", under the hold of {r.word('held_by')}" if r.word("held_by") else ""
    return Said(f"destroyed {_piece(r)}{also}{held}{because(r)}", Tone.WARN, told=_TOLD)


def _expired(r: Reading, _: Scene) -> Said:
    days, gone = r.number("after_days"), count(len(r.words("destroyed")), "piece")
    after = count(int(days), "day") if days is not None else "its time"
    return Said(f"{gone} of evidence expired, {after} after the close", Tone.WARN, told=_TOLD)


_TOLD = ("reason", "destroyed", "copies")


def _did(what: str) -> Teller:
    def tell(r: Reading, _: Scene) -> Said:
        return Said(what + because(r), told=("reason",))

    return tell


EVIDENCE_TELLERS: Mapping[str, Teller] = {
    "artifact.accessed": _accessed,
    "artifact.redacted": _redacted,
    "artifact.expired": _expired,
    "artifact.held": _did("holds the evidence, so that nothing of it expires"),
    "artifact.released": _did("released the evidence, which expires in its time again"),
}
"""How each kind of event about evidence is told."""
