"""Speaks to a server of the Model Context Protocol over its standard input and output.

Messages are JSON-RPC 2.0, one a line: https://modelcontextprotocol.io/specification/2025-06-18.
"""

import json
import os
import select
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Any

_VERSION = "2025-06-18"
_WITHIN_S = 60
_ENDS_WITHIN_S = 3


class ServerFailed(Exception):  # noqa: N818  reads as what happened: the peer's server failed
    """A server cannot be spoken to; its own last words are told."""


class Server:
    """A started server, greeted and ready to be asked."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: IO[bytes]) -> None:
        self._process = process
        self._log = log
        self._unread = b""
        self._asked = 0
        about = {"name": "interlock-benchmarks", "version": "1"}
        greeting = {"protocolVersion": _VERSION, "capabilities": {}, "clientInfo": about}
        self.ask("initialize", greeting)
        self._say({"method": "notifications/initialized"})

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a request.

        Raises:
            ServerFailed: no answer, or the request or the tool it calls failed.
        """
        self._asked += 1
        self._say({"id": self._asked, "method": method, "params": params})
        while True:
            heard = json.loads(self._line())
            if heard.get("id") == self._asked and "method" not in heard:
                result: dict[str, Any] = heard.get("result", {"isError": True})
                if result.get("isError"):
                    raise self._failed(f"{method} failed: {heard}")
                return result

    def _say(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        line = json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
        with suppress(BrokenPipeError):  # it has ended, which is told when its answer is missed
            self._process.stdin.write(line)

    def _line(self) -> bytes:
        while b"\n" not in self._unread:
            self._unread += self._more()
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _more(self) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        ready, _, _ = select.select([pipe], [], [], _WITHIN_S)
        if not ready:
            raise self._failed(f"It has not answered for {_WITHIN_S} s.")
        if more := os.read(pipe, 1 << 16):
            return more
        raise self._failed("It has ended.")

    def _failed(self, what: str) -> ServerFailed:
        self._log.seek(0)
        words = self._log.read().decode("utf-8", "replace")[-2000:]
        return ServerFailed(f"{what}\n{self._process.args!r} said: {words}")


@contextmanager
def served(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Server]:
    """Start a server; end it, by its pid, when it is no longer wanted.

    Raises:
        ServerFailed: it could not be greeted.
    """
    with TemporaryFile() as log:
        process = _started(command, env, log)
        try:
            yield Server(process, log)
        finally:
            ended(process)


def _started(
    command: Sequence[str], env: Mapping[str, str], log: IO[bytes]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603  an installed peer, no shell
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        bufsize=0,
        env={**os.environ, **env},
    )


def ended(process: "subprocess.Popen[bytes]") -> None:
    """End a server that we started: close its input, ask it by its pid, then make it."""
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    process.terminate()
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
