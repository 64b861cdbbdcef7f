"""Tells outside what waits: as a structured log line, until a chat is configured."""

from collections.abc import Mapping
from typing import Any

import structlog


class LogBoard:
    """Implements `service.ports.Noticeboard` by the gateway's own log."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("interlock.notice")

    async def post(self, kind: str, subject: str, payload: Mapping[str, Any]) -> None:
        """Write one line."""
        await self._log.ainfo(kind, subject=subject, **payload)
