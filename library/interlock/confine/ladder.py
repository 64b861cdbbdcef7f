"""The ladder of confinement: which rung this machine reaches, and how a process gets there.

A rung is reached whole or not at all: what cannot be had is an error with its reason, and a
process that meets one ends before any cell. Whoever starts kernels asks `probe` first, and puts
the rung on record.
"""

import os
import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from interlock.confine.calls import ARCHITECTURES, Architecture
from interlock.confine.filter import program
from interlock.confine.limits import Limits
from interlock.confine.room import Room


class Rung(IntEnum):
    """How far a kernel is kept from everything but its one socket."""

    UNCONFINED = 0
    """Limits of its process, and no new privileges: for development alone."""
    CONFINED = 1
    """Landlock and seccomp as well: no network, no other process, no file but its own."""

    @property
    def word(self) -> str:
        """How records, pages and policies name it."""
        return self.name.lower()


class CannotConfineError(Exception):
    """A rung cannot be reached here; the message says why."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The highest rung that this machine reaches, and what stands before the next one."""

    rung: Rung
    why: str = ""


def probe() -> Reach:
    """Find out which rung this machine reaches, without changing anything."""
    try:
        _machine()
    except CannotConfineError as error:
        return Reach(Rung.UNCONFINED, str(error))
    return Reach(Rung.CONFINED)


def confine(rung: Rung, room: Room, limits: Limits) -> None:
    """Put this process on a rung, for ever; it must have one thread still.

    Args:
        rung: where to.
        room: which files it has.
        limits: how much it may use.

    Raises:
        CannotConfineError: it cannot be put there; what was done stays done.
    """
    limits.set()
    if rung is Rung.UNCONFINED:
        _without_new_privileges()
        return
    machine = _machine()
    try:
        _confined(machine, room)
    except OSError as error:
        raise CannotConfineError(f"This kernel cannot be confined: {error}") from error


def _without_new_privileges() -> None:
    if sys.platform == "linux":
        from interlock.confine import linux  # noqa: PLC0415  there is no such thing elsewhere

        linux.keep_privileges()


def _machine() -> Architecture:
    """Return what this machine is, if it can confine."""
    if sys.platform != "linux":
        raise CannotConfineError(f"Kernels are confined on Linux alone; this is {sys.platform}.")
    from interlock.confine import files, linux  # noqa: PLC0415  for Linux alone

    name, version = os.uname().machine, linux.landlock_version()
    if name not in ARCHITECTURES:
        raise CannotConfineError(f"Kernels are confined on x86_64 and aarch64; this is {name}.")
    if version < files.OLDEST:
        needed = f"version {files.OLDEST} or newer is needed (Linux 6.2)"
        raise CannotConfineError(f"Landlock has version {version} here; {needed}.")
    if not linux.can_filter(ARCHITECTURES[name].seccomp):
        raise CannotConfineError("Linux or its container does not let programs use seccomp here.")
    return ARCHITECTURES[name]


def _confined(machine: Architecture, room: Room) -> None:
    from interlock.confine import files, linux  # noqa: PLC0415  for Linux alone

    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise OSError(f"{threads} threads run already; a ruleset would bind one of them alone.")
    linux.keep_privileges()
    files.confine_files(room)
    linux.drop_capabilities()
    linux.filter_calls(machine.seccomp, program(machine, os.getpid()))
