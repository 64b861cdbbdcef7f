"""Targets whose answers and errors have this gateway's own secrets masked before delivery.

What is delivered, kept as evidence, digested and exported is then one and the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interlock_gateway.core.model import Limits, Rows, Statement, Target
from interlock_gateway.service.considerate import Describing
from interlock_gateway.service.redaction import Redaction
from interlock_gateway.service.targets import (
    Actor,
    Deed,
    Logs,
    Metrics,
    OutcomeUnknownError,
    Prepared,
    Proof,
    TargetError,
    Witness,
)

if TYPE_CHECKING:
    from interlock_gateway.core.statement import Catalogue
    from interlock_gateway.core.telemetry import Evaluation, Search


class RedactedReader:
    """Implements `service.targets.Reader` over another, and what tells of names beside it."""

    def __init__(self, reader: Describing, redaction: Redaction) -> None:
        self._reader = reader
        self._redaction = redaction

    async def read(
        self,
        target: Target,
        statement: Statement,
        values: Mapping[str, Mapping[str, Any]],
        limits: Limits,
    ) -> Rows:
        """Run a proven read; see the port."""
        with _words(self._redaction):
            rows = await self._reader.read(target, statement, values, limits)
        return _rows(rows, self._redaction)

    async def catalogue(self, target: Target) -> "Catalogue | None":
        """Return what the names in a target mean now."""
        with _words(self._redaction):
            return await self._reader.catalogue(target)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._reader.aclose()


class RedactedMetrics:
    """Implements `service.targets.Metrics` over another."""

    def __init__(self, metrics: Metrics, redaction: Redaction) -> None:
        self._metrics = metrics
        self._redaction = redaction

    async def evaluate(self, target: Target, asked: "Evaluation", limits: Limits) -> Rows:
        """Evaluate a query that was understood; see the port."""
        with _words(self._redaction):
            rows = await self._metrics.evaluate(target, asked, limits)
        return _rows(rows, self._redaction)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._metrics.aclose()


class RedactedLogs(RedactedMetrics):
    """Implements `service.targets.Logs` over another."""

    def __init__(self, logs: Logs, redaction: Redaction) -> None:
        super().__init__(logs, redaction)
        self._logs = logs

    async def search(self, target: Target, asked: "Search", limits: Limits) -> Rows:
        """Search lines; see the port."""
        with _words(self._redaction):
            rows = await self._logs.search(target, asked, limits)
        return _rows(rows, self._redaction)


class RedactedActor:
    """Implements `service.targets.Actor` over another."""

    def __init__(self, actor: Actor, redaction: Redaction) -> None:
        self._actor = actor
        self._redaction = redaction

    async def act(self, target: Target, deed: Deed, limits: Limits, witness: Witness) -> Rows:
        """Run a deed once; see the port."""
        with _words(self._redaction):
            rows = await self._actor.act(target, deed, limits, _Witness(witness, self._redaction))
        return _rows(rows, self._redaction)

    async def became(self, target: Target, transaction: Mapping[str, str]) -> Proof:
        """Ask the target what became of a transaction; see the port."""
        with _words(self._redaction):
            proof = await self._actor.became(target, transaction)
        return replace(proof, words=self._redaction.line(proof.words))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._actor.aclose()


class _Witness:
    """Has kept what rows were before; the statement that undoes a deed is made of them as well."""

    def __init__(self, witness: Witness, redaction: Redaction) -> None:
        self._witness = witness
        self._redaction = redaction

    async def before_commit(self, prepared: Prepared) -> None:
        """Keep what was prepared; where something was masked, nothing offers to write it back."""
        before = prepared.before
        if before is not None:
            rows = _rows(before.rows, self._redaction)
            same = rows is before.rows and not self._redaction.holds_known(
                [list(row) for row in before.literals]
            )
            kept = before if same else replace(before, rows=rows, stored=(), literals=())
            prepared = replace(prepared, before=kept)
        await self._witness.before_commit(prepared)


@contextmanager
def _words(redaction: Redaction) -> Iterator[None]:
    """Mask known secrets in what an error says; the error stays what it is."""
    try:
        yield
    except TargetError as error:
        kept = TargetError(error.code, redaction.line(str(error)), answered=error.answered)
        raise kept from error.__cause__
    except OutcomeUnknownError as error:
        raise OutcomeUnknownError(redaction.line(str(error))) from error.__cause__


def _rows(rows: Rows, redaction: Redaction) -> Rows:
    """Return an answer as it may be delivered: of the same shape, and the same type of cells."""
    cells = [list(row) for row in rows.rows]
    kept = redaction.known(cells)
    names = redaction.known([column.name for column in rows.columns])
    if kept is cells and names == [column.name for column in rows.columns]:
        return rows
    was, now = list(zip(*cells, strict=True)), list(zip(*kept, strict=True))
    texts = {place for place in range(len(was)) if _became_text(was[place], now[place])}
    columns = tuple(
        replace(column, name=name, type="text" if place in texts else column.type)
        for place, (column, name) in enumerate(zip(rows.columns, names, strict=True))
    )
    lines = (
        tuple(_text(cell) if place in texts else cell for place, cell in enumerate(row))
        for row in kept
    )
    return replace(rows, columns=columns, rows=tuple(lines))


def _became_text(before: Sequence[Any], after: Sequence[Any]) -> bool:
    """Tell whether a mark stands in a column where no text stood."""
    return any(
        isinstance(new, str) and not isinstance(old, str)
        for old, new in zip(before, after, strict=True)
    )


def _text(cell: Any) -> Any:
    return cell if cell is None or isinstance(cell, str) else json.dumps(cell)
