"""A savepoint for each of several units of work in one transaction."""

from types import TracebackType

from interlock_gateway.adapters.store.driver import Driver


class Savepoint:
    """Undoes what one unit changed when it raises, and nothing of the others.

    It is there from the unit's beginning on a server, where a question that fails spoils the
    transaction as well. The embedded store takes one with the first change alone: a unit that
    only appends has none, for events become rows when all units are done.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._wanted = self._taken = False

    def __enter__(self) -> None:
        self._wanted = True
        if self._driver.engine == "postgresql":
            self.take()

    def take(self) -> None:
        """Have one before a change; outside a unit, and where there is one, do nothing."""
        if self._wanted and not self._taken:
            self._driver.order("SAVEPOINT unit")
            self._taken = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        taken, self._wanted, self._taken = self._taken, False, False
        if taken and kind is not None:
            self._driver.order("ROLLBACK TO SAVEPOINT unit")
        if taken:
            self._driver.order("RELEASE SAVEPOINT unit")
