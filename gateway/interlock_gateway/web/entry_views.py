"""What the API answers of people's own entries."""

from interlock_gateway.service.entering import Written
from interlock_gateway.service.entry_records import ViewRow
from interlock_gateway.service.followups import Owed
from interlock_gateway.service.hypotheses import Shown
from interlock_gateway.web.views import Json, moment


def written(done: Written) -> Json:
    """Return what an entry became; `sequence` is its number in the timeline."""
    name = {"name": done.name} if done.name else {}
    return {"event": done.event, "sequence": done.sequence, **name}


def hypothesis(shown: Shown) -> Json:
    """Return a hypothesis, how it was put and what was said of it last."""
    row = shown.row
    last = shown.last.text("reason") or shown.last.text() if row.last != row.event else ""
    return {
        "id": row.id,
        "incident": row.incident,
        "state": row.state,
        "confidence": row.confidence,
        "text": shown.opened.text(),
        "last": last,
        "opened_by": row.opened_by,
        "opened_at": moment(row.opened_at),
        "closed_by": row.closed_by,
        "superseded_by": row.superseded_by,
        "sequence": shown.opened.sequence,
        "last_sequence": shown.last.sequence,
    }


def follow_up(owed: Owed) -> Json:
    """Return a follow-up, and why whoever asks may not close it."""
    row = owed.row
    return {
        "id": row.id,
        "incident": row.incident,
        "approval": row.about,
        "concerns": row.concerns,
        "owner": row.owner,
        "due": row.due,
        "text": owed.text,
        "state": row.state,
        "opened_by": row.opened_by,
        "opened_at": moment(row.opened_at),
        "closed_at": moment(row.closed_at),
        "closed_by": row.closed_by,
        "answer": owed.answer,
        "why_not": owed.why_not,
    }


def view_row(row: ViewRow) -> Json:
    """Return one version of a view, without what it holds."""
    return {
        "view": row.name,
        "version": row.version,
        "by": row.saved_by,
        "at": moment(row.saved_at),
    }
