"""What the kernel tells of children, and of what they have open."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from interlock_gateway.service.targets import TargetError


def told_of(pid: int | str, what: str) -> str:
    """Return what the kernel tells of a process; of one that is gone, nothing."""
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except OSError:
        return ""


def children_of(parent: int, module: str) -> list[int]:
    """Return the process ids of the children that run a module."""
    ours = told_of(parent, f"task/{parent}/children").split()
    return [int(pid) for pid in ours if module in told_of(pid, "cmdline")]


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that takes no more than a moment."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  of another process, which tells nobody
            await asyncio.sleep(0.01)


async def opener(path: Path, parent: int | None = None) -> int:
    """Wait until a child has opened `path`, and return the child's process id."""
    mother = parent or os.getpid()

    def openers() -> list[int]:
        return [pid for pid in children_of(mother, "_child") if str(path) in descriptors(pid)]

    await until(openers)
    return openers()[0]


def descriptors(pid: int) -> list[str]:
    """Return what the descriptors of a process lead to."""
    return list(_links(pid))


def _links(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for one in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield str(one.readlink())


async def refused(work: Awaitable[object]) -> TargetError:
    """Return how a target refused some work."""
    with pytest.raises(TargetError) as caught:
        await work
    return caught.value
