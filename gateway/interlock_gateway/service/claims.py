"""Work that one gateway does at a time, however many there are on one store."""

from datetime import timedelta

from interlock_gateway.service.ports import ConflictError, Transaction
from interlock_gateway.service.records import ClaimRow


def take(tx: Transaction, name: str, holder: str, seconds: float) -> bool:
    """Take or keep the claim on some work for `seconds`; tell whether it is ours now.

    A claim that nobody renewed has ended: its holder is gone, or too slow to be trusted with it.
    """
    until = tx.now + timedelta(seconds=seconds)
    row = tx.get(ClaimRow, name)
    try:
        if row is None:
            tx.add(ClaimRow(name, holder, until))
        elif row.holder == holder or row.until <= tx.now:
            tx.change(row, holder=holder, until=until)
        else:
            return False
    except ConflictError:
        return False  # another one was faster
    return True
