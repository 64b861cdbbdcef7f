"""The other end of `child.py`: what a child does to itself before it touches anything hostile.

A child ends with whoever started it, dumps no core, gains no privilege, and has limits on memory
and on files. What libraries print goes nowhere: its output is for answers alone.
Sources: prctl(2) (PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS), getrlimit(2).
"""

import ctypes
import json
import os
import resource
import select
import signal
import struct
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_LENGTH = struct.Struct(">Q")


class Line:
    """Questions in, answers out, in frames; made once, when the process begins."""

    def __init__(self) -> None:
        """Take standard input and output away from everything else in the process."""
        self._in: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.close(nothing)

    def waits(self, seconds: float) -> bool:
        """Tell whether the gateway says something, or hangs up, within so many seconds."""
        return bool(select.select([self._in], [], [], seconds)[0])

    def hear(self) -> dict[str, Any] | None:
        """Return the next message of the gateway, or None when it hung up."""
        head = self._in.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(head)
        body = self._in.read(length)
        if len(body) < length:
            return None
        found: dict[str, Any] = json.loads(body)  # the gateway's own words
        return found

    def say(self, message: Mapping[str, Any]) -> None:
        """Send one message; JSON as small as it gets, so that it stays below what was asked."""
        text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        body = text.encode(errors="replace")
        self._out.write(_LENGTH.pack(len(body)) + body)
        self._out.flush()


def confine(memory: int, *, longest_file: int | None) -> None:
    """Give up what this process does not need.

    Args:
        memory: bytes that it may ask for, beside its libraries (RLIMIT_DATA).
        longest_file: bytes that a file may have into which it writes (RLIMIT_FSIZE): 0 for no
            writing at all, None for no limit.

    Raises:
        OSError: the kernel refuses; then nothing must be run.
    """
    parent = os.getppid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went while we asked to be told
        sys.exit(0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    if longest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (longest_file, longest_file))


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
