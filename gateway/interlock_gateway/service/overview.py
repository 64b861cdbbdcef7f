"""Looking at incidents, runs and steps: rows gathered for a list or a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock_gateway.core.model import IncidentRole
from interlock_gateway.service.incidents import incident_of, row_of
from interlock_gateway.service.ports import Reading, Store
from interlock_gateway.service.records import ApprovalRow, IncidentRow, RunRow, StepRow
from interlock_gateway.service.runs import run_of


@dataclass(frozen=True, slots=True)
class IncidentSight:
    """An incident with its people, runs and approvals."""

    row: IncidentRow
    roles: Mapping[str, IncidentRole]
    runs: Sequence[RunRow]
    approvals: Sequence[ApprovalRow]


@dataclass(frozen=True, slots=True)
class RunSight:
    """A run with its steps in the order they were started."""

    row: RunRow
    steps: Sequence[StepRow]


class Overview:
    """Answers what there is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def reach(self) -> None:
        """Read something, which fails when the store cannot be read."""
        await self._store.read(lambda tx: tx.rows(IncidentRow, limit=1))

    async def incidents(self) -> Sequence[IncidentSight]:
        """Return incidents, newest first, without their runs and approvals."""

        def question(tx: Reading) -> list[IncidentSight]:
            rows = tx.rows(IncidentRow, order="-declared_at", limit=500)
            return [IncidentSight(row, _roles(tx, row.id), (), ()) for row in rows]

        return await self._store.read(question)

    async def incident(self, incident: str) -> IncidentSight:
        """Return one incident, or refuse with `incident-not-found`."""

        def question(tx: Reading) -> IncidentSight:
            row = row_of(tx, incident)
            runs = tx.rows(RunRow, incident=incident, order="started_at")
            approvals = tx.rows(ApprovalRow, incident=incident, order="requested_at")
            return IncidentSight(row, _roles(tx, incident), runs, approvals)

        return await self._store.read(question)

    async def run(self, run: str) -> RunSight:
        """Return one run, or refuse with `run-not-found`."""
        return await self._store.read(
            lambda tx: RunSight(run_of(tx, run), tx.rows(StepRow, run=run, order="started_at"))
        )


def _roles(tx: Reading, incident: str) -> Mapping[str, IncidentRole]:
    found = incident_of(tx, incident)
    return found.roles if found else {}
