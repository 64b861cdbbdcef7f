"""Linux's calls that Python has no words for, through ctypes; one that fails is an OSError."""

import ctypes
import os
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

_SET_NO_NEW_PRIVS = 38
_CAPSET_VERSION = 0x2008_0522
_CAPSET = {"x86_64": 126, "aarch64": 91}
_SECCOMP_SET_MODE_FILTER, _SECCOMP_GET_ACTION_AVAIL, _SECCOMP_TSYNC = 1, 2, 1
_SECCOMP_RET_ERRNO = 0x0005_0000
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION, _LANDLOCK_PATH_BENEATH = 1, 1


def keep_privileges() -> None:
    """Let nothing that this process runs gain privileges; for ever (`PR_SET_NO_NEW_PRIVS`)."""
    if LIBC.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise _error("prctl", _SET_NO_NEW_PRIVS)


def drop_capabilities() -> None:
    """Give up every capability; a process without privilege has none, and nothing changes."""
    header = struct.pack("=Ii", _CAPSET_VERSION, 0)
    call(_CAPSET[os.uname().machine], header, bytes(24))


def filter_calls(number: int, program: bytes) -> None:
    """Install a seccomp filter for every thread of this process.

    Args:
        number: of `seccomp(2)` here.
        program: the filter, as `struct sock_filter[]`.
    """
    lines = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(lines))
    thread = call(number, _SECCOMP_SET_MODE_FILTER, _SECCOMP_TSYNC, head)
    if thread:
        raise OSError(f"Thread {thread} has a filter of its own, so that it cannot get this one.")


def can_filter(number: int) -> bool:
    """Tell whether `seccomp(2)`, whose number is given, may be used here; nothing is changed."""
    action = struct.pack("=I", _SECCOMP_RET_ERRNO)
    return not LIBC.syscall(ctypes.c_long(number), _SECCOMP_GET_ACTION_AVAIL, 0, action)


def landlock_version() -> int:
    """Return the version of Landlock's interface that this kernel has; 0 for none."""
    found = LIBC.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    return max(0, int(found))


def landlock_ruleset(files: int, network: int, scoped: int) -> int:
    """Return the descriptor of a new ruleset that handles these rights."""
    attributes = struct.pack("=QQQ", files, network, scoped)
    # An older kernel takes a longer structure as long as what it does not know is zero.
    return call(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)


def landlock_allow(ruleset: int, rights: int, descriptor: int) -> None:
    """Allow rights on a file, or beneath a folder, that is open."""
    beneath = struct.pack("=Qi", rights, descriptor)
    call(_LANDLOCK_ADD, ruleset, _LANDLOCK_PATH_BENEATH, beneath, 0)


def landlock_restrict(ruleset: int) -> None:
    """Put this thread, and all it makes from now on, under a ruleset; for ever."""
    call(_LANDLOCK_RESTRICT, ruleset, 0)


def call(number: int, *arguments: object) -> int:
    """Make a system call by its number, and return what it returns."""
    found = int(LIBC.syscall(ctypes.c_long(number), *arguments))
    if found < 0:
        raise _error("system call", number)
    return found


def _error(what: str, number: int) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, f"{what} {number}: {os.strerror(code)}")
