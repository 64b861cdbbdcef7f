"""Peers that no package of ours needs: installed on first use, each into a folder of its own.

The folders lie below `.bench-peers`, which git ignores. Versions are exact; where a package comes
from is the business of pip and npm as they are set up here.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".bench-peers"
_READY = "ready"
_WITHIN_S = 300
_NEWER = ("python3.12", "python3.13", "python3.14")

Command = list[str]


class Unavailable(Exception):  # noqa: N818  a peer is unavailable; nothing of ours is in error
    """A peer cannot be had here and now; its words say why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A product to stand beside.

    Attributes:
        name: as the table calls it.
        pins: packages with their exact versions.
        steps: given the peer's folder and its pins, the commands that install it there.
    """

    name: str
    pins: tuple[str, ...]
    steps: Callable[[Path, Sequence[str]], list[Command]]

    def folder(self, *, install: bool, cache: Path = CACHE) -> Path:
        """Return where it is installed, after installing it if that is wanted.

        Raises:
            Unavailable: it is not there, or pip or npm could not bring it.
        """
        folder = cache / self.name
        if _read(folder / _READY) == self._pinned():
            return folder
        if not install:
            raise Unavailable("not installed yet; `make bench` installs it")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for command in self.steps(folder, self.pins):
            _succeed(command)
        (folder / _READY).write_text(self._pinned())
        return folder

    def _pinned(self) -> str:
        return "\n".join(self.pins)


def _datasette(folder: Path, pins: Sequence[str]) -> list[Command]:
    return [_venv(sys.executable, folder), _pip(folder, *pins)]


def _postgres_mcp(folder: Path, pins: Sequence[str]) -> list[Command]:
    itself, *needs = pins
    return [
        _venv(_newer_python(), folder),
        _pip(folder, *needs),
        _pip(folder, "--no-deps", itself),
    ]


def _dbhub(folder: Path, pins: Sequence[str]) -> list[Command]:
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not here")
    quietly = ("--no-audit", "--no-fund", "--loglevel=error", "--omit=optional")
    return [[npm, "install", "--prefix", str(folder), *quietly, *pins]]


DATASETTE = Peer("datasette", ("datasette==0.65.5",), _datasette)

POSTGRES_MCP = Peer(
    "postgres-mcp",
    # It asks for pglast 7.2.0, which was not to be had, and for any mcp, but mcp 2 breaks it.
    # So what it needs is named here, and it is installed without asking for more.
    (
        "postgres-mcp==0.3.0",
        "mcp[cli]==1.30.0",
        "pglast==7.22",
        "psycopg[binary]==3.3.9",
        "psycopg-pool==3.3.3",
        "instructor==1.17.0",
        "humanize==4.17.0",
        "attrs==26.1.0",
    ),
    _postgres_mcp,
)

# The package `node` is the Node.js that this version of it needs; drivers are optional in it.
DBHUB = Peer("dbhub", ("@bytebase/dbhub@1.4.0", "node@22.23.3", "pg@8.23.1"), _dbhub)


def _venv(python: str, folder: Path) -> Command:
    return [python, "-m", "venv", str(folder)]


def _pip(folder: Path, *words: str) -> Command:
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet"]
    return [*pip, "--disable-pip-version-check", *words]


def _newer_python() -> str:
    """Return a Python of at least 3.12: this one, one on the path, or one that pyenv keeps."""
    if sys.version_info >= (3, 12):
        return sys.executable
    for path in _named():
        if _said([path, "-c", "print('here')"]) == "here":
            return path
    raise Unavailable("it needs Python 3.12 or newer, and there is none")


def _named() -> Iterator[str]:
    for name in _NEWER:
        yield from filter(None, [shutil.which(name)])
        if pyenv := shutil.which("pyenv"):
            yield from _said([pyenv, "whence", "--path", name]).splitlines()


def _said(command: Command) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  a Python or pyenv of this machine, no shell
    return "" if done.returncode else done.stdout.strip()


def _succeed(command: Command) -> None:
    try:
        done = subprocess.run(  # noqa: S603  pip or npm with the pins above, no shell
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_WITHIN_S,
            env={**os.environ, "PYTHONNOUSERSITE": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"installing it took more than {_WITHIN_S} s") from error
    if done.returncode:
        raise Unavailable(f"installing it failed: {_last(done.stderr or done.stdout)}")


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
