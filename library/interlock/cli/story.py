"""The incident's story: the timeline."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

import textwrap
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from interlock import client
from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Form, Json, show_list
from interlock.cli.plain import cut, flat
from interlock.cli.world import here
from interlock.export import Entry, Moment, Tone, build
from interlock.export.model import GLYPHS
from interlock.export.narrate import narrate, scene_of
from interlock.export.reading import Reading
from interlock.export.text import offset

if TYPE_CHECKING:
    from interlock.client import Client


_STYLES = {
    Tone.OK: "good",
    Tone.WARN: "warn",
    Tone.REFUSED: "warn",
    Tone.WAITING: "warn",
    Tone.UNKNOWN: "warn",
    Tone.BAD: "bad",
}

_MOST_NUMBERS = 3
"""Events of one line that are named; what else was folded into it stands in the documents."""
PAGE = 500
"""Entries asked for at once."""


def timeline(
    incident_id: str,
    /,
    *,
    follow: Annotated[bool, Parameter(negative="")] = False,
    access: Access = USUAL,
    form: Form = PLAIN,
) -> None:
    """Tell what happened, in order.

    Args:
        follow: keep watching; Ctrl-C ends
    """
    with access.connect() as gateway:
        incident, entries = whole(gateway, incident_id)
        if form.json:
            show_list(entries, [], form, empty="")
            return
        if not entries:
            here().hint(f'Nothing yet. Say something: interlock note {flat(incident_id)} "…"')
        told = [Entry(entry["event"], entry["parts"]) for entry in entries]
        for moment in build(incident, told).moments:
            _print_moment(moment)
        if follow:
            _follow(gateway, incident_id, told)


def whole(gateway: "Client", incident_id: str) -> tuple[Json, list[Json]]:
    """Return an incident and every entry of its timeline."""
    entries: list[Json] = []
    after = 0
    while True:
        page = gateway.send(client.timeline(incident_id, after, PAGE))
        entries += page["entries"]
        if len(page["entries"]) < PAGE:
            return page["incident"], entries
        after = int(page["entries"][-1]["event"]["sequence"])


def _follow(gateway: "Client", incident_id: str, told: list[Entry]) -> None:
    here().hint("Following; Ctrl-C ends.", "dim")
    start = Reading(told[0], 0).time if told else None
    readings = [Reading(entry, place) for place, entry in enumerate(told)]
    after = int(readings[-1].cite) if readings else 0
    try:
        for entry in gateway.stream(client.follow_timeline(incident_id, after)):
            readings.append(Reading(Entry(entry["event"], entry["parts"]), len(readings)))
            _print_moment(narrate(readings[-1], scene_of(readings, start)))
    except KeyboardInterrupt:
        here().hint("")


def _print_moment(moment: Moment) -> None:
    world = here()
    time = f"{moment.time.astimezone(UTC):%H:%M:%S}Z" if moment.time else "undated"
    since = offset(moment.offset_s) if moment.offset_s is not None else ""
    if not world.tables:
        cells = (time, since, moment.who, moment.type, moment.what, " ".join(moment.events))
        world.say("\t".join(map(flat, cells)))
        return
    who = moment.who.partition(" (")[
        0
    ]  # of `R-1 (you)` the run; who runs it was said at its start
    head = f"{time} {since:>8}  {GLYPHS[moment.tone]} {cut(who, 10):<10}  "
    room = max(20, world.width - len(head))
    style = _STYLES.get(moment.tone, "")
    links = "".join(f" → {link.word} #{', #'.join(link.events)}" for link in moment.links)
    numbers = " ".join(f"[#{event}]" for event in moment.events[:_MOST_NUMBERS])
    said = flat(f"{moment.what} {numbers}{links}")
    for number, line in enumerate(textwrap.wrap(said, room) or [""]):
        world.say((" " * len(head) if number else head) + world.styled(line, style))
