"""The runner's end of the kernel's one socket: the kernel's whole world.

Who asks is known by the socket. Where in the run is stamped here, from the step that is executing
when the call arrives, never from what the kernel says. A call is refused while no step runs and
while another is under way. What the kernel sends is checked before it goes anywhere.
"""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock import client, wire
from interlock.client import Place
from interlock.conclusion import SYMBOLS, Finding
from interlock.errors import Denied, InterlockError, UsageError, problem_from_error
from interlock.rendering import printable
from interlock.runner.approvals import Approvals
from interlock.runner.clock import Deadline, time_of_day
from interlock.runner.gateway import Json, PatientGateway
from interlock.runner.progress import (
    GatewayUnreachable,
    Progress,
    Queued,
    Settled,
    Waiting,
    Work,
)
from interlock.session import MAX_REQUEST

_CHUNK = 64 * 1024
_LONGEST_FINDING = 2_000
_LONGEST_NOTE = 10_000
_SEVERITY = list(SYMBOLS)


@dataclass(slots=True)
class Executing:
    """The step that is executing, and what it has said so far."""

    step: str
    attempt: int
    deadline: Deadline
    ordinal: int = 0
    finding: Finding | None = None
    refused: str = ""

    def conclude(self, finding: Finding) -> None:
        """Keep the worst finding: a later ok does not unsay what was bad."""
        worst = self.finding
        if worst is None or _SEVERITY.index(finding.status) >= _SEVERITY.index(worst.status):
            self.finding = finding

    def next_place(self, run: str) -> Place:
        """Return the place of the next call; each call has one of its own."""
        place = Place(run, self.step, self.attempt, self.ordinal)
        self.ordinal += 1
        return place


class Broker:
    """Serves one kernel over `connected` until it closes.

    Arguments:
        connected: the runner's end of the socket pair.
        work: what this run is.
        gateway: where calls go, with the run's credential.
        approvals: waits for people and executes.
    """

    def __init__(
        self, connected: socket.socket, work: Work, gateway: PatientGateway, approvals: Approvals
    ) -> None:
        self._socket = connected
        self._work = work
        self._gateway = gateway
        self._approvals = approvals
        self._executing: Executing | None = None
        self._call: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Begin to serve."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket)
        self._serving = asyncio.create_task(self._serve(reader))

    async def close(self) -> None:
        """Stop serving; a call under way is dropped."""
        await _stop(self._call)
        await _stop(self._serving)
        self._hang_up()

    def begin(self, step: str, attempt: int, deadline: Deadline) -> Executing:
        """Say that `step` executes from now on."""
        self._executing = Executing(step, attempt, deadline)
        return self._executing

    async def end(self) -> None:
        """Say that no step executes; a call still under way is dropped."""
        self._executing = None
        await _stop(self._call)

    async def _serve(self, reader: asyncio.StreamReader) -> None:
        try:
            while (request := await self._read(reader)) is not None:
                self._take(request)
                await self._drained()
        except (wire.WireError, ConnectionError, asyncio.IncompleteReadError):
            self._hang_up()  # on a kernel that breaks the protocol

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> Json | None:
        """Return the next request; one too long is read past in pieces and answered."""
        try:
            head = await reader.readexactly(4)
        except asyncio.IncompleteReadError:
            return None
        size = wire.frame_size(head)
        if size <= MAX_REQUEST:
            return wire.message_of(await reader.readexactly(size))
        while size:
            size -= len(await reader.readexactly(min(size, _CHUNK)))
        return {"op": "too-long"}

    async def _drained(self) -> None:
        """Read no further requests from a kernel that does not read its answers."""
        if self._writer is not None:
            await self._writer.drain()

    def _take(self, request: Json) -> None:
        """Start answering `request`, unless one is being answered."""
        if self._call is not None and not self._call.done():
            busy = Denied("Another call of this run is under way.", code="call-in-progress")
            self._reply(request, {"error": problem_from_error(busy)})
        else:
            self._call = asyncio.create_task(self._answer(request, self._executing))

    async def _answer(self, request: Json, executing: Executing | None) -> None:
        try:
            self._reply(request, {"ok": await self._result(request, executing)})
        except InterlockError as error:
            if executing is not None:
                executing.refused = error.code
            self._reply(request, {"error": problem_from_error(error)})
        except Exception as error:  # a fault of ours must not leave the notebook waiting
            fault = InterlockError(f"The runner failed: {error!r}.", code="internal")
            self._reply(request, {"error": problem_from_error(fault)})
            raise
        except asyncio.CancelledError:
            over = Denied("The step of this call has ended.", code="no-step-running")
            self._reply(request, {"error": problem_from_error(over)})
            raise

    async def _result(self, request: Json, executing: Executing | None) -> Json:
        op = request.get("op")
        if op == "hello":
            return self._hello()
        if op == "too-long":
            raise Denied(f"A call may have {MAX_REQUEST:,} bytes.", code="outside-limits")
        if executing is None:
            raise Denied("No step of this run is executing.", code="no-step-running")
        match op:
            case "query" | "query_metrics" | "query_logs":
                return await self._answered(request, executing)
            case "act" | "execute" | "plan":
                return await self._approved(request, executing)
            case "finding":
                return self._finding(request, executing)
            case "note":
                return await self._note(request, executing)
            case "now":
                return {"now": time_of_day().isoformat()}
            case _:
                raise UsageError(f"There is no operation {str(op)[:40]!r}.")

    def _hello(self) -> Json:
        work = self._work
        return {
            "run": work.run,
            "incident": dict(work.incident),
            "params": dict(work.params),
            "runbook": work.runbook,
            "mode": work.mode,
        }

    async def _answered(self, request: Json, executing: Executing) -> Json:
        asks = {"query_metrics": self._query_metrics, "query_logs": self._query_logs}
        call = asks.get(request["op"], self._query)(request, executing)
        answer = await self._gateway.send(call, tell=self._show(request))
        return {**answer, "age_s": _age_s(answer.get("asked_at"))}

    def _query(self, request: Json, executing: Executing) -> client.Call:
        target, sql, params = _text(request, "target"), _text(request, "sql"), _typed(request)
        max_rows = _whole(request, "max_rows") if "max_rows" in request else None
        place = executing.next_place(self._work.run)
        return client.ask_query(place, target, sql, params, max_rows)

    def _query_metrics(self, request: Json, executing: Executing) -> client.Call:
        target, promql = _text(request, "target"), _text(request, "promql")
        params, span = _typed(request), _span(request)
        place = executing.next_place(self._work.run)
        return client.ask_metrics(place, target, promql, params, span)

    def _query_logs(self, request: Json, executing: Executing) -> client.Call:
        target, logql = _text(request, "target"), _text(request, "logql")
        params, span = _typed(request), _span(request)
        choices: Json = {}
        if "limit" in request:
            choices["limit"] = _whole(request, "limit")
        if "direction" in request:
            choices["direction"] = _text(request, "direction")
        place = executing.next_place(self._work.run)
        return client.ask_logs(place, target, logql, params, {"span": span, **choices})

    async def _approved(self, request: Json, executing: Executing) -> Json:
        asked = self._request_for(request, executing)
        show = self._show(request)
        wait = self._approvals.agree if request["op"] == "plan" else self._approvals.settle
        return await wait(asked, executing.step, executing.deadline, show)

    def _request_for(self, request: Json, executing: Executing) -> client.Call:
        if request["op"] == "plan":
            reason, members = _text(request, "reason"), _members(request)
            return client.request_plan(executing.next_place(self._work.run), reason, members)
        wish = _wish(request)
        place = executing.next_place(self._work.run)
        if request["op"] == "act":
            named = wish["action"], wish["target"], wish["args"]
            return client.request_action(place, *named, wish["reason"])
        statement = {name: wish[name] for name in ("sql", "params", "max_rows", "reason")}
        return client.request_execution(place, wish["target"], statement)

    def _finding(self, request: Json, executing: Executing) -> Json:
        status = _text(request, "status")
        if status not in SYMBOLS:
            raise UsageError(f"There is no finding {status[:40]!r}.", code="bad-finding")
        text = printable(_text(request, "text")[:_LONGEST_FINDING])
        following = printable(_text(request, "next")[:100])
        executing.conclude(Finding(status, text, following))
        return {}

    async def _note(self, request: Json, executing: Executing) -> Json:
        text, kind = _text(request, "text")[:_LONGEST_NOTE], _text(request, "kind")
        step, attempt = executing.step, executing.attempt
        about = _text(request, "about") if "about" in request else ""
        call = client.add_run_note(self._work.run, step, attempt, text, kind, about)
        await self._gateway.send(call, tell=self._show(request))
        return {}

    def _show(self, request: Json) -> Any:
        """Return a listener that shows progress in the notebook, below the call that waits."""

        def show(what: Progress) -> None:
            if isinstance(what, Waiting | Settled):
                self._reply(request, {"progress": {"line": what.line, "card": what.card}})
            elif isinstance(what, Queued | GatewayUnreachable):
                self._reply(request, {"progress": {"line": what.line}})

        return show

    def _reply(self, request: Json, answer: Mapping[str, Any]) -> None:
        """Write an answer; a kernel has at most one call under way, so this is bounded."""
        if self._writer is None or self._writer.is_closing():
            return
        number = request.get("id") if isinstance(request.get("id"), int) else None
        try:
            data = wire.frame({"id": number, **answer})
        except wire.WireError as error:
            large = Denied(str(error), code="outside-limits")
            data = wire.frame({"id": number, "error": problem_from_error(large)})
        self._writer.write(data)


async def _stop(task: asyncio.Task[None] | None) -> None:
    if task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task])


def _age_s(asked_at: Any) -> float:
    """Return how old an answer is: a replayed one may be older than the call."""
    try:
        moment = datetime.fromisoformat(str(asked_at))
        return max(0.0, (time_of_day() - moment).total_seconds())
    except (TypeError, ValueError):
        return 0.0


# --- a kernel is not trusted: every member is checked -----------------------------------------


def _text(request: Json, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise UsageError(f"`{name}` must be text.")
    return value


def _whole(request: Json, name: str) -> int:
    value = request.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"`{name}` must be a whole number, at least 1.")
    return value


def _wish(request: Json) -> Json:
    """Return what an `act` or an `execute` asks for, and nothing beside it."""
    asked: Json = {"target": _text(request, "target"), "reason": _text(request, "reason")}
    if request.get("op") == "act":
        return asked | {"action": _text(request, "action"), "args": _typed(request, "args")}
    if request.get("op") == "execute":
        statement = {"sql": _text(request, "sql"), "params": _typed(request)}
        return asked | statement | {"max_rows": _whole(request, "max_rows")}
    raise UsageError("A plan holds `act` and `execute`, nothing else.")


def _members(request: Json) -> list[Json]:
    members = request.get("members")
    if not isinstance(members, list) or not all(isinstance(one, dict) for one in members):
        raise UsageError("`members` must be a list of objects.")
    return [_wish(one) for one in members]


def _span(request: Json) -> Json:
    span = _typed(request, "span")
    if not span.keys() <= {"start", "end", "step"}:
        raise UsageError("`span` holds `start`, `end` and `step`, nothing else.")
    return span


def _typed(request: Json, name: str = "params") -> Json:
    values = request.get(name)
    if not isinstance(values, dict):
        raise UsageError(f"`{name}` must be an object.")
    try:
        for value in values.values():
            wire.decode_value(value)
    except (wire.WireError, AttributeError, TypeError) as error:
        raise UsageError(f"`{name}` holds what is no typed value: {error}.") from error
    return values
