"""Targets that are files: each file is opened in child processes that can be killed.

An engine that is a library lives in the process that opens a file: one huge value, a piece of work
that looks at no interrupt, or a crash would be the gateway's own. So it runs in children
(`file_child.py`) with a limit on memory, without a credential, and ended when they do not answer
in time. Children that read are kept warm, each for one file; a deed has a child to itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from interlock_gateway.adapters.child import Child, Ended
from interlock_gateway.adapters.targets import values
from interlock_gateway.adapters.targets.children import Children
from interlock_gateway.adapters.targets.expectations import Outcome, check
from interlock_gateway.core.model import (
    Before,
    Column,
    Limits,
    Reads,
    Rows,
    Statement,
    Stored,
    Target,
)
from interlock_gateway.service.targets import (
    Became,
    Deed,
    OutcomeUnknownError,
    Prepared,
    Proof,
    Secrets,
    TargetError,
    Witness,
)

GRACE_S = 1.0
"""Seconds that a child has to notice that its time is up; then it is killed."""

COMMIT_S = 60.0
"""Seconds for a commit, and for writing the file afterwards."""

_AT_ONCE_S = 0.25  # within which a child that ends was ending when it was asked
_READERS = 4  # children for each file
_AROUND = 1 << 20  # bytes of an answer beside its rows: names of columns, words
_IMAGE = 1 << 22  # bytes of the rows before a change, with their literals
_DESCRIBED_S = 10.0  # for a snapshot, however short a read may be
_CATALOGUE = 1 << 28  # bytes; a catalogue of a quarter of a gigabyte is refused

_Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that opens files.

    Attributes:
        name: as messages call it.
        module: what its children run; it takes `reads` or `deeds`.
        always: relations that the guard takes to be in every file.
    """

    name: str
    module: str
    always: tuple[str, ...] = ()


class FileReader:
    """Reads files in children that may not write them."""

    def __init__(self, secrets: Secrets, engine: Engine) -> None:
        """Open no file yet; `secrets` gives the file's path at each call."""
        self._secrets = secrets
        self._engine = engine
        self._children = Children((engine.module, "reads"), most=_READERS)

    async def read(
        self, target: Target, statement: Statement, given: values.Typed, limits: Limits
    ) -> Rows:
        """Run `statement` as a read; see `service.targets.Reader.read`."""
        question = {"do": "read", **_sent(statement, given)}
        if target.reads != Reads():
            question |= {"reads": asdict(target.reads), "always": self._engine.always}
        answer = await self._asked(target, question, limits, 2 * limits.bytes + _AROUND)
        return _rows(answer["rows"])

    async def facts(self, target: Target) -> Any:
        """Return what there is in a file now, as its engine's child tells it.

        Raises:
            TargetError: the file cannot be opened, or does not tell.
        """
        limits = Limits(seconds=max(target.limits.seconds, _DESCRIBED_S))
        return (await self._asked(target, {"do": "facts"}, limits, _CATALOGUE))["facts"]

    async def aclose(self) -> None:
        """End every child."""
        await self._children.aclose()

    async def _asked(
        self, target: Target, question: _Answer, limits: Limits, most: int
    ) -> _Answer:
        """Ask, and once more where a child that was kept was ending: a read does no harm."""
        try:
            return await self._asked_once(target, question, limits, most)
        except _WasEndingError:
            return await self._asked_once(target, question, limits, most)

    async def _asked_once(
        self, target: Target, question: _Answer, limits: Limits, most: int
    ) -> _Answer:
        path = self._secrets.resolve(target.read)
        async with self._children.lent(path, target.name, limits.seconds) as child:
            call = _Call(child, self._engine.name, target.name, limits)
            answer = await call.answer({**question, "path": path}, most)
            if answer.get("spent"):
                await child.end()
        return _said(answer)


class FileActor:
    """Changes a file in one transaction that stands only if its result is the approved one."""

    def __init__(self, secrets: Secrets, engine: Engine) -> None:
        """Open nothing yet; `secrets` gives the file's path at each call."""
        self._secrets = secrets
        self._engine = engine
        self._children = Children((engine.module, "deeds"), most=1)

    async def act(self, target: Target, deed: Deed, limits: Limits, witness: Witness) -> Rows:
        """Run `deed` once; see `service.targets.Actor.act`. Shield the awaiting task."""
        if not target.act:
            raise TargetError(
                "target-failed",
                f"Target {target.name} has no action login, so nothing can be changed there. "
                "Give it `act` in targets.toml.",
            )
        question = _sent(deed.statement, deed.values)
        if deed.image is not None:
            read = {"text": deed.image.text, "names": deed.image.names}
            question |= {"image": read, "table": deed.table}
        async with self._begun(target, question, limits) as (child, answer):
            check(deed, Outcome(**answer["outcome"]))
            rows = _rows(answer["rows"])
            await witness.before_commit(Prepared(rows.affected, _before(answer.get("before"))))
            await _commit(child)
        return rows

    async def became(self, target: Target, transaction: Mapping[str, str]) -> Proof:  # noqa: ARG002  the port's signature
        """Tell nothing: a file keeps no list of its transactions."""
        words = f"{self._engine.name} does not tell what became of a transaction."
        return Proof(Became.UNTOLD, words)

    async def aclose(self) -> None:
        """Let go of what no deed uses."""
        await self._children.aclose()

    @asynccontextmanager
    async def _begun(
        self, target: Target, question: _Answer, limits: Limits
    ) -> AsyncIterator[tuple[Child, _Answer]]:
        """Have a child begin a deed, of which nothing lasts unless the block commits it."""
        path = self._secrets.resolve(target.act)
        async with self._children.lent(path, target.name, limits.seconds) as child:
            call = _Call(child, self._engine.name, target.name, limits)
            most = 2 * limits.bytes + _AROUND + _IMAGE
            answer = await call.answer({**question, "path": path}, most)
            try:
                yield child, _said(answer)
            finally:  # rolls back what was not committed, and lets go of the file
                await child.end(COMMIT_S)


class _WasEndingError(TargetError):
    """A child that was kept from an earlier call ended as soon as it was asked."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One question to a child, in bounded time."""

    child: Child
    engine: str
    target: str
    limits: Limits

    async def answer(self, question: _Answer, most: int) -> _Answer:
        """Return what the child answers; until a deed's commit, nothing it did lasts.

        Raises:
            TargetError: it was killed, or broke.
        """
        limits, kept = self.limits, self.child.is_started
        how = {"rows": limits.rows, "bytes": limits.bytes, "seconds": limits.seconds}
        await self._ready()
        began = time.monotonic()
        try:
            async with asyncio.timeout(limits.seconds + GRACE_S):
                await self.child.tell({**question, "name": self.target, "limits": how})
                return await self.child.hear(most)
        except TimeoutError as error:
            raise TargetError(
                "target-timeout",
                f"Target {self.target} did not finish within {limits.seconds:g} s; killed there.",
            ) from error
        except Ended as error:
            at_once = kept and time.monotonic() - began < _AT_ONCE_S
            raise (_WasEndingError if at_once else TargetError)(
                "target-failed",
                f"{self.engine} broke while it worked on this for target {self.target}: {error}. "
                "Nothing changed.",
            ) from error

    async def _ready(self) -> None:
        try:
            await self.child.ready()
        except Ended as error:
            raise TargetError(
                "target-unreachable", f"No process for target {self.target}: {error}."
            ) from error


def _sent(statement: Statement, given: values.Typed) -> _Answer:
    values.sendable(statement)
    values.given(statement, given)
    return {"text": statement.text, "names": statement.names, "given": given}


async def _commit(child: Child) -> None:
    """Let a deed last; also when this is cancelled, what came of it is waited for.

    Raises:
        TargetError: the engine rolled it back, or the child ended before it began to commit.
        OutcomeUnknownError: the child did not say.
    """
    task = asyncio.ensure_future(_committed(child))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=COMMIT_S)
        raise


async def _committed(child: Child) -> None:
    began = False
    try:
        async with asyncio.timeout(COMMIT_S):
            with suppress(Ended):  # it may have heard all the same: what it says decides
                await child.tell({"do": "commit"})
            await child.hear(_AROUND)
            began = True
            answer = await child.hear(_AROUND)
    except (Ended, TimeoutError) as error:
        await child.end()
        if isinstance(error, Ended) and not began:
            said = f"The process ended before the commit: {error}. Rolled back."
            raise TargetError("target-failed", said) from error
        how = error if isinstance(error, Ended) else f"it was silent for {COMMIT_S:g} s"
        raise OutcomeUnknownError(
            f"The process that committed it did not say what came of it: {how}."
        ) from error
    if "unknown" in answer:
        raise OutcomeUnknownError(answer["unknown"])
    _said(answer)


def _said(answer: _Answer) -> _Answer:
    """Return an answer that is one; raise the refusal that it is instead."""
    if "error" in answer:
        raise TargetError(answer["error"], answer["message"])
    return answer


def _before(said: _Answer | None) -> Before | None:
    if said is None:
        return None
    stored = tuple(Stored(**one) for one in said["stored"])
    return Before(_rows(said["rows"]), stored, tuple(tuple(row) for row in said["literals"]))


def _rows(said: _Answer) -> Rows:
    columns = tuple(Column(name, kind) for name, kind in said["columns"])
    rows = tuple(tuple(row) for row in said["rows"])
    return Rows(columns, rows, said["truncated"], said["affected"], said["elapsed_ms"])
