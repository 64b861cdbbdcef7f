"""Tells outside what waits: as a structured log line, and in a chat where one is configured."""

import json

import structlog

from interlock_gateway.service.ports import Noticeboard
from interlock_gateway.service.records import OutboxRow


class LogBoard:
    """Implements `service.ports.Noticeboard` by the gateway's own log."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("interlock.notice")

    async def post(self, notice: OutboxRow) -> None:
        """Write one line."""
        if not notice.kind.startswith("chat."):  # for one person's eyes
            await self._log.ainfo(
                notice.kind, subject=notice.subject, **json.loads(notice.payload)
            )


class LoggedBoard:
    """Implements `service.ports.Noticeboard`: another board, with a line in the log for each."""

    def __init__(self, board: Noticeboard) -> None:
        self._board, self._log = board, LogBoard()

    async def post(self, notice: OutboxRow) -> None:
        """Tell it, then write that it was told."""
        await self._board.post(notice)
        await self._log.post(notice)
