"""What people do at their own machine: the command line, over a home of their own."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.processes import Gateway


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Desk:
    """One person's machine: nothing on it but the command line and a credential."""

    home: Path

    def does(self, *words: str) -> Said:
        """Type `interlock words…`."""
        done = subprocess.run(  # noqa: S603  our own command, no shell
            [sys.executable, "-m", "interlock", *words, "--home", str(self.home)],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.home.parent,
            timeout=120,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def done(self, *words: str) -> str:
        """Type what must succeed, and return what is printed."""
        said = self.does(*words)
        assert said.code == 0, said.err
        return said.out


def logged_in(folder: Path, gateway: Gateway, person: str) -> Desk:
    """Log somebody in with a one-time code, as a newcomer does."""
    desk = Desk(folder / person)
    desk.home.mkdir(parents=True)
    desk.done("login", gateway.code(person), "--url", gateway.home.url)
    return desk
