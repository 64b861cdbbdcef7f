"""What doctor examines of the log: its key, and its anchor, from the settings and the store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from interlock.proof import note_of, read_key, signers

from interlock_gateway.adapters.anchors import FileAnchor
from interlock_gateway.adapters.doctor.check import Check, Notes
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.store import glimpse
from interlock_gateway.service.anchoring import conflict
from interlock_gateway.service.log_records import LOG, LogKeyRow, LogRow
from interlock_gateway.service.ports import NotReachedError, Reading, StoreUnwritableError
from interlock_gateway.settings import Settings

LOG_CHECKS = "log"
"""What `--target` calls it, where no target is called so."""

_NOWHERE = "Set log.anchor in interlock.toml to a file elsewhere: docs/verifying.md."


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store says of its log."""

    row: LogRow
    keys: tuple[LogKeyRow, ...]
    conflict: str


async def log_checks(settings: Settings) -> AsyncIterator[Check]:
    """Yield what is checked of the log; nothing is written anywhere."""
    notes, held, away = Notes(LOG_CHECKS), "", ""
    anchor = FileAnchor(settings.path(settings.log.anchor)) if settings.log.anchor else None
    try:
        held = await anchor.newest() if anchor else ""
    except NotReachedError as error:
        away = str(error)
    try:
        known = glimpse(settings.store_url, lambda tx: _known(tx, held))
    except StoreUnwritableError as error:
        yield notes.noted("store", settings.store.url, error, "Start the gateway once.")
        return
    if known is None:
        yield notes.noted("log", settings.store.url, "it has no log yet", "Start the gateway.")
        return
    yield _signs(notes, settings, known)
    yield _anchored(notes, settings, known, held, away)


def _known(tx: Reading, held: str) -> _Known | None:
    row = tx.get(LogRow, LOG)
    if row is None or not row.key:
        return None
    return _Known(row, tuple(tx.rows(LogKeyRow)), conflict(tx, held) if held else "")


def _signs(notes: Notes, settings: Settings, known: _Known) -> Check:
    tried = f"sign with key {known.row.key}"
    folder, text = settings.path("state/log-keys"), "a question of doctor's\n"
    try:
        note = note_of(text, LogKeys(folder).sign(known.row.key, text))
        signed = signers(note, [read_key(key.text) for key in known.keys])
    except (OSError, ValueError) as error:
        return notes.fails("key", tried, error, "Without it nothing of weight is recorded.")
    if not signed:
        return notes.fails("key", tried, "it is not the key that the store names", "See the file.")
    return notes.holds("key", tried, f"it signs for {known.row.origin}")


def _anchored(notes: Notes, settings: Settings, known: _Known, held: str, away: str) -> Check:
    tried = settings.log.anchor or "log.anchor"
    if not settings.log.anchor:
        where = "in Slack alone" if settings.slack.bot_token else "nowhere"
        return notes.noted("anchor", tried, f"the log is anchored {where}", _NOWHERE)
    if away:
        return notes.fails("anchor", tried, away, "Mount it, or name another place.")
    if known.conflict:
        return notes.fails("anchor", tried, known.conflict, "See docs/verifying.md, Anchors.")
    if not held:
        return notes.noted("anchor", tried, "no checkpoint is there yet")
    return notes.holds("anchor", tried, "the log goes on from its last checkpoint")
