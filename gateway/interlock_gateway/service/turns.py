"""One action at a time on a target: the next one waits for its turn, and keeps its grant."""

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.approval import ApprovalState
from interlock_gateway.core.timeline import stamp
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.ports import Reading, Store
from interlock_gateway.service.records import ApprovalRow

_LOOK_S = 0.2
_LOOKS = 50
"""How often it is looked whether the other one has ended: for about ten seconds."""


class BusyError(Exception):
    """Another action is under way on the same target."""

    def __init__(self, other: ApprovalRow) -> None:
        super().__init__(other.id)
        self.other = other


def under_way(tx: Reading, target: str) -> ApprovalRow | None:
    """Return the action that is under way on a target, or None."""
    rows = tx.rows(ApprovalRow, target=target, state=ApprovalState.EXECUTING.value, limit=1)
    return rows[0] if rows else None


async def wait_for_turn(store: Store, bell: Bell, busy: BusyError) -> None:
    """Return when the action that is under way has ended.

    Raises:
        InterlockError: `target-busy`; it is still under way, and the grant was not used.
    """
    other, target = busy.other, busy.other.target
    for _ in range(_LOOKS):
        with bell.listen(other.id) as rung:
            now = await store.read(lambda tx: under_way(tx, target))
            if now is None:
                return
            if now.id == other.id:
                await rung(_LOOK_S)
        other = now  # it may be another one by now, which was first
    raise _refused(other)


def _refused(other: ApprovalRow) -> InterlockError:
    since = f" since {stamp(other.started_at)}" if other.started_at else ""
    message = (
        f"Another action is running on {other.target}: {other.id} ({other.operation}){since}. "
        "Yours was not run, and its approval was not used up."
    )
    return refusal("target-busy", message, line="one action at a time on a target")
