"""Lets calls begin one after another where too many would hurt: a target, or whoever asks.

Counts are this gateway's own; several gateways over one store let through as many each.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil

from interlock.errors import refusal

from interlock_gateway.core.pace import Callers, Pace
from interlock_gateway.service.ports import Clock

WAITS_S = 5.0
"""Seconds that a call waits for one of those under way to end."""

_WAITING = 64  # calls that may wait at one place
_REMEMBERED = 10_000


class TooManyError(Exception):
    """A call did not begin: too many are under way, or began within the last minute.

    Attributes:
        place: where.
        help: when to ask again.
    """

    def __init__(self, place: "Place", message: str, help: str) -> None:  # noqa: A002  the word users know
        super().__init__(message)
        self.place = place
        self.help = help


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls are counted: at one target, for one person or in one run.

    Attributes:
        kind, name: `target` and `orders`.
        pace: what is allowed there.
        line: where that stands in the policy.
    """

    kind: str
    name: str
    pace: Pace
    line: str

    @property
    def said(self) -> str:
        """The place as a sentence about it begins: `orders`, or `The run R-1`."""
        return self.name if self.kind == "target" else f"The {self.kind} {self.name}"


class Pacing:
    """Counts calls at all places."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[tuple[str, str], float] = {}
        self._under_way: Counter[tuple[str, str]] = Counter()
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._sleepers: set[asyncio.Future[None]] = set()

    @asynccontextmanager
    async def turn(self, *places: Place) -> AsyncIterator[None]:
        """Wait until a call may be under way at all of `places`, and count it there.

        Raises:
            TooManyError: too many began within a minute, or none of those under way ended in time.
        """
        self._begin(places)
        await self._room(places)
        keys = [_key(place) for place in places]
        self._under_way.update(keys)
        try:
            yield
        finally:
            _less(self._under_way, keys)
            self._wake()

    @asynccontextmanager
    async def caller(self, paces: Callers, person: str, run: str) -> AsyncIterator[None]:
        """Count a call for whoever makes it: one person, in one run.

        Raises:
            InterlockError: `too-many-calls`.
        """
        places = (
            Place("run", run, paces.run, "targets.toml: pace.run"),
            Place("person", person, paces.person, "targets.toml: pace.person"),
        )
        try:
            async with self.turn(*places):
                yield
        except TooManyError as error:
            line = error.place.line
            raise refusal("too-many-calls", str(error), line=line, help=error.help) from None

    def _begin(self, places: Sequence[Place]) -> None:
        """Refuse at once what comes too fast; else count it everywhere."""
        now = self._clock.monotonic()
        for place in places:
            if wait := place.pace.wait_s(self._due.get(_key(place), now), now):
                raise _too_fast(place, wait)
        if len(self._due) > _REMEMBERED:
            self._due = {key: due for key, due in self._due.items() if due > now}
        for place in places:
            self._due[_key(place)] = place.pace.after(self._due.get(_key(place), now), now)

    async def _room(self, places: Sequence[Place]) -> None:
        """Return when there is room everywhere; nothing else runs before that is used."""
        if self._full(places) is None:
            return
        keys = [_key(place) for place in places]
        for place, key in zip(places, keys, strict=True):
            if self._waiting[key] >= _WAITING:
                raise _too_many(place)
        self._waiting.update(keys)
        try:
            async with asyncio.timeout(WAITS_S):
                while self._full(places) is not None:
                    await self._sleep()
        except TimeoutError:
            raise _too_many(self._full(places) or places[0]) from None
        finally:
            _less(self._waiting, keys)

    async def _sleep(self) -> None:
        """Return when a call has ended, wherever."""
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            self._sleepers.discard(sleeper)

    def _wake(self) -> None:
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    def _full(self, places: Sequence[Place]) -> Place | None:
        """Return the first place that has no room."""
        for place in places:
            if self._under_way[_key(place)] >= place.pace.at_once:
                return place
        return None


def _key(place: Place) -> tuple[str, str]:
    return place.kind, place.name


def _less(counts: Counter[tuple[str, str]], keys: Sequence[tuple[str, str]]) -> None:
    """Count one less at each key; one that is at none is forgotten, since runs come and go."""
    counts.subtract(keys)
    for key in keys:
        if counts[key] <= 0:
            del counts[key]


def _too_fast(place: Place, wait_s: float) -> TooManyError:
    most = place.pace.per_minute
    asked = "was asked" if place.kind == "target" else "asked"
    return TooManyError(
        place,
        f"{place.said} {asked} {most:,} times within a minute, which is the limit (`per_minute`).",
        f"Ask again in {ceil(wait_s)} s.",
    )


def _too_many(place: Place) -> TooManyError:
    most = place.pace.at_once
    return TooManyError(
        place,
        f"{place.said} has {most} calls under way, which is the limit (`at_once`), and "
        f"none of them ended within {WAITS_S:g} s.",
        "Ask again when they have ended.",
    )
