"""What a confined kernel may ask of Linux, as a seccomp filter (classic BPF).

Everything is let through but what is named here, and what Linux has learnt since `NEWEST`: a
notebook computes with whatever libraries its author likes, and they need much. What is named is
what reaches beyond the process: other machines, other processes, other files' owners, more
privilege. Files themselves are Landlock's part.
"""

import errno
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from interlock.confine.calls import NEWEST, Architecture

_AF_UNIX, _SOCK_STREAM, _KIND = 1, 1, 0xF
_CLONE_THREAD = 0x0001_0000
_OWNERS = frozenset({8, 10, 15})
"""`F_SETOWN`, `F_SETSIG`, `F_SETOWN_EX`: a signal to another process, by way of a file."""
_OF_A_TERMINAL = frozenset({0x5412, 0x541C, 0x8901, 0x8902})
"""`TIOCSTI`, `TIOCLINUX` type into a terminal; `FIOSETOWN`, `SIOCSPGRP` are `F_SETOWN` again."""
_DO_NOTHING = 0
"""In place of an error: the call does nothing, and says that all went well."""
_PERSONALITY_ASKED = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Test:
    """A test of one argument of a call.

    Attributes:
        argument: its place, from 0.
        among: the values that pass, of its lower half: Linux takes no more of these arguments.
        mask: the bits that are looked at.
        none_of: whether every other value passes instead.
        pointer: whether both halves must be zero instead.
    """

    argument: int
    among: frozenset[int] = frozenset()
    mask: int = 0xFFFF_FFFF
    none_of: bool = False
    pointer: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """System calls, separated by spaces, that fail unless every test passes."""

    calls: str
    tests: tuple[Test, ...] = ()
    error: int = errno.EPERM


_UNIX, _STREAM = (
    Test(0, frozenset({_AF_UNIX})),
    Test(1, frozenset({_SOCK_STREAM}), mask=_KIND),
)
_FOR_ALL = (
    # Other machines and other processes' sockets: none but stream sockets of this machine,
    # none that it connects itself, and no message with an address on it.
    Rule("socket socketpair", (_UNIX, _STREAM)),
    Rule("connect sendmmsg"),
    Rule("sendto", (Test(4, pointer=True),)),
    # Other processes: none is made, and none is signalled, read, changed or slowed down.
    Rule("fork vfork execve execveat"),
    Rule("clone", (Test(0, frozenset({_CLONE_THREAD}), mask=_CLONE_THREAD),)),
    Rule("clone3", error=errno.ENOSYS),  # its flags lie in memory; libc then uses clone
    Rule("tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open pidfd_getfd"),
    Rule("ptrace process_vm_readv process_vm_writev process_madvise process_mrelease"),
    Rule("kcmp perf_event_open"),
    Rule("fcntl", (Test(1, _OWNERS, none_of=True),)),
    Rule("ioctl", (Test(1, _OF_A_TERMINAL, none_of=True),)),
    Rule("setpriority ioprio_set migrate_pages move_pages setpgid setsid"),
    # Memory and messages that other processes share, and memory that no limit counts.
    Rule("shmget shmat shmctl semget semop semctl semtimedop msgget msgsnd msgrcv msgctl"),
    Rule("mq_open mq_unlink memfd_create memfd_secret"),
    # Owners, modes, times and attributes of files, of which Landlock knows nothing, and what
    # happens to files that may not be read.
    Rule("inotify_init inotify_init1 inotify_add_watch"),
    Rule("chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat"),
    Rule("setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"),
    Rule("utime utimes futimesat utimensat"),
    # More privilege, another view of the machine, or the machine itself.
    Rule("setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid"),
    Rule("unshare setns chroot pivot_root mount umount2 open_tree move_mount mount_setattr"),
    Rule("fsopen fsconfig fsmount fspick statmount listmount lsm_set_self_attr"),
    Rule("name_to_handle_at open_by_handle_at fanotify_init mknod mknodat"),
    Rule("bpf userfaultfd keyctl add_key request_key modify_ldt iopl ioperm"),
    Rule("io_uring_setup io_uring_enter io_uring_register", error=errno.ENOSYS),
    Rule("personality", (Test(0, frozenset({_PERSONALITY_ASKED})),)),
    Rule("init_module finit_module delete_module kexec_load kexec_file_load reboot"),
    Rule("swapon swapoff acct quotactl quotactl_fd sethostname setdomainname"),
    Rule("settimeofday clock_settime clock_adjtime adjtimex syslog vhangup"),
    Rule("lookup_dcookie uselib ustat sysfs _sysctl nfsservctl"),
)


def rules(pid: int) -> tuple[Rule, ...]:
    """Return the rules for a process.

    Args:
        pid: its number, as it sees it: it may signal itself and nobody else.
    """
    itself = Test(0, frozenset({pid}))
    itself_or_zero = Test(0, frozenset({0, pid}))
    return (
        Rule("kill tgkill", (itself,)),
        Rule("prlimit64 sched_setparam sched_setattr sched_setaffinity", (itself_or_zero,)),
        # libzmq tells its threads to keep the pace they have, and ends the process if it may not.
        Rule("sched_setscheduler", (itself_or_zero,), error=_DO_NOTHING),
        *_FOR_ALL,
    )


# --- the program --------------------------------------------------------------------------------

_LOAD, _AND, _RETURN, _GO = 0x20, 0x54, 0x06, 0x05
_EQUAL, _ABOVE = 0x15, 0x25
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF_0000, 0x8000_0000, 0x0005_0000

_Line = tuple[int, int, int, int]


def program(architecture: Architecture, pid: int) -> bytes:
    """Return the filter for a process, as `struct sock_filter[]`.

    Another architecture's calls end the process: the numbers here would mean others there.
    """
    lines: list[_Line] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_ABOVE, 0, 1, NEWEST),
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
    ]
    for rule in rules(pid):
        numbers = [
            architecture.calls[name] for name in rule.calls.split() if name in architecture.calls
        ]
        lines += [line for number in numbers for line in _one(number, rule)]
    lines.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _one(number: int, rule: Rule) -> Iterable[_Line]:
    """Return the lines about one call; another one goes past them, its number still loaded."""
    refused: _Line = (_RETURN, 0, 0, _ERROR | rule.error)
    if not rule.tests:
        return [(_EQUAL, 0, 1, number), refused]
    tests = [line for test in rule.tests for line in _test(test, refused)]
    return [(_EQUAL, 0, len(tests) + 1, number), *tests, (_RETURN, 0, 0, _ALLOW)]


def _test(test: Test, refused: _Line) -> list[_Line]:
    """Return lines that go on when a test passes, and refuse when it does not."""
    lower = _ARGUMENTS_AT + 8 * test.argument
    if test.pointer:
        halves = [[(_LOAD, 0, 0, at), (_EQUAL, 1, 0, 0), refused] for at in (lower, lower + 4)]
        return [line for half in halves for line in half]
    # A value that is met skips those after it and one line more: to go past the refusal, or to it.
    after = range(len(test.among) - 1, -1, -1)
    met = [(_EQUAL, left + 1, 0, v) for left, v in zip(after, sorted(test.among), strict=True)]
    end = [(_GO, 0, 0, 1), refused] if test.none_of else [refused]
    return [(_LOAD, 0, 0, lower), (_AND, 0, 0, test.mask), *met, *end]
