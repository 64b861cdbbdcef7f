"""Times for readers: UTC always, one more zone when asked for, and the day whenever it changes."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from interlock.errors import UsageError

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LATE_S = 5
"""An entry recorded this many seconds after it happened says both times."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Writes times; `zone` is shown beside UTC unless it is UTC."""

    name: str
    zone: tzinfo

    @property
    def is_utc(self) -> bool:
        """Whether UTC is the only zone shown."""
        return self.name == "UTC"

    def time(self, when: datetime) -> str:
        """The time of day in UTC, such as `10:42:07`."""
        return f"{when.astimezone(UTC):%H:%M:%S}"

    def local(self, when: datetime) -> str:
        """The time of day in the chosen zone; with its date where that is another day's."""
        there = when.astimezone(self.zone)
        same = there.date() == when.astimezone(UTC).date()
        return f"{there:%H:%M:%S}" if same else f"{there:%Y-%m-%d %H:%M:%S}"

    def day(self, when: datetime) -> str:
        """The day in UTC, such as `Tuesday 2025-06-03`."""
        there = when.astimezone(UTC)
        return f"{_DAYS[there.weekday()]} {there:%Y-%m-%d}"

    def stamp(self, when: datetime | None) -> str:
        """Date and time in UTC and, if another zone was chosen, there; `—` for no time."""
        if when is None:
            return "—"
        utc = f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        return utc if self.is_utc else f"{utc} ({self.local(when)} {self.name})"

    def late(self, when: datetime | None, recorded: datetime | None) -> str:
        """A remark when something was recorded well after (or before) it happened; else ""."""
        if not when or not recorded or abs((recorded - when).total_seconds()) < LATE_S:
            return ""
        same = recorded.date() == when.date()
        at = self.time(recorded) if same else f"{recorded.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        return f"recorded {at}"


def clock(zone: str) -> Clock:
    """Return a clock for an IANA zone name such as `Europe/Berlin`.

    Raises:
        UsageError: this machine knows no such zone.
    """
    if zone == "UTC":
        return Clock(zone, UTC)
    try:
        return Clock(zone, ZoneInfo(zone))
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(
            f"{zone!r} is not a time zone this machine knows.",
            code="bad-request",
            help="Give an IANA name such as Europe/Berlin, or leave it out for UTC.",
        ) from error
