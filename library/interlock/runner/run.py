"""The whole run: a kernel, a broker, and the steps in the order of the document.

    result = await run(work, gateway, tell=print_line, choose=ask_person)

Cancelling the task that awaits `run` cancels the run in order: the cell is interrupted, its step
and the run are recorded as cancelled, the kernel is gone; then the cancellation goes on.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from interlock import client
from interlock.conclusion import Finding
from interlock.confine import probe
from interlock.errors import InterlockError
from interlock.runbook.model import Step
from interlock.runner.approvals import Approvals
from interlock.runner.broker import Broker
from interlock.runner.gateway import Gateway, PatientGateway, Renew
from interlock.runner.kernel import Kernel
from interlock.runner.progress import (
    Bounds,
    Choose,
    RunEnded,
    RunIt,
    RunResult,
    RunStarted,
    Skip,
    StepEnded,
    StepSkipped,
    Tell,
    Work,
)
from interlock.runner.steps import Steps, Trouble, Watch

_AFTERWARDS_S = 10.0
"""Seconds that an execution under way gets when its run is stopped."""


async def leave_out(step: Step, _: object) -> RunIt | Skip:
    """Leave out what is not automatic: the answer when nobody can be asked."""
    return Skip(f"{step.id} is not automatic and nobody chose it")


def ignore(_: object) -> None:
    """Tell nobody."""


async def run(
    work: Work,
    gateway: Gateway,
    *,
    tell: Tell = ignore,
    choose: Choose = leave_out,
    renew: Renew | None = None,
    bounds: Bounds | None = None,
) -> RunResult:
    """Run every step of `work` in a fresh kernel and record each.

    Arguments:
        work: what the gateway granted.
        gateway: sends with the run's token; the kernel never sees it.
        tell: takes each progress value as it happens.
        choose: asked before each step that is not automatic.
        renew: returns a gateway with a fresh token when the run's has expired.
        bounds: limits; the defaults suit a responder's machine.

    Returns:
        How it went. A step that failed, timed out or died never makes a completed run.

    Raises:
        Unavailable: the gateway stayed unreachable, so that a step could not be recorded.
        InterlockError: the gateway refused to record, as when the incident was closed.
        asyncio.CancelledError: cancelled from outside, and recorded so.
    """
    patient = PatientGateway(gateway, tell, renew)
    course = _Course(work, patient, tell, choose, bounds or Bounds())
    try:
        outcome = await course.go()
    except asyncio.CancelledError:
        await course.record("cancelled")
        raise
    except InterlockError as error:
        await course.record_if_possible(error)
        raise
    summary = await course.record(outcome)
    if outcome == "cancelled":
        raise asyncio.CancelledError
    return RunResult(work.run, outcome, summary, tuple(course.past))


class _Course:
    """One run from its first step to its end."""

    def __init__(
        self, work: Work, gateway: PatientGateway, tell: Tell, choose: Choose, bounds: Bounds
    ) -> None:
        self._work = work
        self._gateway = gateway
        self._tell = tell
        self._choose = choose
        self._bounds = bounds
        self._late = 0
        self.past: list[StepEnded | StepSkipped] = []

    async def go(self) -> str:
        """Run the steps; return the outcome."""
        async with self._kernel() as steps:
            for step in self._work.steps:
                reason = await self._left_out(step)
                if reason:
                    await self._skip(steps, step, reason)
                    continue
                ended = await steps.perform(step)
                self.past.append(ended)
                if ended.state == "cancelled":
                    return "cancelled"
                if not steps.alive:
                    return "kernel_died"
                if not ended.ran and step.on_fail != "continue":
                    break
        return "failed" if any(_failed(step) for step in self.past) else "completed"

    async def record(self, outcome: str) -> str:
        """Record how the run ended; return the summary."""
        summary = self._summary()
        call = client.end_run(self._work.run, outcome, summary)
        await self._gateway.send(call, patience_s=self._bounds.gateway_s)
        self._tell(RunEnded(self._work.run, outcome, summary))
        return summary

    async def record_if_possible(self, error: InterlockError) -> None:
        """Record a run that could not go on; what stopped it may stop this too."""
        call = client.end_run(self._work.run, "failed", f"{self._summary()}; {error.message}")
        try:
            await self._gateway.once(call)
        except InterlockError:
            return  # the first error says it all; the gateway ends the run by itself

    async def _left_out(self, step: Step) -> str:
        """Return why `step` is not run, or ""."""
        states = {past.step: past for past in self.past}
        for need in step.needs:
            needed = states.get(need)
            if not (isinstance(needed, StepEnded) and needed.ran):
                return f"it needs {need}, which did not run to its end"
        if step.auto:
            return ""
        match await self._choose(step, self._findings()):
            case Skip(reason):
                return reason
            case RunIt():
                return ""

    async def _skip(self, steps: Steps, step: Step, reason: str) -> None:
        await steps.skip(step, reason)
        skipped = StepSkipped(step.id, step.title, reason)
        self.past.append(skipped)
        self._tell(skipped)

    def _findings(self) -> dict[str, Finding]:
        ended = (step for step in self.past if isinstance(step, StepEnded))
        return {step.step: step.finding for step in ended if step.finding is not None}

    def _summary(self) -> str:
        states = Counter(
            step.state if isinstance(step, StepEnded) else "skipped" for step in self.past
        )
        parts = [f"{count} {state}" for state, count in states.items()]
        missing = len(self._work.steps) - len(self.past)
        parts += [f"{missing} not run"] if missing else []
        parts += [f"{self._late} outputs came after their step had ended"] if self._late else []
        return ", ".join(parts) or "no steps"

    @asynccontextmanager
    async def _kernel(self) -> AsyncIterator[Steps]:
        """Start a kernel with its broker and watchers; end all of them whatever happens."""
        began = asyncio.get_running_loop().time()
        approvals = Approvals(self._gateway, self._tell, self._work.web)
        watch = Watch()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(approvals.finish, _AFTERWARDS_S)
            rung = probe().rung
            kernel = Kernel(rung)
            stack.push_async_callback(kernel.kill)
            kernel.exited.add_done_callback(watch.noting(Trouble.DIED))
            # nbclient takes as long to import as a kernel to start: the two go on side by side.
            from interlock.runner.cells import Cells, connect, disconnect, heartbeats  # noqa: PLC0415  see above

            broker = Broker(kernel.socket, self._work, self._gateway, approvals)
            await broker.open()
            stack.push_async_callback(broker.close)
            kernel_client = await connect(kernel, self._bounds)
            stack.callback(disconnect, kernel_client)
            cells = Cells(kernel_client, watch.noting(Trouble.FLOOD), self._bounds)
            pulse = asyncio.create_task(
                heartbeats(kernel, watch.noting(Trouble.FROZEN), self._bounds)
            )
            stack.callback(pulse.cancel)
            ready_ms = round((asyncio.get_running_loop().time() - began) * 1000, 1)
            self._tell(RunStarted(self._work.run, rung.word, ready_ms))
            yield Steps(
                self._work.run,
                kernel,
                cells,
                broker,
                self._gateway,
                watch,
                self._tell,
                self._bounds,
            )
            self._late = cells.late


def _failed(step: StepEnded | StepSkipped) -> bool:
    return isinstance(step, StepEnded) and not step.ran
