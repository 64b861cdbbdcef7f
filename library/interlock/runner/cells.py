"""One cell through nbclient: outputs to our own record, every ending ours to name.

What differs from a plain `NotebookClient`: it neither starts nor watches a kernel (we do), never
raises for a failed cell (the reply says so), keeps no outputs in the notebook, and treats output
that belongs to an earlier step as what it is.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from nbclient.client import NotebookClient
from nbclient.exceptions import CellExecutionComplete, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from interlock.runner.kernel import Kernel
from interlock.runner.outputs import Outputs, without_ansi
from interlock.runner.progress import Bounds, StepError

Json = dict[str, Any]

_QUEUED = 64
"""Messages that may wait in the runner; the kernel waits beyond that."""


_LONGEST_MESSAGE = 4_000
_LONGEST_TRACE = 32_000


class Cells(NotebookClient):
    """Executes cells one by one on a kernel that somebody else started.

    Arguments:
        kernel_client: connected to the kernel.
        flooded: called once when a step has put out more than its flood limit.
        bounds: how much that is.
    """

    def __init__(
        self, kernel_client: AsyncKernelClient, flooded: Callable[[], None], bounds: Bounds
    ) -> None:
        super().__init__(
            new_notebook(cells=[new_code_cell()]),  # type: ignore[no-untyped-call]  # nbformat
            timeout=None,
            allow_errors=True,
            record_timing=False,
            iopub_timeout=bounds.settle_s,
            on_cell_executed=self._executed,
        )
        self.kc = kernel_client
        self._channel: Any = kernel_client.iopub_channel
        self._bounds = bounds
        self._flooded = flooded
        self._outputs = Outputs(bounds.output_bytes)
        self._reply: Json = {}
        self._whole = False
        self.late = 0
        """Messages that came for a step that had ended."""

    async def execute_step(self, source: str, outputs: Outputs) -> StepError | None:
        """Execute `source` as one cell; its outputs go to `outputs`.

        Returns:
            None when the cell ran to its end, else the error it raised.

        Raises:
            DeadKernelError: cancelled from outside, because the kernel is of no use any more.
        """
        self._outputs, self._reply, self._whole = outputs, {}, False
        cell = new_code_cell(source)  # type: ignore[no-untyped-call]  # nbformat
        await self.async_execute_cell(cell, 0)
        if not self._whole:
            return StepError(
                "output_lost",
                "The end of the step's output never came, or one output was larger than "
                f"{self._bounds.message_bytes:,} bytes, the limit of one message.",
            )
        return _raised(self._reply)

    def process_message(self, msg: Json, cell: Any, cell_index: int) -> None:  # noqa: ARG002  nbclient's signature
        """Take one output message of the executing cell."""
        content = msg["content"]
        if msg["msg_type"] == "status" and content.get("execution_state") == "idle":
            self._whole = True
            raise CellExecutionComplete
        before = self._outputs.bytes
        self._outputs.take(str(msg["msg_type"]), content)
        if before <= self._bounds.flood_bytes < self._outputs.bytes:
            self._flooded()

    async def _async_poll_output_msg(self, parent_msg_id: str, cell: Any, cell_index: int) -> None:
        """As nbclient's, but counting what comes for other cells instead of forgetting it."""
        while True:
            msg = await self._channel.get_msg(timeout=None)
            if msg["parent_header"].get("msg_id") == parent_msg_id:
                try:
                    self.process_message(msg, cell, cell_index)
                except CellExecutionComplete:
                    return
            elif msg["msg_type"] in {"stream", "display_data", "execute_result", "error"}:
                self.late += 1

    async def _async_poll_kernel_alive(self) -> None:
        """Do nothing: death and freezing are noticed elsewhere, at once."""

    def _executed(self, *, execute_reply: Json, **_: Any) -> None:
        self._reply = execute_reply["content"]


def _raised(reply: Json) -> StepError | None:
    if reply.get("status") != "error":
        return None
    name, value = str(reply.get("ename")), str(reply.get("evalue"))
    traceback = "\n".join(map(str, reply.get("traceback") or ()))
    return StepError(
        _bounded(name, 200), _bounded(value, _LONGEST_MESSAGE), _bounded(traceback, _LONGEST_TRACE)
    )


def _bounded(text: str, limit: int) -> str:
    """Return `text` without escape sequences, its middle left out when it is too long."""
    text = without_ansi(text)
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]}\n… {len(text) - limit:,} characters …\n{text[-limit // 2 :]}"


async def connect(kernel: Kernel, bounds: Bounds) -> AsyncKernelClient:
    """Return a client of `kernel` that is sure to receive everything from now on.

    Raises:
        Unavailable: the kernel died, or did not come up within `bounds.start_s`.
    """
    await kernel.listening(bounds.start_s)
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.RCVHWM, _QUEUED)
    context.setsockopt(zmq.MAXMSGSIZE, bounds.message_bytes)
    kernel_client = AsyncKernelClient(context=context)
    kernel_client.load_connection_info(cast("Any", kernel.connection))
    kernel_client.start_channels(stdin=False, hb=False, control=False)
    kernel_client.allow_stdin = False
    # The kernel greets each subscriber: from this message on nothing is missed, so that neither
    # kernel_info nor a fixed pause is needed.
    async with asyncio.timeout(bounds.start_s):
        await kernel_client.iopub_channel.get_msg()
    return kernel_client


def disconnect(kernel_client: AsyncKernelClient) -> None:
    """Close every channel to a kernel."""
    kernel_client.stop_channels()
    kernel_client.context.destroy(linger=0)


async def heartbeats(kernel: Kernel, frozen: Callable[[], None], bounds: Bounds) -> None:
    """Ping the kernel for ever; call `frozen` when it has been silent for `frozen_s`."""
    context = zmq.asyncio.Context()
    beat = context.socket(zmq.DEALER)
    beat.linger = 0
    try:
        beat.connect(f"ipc://{kernel.connection['ip']}-{kernel.connection['hb_port']}")
        while True:
            await beat.send_multipart([b"", b"ping"])
            if not await beat.poll(bounds.frozen_s * 1000):
                frozen()
                return
            await beat.recv_multipart()
            await asyncio.sleep(min(1.0, bounds.frozen_s / 4))
    finally:
        beat.close()
        context.term()


__all__ = ["Cells", "DeadKernelError", "connect", "disconnect", "heartbeats"]
