"""One step: recorded before it runs, executed, recorded as what it became.

A step that cannot be recorded does not run. However it ends (raising, dying, freezing, printing
without end, running out of time, being cancelled), that is what is recorded, and never success.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from interlock import client, errors
from interlock.errors import InterlockError
from interlock.runbook.model import Step
from interlock.runner.broker import Broker, Executing
from interlock.runner.clock import Deadline
from interlock.runner.gateway import PatientGateway
from interlock.runner.kernel import Kernel
from interlock.runner.outputs import Outputs
from interlock.runner.progress import Bounds, StepEnded, StepError, StepStarted, Tell
from interlock.wire import digest

if TYPE_CHECKING:  # nbclient is imported while the kernel starts, not before
    from interlock.runner.cells import Cells


class Trouble(Enum):
    """What can cut a step short from outside its cell."""

    DIED = "kernel_died"
    FROZEN = "kernel_frozen"
    DEADLINE = "deadline"
    FLOOD = "output_limit"
    CANCELLED = "cancelled"


_STATES = {Trouble.DEADLINE: "timed_out", Trouble.CANCELLED: "cancelled"}


class Watch:
    """Collects the first trouble of the step that executes."""

    def __init__(self) -> None:
        self._first: asyncio.Future[Trouble] = asyncio.get_running_loop().create_future()

    def reset(self) -> None:
        """Forget the last step's trouble."""
        self._first = asyncio.get_running_loop().create_future()

    def note(self, trouble: Trouble) -> None:
        """Note `trouble`, unless there is some already."""
        if not self._first.done():
            self._first.set_result(trouble)

    def noting(self, trouble: Trouble) -> Callable[..., None]:
        """Return a callback that notes `trouble`."""
        return lambda *_: self.note(trouble)

    @property
    def first(self) -> asyncio.Future[Trouble]:
        """Done as soon as there is trouble."""
        return self._first


@dataclass(frozen=True, slots=True)
class Ending:
    """How a step's cell ended."""

    trouble: Trouble | None
    error: StepError | None
    alive: bool
    """Whether the kernel can execute another step."""


@dataclass(slots=True)
class Steps:
    """Runs steps on one kernel.

    Attributes:
        alive: whether the kernel can execute another step.
    """

    run: str
    kernel: Kernel
    cells: "Cells"
    broker: Broker
    gateway: PatientGateway
    watch: Watch
    tell: Tell
    bounds: Bounds
    alive: bool = True

    async def perform(self, step: Step) -> StepEnded:
        """Record, execute and record `step`.

        Raises:
            InterlockError: it cannot be recorded; it did not run, or its end is not recorded.
        """
        attempt = await self._record_start(step)
        self.tell(StepStarted(step.id, step.title, step.kind, attempt))
        began = asyncio.get_running_loop().time()
        outputs = Outputs(self.bounds.output_bytes)
        self.watch.reset()
        if self.kernel.exited.done():
            self.watch.note(Trouble.DIED)
        deadline = Deadline(step.timeout_s, self.watch.noting(Trouble.DEADLINE))
        executing = self.broker.begin(step.id, attempt, deadline)
        try:
            ending = await self._execute(step, outputs)
        finally:
            deadline.cancel()
            await self.broker.end()
        self.alive = ending.alive
        elapsed_ms = round((asyncio.get_running_loop().time() - began) * 1000, 1)
        ended = _ended(step, executing, ending, outputs, elapsed_ms)
        await self._record_end(ended)
        self.tell(ended)
        return ended

    async def skip(self, step: Step, reason: str) -> None:
        """Record that `step` is left out."""
        attempt = await self._record_start(step)
        error = {"name": "skipped", "message": reason, "traceback": ""}
        record = {"state": "skipped", "elapsed_ms": 0, "error": error, "outputs": []}
        await self._send_end(step.id, attempt, record)

    async def _execute(self, step: Step, outputs: Outputs) -> Ending:
        task = asyncio.create_task(self.cells.execute_step(step.source, outputs))
        trouble = await self._trouble(task)
        if trouble is None:
            return await self._finished(task)
        if trouble in {Trouble.DIED, Trouble.FROZEN}:
            alive = False
        else:
            self.kernel.interrupt()
            alive = await self._stops(task)
        if not alive:
            await self._abandon(task)
        return Ending(trouble, self._explain(trouble, step, alive=alive), alive)

    async def _trouble(self, task: asyncio.Task[Any]) -> Trouble | None:
        """Wait for the cell or for the first trouble; being cancelled is one."""
        try:
            await asyncio.wait([task, self.watch.first], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None:
                current.uncancel()  # the step's end is still to be recorded; `run` cancels again
            return Trouble.CANCELLED
        return self.watch.first.result() if self.watch.first.done() else None

    async def _finished(self, task: asyncio.Task[StepError | None]) -> Ending:
        error = task.result()
        lost = error is not None and error.name == "output_lost"
        if lost:
            await self._abandon(task)
        return Ending(None, error, alive=not lost)

    async def _stops(self, task: asyncio.Task[Any]) -> bool:
        """Say whether an interrupted cell ends in time, its kernel alive."""
        await asyncio.wait(
            [task, self.kernel.exited],
            timeout=self.bounds.interrupt_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not task.done() or task.cancelled() or self.kernel.exited.done():
            return False
        return task.exception() is None and self._whole(task)

    @staticmethod
    def _whole(task: asyncio.Task[StepError | None]) -> bool:
        error = task.result()
        return error is None or error.name != "output_lost"

    async def _abandon(self, task: asyncio.Task[Any]) -> None:
        """Stop listening to a kernel that is of no use any more, and end it."""
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.kernel.end()

    def _explain(self, trouble: Trouble, step: Step, *, alive: bool) -> StepError:
        after = "" if alive else " The kernel did not stop when interrupted and was killed."
        match trouble:
            case Trouble.DIED:
                text = f"The kernel died while this step ran. {self.kernel.last_words()}"
            case Trouble.FROZEN:
                silent = f"{self.bounds.frozen_s:g} s (frozen_s)"
                text = f"The kernel was frozen: no heartbeat for {silent}. It was killed."
            case Trouble.DEADLINE:
                limit = f"{step.timeout_s} s (timeout_s), not counting approvals"
                text = f"The step took longer than its {limit}, and was interrupted.{after}"
            case Trouble.FLOOD:
                limit = f"{self.bounds.flood_bytes:,} bytes (flood_bytes)"
                text = f"The step put out more than {limit} and was interrupted.{after}"
            case Trouble.CANCELLED:
                text = f"The run was cancelled while this step ran.{after}"
        return StepError(trouble.value, text)

    async def _record_start(self, step: Step) -> int:
        source = {
            "source_digest": digest(step.source.encode()),
            "source": step.source,
            "kind": step.kind,
            "title": step.title,
        }
        call = client.start_step(self.run, step.id, source)
        answer = await self.gateway.send(call, patience_s=self.bounds.gateway_s)
        return int(answer["attempt"])

    async def _record_end(self, ended: StepEnded) -> None:
        await self._send_end(ended.step, ended.attempt, _record(ended))

    async def _send_end(self, step: str, attempt: int, record: dict[str, Any]) -> None:
        call = client.end_step(self.run, step, attempt, record)
        await self.gateway.send(call, patience_s=self.bounds.gateway_s, done="no-step-running")


def _ended(
    step: Step, executing: Executing, ending: Ending, outputs: Outputs, elapsed_ms: float
) -> StepEnded:
    finding = executing.finding
    if ending.trouble is not None:
        state = _STATES.get(ending.trouble, "failed")
    elif ending.error is not None:
        state = "failed"
    else:
        state = finding.status if finding else "ok"
    return StepEnded(
        step=step.id,
        title=step.title,
        attempt=executing.attempt,
        state=state,
        elapsed_ms=elapsed_ms,
        finding=finding,
        error=_with_code(ending.error, executing.refused),
        outputs=outputs.records,
        truncated=outputs.truncated,
    )


def _with_code(error: StepError | None, refused: str) -> StepError | None:
    """Add the code of the refusal that the cell raised, as the broker saw it."""
    kind = getattr(errors, error.name, None) if error else None
    if error is None or not (isinstance(kind, type) and issubclass(kind, InterlockError)):
        return error
    return StepError(error.name, error.message, error.traceback, refused or kind.code)


def _record(ended: StepEnded) -> dict[str, Any]:
    record: dict[str, Any] = {
        "state": ended.state,
        "elapsed_ms": ended.elapsed_ms,
        "outputs": [dict(output) for output in ended.outputs],
    }
    if ended.finding is not None:
        finding = ended.finding
        record["finding"] = {
            "status": finding.status,
            "text": finding.text,
            "next": finding.next,
        }
    if ended.error is not None:
        error = ended.error
        record["error"] = {
            "name": error.name,
            "message": error.message,
            "traceback": error.traceback,
        }
    return record | ({"output_truncated": ended.truncated} if ended.truncated else {})
