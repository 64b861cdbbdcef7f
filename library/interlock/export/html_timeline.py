"""The timeline of an exported page: one item for each moment, under the day it happened."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from interlock.export.clock import Clock
from interlock.export.html_exhibits import exhibits_html
from interlock.export.html_ledger import links_html
from interlock.export.html_parts import anchor, cited, instant, place, sign
from interlock.export.markup import Child, Html, tag
from interlock.export.model import Moment
from interlock.export.text import duration, line, offset


@dataclass(frozen=True, slots=True)
class Day:
    """A day, or "" for what has no usable time, and what happened on it."""

    name: str
    moments: tuple[Html, ...]


def days_of(moments: Sequence[Moment], when: Clock, ranks: Mapping[str, int]) -> list[Day]:
    """Return the moments in the order shown, with a new day whenever the date changes.

    Args:
        moments: in the order shown.
        when: writes times.
        ranks: how many events had been recorded up to each, by how it is cited.
    """
    return [
        Day(day, tuple(_moment(moment, when, ranks) for moment in found))
        for day, found in groupby(moments, lambda m: when.day(m.time) if m.time else "")
    ]


def day_html(day: Day) -> Child:
    """Return a day's heading and its list."""
    heading = tag("h3", day.name or "Without a usable time")
    return [heading, tag("ol", day.moments, class_="moments")]


def _moment(moment: Moment, when: Clock, ranks: Mapping[str, int]) -> Html:
    teller = next((s for s in moment.sources if s.event == moment.event), None)
    return tag(
        "li",
        _times(moment, when),
        tag("p", sign(moment.tone)),
        tag("div", _body(moment, when), class_="body"),
        class_=f"moment {moment.tone}{' corrected' if moment.corrected else ''}",
        data_unit=f"event {moment.event}",
        data_event=moment.event,
        data_since=str(ranks.get(moment.since, 0)),
        data_place=str(moment.place),
        data_type=_exact(moment.type),
        data_id=_exact(teller.id) if teller else "",
        data_run=_exact(moment.subject.run),
    )


def _body(moment: Moment, when: Clock) -> list[Child]:
    links = links_html(moment, cited)
    return [_said(moment, when), links, _asked(moment), _backing(moment)]


def _exact(name: str) -> str:
    """Return a name that is compared letter by letter; "" for one that no gateway gives."""
    return name if _NAME.fullmatch(name) else ""


_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)


def _times(moment: Moment, when: Clock) -> Html:
    at = moment.time
    return tag(
        "p",
        [tag("span", id=place(event), class_="place") for event in moment.events],
        instant(at, when.time(at)) if at else "—",
        tag("span", when.local(at), class_="local") if at and not when.is_utc else None,
        tag("span", offset(moment.offset_s), class_="offset")
        if moment.offset_s is not None
        else None,
        class_="when",
    )


def _said(moment: Moment, when: Clock) -> Html:
    late = when.late(moment.time, moment.recorded)
    return tag(
        "p",
        tag("b", moment.who, class_="who"),
        " ",
        tag("span", line(moment.what, 2_000), class_="data"),
        tag("span", f" ({late})", class_="told") if late else None,
        _uncertain(moment),
        " ",
        cited(moment.events),
        class_="what",
    )


def _uncertain(moment: Moment) -> Child:
    """Say of a time that it is rough, or earlier than the cause's; hidden as of the past."""
    said = []
    if moment.unsure:
        near = moment.unsure
        few = near if len(near) <= _FEW else (near[0], near[-1])
        more = f" and {len(near) - len(few)} between" if len(near) > len(few) else ""
        rough = f" (± {duration(moment.accuracy_s)}: may have come before or after{more} "
        said += [rough, cited(few), ")"]
    if moment.after:
        said += [f" (after its cause #{moment.after}, though its own time is earlier)"]
    return tag("span", said, class_="told unsure") if said else None


_FEW = 4


def _asked(moment: Moment) -> Child:
    title = moment.fact("title") if moment.type.startswith("step.") else ""
    return tag("p", line(title, 400), class_="told") if title else None


def _backing(moment: Moment) -> Child:
    name = moment.subject.approval
    if not name or not moment.exhibits:
        return exhibits_html(moment.exhibits)
    link = tag("a", f"Everything about {name}", href=f"#{anchor(name)}")
    return tag("p", link, class_="told")
