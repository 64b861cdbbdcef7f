"""Policy from a folder of files, with the last good one kept when a new one is refused."""

import threading
from pathlib import Path

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.policy import Policy, PolicyError, Problem, concerns, load
from interlock_gateway.core.statement import translate


def read(folder: Path) -> Policy:
    """Read the policy folder.

    Raises:
        PolicyError: everything that is wrong with it, with file and line.
    """
    return load(_texts(folder), names_in=_names_in, turn=threading.Lock())


class PolicyFolder:
    """The policy in force. A folder that cannot be loaded leaves it as it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.current = read(folder)

    def reload(self) -> tuple[Problem, ...]:
        """Build the folder's policy aside and put it in force whole.

        Returns:
            Nothing, or the problems because of which the policy in force stays.
        """
        try:
            self.current = read(self._folder)
        except PolicyError as error:
            return error.problems
        return ()


def _texts(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise PolicyError([Problem(str(folder), 1, "There is no such folder.")])
    texts, problems = {}, []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if not concerns(name):
            continue
        try:
            texts[name] = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(name, 1, f"The file cannot be read: {error}."))
    if problems:
        raise PolicyError(problems)
    return texts


def _names_in(dialect: Dialect, sql: str) -> tuple[str, ...]:
    return translate(dialect, sql).names
