"""What a deed did, made durable before its target is told to keep it.

Between the COMMIT and the record of an outcome a gateway can be killed. What the rows were, how
many changed and by which name the target knows the transaction is in the store by then.
"""

import asyncio
import json
from dataclasses import dataclass, replace

from interlock.errors import InterlockError

from interlock_gateway.core.approval import ApprovalState
from interlock_gateway.core.model import Before, Classification, Statement, Target
from interlock_gateway.core.statement import shown_rows
from interlock_gateway.core.timeline import json_part
from interlock_gateway.service.approvals import approval_of
from interlock_gateway.service.calls import delivered
from interlock_gateway.service.outcomes import Kept, event_of
from interlock_gateway.service.ports import (
    ConflictError,
    Guard,
    Seal,
    Store,
    StoreUnwritableError,
    Transaction,
)
from interlock_gateway.service.records import ApprovalRow, DeedRow
from interlock_gateway.service.targets import Prepared, TargetError

_KEEP_S = 20.0
"""Seconds that a deed may wait for the store, with its rows locked."""

UNCOUNTED = -1
"""In a `DeedRow`, of what the engine did not count."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is being done: under which approval, by whom, and how its rows may be seen.

    Attributes:
        row: the approval as it was when its grant was used up.
        authid: who used it.
        target: where.
        statement: the change.
        image: what tells which columns of the rows as they were are masked, or None.
    """

    row: ApprovalRow
    authid: str
    target: Target
    statement: Statement
    image: Classification | None


class Keeper:
    """Implements `service.targets.Witness` for one change."""

    def __init__(self, store: Store, seal: Seal, guard: Guard, change: Change) -> None:
        self._store = store
        self._seal = seal
        self._guard = guard
        self._change = change
        self.kept = Kept()

    async def before_commit(self, prepared: Prepared) -> None:
        """Record what was done; see the port."""
        before = self._shown(prepared.before)
        undo = self._undo(before, prepared.affected)
        try:
            async with asyncio.timeout(_KEEP_S):
                event = await self._store.commit(lambda tx: self._kept(tx, prepared, before, undo))
        except (StoreUnwritableError, TimeoutError) as error:
            why = str(error) or f"the store did not answer within {_KEEP_S:g} s"
            message = f"What it did could not be recorded, so it was rolled back: {why}"
            raise TargetError("store-unwritable", message) from error
        except (ConflictError, InterlockError) as error:
            message = "It was taken for lost meanwhile, so it was rolled back."
            raise TargetError("target-failed", message) from error
        self.kept = Kept(event, undo)

    def _shown(self, before: Before | None) -> Before | None:
        """Return what the rows were, as it may be seen."""
        if before is None or self._change.image is None:
            return None
        return replace(
            before, rows=shown_rows(self._change.target, self._change.image, before.rows)
        )

    def _undo(self, before: Before | None, changed: int | None) -> str:
        """Return what brings the rows back; "" also where a row came in between."""
        if before is None or len(before.rows.rows) != changed:
            return ""
        return self._guard.undo(self._change.statement, before)

    def _kept(self, tx: Transaction, prepared: Prepared, before: Before | None, undo: str) -> str:
        row = approval_of(tx, self._change.row.id)
        deed = tx.get(DeedRow, row.id)
        if deed is None or (row.state, row.version) != (
            ApprovalState.EXECUTING.value,
            self._change.row.version,
        ):
            raise ConflictError(f"{row.id} is {row.state}.")
        names = {f"transaction_{name}": value for name, value in prepared.transaction.items()}
        rows = before.rows if before else None
        parts = (
            {"before": json_part({**delivered(rows), "truncated": rows.truncated})} if rows else {}
        )
        data = {"affected": prepared.affected, **names}
        event = tx.append(event_of(row, self._change.authid, "prepared", data, parts))
        tx.change(
            deed,
            transaction=json.dumps(dict(prepared.transaction)),
            affected=UNCOUNTED if prepared.affected is None else prepared.affected,
            undo=self._seal.close(undo.encode(), sealed_as(row.id)) if undo else b"",
            event=event,
            prepared_at=tx.now,
        )
        return event


def sealed_as(approval: str) -> str:
    """Return the label to which the undo of an approval's deed is bound."""
    return f"{approval}/undo"
