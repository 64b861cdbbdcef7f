"""What becomes of a message in a chat after it was noted: edits and its deletion, as events."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.chat.protocol import Heard, Message
from interlock_gateway.service.chat.records import NoteRow
from interlock_gateway.service.incidents import book_of
from interlock_gateway.service.ports import Reading, Transaction

MOST_CHANGES = 30
"""Edits that are followed of one message."""

_TS = re.compile(r"[0-9]{1,11}\.[0-9]{1,6}\Z")


@dataclass(frozen=True, slots=True)
class Change:
    """What a message says after an edit; `edited` is "" where no person made it."""

    text: str
    edited: str
    told: str
    account: str


def is_followed(tx: Reading, heard: Heard) -> bool:
    """Tell whether an edit or deletion is of a message that is a note; others are not kept."""
    if heard.deed not in {"edit", "delete"}:
        return True
    rows = tx.rows(NoteRow, room=heard.room, ts=heard.ts)
    return any(heard.deed == "delete" or row.changes < MOST_CHANGES for row in rows)


def latest_of(message: Message) -> Change:
    """Return a message as what became of it."""
    return Change(message.text, message.edited, "", message.account)


def follow(tx: Transaction, row: NoteRow, change: Change) -> None:
    """Record what a noted message says now, unless that is known."""
    digest = digest_of(change.text)
    if change.edited:
        known = change.edited == row.edited or change.edited <= row.since
    else:
        known = digest == row.shown
    if known or row.changes >= MOST_CHANGES or row.gone_at is not None:
        return
    number = row.changes + 1
    data = {
        **_about(row),
        "account": change.account,
        "change": number,
        "last_followed": number == MOST_CHANGES,
    }
    parts = {"text": text_part(change.text)}
    at = moment_of(tx, change.edited or change.told)
    tx.append(_event(tx, row, Draft("note.edited", "system", data, parts, time=at)))
    if not change.edited or change.edited > row.edited:
        tx.change(row, changes=number, shown=digest, edited=change.edited or row.edited)
    else:
        tx.change(row, changes=number)  # an older edit that was told late


def lose(tx: Transaction, row: NoteRow, told: str) -> None:
    """Record that a noted message is not in the chat any more; the note stays."""
    if row.gone_at is None:
        draft = Draft("note.source_deleted", "system", _about(row), time=moment_of(tx, told))
        tx.append(_event(tx, row, draft))
        tx.change(row, gone_at=tx.now)


def _event(tx: Transaction, row: NoteRow, draft: Draft) -> Draft:
    """Put an event where it belongs: a sealed record takes none, the deployment's own does."""
    book = book_of(tx, row.incident)
    return replace(draft, incident=book, subject=f"{row.room}/{row.ts}", causationid=row.event)


def _about(row: NoteRow) -> dict[str, str]:
    where = {"channel": row.room, "ts": row.ts}
    return {"source": "slack", "note": row.event, "of": row.incident, **where}


def moment_of(tx: Transaction, ts: str) -> datetime | None:
    """Return the moment that a message's name tells; never one that is still to come."""
    if not _TS.match(ts):
        return None
    return min(datetime.fromtimestamp(float(ts), UTC), tx.now)


def digest_of(text: str) -> str:
    """Return what tells one text from another."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
