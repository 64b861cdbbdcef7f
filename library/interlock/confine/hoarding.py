"""Attacks that take too much of the machine.

A function that comes back got through, and returns what it got; one that is stopped raises.
"""
# ruff: noqa: D103  the table of attacks says in words what each tries

import mmap
import os
import resource
import threading
from pathlib import Path

from interlock.confine.bait import Bait

_CHUNK, _CHUNKS = 256 * 1024**2, 64


def raises_its_limits(_: Bait) -> object:
    resource.setrlimit(resource.RLIMIT_NOFILE, (100_000, 100_000))
    return resource.getrlimit(resource.RLIMIT_NOFILE)


def memory(_: Bait) -> object:
    kept = [bytearray(_CHUNK) for _ in range(_CHUNKS)]
    return len(kept)


def shared_anonymous_memory(_: Bait) -> object:
    kept = [mmap.mmap(-1, _CHUNK) for _ in range(4 * _CHUNKS)]
    return len(kept)


def memory_file(_: Bait) -> object:
    return os.memfd_create("hidden")


def descriptors(_: Bait) -> object:
    kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(10_000)]
    return len(kept)


def large_file(_: Bait) -> object:
    with Path("large").open("wb") as file:
        for _times in range(_CHUNKS):
            file.truncate(file.tell() + _CHUNK)
            file.seek(0, 2)
    return "as large as one likes"


def threads(_: Bait) -> object:
    gate = threading.Event()
    made = [threading.Thread(target=gate.wait, daemon=True) for _ in range(20_000)]
    try:
        for thread in made:
            thread.start()
        return len(made)
    finally:
        gate.set()
