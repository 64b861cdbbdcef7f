"""Many processes of the operating system that do one thing at once, round after round."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_AHEAD_S = 0.08
"""How far ahead the common moment lies: long enough for everybody to have connected."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: to which gateway, as whom, for what."""

    url: str
    path: str
    token: str
    body: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What one of the crowd was told."""

    status: int
    body: dict[str, Any]

    @property
    def code(self) -> str:
        """The code of a refusal, or ""."""
        return str(self.body.get("code", ""))


class Crowd:
    """So many processes, alive for as long as a `with` block lasts."""

    def __init__(self, size: int) -> None:
        script = str(Path(__file__).with_name("contender.py"))
        self._people = [
            subprocess.Popen(  # noqa: S603  our own script, no shell
                [sys.executable, script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(size)
        ]
        for person in self._people:
            assert _heard(person) == "ready\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for person in self._people:
            for pipe in (person.stdin, person.stdout):
                if pipe:
                    pipe.close()
            person.wait(10)

    def all_at_once(self, asks: Sequence[Ask]) -> list[Answer]:
        """Let each process ask its question at one moment, and return all answers."""
        at = time.monotonic() + _AHEAD_S
        for person, ask in zip(self._people, asks, strict=True):
            order = {"url": ask.url, "path": ask.path, "token": ask.token, "body": ask.body}
            assert person.stdin is not None
            person.stdin.write(json.dumps({**order, "at": at}) + "\n")
            person.stdin.flush()
        return [Answer(**json.loads(_heard(person))) for person in self._people]


def _heard(person: "subprocess.Popen[str]") -> str:
    assert person.stdout is not None
    said = person.stdout.readline()
    assert said, "One of the crowd has gone; its words stand above."
    return said
