"""A run, told line by line while it goes."""

import asyncio
import re
import textwrap
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock import errors
from interlock.cli.plain import cut, flat, visible
from interlock.cli.world import World
from interlock.conclusion import SYMBOLS
from interlock.rendering import as_text
from interlock.runner import progress

MARKS = {
    **SYMBOLS,
    "failed": "✖",
    "timed_out": "✖",
    "cancelled": "✖",
}
STYLES = {
    "ok": "good",
    "warn": "warn",
    "unknown": "warn",
    **dict.fromkeys(["bad", "failed", "timed_out", "cancelled"], "bad"),
}
SLOW_S = 3.0
"""Seconds after which a step that still runs is said to."""

_NAME = 17
_HEAD = 3 + _NAME + 9
"""Columns before a step's words: mark, name, time."""

_MARGIN = 3
_LABEL = 12
_EXCERPT = re.compile(r" *\d* \|(?: .*)?")
_ADVICE = "→ "
"""How the text of an `InterlockError` shows an excerpt, and begins its advice."""


_UNCONFINED = " ! this machine cannot confine kernels: `interlock doctor --battery` says why"


@dataclass
class Live:
    """Prints progress values as the lines of a run.

    Attributes:
        previewed: what the actions of a dry run would do, in order.
    """

    world: World
    previewed: list[progress.Previewed] = field(default_factory=list, init=False)
    _slow: asyncio.TimerHandle | None = field(default=None, init=False)

    def __call__(self, value: progress.Progress) -> None:
        """Print what `value` tells, if it tells a person something."""
        match value:
            case progress.StepStarted():
                self._watch(value)
            case progress.StepEnded():
                self._ended(value)
            case progress.StepSkipped():
                self._line("-", value.step, "", f"left out: {value.reason}", "dim")
            case (
                progress.Waiting() | progress.Settled() | progress.Queued() | progress.Previewed()
            ):
                self._about_an_action(value)
            case progress.GatewayUnreachable() | progress.RunEnded():
                self._other(value)
            case progress.GatewayBack():
                self.world.say(f" … the gateway is back after {value.after_s:.0f} s")
            case progress.RunStarted(confinement="unconfined"):
                self.world.say(_UNCONFINED, "bad")
            case progress.RunStarted():
                pass

    def _about_an_action(
        self, value: progress.Waiting | progress.Settled | progress.Queued | progress.Previewed
    ) -> None:
        match value:
            case progress.Waiting():
                self._waiting(value)
            case progress.Settled():
                self._settled(value)
            case progress.Previewed():
                self._previewed(value)
            case progress.Queued():
                self._unwatch()
                self._line("◷", value.step, "", value.line.removeprefix("… "), "warn")

    def header(self, run: dict[str, Any], incident: dict[str, Any], owner: str) -> None:
        """Print what runs where, for whom."""
        words = [incident["id"], f"{run['runbook']}@{run['version']}", incident["severity"]]
        dry = "  DRY RUN: nothing is changed" if run.get("dry_run") else ""
        self.world.say(flat("  ".join(words)) + f"  run {flat(run['id'])}{dry}", "strong")
        if owner:
            self.world.say(f"owner {flat(owner)}", "dim")

    def _watch(self, started: progress.StepStarted) -> None:
        self._unwatch()
        words = f" … {flat(started.step)} still runs after {SLOW_S:g} s"
        loop = asyncio.get_running_loop()
        self._slow = loop.call_later(SLOW_S, self.world.say, words)

    def _unwatch(self) -> None:
        if self._slow:
            self._slow.cancel()
        self._slow = None

    def _ended(self, ended: progress.StepEnded) -> None:
        self._unwatch()
        time = took(ended.elapsed_ms)
        mark = MARKS.get(ended.state, "·")
        self._line(mark, ended.step, time, words_of(ended), STYLES.get(ended.state, ""))
        if ended.error and (known := errors.CODES.get(ended.error.code)):
            self._refused(ended.error, known)
        if ended.truncated:
            self._more(f"not all recorded: {ended.truncated}")

    def _refused(self, error: progress.StepError, known: errors.Code) -> None:
        """Print where in the author's own text it was refused, and what to do instead."""
        for line in filter(_EXCERPT.fullmatch, error.message.splitlines()):
            self.world.say(" " * _MARGIN + cut(line, max(30, self.world.width - _MARGIN)))
        last = error.message.splitlines()[-1:]
        advice = last[0].removeprefix(_ADVICE) if last and last[0].startswith(_ADVICE) else ""
        self._more(f"next: {advice or known.help}")

    def _waiting(self, value: progress.Waiting) -> None:
        self._unwatch()
        who = " or ".join(value.who) or "an approver"
        since = f"{_clock(value.since)} to " if value.since else "until "
        when = f", {since}{_clock(value.until)}" if value.until else ""
        self._line("◷", value.step, "", f"{value.approval} waits for {who}{when}", "warn")
        for how in value.ways:
            self.world.say(f"{' ' * _HEAD}{flat(how)}", "dim")

    def _settled(self, value: progress.Settled) -> None:
        by = f" by {' and '.join(value.by)}" if value.by else ""
        words = (
            f"{value.approval} {value.state.replace('_', ' ')} after {value.waited_s:.1f} s{by}"
        )
        self._line("◷", value.step, "", words, "good" if value.state == "approved" else "warn")

    def _previewed(self, value: progress.Previewed) -> None:
        self._unwatch()
        self.previewed.append(value)
        self._line("◌", value.step, "", "dry run: nothing was asked for or changed", "strong")
        room = max(30, self.world.width - _MARGIN)
        for label, words in value.would.items():
            first, *more = textwrap.wrap(words, room - _LABEL, break_on_hyphens=False) or [""]
            self.world.say(f"{' ' * _MARGIN}{label:<{_LABEL}}{first}", "dim")
            for line in more:
                self.world.say(" " * (_MARGIN + _LABEL) + line, "dim")
        if value.rows.columns:
            rows = [tuple(row) for row in value.rows]
            table = as_text(value.rows.columns, rows, "what an approver would be shown", room)
            self.world.say(textwrap.indent(table, " " * _MARGIN), "dim")

    def _other(self, value: progress.GatewayUnreachable | progress.RunEnded) -> None:
        self._unwatch()
        if isinstance(value, progress.RunEnded):
            style = "good" if value.outcome == "completed" else "bad"
            words = f"{value.run} {value.outcome.replace('_', ' ')}: {value.summary}"
            self.world.say(visible(words), style)
        else:
            self.world.say(f" … no gateway since {_clock(value.since)}; asking again", "warn")

    def _line(self, mark: str, step: str, time: str, words: str, style: str) -> None:
        first, *more = self._wrapped(words)
        head = f" {self.world.styled(mark, style)} {cut(step, _NAME):<{_NAME}}{time:>7}  "
        self.world.say(head + first)
        for line in more:
            self.world.say(" " * _HEAD + line)

    def _more(self, words: str) -> None:
        for line in self._wrapped(words):
            self.world.say(" " * _HEAD + line, "dim")

    def _wrapped(self, words: str) -> list[str]:
        room = max(30, self.world.width - _HEAD)
        return textwrap.wrap(flat(words), room, break_on_hyphens=False) or [""]


def words_of(ended: progress.StepEnded) -> str:
    """Return what a step concluded, or why it did not end well."""
    if ended.finding:
        return ended.finding.text
    if ended.error:
        words = (ended.error.message or ended.error.name).splitlines()[0]
        code = f"({ended.error.code})" if ended.error.code else ""
        return words if code in words else f"{words} {code}"
    return ended.title


def took(milliseconds: float) -> str:
    """Return a duration as `8 ms` or `2.4 s`."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"  # noqa: PLR2004  a second


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
