"""The system's clock, behind the port."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `service.ports.Clock`."""

    def now(self) -> datetime:
        """Return the current moment in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()
