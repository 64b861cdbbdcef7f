"""In which order a timeline is shown: a cause first, then by time, then by sequence.

Clocks disagree, and people remember times roughly. What led to what is recorded with each event
(`causationid`), and a start comes before its end; no clock puts them the other way round.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from interlock.export.model import Moment
from interlock.export.reading import Reading

_NEVER = float("-inf")
_MOST_NEAR = 200
"""An event whose time overlaps with more others than this names the nearest ones."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands in the order shown.

    Attributes:
        rank: its place, from 0.
        after: the event that it stands behind although its own time is earlier; "" for none.
    """

    rank: int
    after: str = ""


@dataclass(slots=True)
class _Web:
    """Events by their place in the input, and what led to what."""

    readings: Sequence[Reading]
    causes: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    effects: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def join(self, cause: int | None, effect: int | None) -> None:
        """Note that one event led to another."""
        if cause is not None and effect is not None and cause != effect:
            self.causes[effect].append(cause)
            self.effects[cause].append(effect)

    def time(self, at: int) -> float:
        """When an event happened as claimed; before everything when it does not say."""
        time = self.readings[at].time
        return time.timestamp() if time else _NEVER


def places(readings: Sequence[Reading], moments: Iterable[Moment]) -> Mapping[str, Place]:
    """Return the place of every event by how it is cited.

    Args:
        readings: the events in order of their sequence.
        moments: what they were folded to: a start stands before the end that it became a part of.
    """
    return _sorted(_web(readings, moments))


def _web(readings: Sequence[Reading], moments: Iterable[Moment]) -> _Web:
    web = _Web(readings)
    by_id = {r.id: at for at, r in reversed(list(enumerate(readings))) if r.id}
    by_cite = _by_cite(readings)
    for at, reading in enumerate(readings):
        web.join(by_id.get(reading.cause), at)
    for moment in moments:
        for source in moment.sources:
            if source.until and source.before(source.until):
                web.join(by_cite.get(source.event), by_cite.get(source.until))
    return web


def _by_cite(readings: Sequence[Reading]) -> dict[str, int]:
    return {r.cite: at for at, r in reversed(list(enumerate(readings)))}


def _sorted(web: _Web) -> dict[str, Place]:
    """Sort topologically, always taking the earliest event whose causes all stand already."""
    left = {at: len(web.causes.get(at, ())) for at in range(len(web.readings))}
    shown: dict[int, tuple[float, int]] = {at: (web.time(at), at) for at in left}
    ready = [(web.time(at), at) for at, causes in left.items() if not causes]
    ready.sort()
    # Events that cause each other are an error in the record; time decides between them.
    rest = sorted(left, key=lambda at: (web.time(at), at)) if _circles(web) else []
    found: dict[str, Place] = {}
    while ready or (ready := _next_of(rest, left, shown)):
        time, at = heappop(ready)
        if left.pop(at, None) is None:
            continue
        found.setdefault(web.readings[at].cite, _place(web, len(found), time, at, shown))
        for effect in web.effects.get(at, ()):
            if effect in left:
                shown[effect] = max(shown[effect], (time, at))
                left[effect] -= 1
                if left[effect] <= 0:
                    heappush(ready, (shown[effect][0], effect))
    return found


def _circles(web: _Web) -> bool:
    """Tell whether any event claims a cause that was recorded after it: only then is there one."""
    return any(cause > at for at, causes in web.causes.items() for cause in causes)


def _next_of(
    rest: list[int], left: Mapping[int, int], shown: Mapping[int, tuple[float, int]]
) -> list[tuple[float, int]]:
    rest[:] = [at for at in rest if at in left]
    return [(shown[rest[0]][0], rest[0])] if rest else []


def _place(
    web: _Web, rank: int, time: float, at: int, shown: Mapping[int, tuple[float, int]]
) -> Place:
    moved = time > web.time(at) > _NEVER
    behind = shown[at][1]
    return Place(rank, web.readings[behind].cite if moved and behind != at else "")


# --- what may have come before or after -------------------------------------------------------


def overlaps(
    readings: Sequence[Reading], moments: Iterable[Moment]
) -> Mapping[str, tuple[str, ...]]:
    """Return for each event with a rough time the events it may have come before or after.

    Two events whose times were both taken by the gateway are in the order it recorded them, and
    what led to what is certain; any others whose times overlap, with their accuracy, are not.
    """
    rough = [at for at, r in enumerate(readings) if r.time and r.accuracy_s and not r.is_clocked]
    if not rough:
        return {}
    web = _web(readings, moments)
    dated = sorted((web.time(at), at) for at, r in enumerate(readings) if r.time)
    widest = max(readings[at].accuracy_s for _, at in dated)
    found = {readings[at].cite: _near(web, dated, at, widest) for at in rough}
    return {cite: near for cite, near in found.items() if near}


def _near(
    web: _Web, dated: Sequence[tuple[float, int]], at: int, widest: float
) -> tuple[str, ...]:
    time, own = web.time(at), web.readings[at].accuracy_s
    low = bisect_left(dated, (time - own - widest, -1))
    high = bisect_right(dated, (time + own + widest, len(dated) + at))
    linked = _line(web.causes, at) | _line(web.effects, at)
    middle = bisect_left(dated, (time, at))
    near = dated[max(low, middle - _MOST_NEAR // 2) : min(high, middle + _MOST_NEAR // 2)]
    return tuple(
        web.readings[other].cite
        for when, other in near
        if other not in linked and abs(when - time) <= own + web.readings[other].accuracy_s
    )


def _line(web: Mapping[int, Sequence[int]], at: int) -> set[int]:
    """Return an event and everything that it leads to in one direction."""
    found, ahead = {at}, [at]
    while ahead:
        new = [one for one in web.get(ahead.pop(), ()) if one not in found]
        found.update(new)
        ahead.extend(new)
    return found
