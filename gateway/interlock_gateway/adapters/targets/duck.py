"""DuckDB as a target: each file is opened in child processes that can be killed.

DuckDB is a library in the process that opens a file: one huge value, a piece of work that looks at
no interrupt, or a crash would be the gateway's own. So it runs in children (`duck_child.py`) with
a limit on memory, without a credential, and ended when they do not answer in time. Children that
read are kept warm, each for one file; a deed has a child to itself.
"""

import asyncio
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from interlock_gateway.adapters.child import Child, Ended
from interlock_gateway.adapters.targets import duck_catalogue, values
from interlock_gateway.adapters.targets.duck_children import Children
from interlock_gateway.adapters.targets.expectations import Outcome, check
from interlock_gateway.core.model import Column, Limits, Rows, Statement, Target
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.service.targets import Deed, OutcomeUnknownError, Secrets, TargetError

GRACE_S = 1.0
"""Seconds that a child has to notice that its time is up; then it is killed."""

COMMIT_S = 60.0
"""Seconds for a commit, and for writing the file afterwards."""

_READERS = 4  # children for each file
_AROUND = 1 << 20  # bytes of an answer beside its rows: names of columns, words
_DESCRIBED_S = 10.0  # for a snapshot, however short a read may be
_CATALOGUE = 1 << 28  # bytes; a catalogue of a quarter of a gigabyte is refused
_MODULE = "interlock_gateway.adapters.targets.duck_child"

_Answer = dict[str, Any]


class DuckdbReader:
    """Reads a file that is opened read-only, with everything outside it closed."""

    def __init__(self, secrets: Secrets) -> None:
        """Open no file yet; `secrets` gives the file's path at each call."""
        _need_driver()
        self._secrets = secrets
        self._children = Children((_MODULE, "reads"), most=_READERS)

    async def read(
        self, target: Target, statement: Statement, given: values.Typed, limits: Limits
    ) -> Rows:
        """Run `statement` as a read; see `service.targets.Reader.read`."""
        question = {
            "do": "read",
            **_sent(statement, given),
            "trusted": [name.lower() for name in target.reads.functions],
        }
        answer = await self._asked(target, question, limits, 2 * limits.bytes + _AROUND)
        return _rows(answer["rows"])

    async def catalogue(self, target: Target) -> Catalogue:
        """Return what the names in a target mean now.

        Raises:
            TargetError: the file cannot be opened, or does not tell.
        """
        limits = Limits(seconds=max(target.limits.seconds, _DESCRIBED_S))
        answer = await self._asked(target, {"do": "catalogue"}, limits, _CATALOGUE)
        return duck_catalogue.catalogue(answer["facts"], target.reads.functions)

    async def aclose(self) -> None:
        """End every child."""
        await self._children.aclose()

    async def _asked(
        self, target: Target, question: _Answer, limits: Limits, most: int
    ) -> _Answer:
        path = self._secrets.resolve(target.read)
        async with self._children.lent(path, target.name, limits.seconds) as child:
            answer = await _answer(child, target, {**question, "path": path}, limits, most)
            if answer.get("spent"):
                await child.end()
        return _said(answer)


class DuckdbActor:
    """Changes a file in one transaction that stands only if its result is the approved one."""

    def __init__(self, secrets: Secrets) -> None:
        """Open nothing yet; `secrets` gives the file's path at each call."""
        _need_driver()
        self._secrets = secrets
        self._children = Children((_MODULE, "deeds"), most=1)

    async def act(self, target: Target, deed: Deed, limits: Limits) -> Rows:
        """Run `deed` once; see `service.targets.Actor.act`. Shield the awaiting task."""
        if not target.act:
            raise TargetError(
                "target-failed",
                f"Target {target.name} has no action login, so nothing can be changed there. "
                "Give it `act` in targets.toml.",
            )
        path = self._secrets.resolve(target.act)
        question = {**_sent(deed.statement, deed.values), "path": path}
        most = 2 * limits.bytes + _AROUND
        async with self._children.lent(path, target.name, limits.seconds) as child:
            answer = _said(await _answer(child, target, question, limits, most))
            try:
                check(deed, Outcome(**answer["outcome"]))
                await _commit(child)
            finally:  # rolls back what was not committed, and lets go of the file
                await child.end(COMMIT_S)
        return _rows(answer["rows"])

    async def aclose(self) -> None:
        """Let go of what no deed uses."""
        await self._children.aclose()


def _need_driver() -> None:
    """Raise an ImportError that names what is missing; here DuckDB itself is not loaded."""
    if find_spec("duckdb") is None:
        raise ModuleNotFoundError(name="duckdb")


def _sent(statement: Statement, given: values.Typed) -> _Answer:
    values.sendable(statement)
    values.given(statement, given)
    return {"text": statement.text, "names": statement.names, "given": given}


async def _answer(
    child: Child, target: Target, question: _Answer, limits: Limits, most: int
) -> _Answer:
    """Return what a child answers in time; until a deed's commit, nothing it did lasts.

    Raises:
        TargetError: it was killed, or broke.
    """
    how = {"rows": limits.rows, "bytes": limits.bytes, "seconds": limits.seconds}
    try:
        await child.ready()
    except Ended as error:
        raise TargetError(
            "target-unreachable", f"No process for target {target.name}: {error}."
        ) from error
    try:
        async with asyncio.timeout(limits.seconds + GRACE_S):
            await child.tell({**question, "name": target.name, "limits": how})
            return await child.hear(most)
    except TimeoutError as error:
        raise TargetError(
            "target-timeout",
            f"Target {target.name} did not finish within {limits.seconds:g} s; killed there.",
        ) from error
    except Ended as error:
        raise TargetError(
            "target-failed",
            f"DuckDB broke while it worked on this for target {target.name}: {error}. "
            "Nothing changed.",
        ) from error


async def _commit(child: Child) -> None:
    """Let a deed last; also when this is cancelled, what came of it is waited for.

    Raises:
        TargetError: DuckDB rolled it back, or the child ended before it began to commit.
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


def _rows(said: _Answer) -> Rows:
    columns = tuple(Column(name, kind) for name, kind in said["columns"])
    rows = tuple(tuple(row) for row in said["rows"])
    return Rows(columns, rows, said["truncated"], said["affected"], said["elapsed_ms"])
