"""How people's own entries are told: notes, hypotheses, decisions, milestones, pins, views."""

import re
from collections.abc import Mapping

from interlock.export.links import TITLES
from interlock.export.model import Tone
from interlock.export.reading import Reading
from interlock.export.telling import Said, Scene, Teller, because, quote
from interlock.export.text import duration

NOTES = ("observation", "decision", "hypothesis", "question", "answer", "surprise", "correction")
_SECONDS = re.compile(r"PT([1-9]\d{0,6})S\Z")
_A_MINUTE = 60


def roughly(reading: Reading) -> str:
    """Return how far off a claimed time may be, where that is more than a minute; else ""."""
    found = _SECONDS.match(str(reading.event.get("timeaccuracy") or ""))
    seconds = int(found[1]) if found else 0
    return f" (about then, give or take {duration(seconds)})" if seconds > _A_MINUTE else ""


def _note(kind: str) -> Teller:
    def tell(r: Reading, _: Scene) -> Said:
        said = f"{kind}: {quote(r, 'text') or '[empty]'}{_written_by(r)}{roughly(r)}"
        return Said(said, Tone.INFO, told=("text", "handle"))

    return tell


def _written_by(r: Reading) -> str:
    """Return who wrote in a chat what somebody noted; only a linked account is a person here."""
    if r.word("source") != "slack":
        return ""
    author, handle = r.word("author") or "?", r.said("handle")
    stranger = author.startswith("slack:") and bool(handle)
    return f", written in Slack by {author}{f' (“{handle}”, not linked)' if stranger else ''}"


def _decision(r: Reading, scene: Scene) -> Said:
    by = r.word("decided_by")
    itself = r.event.get("authid") == f"person:{by}"
    told = _note("decision")(r, scene)
    who = f" (decided by {by})" if by and not itself else ""
    reason = f", because {quote(r, 'reason')}" if r.said("reason") else ""
    return Said(f"{told.what}{who}{reason}", Tone.INFO, told=("text", "reason"))


def _opened(r: Reading, _: Scene) -> Said:
    sure = r.word("confidence")
    name = r.word("hypothesis") or "a hypothesis"
    said = f"opened {name}: {quote(r, 'text') or '[empty]'}"
    confidence = f", confidence {sure}" if sure else ""
    return Said(f"{said}{confidence}{roughly(r)}", Tone.INFO, told=("text",))


def _updated(r: Reading, _: Scene) -> Said:
    sure = f", confidence {r.word('confidence')}" if r.word("confidence") else ""
    said = f"updated {r.word('hypothesis') or 'a hypothesis'}{because(r, 'text')}{sure}"
    return Said(said + roughly(r), Tone.INFO, told=("text",))


_ENDS = {"confirmed": Tone.OK, "refuted": Tone.WARN}


def _closed(r: Reading, _: Scene) -> Said:
    name, outcome = r.word("hypothesis") or "a hypothesis", r.word("outcome") or "?"
    by = f" by {r.word('superseded_by')}" if r.word("superseded_by") else ""
    said = f"{name} is {outcome}{by}{because(r, 'reason')}"
    return Said(said, _ENDS.get(outcome, Tone.INFO), told=("reason",))


def _milestone(title: str) -> Teller:
    def tell(r: Reading, _: Scene) -> Said:
        return Said(f"marked {title}{because(r, 'text')}{roughly(r)}", Tone.INFO, told=("text",))

    return tell


def _pin(what: str) -> Teller:
    def tell(r: Reading, _: Scene) -> Said:
        return Said(f"{what} an event{because(r, 'text')}", told=("text",))

    return tell


def _view(r: Reading, _: Scene) -> Said:
    said = f"saved version {r.word('version') or '?'} of the view {r.word('view') or '?'}"
    return Said(said, told=("definition",))


def _edited(r: Reading, _: Scene) -> Said:
    said = f"a message in Slack that is a note was edited: {quote(r, 'text') or '[empty]'}"
    return Said(said, Tone.WARN, told=("text",))


def _source_deleted(_: Reading, __: Scene) -> Said:
    return Said("a message in Slack that is a note was deleted there; the note stays", Tone.WARN)


ENTRY_TELLERS: Mapping[str, Teller] = {
    **{f"note.{kind}": _note(kind) for kind in NOTES},
    "note.decision": _decision,
    "note.hypothesis_opened": _opened,
    "note.hypothesis_updated": _updated,
    "note.hypothesis_closed": _closed,
    "note.edited": _edited,
    "note.source_deleted": _source_deleted,
    **{f"milestone.{kind}": _milestone(title) for kind, title in TITLES.items()},
    "pin.added": _pin("pinned"),
    "pin.removed": _pin("unpinned"),
    "view.changed": _view,
}
"""How each kind of entry is told."""
