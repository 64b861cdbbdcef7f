"""How the demo is told: numbered scenes, plain lines, nothing wider than the terminal."""

import textwrap
from dataclasses import dataclass

from interlock.cli.plain import visible
from interlock.cli.world import World
from interlock.errors import InterlockError

READING_S = 1.5
"""Seconds that the colleague takes to read: long enough to see the run wait."""

_INDENT = "   "


@dataclass
class Voice:
    """Tells the story to `world`; counts the scenes."""

    world: World
    scene: int = 0

    def title(self, words: str) -> None:
        """Begin the next scene."""
        self.scene += 1
        self.world.say()
        self.world.say(f"{self.scene}  {words}", "strong")

    def say(self, words: str, style: str = "") -> None:
        """Say something, wrapped below the scene's title."""
        for line in self._wrapped(words):
            self.world.say((_INDENT + line).rstrip(), style)

    def typed(self, command: str) -> None:
        """Show a command as a person would type it."""
        self.world.say(f"{_INDENT}$ {command}")

    def quoted(self, text: str) -> None:
        """Show what somebody reads, each line behind a bar."""
        for line in visible(text).strip().splitlines():
            room = max(30, self.world.width - 5)
            wrapped = textwrap.wrap(line, room, subsequent_indent="  ") or [""]
            for part in wrapped:
                self.world.say(f"{_INDENT}│ {part}".rstrip(), "dim")

    def refused(self, error: InterlockError) -> None:
        """Show a refusal and why."""
        self.say(f"✖ {error.message}", "warn")
        for shown in error.excerpt.splitlines():
            self.world.say(f"{_INDENT}{shown}".rstrip(), "dim")
        line = f" · {error.line}" if error.line else ""
        self.say(f"  why   {error.code}{line}")

    def _wrapped(self, words: str) -> list[str]:
        room = max(30, self.world.width - len(_INDENT))
        lines: list[str] = []
        for line in visible(words).splitlines():
            lines += textwrap.wrap(line, room, break_on_hyphens=False) or [""]
        return lines
