"""Socket Mode: connections that are used once, envelopes, acknowledgements, refreshes.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import itertools
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from interlock.testing.slack.delivery import Delivery
from interlock.testing.slack.faults import Faults
from interlock.testing.slack.waiting import until
from interlock.testing.slack.workspace import APP

__all__ = ["Connection", "Sockets"]

_MOST = 10  # connections at once; Slack allows as many


@dataclass(slots=True, eq=False)
class Connection:
    """One open socket of the app.

    Attributes:
        number: 1 for the first ever.
        is_ready: whether it has had its `hello`.
        is_leaving: whether the app was told to go elsewhere; nothing new is sent over it.
        sent: the identifiers of what was sent over it.
    """

    number: int
    socket: WebSocket
    is_ready: bool = False
    is_leaving: bool = False
    sent: list[str] = field(default_factory=list)

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message, if the socket is still there."""
        if self.socket.application_state is WebSocketState.CONNECTED:
            await self.socket.send_text(json.dumps(message))


class Sockets:
    """All connections of the app."""

    def __init__(self, faults: Faults, abort: Callable[[Any, bytes], None]) -> None:
        """Begin without any.

        Args:
            faults: what is to go wrong.
            abort: resets the connection of a peer, after so many more bytes.
        """
        self.connections: list[Connection] = []
        self.acknowledged: list[str] = []
        self._faults = faults
        self._abort = abort
        self._tickets: set[str] = set()
        self._waiting: dict[str, Delivery] = {}
        self._numbers = itertools.count(1)
        self._turn = 0
        self._held: list[tuple[Connection, dict[str, Any]]] = []

    def ticket(self) -> str:
        """Return a new ticket: one connection can be made with it."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    @property
    def is_full(self) -> bool:
        """Whether there are as many connections as Slack allows."""
        return len(self.connections) >= _MOST

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection from its handshake to its end."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets or self._faults.is_down:
            await socket.close()  # before it is accepted: the handshake is answered with 403
            return
        self._tickets.discard(ticket)
        await socket.accept()
        connection = Connection(next(self._numbers), socket)
        self.connections.append(connection)
        try:
            await self._hello(connection)
            await self._listen(connection)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the app left, or we threw it out
        finally:
            self.connections.remove(connection)

    async def _hello(self, connection: Connection) -> None:
        await asyncio.sleep(self._faults.hello_seconds)
        await connection.send(
            {
                "type": "hello",
                "num_connections": len(self.connections),
                "debug_info": {
                    "host": "interlock-fake-slack",
                    "build_number": 1,
                    "approximate_connection_time": 18060,
                },
                "connection_info": {"app_id": APP},
            }
        )
        connection.is_ready = True

    async def _listen(self, connection: Connection) -> None:
        while True:
            heard = await connection.socket.receive_text()
            try:
                message = json.loads(heard)
            except ValueError:
                continue
            if isinstance(message, dict) and "envelope_id" in message:
                self._acknowledge(str(message["envelope_id"]), message.get("payload"))

    def _acknowledge(self, envelope_id: str, payload: Any) -> None:
        self.acknowledged.append(envelope_id)
        delivery = self._waiting.pop(envelope_id, None)
        if delivery:
            delivery.ended("acked", payload if isinstance(payload, dict) else {})

    async def tell(self, delivery: Delivery, seconds: float) -> None:
        """Send a delivery over one connection, once, and wait for its acknowledgement.

        Returns after `seconds` at the latest, whether it was acknowledged or not.
        """
        self._waiting[delivery.envelope_id] = delivery
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        connection = await self._next(seconds)
        attempt = len(delivery.tries)
        delivery.tries.append(f"socket {connection.number}" if connection else "nowhere")
        if connection:
            await self._send(connection, _envelope(delivery, attempt))
        await until(lambda: delivery.is_over, deadline - loop.time())

    async def _next(self, seconds: float) -> Connection | None:
        """Return the connection whose turn it is, as soon as there is one."""
        if not await until(lambda: bool(self._ready()), seconds):
            return None
        self._turn += 1
        ready = self._ready()
        return ready[self._turn % len(ready)]

    def _ready(self) -> list[Connection]:
        return [each for each in self.connections if each.is_ready and not each.is_leaving]

    async def _send(self, connection: Connection, envelope: dict[str, Any]) -> None:
        """Send an envelope as the next fault wants it; then those that waited for it."""
        fault = self._faults.of_envelope()
        connection.sent.append(envelope["envelope_id"])
        match fault:
            case "lost":
                return
            case "after the next":
                self._held.append((connection, envelope))
                return
            case "cut":
                self._abort(connection.socket.client, _half_of(json.dumps(envelope)))
                return
            case "late":
                await asyncio.sleep(self._faults.late_seconds)
        for _ in range(2 if fault == "twice" else 1):
            await connection.send(envelope)
        held, self._held = self._held, []
        for other, each in held:
            await other.send(each)

    async def refresh(self, reason: Literal["refresh_requested", "warning"], wait: float) -> None:
        """Tell every connection to go; close it after `wait` seconds if it was no warning."""
        going = [each for each in self.connections if each.is_ready]
        for connection in going:
            connection.is_leaving = reason == "refresh_requested"
            await connection.send(
                {
                    "type": "disconnect",
                    "reason": reason,
                    "debug_info": {"host": "interlock-fake-slack"},
                }
            )
        await asyncio.sleep(wait)
        for connection in going:
            if connection.is_leaving and connection in self.connections:
                await connection.socket.close()

    def drop(self) -> None:
        """Reset every connection, without a word."""
        for connection in self.connections:
            connection.is_leaving = True
            self._abort(connection.socket.client, b"")


def _envelope(delivery: Delivery, attempt: int) -> dict[str, Any]:
    envelope: dict[str, Any] = {
        "envelope_id": delivery.envelope_id,
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if attempt or delivery.kind == "events_api":
        envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
    return envelope


def _half_of(text: str) -> bytes:
    """Return the first half of an unmasked text frame (RFC 6455, 5.2), 64-bit length."""
    data = text.encode()
    return b"\x81\x7f" + len(data).to_bytes(8, "big") + data[: len(data) // 2]
