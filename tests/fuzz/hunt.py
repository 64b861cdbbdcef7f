"""One hunt: make statements, ask the guard, and let a judge look at those it calls a read."""

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fuzz.seed_file import keep, seeds
from fuzz.strings import Maker, tokens
from interlock_gateway.core.model import Dialect, Effect, Statement
from interlock_gateway.core.statement import Catalogue, StatementError, translate
from interlock_gateway.core.statement.classify import classify

BATCH = 32
CRASHED = "it crashes the engine"
"""How a judge's answer begins when the engine itself fell over."""
_SHRINKS = 400  # tries to make one found statement shorter
_ENOUGH = 25  # found statements after which a hunt stops: the guard is broken anyway


class Judge(Protocol):
    """Says what a statement did, without any of the guard's rules about it.

    Attributes:
        ran: statements that the engine ran without an error, so far.
    """

    ran: int

    def judge(self, statements: Sequence[Statement]) -> Sequence[str]:
        """Return for each statement why it is no read, or "" when nothing speaks against it."""
        ...


@dataclass(slots=True)
class Tally:
    """What a hunt saw.

    Attributes:
        dialect: whose statements.
        seed: the number that makes the same statements again.
        catalogue: what the guard was told of the world's names.
        strings: statements made.
        reads: those that the guard calls a read, so that the judge looked at them.
        ran: those of the reads that the engine ran without an error.
        seconds: how long it took.
        unsafe: each statement that passed and is no read, shrunk, with what it did.
        crashed: each that passed and made the engine fall over, with its last words. This is the
            engine's defect; the guard can refuse a kind of statement once it is known.
    """

    dialect: Dialect
    seed: int
    catalogue: Catalogue | None = None
    strings: int = 0
    reads: int = 0
    ran: int = 0
    seconds: float = 0.0
    unsafe: dict[str, str] = field(default_factory=dict)
    crashed: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        rate = self.strings / max(self.seconds, 0.001)
        crashes = "".join(f"\n  crashes the engine: {text!r}" for text in self.crashed)
        return (
            f"{self.dialect}: {self.strings:,} strings in {self.seconds:.0f} s ({rate:,.0f}/s), "
            f"{self.reads:,} passed as reads, {self.ran:,} of those ran, "
            f"{len(self.unsafe)} were unsafe "
            f"(INTERLOCK_FUZZ_SEED={self.seed}){crashes}"
        )


def seconds() -> float:
    """Return how long one hunt may take."""
    return float(os.environ.get("INTERLOCK_FUZZ_SECONDS", "5"))


def seed() -> int:
    """Return the number to make statements from: the one asked for, or a new one."""
    given = os.environ.get("INTERLOCK_FUZZ_SEED", "")
    return int(given) if given else secrets.randbits(32)


def hunt(dialect: Dialect, judge: Judge, catalogue: Catalogue | None = None) -> Tally:
    """Replay what was found before, then make new statements until the time is up.

    What passes and is no read is shrunk and kept in the seeds file.

    Args:
        dialect: whose statements.
        judge: looks at what passes.
        catalogue: what names mean in the judge's world, for a guard that is told.
    """
    tally = Tally(dialect, seed(), catalogue)
    started = time.monotonic()
    end = started + seconds()
    for batch in _batches(_reads(_strings(tally, end), tally)):
        for statement, why in zip(batch, judge.judge(batch), strict=True):
            if why:
                _found(statement, why, judge, tally)
        if len(tally.unsafe) + len(tally.crashed) >= _ENOUGH:
            break
    tally.ran = judge.ran
    tally.seconds = time.monotonic() - started
    return tally


def passes(dialect: Dialect, source: str, catalogue: Catalogue | None = None) -> Statement | None:
    """Return the statement if the guard calls it a read, else None."""
    try:
        statement = translate(dialect, source)
    except StatementError:
        return None
    return statement if classify(statement, catalogue).effect is Effect.READ else None


def shrunk(source: str, fails: Callable[[str], bool]) -> str:
    """Return a shorter text for which `fails` still holds, by leaving tokens out."""
    left, size, tries = tokens(source), len(tokens(source)) // 2, 0
    while size and tries < _SHRINKS:
        place = 0
        while place < len(left) and tries < _SHRINKS:
            shorter = left[:place] + left[place + size :]
            tries += 1
            if fails("".join(shorter)):
                left = shorter
            else:
                place += size
        size //= 2
    return "".join(left)


def _strings(tally: Tally, end: float) -> Iterator[str]:
    yield from seeds(tally.dialect)
    maker = Maker(tally.dialect, tally.seed)
    while time.monotonic() < end:
        yield maker.next()


def _reads(strings: Iterable[str], tally: Tally) -> Iterator[Statement]:
    for source in strings:
        tally.strings += 1
        statement = passes(tally.dialect, source, tally.catalogue)
        if statement is not None:
            tally.reads += 1
            yield statement


def _batches(statements: Iterator[Statement]) -> Iterator[list[Statement]]:
    batch: list[Statement] = []
    for statement in statements:
        batch.append(statement)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _found(statement: Statement, why: str, judge: Judge, tally: Tally) -> None:
    def fails(source: str) -> bool:
        candidate = passes(tally.dialect, source, tally.catalogue)
        return candidate is not None and judge.judge([candidate])[0] != ""

    source = shrunk(statement.source, fails) if fails(statement.source) else statement.source
    found = tally.crashed if why.startswith(CRASHED) else tally.unsafe
    if source not in found:
        found[source] = why
        keep(tally.dialect, source, why)
