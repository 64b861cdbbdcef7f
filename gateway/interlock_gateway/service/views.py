"""Narrative views: a choice from the record, in an order, with headings and words; in versions.

A view never changes the record. Each save is an event that holds the whole of it and names the
version before; saving over a version that is no longer the newest is refused, so that nobody's
words are lost without a word.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.errors import InterlockError, refusal
from interlock.export.entries import HIDEABLE

from interlock_gateway.core.timeline import Draft, json_part, stamp
from interlock_gateway.service.citing import Told, cite, texts_of
from interlock_gateway.service.entering import must_take_notes
from interlock_gateway.service.entry_records import ViewRow
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import must_read, row_of
from interlock_gateway.service.ports import (
    ConflictError,
    PolicySource,
    Reading,
    Store,
    Transaction,
)

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
MOST_ITEMS = 500
MOST_WORDS = 10_000
"""Characters of one item."""
_MOST_VIEWS = 50

View = dict[str, Any]
"""A version of a view: its name and number, who saved it when, its items and what it hides."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item: an event by its number, or a heading; and what the author says of it."""

    event: int = 0
    heading: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A view as somebody wants to save it; `base` is the version they began with, 0 for none."""

    items: Sequence[Item]
    hide: Sequence[str] = ()
    base: int = 0


@dataclass(frozen=True, slots=True)
class Views:
    """Saves views, and shows them in any version."""

    _store: Store = field(repr=False)
    _policy: PolicySource = field(repr=False)

    async def save(self, who: Principal, incident: str, name: str, wanted: Definition) -> int:
        """Save a view as its next version, and return the number.

        Raises:
            InterlockError: `view-changed` where somebody else saved meanwhile; or the code says
                why else not.
        """
        _check(name, wanted)

        def unit(tx: Transaction) -> int:
            must_take_notes(tx, who, incident)
            latest = _latest(tx, incident, name)
            if wanted.base != (latest.version if latest else 0):
                raise _changed(name, wanted.base, latest)
            if latest is None and len(_names(tx, incident)) >= _MOST_VIEWS:
                raise refusal("bad-request", f"An incident has {_MOST_VIEWS} views at the most.")
            event = tx.append(_draft(tx, who, incident, name, wanted, latest))
            version = wanted.base + 1
            tx.add(ViewRow(incident, name, version, event, who.person.id, tx.now))
            return version

        try:
            return await self._store.commit(unit)
        except ConflictError as error:  # two gateways at once: the key of the row decides
            latest = await self._store.read(lambda tx: _latest(tx, incident, name))
            raise _changed(name, wanted.base, latest) from error

    async def listed(self, who: Principal, incident: str) -> list[ViewRow]:
        """Return every version of every view, the newest first, without what they hold."""

        def question(tx: Reading) -> list[ViewRow]:
            row_of(tx, incident)
            must_read(tx, self._policy.current, who, incident)
            return list(tx.rows(ViewRow, incident=incident, order="-saved_at", limit=500))

        return await self._store.read(question)

    async def show(self, who: Principal, incident: str, name: str, version: int = 0) -> View:
        """Return a version of a view, the newest where none is named.

        Raises:
            InterlockError: there is no such view or version.
        """

        def question(tx: Reading) -> View:
            row_of(tx, incident)
            must_read(tx, self._policy.current, who, incident)
            row = _version(tx, incident, name, version)
            return _view(row, texts_of(tx, [row.event])[row.event])

        return await self._store.read(question)


def _check(name: str, wanted: Definition) -> None:
    if not NAME.match(name):
        raise refusal("bad-request", "A view is named in small letters, digits and dashes.")
    if not wanted.items or len(wanted.items) > MOST_ITEMS:
        raise refusal("bad-request", f"A view has 1 to {MOST_ITEMS} items.")
    for item in wanted.items:
        _check_item(item)
    events = [item.event for item in wanted.items if item.event]
    twice = sorted({event for event in events if events.count(event) > 1})
    if twice:
        raise refusal("bad-request", f"#{twice[0]} stands in this view twice.")
    unknown = [word for word in wanted.hide if word not in HIDEABLE]
    if unknown:
        words = ", ".join(HIDEABLE)
        raise refusal("bad-request", f"A view hides some of {words}; not {unknown[0][:40]!r}.")


def _check_item(item: Item) -> None:
    if bool(item.event) == bool(item.heading.strip()):
        raise refusal("bad-request", "An item of a view is an event or a heading: one of the two.")
    if len(item.heading) > 200 or "\n" in item.heading:  # noqa: PLR2004  what fits above a section
        raise refusal("bad-request", "A heading is one line of at most 200 characters.")
    if len(item.text) > MOST_WORDS:
        message = f"An item of a view has at most {MOST_WORDS:,} characters."
        raise refusal("bad-request", message)


def _draft(
    tx: Transaction,
    who: Principal,
    incident: str,
    name: str,
    wanted: Definition,
    latest: ViewRow | None,
) -> Draft:
    items = [_kept(tx, incident, item) for item in wanted.items]
    definition = {"items": items, "hide": list(dict.fromkeys(wanted.hide))}
    previous = {"previous": latest.event} if latest else {}
    return Draft(
        "view.changed",
        who.authid,
        {"view": name, "version": wanted.base + 1, **previous},
        {"definition": json_part(definition)},
        incident=incident,
        subject=f"{name}@{wanted.base + 1}",
        causationid=latest.event if latest else "",
    )


def _kept(tx: Reading, incident: str, item: Item) -> dict[str, Any]:
    text = {"text": item.text} if item.text.strip() else {}
    if item.event:
        return cite(tx, incident, item.event).reference | text
    return {"heading": item.heading.strip()} | text


def _latest(tx: Reading, incident: str, name: str) -> ViewRow | None:
    found = tx.rows(ViewRow, incident=incident, name=name, order="-version", limit=1)
    return found[0] if found else None


def _names(tx: Reading, incident: str) -> set[str]:
    return {row.name for row in tx.rows(ViewRow, incident=incident, version=1)}


def _version(tx: Reading, incident: str, name: str, version: int) -> ViewRow:
    latest = _latest(tx, incident, name)
    row = tx.get(ViewRow, incident, name, version) if version else latest
    if latest is None or row is None:
        which = f"version {version} of " if latest else ""
        message = f"{incident} has no {which}view {name[:40]!r}."
        raise refusal("bad-request", message, help=f"See `interlock view list {incident}`.")
    return row


def _view(row: ViewRow, said: Told) -> View:
    kept = said.json("definition") or {"items": [], "hide": [], "destroyed": True}
    return {
        "view": row.name,
        "version": row.version,
        "by": row.saved_by,
        "at": stamp(row.saved_at),
        "sequence": said.sequence,
        **kept,
    }


def _changed(name: str, base: int, latest: ViewRow | None) -> InterlockError:
    if latest is None:
        return refusal("view-changed", f"There is no version {base} of {name}: nobody saved one.")
    message = (
        f"{name} is at version {latest.version}: {latest.saved_by} saved it at "
        f"{latest.saved_at:%H:%M:%S} UTC, after version {base} that you began with."
    )
    return refusal("view-changed", message)
