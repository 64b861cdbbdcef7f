"""`interlock doctor --drill`: ask approvers to show that they can, watch, and say how it went."""

import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interlock import client
from interlock.cli.page import Form, Json, show_one
from interlock.cli.plain import flat
from interlock.cli.refusal import FAILED, OK
from interlock.cli.world import World, here
from interlock.export.text import duration

if TYPE_CHECKING:
    from interlock.client import Client

_LOOK_S = 1.0
_STILL_S = 30
_WIDTH = 80
_NAME = 14


@dataclass(frozen=True, slots=True)
class Practice:
    """What is practised: one rule or all, who leads it, and for how long."""

    rule: str = ""
    commander: str = ""
    minutes: int = 10


def practise(gateway: "Client", practice: Practice, form: Form) -> int:
    """Start a drill, watch it to its end, and report.

    Ctrl-C stops watching; the drill goes on and ends by itself.
    """
    begun = gateway.send(
        client.begin_drill(practice.rule, practice.commander, practice.minutes * 60)
    )
    watch = _Watch(here(), quiet=bool(form.json))
    watch.begins(begun, practice.minutes)
    report = begun
    while not report["over"]:
        time.sleep(_LOOK_S)  # a person takes their time; it is looked at again
        report = gateway.send(client.drill(begun["incident"]))
        watch.sees(report)
    if form.json:
        show_one(report, [], form)
    else:
        _print_report(here(), report)
    return OK if all(rule["reached"] for rule in report["rules"]) else FAILED


@dataclass
class _Watch:
    """Says what is new since it looked last, beside the results."""

    world: World
    quiet: bool = False
    told: set[str] = field(default_factory=set)
    looks: int = 0

    def begins(self, report: Json, minutes: int) -> None:
        waiting = [rule for rule in report["rules"] if not rule["over"]]
        ends = f"in {minutes} min at the latest"
        self._say(f"{flat(report['incident'])} is a drill, marked DRILL everywhere; nothing runs.")
        self._say(f"{_questions(len(waiting))} in Slack, where it is connected,")
        self._say("the browser (/approvals) and `interlock approvals`.")
        self._say(f"It ends {ends}. Ctrl-C stops watching, not the drill.")
        self.sees(report)

    def sees(self, report: Json) -> None:
        self.looks += 1
        for line in _news(report):
            if line not in self.told:
                self.told.add(line)
                self._say(line)
        waiting = [flat(rule["rule"]) for rule in report["rules"] if not rule["over"]]
        if waiting and self.looks % _STILL_S == 0:
            self._say(f"still waits: {', '.join(waiting)}")

    def _say(self, line: str) -> None:
        if not self.quiet:
            for part in textwrap.wrap(line, min(self.world.width, _WIDTH)):
                self.world.hint(part, "dim")


def _questions(count: int) -> str:
    return "1 question waits" if count == 1 else f"{count} questions wait"


def _news(report: Json) -> Iterator[str]:
    for rule in report["rules"]:
        name = flat(rule["rule"])
        for answer in rule["answers"]:
            yield f"{name}: {_answered(answer)}"
        if rule["over"]:
            yield f"{name}: {'reached' if rule['reached'] else 'over'}"


def _answered(answer: Json) -> str:
    word = {"approve": "approved", "deny": "denied"}.get(answer["vote"], flat(answer["vote"]))
    where = _CHANNELS.get(answer["channel"], flat(answer["channel"]))
    return f"{flat(answer['person'])} {word} {where} after {duration(answer['after_s'])}"


_CHANNELS = {
    "slack": "in Slack",
    "web": "in the browser",
    "cli": "in a terminal",
    "api": "through the API",
}


# --- the report ---------------------------------------------------------------------------------


def _print_report(world: World, report: Json) -> None:
    rules = report["rules"]
    for rule in rules:
        _print_rule(world, rule)
    missed = [flat(rule["rule"]) for rule in rules if not rule["reached"]]
    world.say()
    if missed:
        words = f"✖ {len(missed)} of {len(rules)} rules did not reach their quorum: "
        _print_wrapped(world, words + ", ".join(missed) + ".", "", "bad")
    else:
        world.say(f"✔ Every rule reached its quorum: {len(rules)} in all. Nothing ran.", "good")
    world.say(f"  next  interlock timeline {flat(report['incident'])}")


def _print_rule(world: World, rule: Json) -> None:
    world.say()
    needs = f": {flat(rule['needs'])}" if rule["needs"] else ""
    _print_wrapped(world, f"{flat(rule['rule'])}{needs}", "", "strong")
    for line in _lines(rule):
        _print_wrapped(world, line, "     ")
    mark, style = ("✔", "good") if rule["reached"] else ("✖", "bad")
    said = "its quorum was reached" if rule["reached"] else f"not reached: {_why(rule)}"
    _print_wrapped(world, f" {mark} {said}", "   ", style)


def _lines(rule: Json) -> Iterator[str]:
    for answer in rule["answers"]:
        yield f"   {_answered(answer)}"
    silent = ", ".join(map(flat, rule["silent"]))
    if silent:
        label = "not needed" if rule["reached"] else "never answered"
        yield f"   {label:<{_NAME}} {silent}"


def _why(rule: Json) -> str:
    if rule["state"] == "denied":
        return f"it was denied: {flat(rule['why'])}"
    if rule["state"] == "invalidated" and "commander" in rule["needs"]:
        return f"{flat(rule['why'])}. Name one: `--commander PERSON`"
    return flat(rule["why"]) or flat(rule["state"])


def _print_wrapped(world: World, text: str, indent: str, style: str = "") -> None:
    room = max(40, min(world.width, _WIDTH))
    for line in textwrap.wrap(text, room, subsequent_indent=indent, break_on_hyphens=False):
        world.say(line, style)
