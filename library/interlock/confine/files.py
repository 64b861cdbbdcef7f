"""Which files a confined kernel may read and write, put to Linux's Landlock.

What is under none of the folders named here cannot be opened, listed, run, made, renamed or
removed, whoever the process is. That something of a name exists can still be found out.
"""

import os
import pwd
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from interlock.confine import linux
from interlock.confine.room import Room

OLDEST = 3
"""Landlock before version 3 (Linux 6.2) lets a file be emptied that may not be written."""

_READ_FILE, _READ_FOLDER, _WRITE = 1 << 2, 1 << 3, 1 << 1
_TRUNCATE, _DEVICE_IOCTL = 1 << 14, 1 << 15
_READING = _READ_FILE | _READ_FOLDER
_REMOVING = 1 << 4 | 1 << 5
_MAKING = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12  # folders, files, sockets, pipes, links
_MOVING = 1 << 13
_SOCKETS = 1 << 9
_OWN = _READING | _WRITE | _TRUNCATE | _REMOVING | _MAKING | _MOVING
_ALL = (1 << 15) - 1
_OF_A_FILE = _READ_FILE | _WRITE | _TRUNCATE
_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

SYSTEM = (
    *("/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib"),
    *("/usr/share/zoneinfo", "/usr/share/fonts", "/usr/local/share/fonts", "/etc/fonts"),
    *("/usr/share/locale", "/etc/mime.types", "/etc/localtime", "/etc/ld.so.cache"),
    *("/dev/zero", "/dev/random", "/dev/urandom"),
)
"""What programs read on any machine: libraries, zones, fonts, languages, kinds of files."""


def readable() -> list[Path]:
    """Return what Python itself needs: where it is installed, and what it imports from.

    A folder that holds somebody's home, or everything, is none of them.
    """
    places = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]
    absolute = [Path(place) for place in places if Path(place).is_absolute()]
    found = dict.fromkeys(place.resolve() for place in absolute)
    return [place for place in found if not _holds_a_home(place)]


def _holds_a_home(place: Path) -> bool:
    # The environment may name another one: a kernel's home is a folder of its own.
    try:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # a container may give its user a number and no entry
        home = Path("/")
    return place in {home, *home.parents}


def confine_files(room: Room) -> None:
    """Let this process have its room, and read what Python reads; nothing else.

    Raises:
        OSError: Linux refuses it.
    """
    ruleset = linux.landlock_ruleset(*_handled(linux.landlock_version()))
    try:
        for path, rights in _granted(room):
            _allow(ruleset, path, rights)
        linux.landlock_restrict(ruleset)
    finally:
        os.close(ruleset)


def _handled(version: int) -> tuple[int, int, int]:
    """Return the rights on files, on the network and on scopes that a version can take away."""
    files = _ALL | (_DEVICE_IOCTL if version >= 5 else 0)  # noqa: PLR2004  Landlock's own numbers
    network = _TCP if version >= 4 else 0  # noqa: PLR2004  the same
    scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0  # noqa: PLR2004  the same
    return files, network, scoped


def _granted(room: Room) -> Iterator[tuple[Path, int]]:
    yield from ((path, _READING) for path in [*map(Path, SYSTEM), *readable(), *room.reading])
    yield Path("/dev/null"), _READ_FILE | _WRITE
    yield from ((path, _OWN) for path in room.own)
    yield from ((path, _SOCKETS) for path in room.sockets)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # not on this machine, or not for this user
    try:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        linux.landlock_allow(ruleset, rights if folder else rights & _OF_A_FILE, descriptor)
    finally:
        os.close(descriptor)
