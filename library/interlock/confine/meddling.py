"""Attacks on other processes, and on the privileges of their own.

A function that comes back got through, and returns what it got; one that is stopped raises.
"""
# ruff: noqa: D103  the table of attacks says in words what each tries

import ctypes
import errno
import fcntl
import os
import resource
import signal
import struct
from pathlib import Path

from interlock.confine.bait import SECRET, Bait
from interlock.confine.linux import LIBC, call

# --- other processes ----------------------------------------------------------------------------


def environment(bait: Bait) -> object:
    return Path(f"/proc/{bait.victim}/environ").read_bytes()[:40]


def processes(_: Bait) -> object:
    return len(os.listdir("/proc"))  # noqa: PTH208  as an attacker would


def memory_by_file(bait: Bait) -> object:
    with Path(f"/proc/{bait.runner}/mem").open("rb", buffering=0) as memory:
        memory.seek(bait.address)
        return memory.read(len(SECRET))


def memory_by_call(bait: Bait) -> object:
    into = ctypes.create_string_buffer(len(SECRET))
    ours = struct.pack("@PN", ctypes.addressof(into), len(into))
    theirs = struct.pack("@PN", bait.address, len(into))
    number = {"x86_64": 310, "aarch64": 270}[os.uname().machine]
    call(number, bait.runner, ours, 1, theirs, 1, 0)
    return into.raw


def ptrace(bait: Bait) -> object:
    found = LIBC.ptrace(16, bait.victim, None, None)  # PTRACE_ATTACH
    if found < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return found


def kills(bait: Bait) -> object:
    os.kill(bait.victim, signal.SIGKILL)
    return "sent"


def kills_by_descriptor(bait: Bait) -> object:
    signal.pidfd_send_signal(os.pidfd_open(bait.victim), signal.SIGKILL)
    return "sent"


def kills_by_thread(bait: Bait) -> object:
    return call({"x86_64": 200, "aarch64": 130}[os.uname().machine], bait.victim, 9)


def kills_by_file(bait: Bait) -> object:
    """Let Linux send the signal: whoever owns a pipe hears of what comes into it."""
    reading, writing = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETOWN, bait.victim)
    fcntl.fcntl(reading, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    return os.write(writing, b"x")


def slows(bait: Bait) -> object:
    os.setpriority(os.PRIO_PROCESS, bait.victim, 19)
    return "slowed"


def limits_another(bait: Bait) -> object:
    return resource.prlimit(bait.victim, resource.RLIMIT_NOFILE, (64, 64))


def shared_memory(bait: Bait) -> object:
    if bait.segment < 0:
        raise OSError(errno.ENOSYS, "there is no shared memory here")
    LIBC.shmat.restype = ctypes.c_void_p
    at = LIBC.shmat(bait.segment, None, 0o10000)
    if at in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "shmat")
    return ctypes.string_at(at, len(SECRET))


def queue(_: Bait) -> object:
    name = f"interlock-{os.getpid()}".encode()
    number = {"x86_64": 240, "aarch64": 180}[os.uname().machine]
    found = call(number, name, os.O_CREAT | os.O_RDWR, 0o600, None)
    call(number + 1, name)
    return found


# --- more processes, privilege, the machine -----------------------------------------------------


def forks(_: Bait) -> object:
    child = os.fork()
    if child == 0:
        os._exit(0)
    return os.waitpid(child, 0)


def spawns(_: Bait) -> object:
    return os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def runs_another_program(_: Bait) -> object:
    os.execv("/bin/sh", ["sh", "-c", 'echo \'{"open": "a shell"}\''])  # noqa: S606  the attack


def namespaces(_: Bait) -> object:
    found = LIBC.unshare(0x1000_0000)  # CLONE_NEWUSER
    if found < 0:
        raise OSError(ctypes.get_errno(), "unshare")
    return "a user namespace of its own"


def mounts(_: Bait) -> object:
    Path("mounted").mkdir()
    if LIBC.mount(b"none", b"mounted", b"tmpfs", 0, None) < 0:
        raise OSError(ctypes.get_errno(), "mount")
    LIBC.umount2(b"mounted", 2)
    return "mounted"


def other_root(_: Bait) -> object:
    os.chroot(".")
    return "chroot"


def another_user(_: Bait) -> object:
    os.setgroups([])
    os.setuid(65534)
    return os.getuid()


def reads_the_kernels_log(_: Bait) -> object:
    into = ctypes.create_string_buffer(64)
    return call({"x86_64": 103, "aarch64": 116}[os.uname().machine], 3, into, 64)
