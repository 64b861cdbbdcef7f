"""The attacks of the battery: what a hostile cell would try, each as one function.

A function that comes back got through, and returns what it got. One that is stopped raises what
stopped it: an OSError, a MemoryError, or whatever a library makes of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interlock.confine import hoarding, meddling, reaching
from interlock.confine.bait import Bait

Attack = Callable[[Bait], object]


@dataclass(frozen=True, slots=True)
class Probe:
    """One attack.

    Attributes:
        tries: what it tries, in words that follow "A cell cannot".
        attack: does it.
        bounded: whether limits stop it, at every rung, and most of them after a while.
        privileged: whether even an unconfined process needs to be root for it.
    """

    tries: str
    attack: Attack
    bounded: bool = False
    privileged: bool = False


PROBES: Mapping[str, Probe] = {
    "tcp": Probe("open a TCP connection", reaching.tcp),
    "tcp-listen": Probe("listen on a TCP port", reaching.listens),
    "udp": Probe("send a UDP packet", reaching.udp),
    "dns": Probe("ask a name server", reaching.dns),
    "raw": Probe("send raw IP packets", reaching.raw, privileged=True),
    "packet": Probe("read the network's packets", reaching.packets, privileged=True),
    "netlink": Probe("ask Linux about the network", reaching.netlink),
    "x32": Probe("ask by the numbers of another architecture", reaching.x32),
    "unix-path": Probe("connect to a socket in a folder, as Docker's", reaching.path_socket),
    "unix-abstract": Probe("connect to an abstract socket", reaching.abstract_socket),
    "unix-datagram": Probe("send a datagram to a local socket", reaching.datagram),
    "unix-datagram-pair": Probe("do that from one of a pair", reaching.pair_of_datagrams),
    "io-uring": Probe("use io_uring, which no filter sees into", reaching.io_uring),
    "shadow": Probe("read /etc/shadow", reaching.shadow, privileged=True),
    "passwd": Probe("read /etc/passwd", reaching.passwd),
    "home": Probe("look into the home of whoever runs it", reaching.home),
    "other-run": Probe("read another run's files", reaching.other_run),
    "other-run-listing": Probe("list another run's folder", reaching.lists),
    "write": Probe("write outside its own folder", reaching.writes),
    "overwrite": Probe("overwrite a file", reaching.overwrites),
    "truncate": Probe("empty a file", reaching.empties),
    "open-truncate": Probe("empty a file by opening it", reaching.empties_by_opening),
    "unlink": Probe("remove a file", reaching.removes),
    "rename": Probe("rename a file", reaching.renames),
    "hard-link": Probe("take a file into its folder by a link", reaching.links),
    "symbolic-link": Probe("read a file through a link", reaching.by_symbolic_link),
    "chmod": Probe("change the mode of a file", reaching.changes_mode),
    "fchmod": Probe("change the mode of an open library", reaching.changes_mode_of_a_library),
    "utime": Probe("change the times of a file", reaching.changes_times),
    "file-handle": Probe("name a file by its number", reaching.by_handle),
    "inotify": Probe("watch a folder that it may not list", reaching.watches),
    "terminal": Probe("open a terminal", reaching.device),
    "shared-memory-file": Probe("leave a file in /dev/shm", reaching.temporary),
    "environ": Probe("read another process's environment", meddling.environment),
    "proc": Probe("list the processes", meddling.processes),
    "proc-mem": Probe("read the runner's memory as a file", meddling.memory_by_file),
    "process-vm-readv": Probe("read the runner's memory by a call", meddling.memory_by_call),
    "ptrace": Probe("trace another process", meddling.ptrace),
    "kill": Probe("end another process", meddling.kills),
    "kill-pidfd": Probe("end it by a descriptor", meddling.kills_by_descriptor),
    "kill-thread": Probe("end it by its thread", meddling.kills_by_thread),
    "kill-owner": Probe("have Linux end it, by owning a pipe", meddling.kills_by_file),
    "setpriority": Probe("slow another process down", meddling.slows),
    "prlimit": Probe("limit another process", meddling.limits_another),
    "sysv-memory": Probe("read shared memory (SysV)", meddling.shared_memory),
    "message-queue": Probe("open a message queue", meddling.queue),
    "fork": Probe("start a process", meddling.forks),
    "spawn": Probe("start a program", meddling.spawns),
    "exec": Probe("become another program", meddling.runs_another_program),
    "unshare": Probe("make a user namespace", meddling.namespaces),
    "mount": Probe("mount a file system", meddling.mounts, privileged=True),
    "chroot": Probe("choose another root", meddling.other_root, privileged=True),
    "setuid": Probe("become another user", meddling.another_user, privileged=True),
    "syslog": Probe("read Linux's log", meddling.reads_the_kernels_log, privileged=True),
    "setrlimit": Probe("raise its own limits", hoarding.raises_its_limits, bounded=True),
    "memfd": Probe("keep a file in memory that no limit counts", hoarding.memory_file),
    "memory": Probe("use 16 GiB of memory", hoarding.memory, bounded=True),
    "shared-anonymous": Probe(
        "use 64 GiB of shared memory", hoarding.shared_anonymous_memory, bounded=True
    ),
    "descriptors": Probe("open 10,000 files at once", hoarding.descriptors, bounded=True),
    "large-file": Probe("write a file of 16 GiB", hoarding.large_file, bounded=True),
    "threads": Probe("start 20,000 threads", hoarding.threads, bounded=True),
}
"""By name, in the order they are tried."""
