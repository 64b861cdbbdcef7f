"""A broker and a kernel's session at the two ends of a real socket pair."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from interlock.runner.approvals import Approvals
from interlock.runner.broker import Broker, Executing
from interlock.runner.clock import Deadline
from interlock.runner.gateway import PatientGateway
from interlock.runner.progress import Progress
from interlock.session import Session
from scripted_gateway import ScriptedGateway, work


@dataclass
class Line:
    """A kernel's session, its runner's broker, and what was said on both sides."""

    session: Session
    broker: Broker
    gateway: ScriptedGateway
    socket: socket.socket
    said: list[str] = field(default_factory=list)
    told: list[Progress] = field(default_factory=list)
    expired: list[bool] = field(default_factory=list)

    def begin(self, step: str = "blockers", timeout_s: float = 20) -> Executing:
        """Let `step` execute."""
        return self.broker.begin(step, 1, Deadline(timeout_s, lambda: self.expired.append(True)))

    async def ask(self, op: str, **members: Any) -> dict[str, Any]:
        """Ask as the kernel does, which blocks a thread of its own."""
        return await asyncio.to_thread(self.session.ask, op, **members)

    async def query(self, sql: str = "SELECT 1") -> dict[str, Any]:
        """Ask a query as the kernel does."""
        return await self.ask("query", target="orders", sql=sql, params={})


@asynccontextmanager
async def connected(gateway: ScriptedGateway) -> AsyncIterator[Line]:
    """Connect a session and a broker that speaks to `gateway`."""
    ours, theirs = socket.socketpair()
    said: list[str] = []
    told: list[Progress] = []
    patient = PatientGateway(gateway, told.append)
    approvals = Approvals(patient, told.append, "http://gateway")
    broker = Broker(ours, work(), patient, approvals)
    await broker.open()
    try:
        yield Line(Session(theirs, said.append), broker, gateway, theirs, said, told)
    finally:
        theirs.close()
        await broker.close()
        ours.close()
