"""For whom an export is made: everybody inside, readers outside, an auditor.

`internal` is the record as its people read it. `auditor` adds what each decision rested on:
indexes, policy digests, commitments. `external` is made of nothing but what `EXTERNAL` names:
whatever a kind of event or a key of its data is called, it is left out, and counted, until
somebody writes it into that table. Values are let through only in the shape the table gives
them, and people become `responder 1`. This happens to the events, before anything reads them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.errors import UsageError
from interlock.export.allowed import EXTERNAL, INCIDENT, ON_PUBLIC_LINES, Cast
from interlock.export.build import build
from interlock.export.model import Entry, Postmortem
from interlock.export.reading import Reading, is_part
from interlock.export.record import missing
from interlock.export.text import count

PROFILES = ("internal", "external", "auditor")
"""The profiles; the first is used when none is named."""


@dataclass(slots=True)
class LeftOut:
    """What a profile leaves out: counted as it happens."""

    events: list[str] = field(default_factory=list)
    values: int = 0

    def phrases(self, people: int) -> tuple[str, ...]:
        """Return what was left out, for a sentence."""
        found = (
            (len(self.events), "whole event", ""),
            (self.values, "value", ""),
            (people, "person's name", "people's names"),
        )
        told = [count(number, one, many) for number, one, many in found if number]
        return (f"{', '.join(told)} by the profile external",) if told else ()


def build_for(
    profile: str,
    incident: Mapping[str, Any],
    entries: Sequence[Entry],
    *,
    public: Collection[str] = (),
    **how: Any,
) -> Postmortem:
    """Return what `build` does, with what the readers of `profile` may see and no more.

    Args:
        profile: one of `PROFILES`.
        incident: as `build` takes it.
        entries: as `build` takes them.
        public: sequences of the lines that a person marked as public, as they are cited; so are
            events whose `dataclassification` is `public`.
        how: what else `build` takes.

    Raises:
        UsageError: there is no such profile.
    """
    match profile:
        case "internal" | "auditor":
            return replace(build(incident, entries, **how), profile=profile)
        case "external":
            return _external(incident, entries, frozenset(public), how)
        case _:
            raise UsageError(
                f"There is no profile {profile!r}.",
                code="bad-request",
                help=f"Choose one of: {', '.join(PROFILES)}.",
            )


def _external(
    incident: Mapping[str, Any],
    entries: Sequence[Entry],
    public: frozenset[str],
    how: Mapping[str, Any],
) -> Postmortem:
    cast, left = Cast(), LeftOut()
    readings = [Reading(entry, place) for place, entry in enumerate(entries)]
    readings.sort(key=lambda reading: reading.order)
    shown = [_entry(reading, public, cast, left) for reading in readings]
    kept = [entry for entry in shown if entry is not None]
    about = {
        key: value
        for key, rule in INCIDENT.items()
        if (value := rule(incident.get(key), cast)) is not None
    }
    made = build(about, kept, **how)
    record = replace(
        made.record,
        missing=missing(readings),
        withheld=left.phrases(cast.people),
    )
    return replace(made, profile="external", record=record)


def _entry(reading: Reading, public: frozenset[str], cast: Cast, left: LeftOut) -> Entry | None:
    """Return what of an event anybody may read; None where that is nothing."""
    marked = reading.cite in public or reading.event.get("dataclassification") == "public"
    rules = EXTERNAL.get(reading.type)
    if rules is None or (reading.type.startswith("note.") and not marked):
        left.events.append(reading.cite)
        return None
    words = ON_PUBLIC_LINES if marked else {}
    data: dict[str, Any] = {}
    for key, raw in reading.data.items():
        rule = rules.get(key) or words.get(key)
        value = rule(reading.resolve(raw) if is_part(raw) else raw, cast) if rule else None
        if value is None:
            left.values += 1
        else:
            data[key] = value
    return Entry({**_attributes(reading, cast), "data": data}, {})


def _attributes(reading: Reading, cast: Cast) -> dict[str, Any]:
    """Return the attributes of the body that are ours: nothing in them was typed by anybody."""
    numbered = not reading.cite.startswith("?")
    times = {"time": reading.time, "recordedtime": reading.recorded}
    return {
        "type": reading.type,
        "authid": cast.actor(reading.event.get("authid")),
        **({"sequence": reading.cite} if numbered else {}),
        **{name: when.isoformat() for name, when in times.items() if when},
    }
