"""Policy from a folder of files, with the last good one kept when a new one is refused."""

import asyncio
import os
import threading
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.policy import Policy, PolicyError, Problem, concerns, load
from interlock_gateway.core.statement import translate

_TRIES = 5
_DEEPEST = 3


def read(folder: Path, turn: AbstractContextManager[object] | None = None) -> Policy:
    """Read the policy folder.

    Args:
        folder: where it is; a symbolic link is followed once, so that switching it is atomic.
        turn: held while casbin decides, which does not bear two threads at once.

    Raises:
        PolicyError: everything that is wrong with it, with file and line; or it changes under
            the reader's eyes.
    """
    texts = _unmoved(folder)
    return load(texts, names_in=_names_in, turn=turn or threading.Lock())


class PolicyFolder:
    """The policy in force. A folder that cannot be loaded leaves it as it is.

    Each policy that is built has the same turn as the one in force: sentences of the new one are
    tried in another thread while the old one decides.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = threading.Lock()
        self.current = read(folder, self._turn)

    def reload(self) -> tuple[Problem, ...]:
        """Build the folder's policy aside and put it in force whole.

        Returns:
            Nothing, or the problems because of which the policy in force stays.
        """
        try:
            self.put_in_force(read(self._folder, self._turn))
        except PolicyError as error:
            return error.problems
        return ()

    async def state(self) -> Hashable:
        """Return the folder's files with what tells that one of them has changed."""
        return await asyncio.to_thread(_state, self._folder)

    async def build(self) -> Policy:
        """Return the folder's policy, built aside, in a thread."""
        return await asyncio.to_thread(read, self._folder, self._turn)

    def put_in_force(self, policy: Policy) -> None:
        """Let every decision from now on be made under `policy`."""
        self.current = policy


def _paths(folder: Path, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """Yield the files of a folder that belong to the policy, each with its name in it.

    Links are followed, as Kubernetes makes them for a ConfigMap (`actions -> ..data/actions`). A
    folder in which folders stand too deep, as a link to its own parent makes it, counts as a file
    that nothing reads.
    """
    for path in sorted(folder.iterdir()):
        name = prefix + path.name
        if path.is_dir() and prefix.count("/") < _DEEPEST:
            if concerns(f"{name}/x"):
                yield from _paths(path, f"{name}/")
        elif concerns(name) and (path.is_file() or path.is_dir()):
            yield name, path


def _state(folder: Path) -> Hashable:
    """Return each file with its number, size and times; ctime shows what keeps its mtime."""
    root = folder.resolve()
    try:
        return (str(root), *((name, *_marks(path)) for name, path in _paths(root)))
    except OSError as error:
        return (str(root), error.errno)


def _marks(path: Path) -> tuple[object, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116  one call gives all of them
    except OSError as error:
        return (error.errno,)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _unmoved(folder: Path) -> dict[str, str]:
    """Return the texts of a folder in which nothing changed while they were read."""
    for _ in range(_TRIES):
        before, texts = _state(folder), _texts(folder.resolve())
        if _state(folder) == before:
            return texts
    raise PolicyError([Problem(str(folder), 1, "It changes while it is read; try again.")])


def _texts(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise PolicyError([Problem(str(folder), 1, "There is no such folder.")])
    texts, problems = {}, []
    for name, path in _paths(folder):
        try:
            texts[name] = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(name, 1, f"The file cannot be read: {error}."))
    if problems:
        raise PolicyError(problems)
    return texts


def _names_in(dialect: Dialect, sql: str) -> tuple[str, ...]:
    return translate(dialect, sql).names
