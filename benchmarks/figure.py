"""What a benchmark finds, and how all of them measure: A B A B, warm-up dropped, medians.

Ratios are the claim, not absolute times: machines are noisy, and both sides meet the same noise.
"""

import compileall
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Literal, assert_never

import interlock
import interlock_gateway

Side = Callable[[], float]
"""Measures one thing once and returns the number."""

_UNWRITTEN = "PYTHONDONTWRITEBYTECODE"


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is held to.

    Attributes:
        of: `ratio` is ours / peer, `difference` is ours - peer, `value` is ours alone.
        limit: the number that just meets it.
    """

    of: Literal["ratio", "difference", "value"]
    limit: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        name: what was measured.
        unit: of `ours` and `peer`, such as `ms` or `/s`.
        ours: this project's number.
        peer_name: what it stands beside, or "" where nothing comparable exists.
        peer: the peer's number from the same rounds, or None.
        target: what it is held to, or None while nothing is promised.
        better: whether less or more of the unit is better.
    """

    name: str
    unit: str
    ours: float
    peer_name: str = ""
    peer: float | None = None
    target: Target | None = None
    better: Literal["less", "more"] = "less"

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's; None without a peer."""
        return self.ours / self.peer if self.peer else None

    @property
    def verdict(self) -> Literal["met", "missed", "no target yet"]:
        """Whether the target holds."""
        if self.target is None:
            return "no target yet"
        found, limit = self._measured(self.target), self.target.limit
        return "met" if (found <= limit if self.better == "less" else found >= limit) else "missed"

    def _measured(self, target: Target) -> float:
        match target.of:
            case "ratio":
                return self.ours / self._beside()
            case "difference":
                return self.ours - self._beside()
            case "value":
                return self.ours
            case _:
                assert_never(target.of)

    def _beside(self) -> float:
        if not self.peer:
            raise ValueError(f"{self.name}: this target needs a peer, and none was measured.")
        return self.peer


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A line of the table whose peer cannot be had here.

    Attributes:
        name: what would have been measured.
        peer_name: what it would stand beside.
        why: what is missing.
    """

    name: str
    peer_name: str
    why: str

    @property
    def ratio(self) -> None:
        """Nothing: there is no number on either side."""
        return

    @property
    def verdict(self) -> Literal["not measured"]:
        """That it is not known."""
        return "not measured"


def alternated(
    sides: Mapping[str, Side], *, smoke: bool, times: int = 5, warm_up: int = 1
) -> dict[str, float]:
    """Measure each side in turn, A B A B, and return each one's median.

    Args:
        sides: name → what measures it.
        smoke: only try it: a twentieth of the rounds, at least one, and no warm-up.
        times: rounds that count.
        warm_up: rounds before them that do not.
    """
    if smoke:
        times, warm_up = max(1, times // 20), 0
    taken = [{name: side() for name, side in sides.items()} for _ in range(warm_up + times)]
    return {name: median(one[name] for one in taken[warm_up:]) for name in sides}


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    began = perf_counter()
    work()
    return (perf_counter() - began) * 1000


def per_second(work: Callable[[], object], seconds: float) -> float:
    """Return how often `work` is done in a second, tried for so many seconds."""
    count, began = 0, perf_counter()
    while perf_counter() - began < seconds:
        work()
        count += 1
    return count / (perf_counter() - began)


def percentile(values: Sequence[float], hundredths: int) -> float:
    """Return the value below which so many hundredths of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * hundredths // 100)]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what the peers' kernels log off the terminal."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def with_bytecode() -> None:
    """Let every process from here on find compiled modules, as an installation has them."""
    os.environ.pop(_UNWRITTEN, None)
    sys.dont_write_bytecode = False
    for package in (interlock, interlock_gateway):
        compileall.compile_dir(Path(str(package.__file__)).parent, quiet=2)
