"""The incident's story: notes and the timeline."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

import textwrap
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from interlock import client
from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Form, Json, show_list
from interlock.cli.plain import cut, flat
from interlock.cli.world import here
from interlock.errors import UsageError
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

Kind = Literal[
    "observation", "decision", "hypothesis", "question", "answer", "surprise", "correction"
]
PAGE = 500
"""Entries asked for at once."""


def note(
    incident_id: str,
    text: str,
    /,
    *,
    kind: Kind = "observation",
    at: str = "",
    access: Access = USUAL,
) -> None:
    """Write a note on an incident's timeline.

    Args:
        text: what you saw, think or decided
        kind: what sort of note it is
        at: when it happened, if not now: 10:42 (your clock) or an ISO time
    """
    time = moment_of(at, here().now()).isoformat() if at else ""
    with access.connect() as gateway:
        gateway.send(client.add_note(incident_id, text, kind, time))
    here().say(f"✔ Noted on {flat(incident_id)} as {kind}.", "good")


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
        incident, entries = _all(gateway, incident_id)
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


def moment_of(text: str, now: datetime) -> datetime:
    """Return the moment that a person means by `text`, who writes at `now`.

    Raises:
        UsageError: it is not a time, or lies in the future.
    """
    local = now.astimezone()
    try:
        clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007  the zone is added below
        moment = local.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    except ValueError:
        moment = _iso(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=local.tzinfo)
    if moment > now + timedelta(minutes=1):
        raise UsageError(
            f"{flat(text)} is still to come.", help="For yesterday write the date too."
        )
    return moment


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{flat(text)!r} is not a time.", help="Write 10:42, or 2026-11-23T10:42Z."
        ) from None


def _all(gateway: "Client", incident_id: str) -> tuple[Json, list[Json]]:
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
    for number, line in enumerate(textwrap.wrap(flat(moment.what), room) or [""]):
        world.say((" " * len(head) if number else head) + world.styled(line, style))
