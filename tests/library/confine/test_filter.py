"""The filter as a program, run here by an interpreter of the few instructions it is made of."""

import errno
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock.confine.calls import ARCHITECTURES, NEWEST, Architecture
from interlock.confine.filter import program, rules

PID = 4_711
ALLOWED, KILLED = 0x7FFF_0000, 0x8000_0000
WHOLE = st.integers(0, 2**64 - 1)
EVERY = pytest.mark.parametrize("name", ARCHITECTURES)


def refused(error: int) -> int:
    """Return what a filter says when a call is to fail."""
    return 0x0005_0000 | error


def judged(machine: Architecture, number: int, *arguments: int, audit: int = 0) -> int:
    """Return what the filter says of a call."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number, audit or machine.audit, 0, *padded)
    code = list(struct.iter_unpack("=HBBI", program(machine, PID)))
    at, held = 0, 0
    while True:
        what, met, unmet, value = code[at]
        at += 1
        match what:
            case 0x20:
                (held,) = struct.unpack_from("=I", data, value)
            case 0x54:
                held &= value
            case 0x05:
                at += value
            case 0x15:
                at += met if held == value else unmet
            case 0x25:
                at += met if held > value else unmet
            case 0x06:
                return int(value)
            case _:
                pytest.fail(f"an instruction {what:#x}")


def called(machine: Architecture, name: str, *arguments: int) -> int:
    """Return what the filter says of a call by its name."""
    return judged(machine, machine.calls[name], *arguments)


@EVERY
def test_what_has_no_test_is_refused_whatever_its_arguments(name: str) -> None:
    machine = ARCHITECTURES[name]
    for rule in rules(PID):
        for call in (one for one in rule.calls.split() if one in machine.calls and not rule.tests):
            assert called(machine, call) == refused(rule.error), call
            assert called(machine, call, *[2**64 - 1] * 6) == refused(rule.error), call


@EVERY
@given(domain=WHOLE, kind=WHOLE)
def test_a_socket_is_a_stream_on_this_machine(name: str, domain: int, kind: int) -> None:
    machine = ARCHITECTURES[name]
    wanted = domain & 0xFFFF_FFFF == 1 and kind & 0xF == 1
    for call in ("socket", "socketpair"):
        said = called(machine, call, domain, kind, 0)
        assert said == (ALLOWED if wanted else refused(errno.EPERM))


@EVERY
@pytest.mark.parametrize("flags", [0, 0o4000, 0o2000000, 0o2004000])
def test_a_stream_that_does_not_wait_or_is_not_inherited_is_one(name: str, flags: int) -> None:
    machine = ARCHITECTURES[name]
    assert called(machine, "socket", 1, 1 | flags) == ALLOWED
    for kind in (2, 3, 4, 5):  # datagrams, raw, reliable datagrams, sequenced packets
        assert called(machine, "socket", 1, kind | flags) == refused(errno.EPERM)


@EVERY
@given(address=WHOLE)
def test_nothing_is_sent_to_an_address(name: str, address: int) -> None:
    said = called(ARCHITECTURES[name], "sendto", 3, 4, 5, 0, address, 16)
    assert said == (refused(errno.EPERM) if address else ALLOWED)


@EVERY
@given(flags=WHOLE)
def test_a_thread_may_be_made_and_no_process(name: str, flags: int) -> None:
    said = called(ARCHITECTURES[name], "clone", flags)
    assert said == (ALLOWED if flags & 0x1_0000 else refused(errno.EPERM))
    assert called(ARCHITECTURES[name], "clone3", flags) == refused(errno.ENOSYS)


@EVERY
@given(pid=WHOLE)
def test_a_process_signals_itself_and_limits_itself(name: str, pid: int) -> None:
    machine, itself = ARCHITECTURES[name], pid & 0xFFFF_FFFF == PID
    for call in ("kill", "tgkill"):
        assert called(machine, call, pid, 9) == (ALLOWED if itself else refused(errno.EPERM))
    own = itself or pid & 0xFFFF_FFFF == 0
    assert called(machine, "prlimit64", pid) == (ALLOWED if own else refused(errno.EPERM))


@EVERY
def test_every_process_of_its_group_or_of_its_user_is_another(name: str) -> None:
    for pid in (0, 2**64 - 1, 2**32 - 1, 2**64 - PID):
        assert called(ARCHITECTURES[name], "kill", pid, 9) == refused(errno.EPERM)


@EVERY
@pytest.mark.parametrize(
    ("call", "argument"),
    [
        *(("fcntl", number) for number in (8, 10, 15)),
        *(("ioctl", number) for number in (0x5412, 0x541C, 0x8901, 0x8902)),
    ],
)
def test_what_signals_by_way_of_a_file_is_refused(name: str, call: str, argument: int) -> None:
    machine = ARCHITECTURES[name]
    assert called(machine, call, 3, argument) == refused(errno.EPERM)
    assert called(machine, call, 3, argument | 0xFFFF << 32) == refused(errno.EPERM)
    assert called(machine, call, 3, 1) == ALLOWED


@EVERY
def test_what_linux_has_learnt_since_is_refused_and_so_is_x32(name: str) -> None:
    machine = ARCHITECTURES[name]
    assert judged(machine, NEWEST) == ALLOWED
    for number in (NEWEST + 1, 470, 1_000, 0x4000_0000, 0x4000_0029, 0xFFFF_FFFF):
        assert judged(machine, number) == refused(errno.ENOSYS)


@EVERY
@pytest.mark.parametrize("audit", [0x4000_0003, 0xC000_003E, 0xC000_00B7, 0x4000_0028])
def test_the_numbers_of_another_architecture_end_the_process(name: str, audit: int) -> None:
    machine = ARCHITECTURES[name]
    said = judged(machine, 0, audit=audit)
    assert said == (ALLOWED if audit == machine.audit else KILLED)


@EVERY
@given(number=st.integers(0, NEWEST), arguments=st.lists(WHOLE, min_size=6, max_size=6))
def test_what_is_not_named_is_allowed(name: str, number: int, arguments: list[int]) -> None:
    machine = ARCHITECTURES[name]
    named = {
        machine.calls[one]
        for rule in rules(PID)
        for one in rule.calls.split()
        if one in machine.calls
    }
    said = judged(machine, number, *arguments)
    assert said == ALLOWED or number in named


@EVERY
def test_the_program_is_as_short_as_linux_wants_it(name: str) -> None:
    assert len(program(ARCHITECTURES[name], PID)) // 8 < 4_096


@EVERY
def test_every_name_in_a_rule_is_known_somewhere(name: str) -> None:
    known = {call for machine in ARCHITECTURES.values() for call in machine.calls}
    assert {call for rule in rules(PID) for call in rule.calls.split()} <= known
    assert set(ARCHITECTURES[name].calls) <= {c for rule in rules(PID) for c in rule.calls.split()}


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_the_numbers_are_linuxs_own(name: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"{header} is not here: apt-get install linux-libc-dev")
    official = dict(_numbers(Path(header).read_text("utf-8")))
    ours = ARCHITECTURES[name].calls
    wrong = {call: number for call, number in ours.items() if official.get(call, number) != number}
    assert not wrong
    known = len(set(ours) & set(official))
    assert known > 100  # an older header lacks the newest
    assert official["seccomp"] == ARCHITECTURES[name].seccomp


@EVERY
def test_no_call_of_an_architecture_is_forgotten(name: str) -> None:
    """A rule may name a call that an architecture lacks; every other one has its number there."""
    lacking = {
        "x86_64": set(),
        "aarch64": {
            *("fork", "vfork", "chmod", "chown", "lchown", "utime", "utimes", "futimesat"),
            *(
                "mknod",
                "inotify_init",
                "modify_ldt",
                "iopl",
                "ioperm",
                "uselib",
                "ustat",
                "sysfs",
                "_sysctl",
            ),
        },
    }
    named = {call for rule in rules(PID) for call in rule.calls.split()}
    assert named - set(ARCHITECTURES[name].calls) == lacking[name]


def _numbers(header: str) -> Iterator[tuple[str, int]]:
    for line in re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)\s*$", header, re.MULTILINE):
        yield line[0], int(line[1])
