"""When something happened, as people write it: few ways, none of them guessed at.

    10:42   10:42:07   10:42Z   yesterday 23:10   2026-11-23 10:42   2026-11-23T10:42:07+01:00

Without a zone it is this machine's. A `~` in front means about then: give or take five minutes.
Nothing is taken for yesterday's because today's is still to come: that is refused, and said.
"""

import re
from datetime import date, datetime, time, timedelta, tzinfo

from interlock.cli.plain import flat
from interlock.client.entries import Said
from interlock.errors import UsageError

ABOUT_S = 300
_WRITTEN = re.compile(
    r"(?P<about>~)?\s*"
    r"(?:(?P<day>yesterday|\d{4}-\d{2}-\d{2})(?:\s+|T))?"
    r"(?P<clock>\d{2}:\d{2}(?P<second>:\d{2}(?:\.\d{1,6})?)?)"
    r"\s*(?P<zone>Z|[+-]\d{2}:\d{2})?\Z"
)
_AHEAD = timedelta(minutes=1)
"""How far a machine's clock may be behind the gateway's, which refuses what is to come."""


def said(text: str, now: datetime, zone: tzinfo | None = None) -> Said:
    """Return the moment that a person means by `text`, and how good it is.

    Args:
        text: one of the forms above.
        now: the present, aware.
        zone: the zone of a time that names none; this machine's, if None.

    Raises:
        UsageError: it is not a time, happened twice, never, or is still to come.
    """
    found = _WRITTEN.match(text.strip())
    if not found:
        raise _no_time(text)
    moment = _moment(text, found, now, zone)
    if moment > now + _AHEAD:
        raise UsageError(
            f"{flat(text)} is still to come.", help='For yesterday write "yesterday 23:10".'
        )
    accuracy = ABOUT_S if found["about"] else 1 if found["second"] else 60
    return Said(moment.isoformat(), accuracy)


def _moment(text: str, found: re.Match[str], now: datetime, zone: tzinfo | None) -> datetime:
    try:
        clock = time.fromisoformat(found["clock"] + (found["zone"] or "").replace("Z", "+00:00"))
        day = _day(found["day"], now.astimezone(clock.tzinfo or zone).date())
    except (ValueError, OverflowError):
        raise _no_time(text) from None
    naive = datetime.combine(day, clock)
    return naive if naive.tzinfo else _local(text, naive, zone)


def _day(word: str | None, today: date) -> date:
    if word == "yesterday":
        return today - timedelta(days=1)
    return date.fromisoformat(word) if word else today


def _local(text: str, naive: datetime, zone: tzinfo | None) -> datetime:
    """Return a wall clock's time in a zone, where it happened once (PEP 495)."""
    first, second = (_zoned(naive.replace(fold=fold), zone) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    raise UsageError(
        f"At {flat(text)} the clocks were changed: it happened twice here, or never.",
        help=f"Say which, with its offset: {first.isoformat()} or {second.isoformat()}.",
    )


def _zoned(naive: datetime, zone: tzinfo | None) -> datetime:
    return naive.replace(tzinfo=zone) if zone else naive.astimezone()


def _no_time(text: str) -> UsageError:
    return UsageError(
        f"{flat(text)!r} is not a time.",
        help='Write 10:42, ~10:40, "yesterday 23:10" or 2026-11-23T10:42Z.',
    )
