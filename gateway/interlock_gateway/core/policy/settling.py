"""When a policy folder that somebody changes may be read: once it has come to rest.

Editors write several files one after the other, rename, and leave temporary files. What is read in
between would be a policy that nobody wrote. So a folder is read only after nothing in it has
changed for a while, and what was read counts only if nothing changed meanwhile either.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from enum import Enum

STILL_S = 2.0
"""Seconds without a change after which a folder counts as finished."""

RESTLESS_S = 60.0
"""Seconds of changes after which somebody is told that the folder never comes to rest."""


class Next(Enum):
    """What to do about the folder now."""

    NOTHING = "nothing"
    WAIT = "wait"
    LOAD = "load"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Folder:
    """What is known of a folder from looking at it again and again.

    Attributes:
        taken: the state of it that was read last, whether it loaded or not.
        seen: its state when it was looked at last.
        since: since when that is its state, in seconds that only grow.
        restless_since: since when it differs from `taken`; None while it does not.
        told: whether somebody was told that it never comes to rest.
    """

    taken: Hashable
    seen: Hashable
    since: float
    restless_since: float | None = None
    told: bool = False

    def looked_at(self, state: Hashable, now: float) -> tuple["Folder", Next]:
        """Return what is known now, and what to do."""
        since = self.since if state == self.seen else now
        if state == self.taken:
            return replace(self, seen=state, since=since, restless_since=None, told=False), (
                Next.NOTHING
            )
        began = now if self.restless_since is None else self.restless_since
        known = replace(self, seen=state, since=since, restless_since=began)
        if now - since >= STILL_S:
            return known, Next.LOAD
        if now - began >= RESTLESS_S and not self.told:
            return replace(known, told=True), Next.ALARM
        return known, Next.WAIT

    def read(self, state: Hashable) -> "Folder":
        """Return what is known once `state` was read, and either loaded or was refused."""
        return replace(self, taken=state, restless_since=None, told=False)

    def again(self, now: float) -> "Folder":
        """Return the folder after something went wrong: it is tried again after a while."""
        return replace(self, since=now)

    def asked(self) -> "Folder":
        """Return the folder as one that has to be read, whether or not it has changed."""
        return replace(self, taken=_NEVER)


_NEVER = ("never read",)
