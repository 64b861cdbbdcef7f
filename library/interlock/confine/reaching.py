"""Attacks that reach for the network, for sockets and for files.

A function that comes back got through, and returns what it got; one that is stopped raises.
"""
# ruff: noqa: D103  the table of attacks says in words what each tries

import ctypes
import os
import socket
import struct
from pathlib import Path

from interlock.confine.bait import Bait
from interlock.confine.linux import call

# --- the network and sockets --------------------------------------------------------------------


def tcp(bait: Bait) -> object:
    with socket.create_connection(("127.0.0.1", bait.tcp), timeout=2) as line:
        return line.send(b"x")


def listens(_: Bait) -> object:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return door.getsockname()


def udp(bait: Bait) -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        return line.sendto(b"x", ("127.0.0.1", bait.udp))


def dns(bait: Bait) -> object:
    question = bytes.fromhex("0001010000010000000000000169017800000100 01".replace(" ", ""))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.connect(("127.0.0.1", bait.udp))
        return line.send(question)


def raw(_: Bait) -> object:
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).fileno()


def packets(_: Bait) -> object:
    return socket.socket(17, socket.SOCK_RAW).fileno()  # AF_PACKET


def netlink(_: Bait) -> object:
    line = socket.socket(16, socket.SOCK_RAW)  # AF_NETLINK, which Python builds may not name
    return line.fileno()


def x32(_: Bait) -> object:
    """Ask for a socket by the number that another kind of program would use."""
    return call(0x4000_0000 + 41, socket.AF_INET, socket.SOCK_STREAM, 0)


def path_socket(bait: Bait) -> object:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(bait.listening)
        return line.send(b"x")


def abstract_socket(bait: Bait) -> object:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(f"\0{bait.abstract}")
        return line.send(b"x")


def datagram(bait: Bait) -> object:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        return line.sendto(b"x", bait.receiving)


def pair_of_datagrams(bait: Bait) -> object:
    ours, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return ours.sendto(b"x", bait.receiving)


def io_uring(_: Bait) -> object:
    return call(425, 4, ctypes.create_string_buffer(120))


# --- files --------------------------------------------------------------------------------------


def shadow(_: Bait) -> object:
    return Path("/etc/shadow").read_text("utf-8")[:1]


def passwd(_: Bait) -> object:
    return Path("/etc/passwd").read_text("utf-8")[:20]


def home(_: Bait) -> object:
    import pwd  # noqa: PLC0415  not where there is none

    return os.listdir(pwd.getpwuid(os.getuid()).pw_dir)  # noqa: PTH208  as an attacker would


def other_run(bait: Bait) -> object:
    return bait.secret.read_text("utf-8")


def lists(bait: Bait) -> object:
    return os.listdir(bait.folder)  # noqa: PTH208  as an attacker would


def writes(bait: Bait) -> object:
    return Path(bait.folder, "new").write_text("x", "utf-8")


def overwrites(bait: Bait) -> object:
    return bait.kept.write_text("x", "utf-8")


def empties(bait: Bait) -> object:
    os.truncate(bait.kept, 0)
    return "emptied"


def empties_by_opening(bait: Bait) -> object:
    return os.open(bait.kept, os.O_RDONLY | os.O_TRUNC)


def removes(bait: Bait) -> object:
    bait.kept.unlink()
    return "removed"


def renames(bait: Bait) -> object:
    return bait.kept.rename(Path(bait.folder, "renamed"))


def links(bait: Bait) -> object:
    Path("linked").hardlink_to(bait.secret)
    return "linked"


def by_symbolic_link(bait: Bait) -> object:
    Path("symbolic").symlink_to(bait.secret)
    return Path("symbolic").read_text("utf-8")


def changes_mode(bait: Bait) -> object:
    bait.kept.chmod(0o777)
    return "changed"


def changes_mode_of_a_library(_: Bait) -> object:
    with Path(os.__file__).open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o7777
        os.fchmod(file.fileno(), mode)  # as it is: what counts is that it may
        return "changed"


def changes_times(bait: Bait) -> object:
    os.utime(bait.kept, (1, 1))
    return "changed"


def by_handle(bait: Bait) -> object:
    """Name a file by its number on the disk, past every folder."""
    handle = ctypes.create_string_buffer(struct.pack("=Ii", 128, 0), 136)
    mount = ctypes.c_int()
    number = {"x86_64": 303, "aarch64": 264}[os.uname().machine]
    path = str(bait.secret).encode()
    return call(number, -100, path, handle, ctypes.byref(mount), 0)


def watches(bait: Bait) -> object:
    """Be told of every name in a folder that may not be listed."""
    watch = call({"x86_64": 294, "aarch64": 26}[os.uname().machine], 0)
    number = {"x86_64": 254, "aarch64": 27}[os.uname().machine]
    return call(number, watch, bait.folder.encode(), 0xFFF)


def device(_: Bait) -> object:
    return os.open("/dev/ptmx", os.O_RDWR)


def temporary(_: Bait) -> object:
    path = Path("/dev/shm", f"interlock-battery-{os.getpid()}")  # noqa: S108  as an attacker would
    path.write_text("x", "utf-8")
    path.unlink()
    return "written"
