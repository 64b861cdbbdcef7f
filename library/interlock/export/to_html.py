"""A postmortem as one HTML file: offline, read without scripts, in light and dark, on paper.

Its policy allows one style sheet and one script, each named by its digest, and images inside the
file; nothing in the data can load, run or send anything (CSP level 3, sections 4.2 and 6; Trusted
Types).
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from interlock.export.about import about_lines
from interlock.export.account import Metric, Number
from interlock.export.clock import Clock, clock
from interlock.export.html_exhibits import scrolling
from interlock.export.html_ledger import ledger_html, view_html
from interlock.export.html_parts import cited, instant, section
from interlock.export.html_proof import (
    carried,
    digest_of,
    proof_html,
    unit_digest,
)
from interlock.export.html_stories import approval_html, follow_ups_html, run_html
from interlock.export.html_timeline import Day, day_html, days_of
from interlock.export.html_tools import tools_html
from interlock.export.markup import Child, Html, block_of, join, script, style, tag
from interlock.export.model import GLYPHS, Earlier, Phase, Postmortem
from interlock.export.text import capped, duration, visible

MANY = 500
"""A page of more moments than this draws only those that are in sight."""


@cache
def stylesheet() -> str:
    """The style sheet of an exported page."""
    return files("interlock.export").joinpath("export.css").read_text(encoding="utf-8")


@cache
def program() -> str:
    """The one script of an exported page: tools for reading, then the check."""
    folder = files("interlock.export")
    names = ("export_tools.js", "export_verify.js")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


@cache
def content_policy() -> str:
    """The content security policy of an exported page; the digests are of its style and script."""
    return (
        f"default-src 'none'; style-src '{_digest(stylesheet())}'; img-src data:; "
        f"script-src '{_digest(program())}'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _digest(source: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a page shows, in parts that are each bound by a digest of their own."""

    top: Html
    about: Html
    summary: Html
    entries: Html | None
    days: tuple[Day, ...]
    approvals: tuple[Html, ...]
    runs: tuple[Html, ...]
    follow_ups: Html | None

    def units(self) -> Iterator[Html]:
        """Yield the parts in the order of the page."""
        yield from (self.top, self.about, self.summary)
        yield from [self.entries] if self.entries else []
        for day in self.days:
            yield from day.moments
        yield from (*self.approvals, *self.runs)
        yield from [self.follow_ups] if self.follow_ups else []

    def empty(self) -> "Sheet":
        """Return the page with every part left out: what stands around them."""
        return Sheet(
            PART, PART, PART, PART if self.entries else None,
            tuple(Day(day.name, tuple(PART for _ in day.moments)) for day in self.days),
            tuple(PART for _ in self.approvals),
            tuple(PART for _ in self.runs),
            PART if self.follow_ups else None,
        )  # fmt: skip


PART = Html("<part>")
"""Stands for a part of the page in what is around the parts."""


def html(
    postmortem: Postmortem, *, zone: str = "UTC", proof: Mapping[str, Any] | None = None
) -> str:
    """Return the postmortem as one self-contained HTML page.

    Args:
        postmortem: what `build` returned.
        zone: an IANA time zone shown beside UTC.
        proof: an `interlock-proof/v1` block of the same events; without one the page says that it
            carries none.

    Raises:
        UsageError: the zone is not known, or the proof is no proof block.
    """
    when, ranks = clock(zone), _ranks(postmortem)
    sheet = _sheet(postmortem, when, ranks)
    block = carried(proof) if proof is not None else None
    body = [
        _shown(postmortem, sheet, when, proof_html(block)),
        _data(postmortem, ranks, when),
        block_of("units", json.dumps(_digests(postmortem, sheet, when, ranks))),
        block_of("carried", json.dumps(proof, separators=(",", ":"))) if block else None,
        script(program()),
    ]
    many = "many" if len(postmortem.moments) > MANY else ""
    page = tag("html", _head(postmortem), tag("body", body, class_=many), lang="en")
    return f"<!doctype html>\n{page.source}\n"


def page_digest(postmortem: Postmortem, *, zone: str = "UTC") -> str:
    """Return the digest of everything that a page shows, but for its section on the proof.

    The gateway states it as `page` in the event of the export: then the log itself says what the
    page said, and a changed word in it is found.

    Raises:
        UsageError: the zone is not known.
    """
    when, ranks = clock(zone), _ranks(postmortem)
    return digest_of(_digests(postmortem, _sheet(postmortem, when, ranks), when, ranks))


def _digests(pm: Postmortem, sheet: Sheet, when: Clock, ranks: Mapping[str, int]) -> list[str]:
    """Return the digest of what is around the parts, then of each part in the page's order."""
    shown = _shown(pm, sheet.empty(), when, None)
    around = join([_head(pm), shown, _data(pm, ranks, when), script(program())])
    return [unit_digest(around), *(unit_digest(unit.source) for unit in sheet.units())]


def _shown(pm: Postmortem, sheet: Sheet, when: Clock, proof: Html | None) -> Child:
    skip = tag("a", "Skip to the timeline", href="#timeline", class_="skip")
    return [skip, sheet.top, _main(pm, sheet, when, proof)]


def _ranks(pm: Postmortem) -> dict[str, int]:
    """Return how many events had been recorded up to each, in order of sequence."""
    cites = {source.event for moment in pm.moments for source in moment.sources}
    ordered = sorted(cites, key=lambda cite: (cite.startswith("?"), len(cite), cite))
    return {cite: rank for rank, cite in enumerate(ordered, start=1)}


def _sheet(pm: Postmortem, when: Clock, ranks: Mapping[str, int]) -> Sheet:
    return Sheet(
        top=tag("header", _title(pm), _figures(pm, when), data_unit="header"),
        about=_about(pm, when),
        summary=_summary(pm, when),
        entries=_entries(pm, when),
        days=tuple(days_of(pm.moments, when, ranks)),
        approvals=tuple(approval_html(story, when) for story in pm.approvals),
        runs=tuple(run_html(run, when) for run in pm.runs),
        follow_ups=follow_ups_html(pm),
    )


def _entries(pm: Postmortem, when: Clock) -> Html | None:
    """Return the chosen view, and what people kept account of; None where there is nothing."""
    told = [view_html(pm, when, cited), *ledger_html(pm, when, cited)]
    there = [one for one in told if one is not None]
    return tag("div", there, data_unit="entries") if there else None


def _data(pm: Postmortem, ranks: Mapping[str, int], when: Clock) -> Html:
    """Return what the script needs: when each event was recorded, and how it was told before."""
    recorded = {s.event: s.recorded for m in pm.moments for s in m.sources}
    data = {
        "incident": pm.id,
        "zone": "" if when.is_utc else when.name,
        "events": [[cite, _stamp(recorded.get(cite))] for cite in ranks],
        "earlier": [
            [ranks[e.event], ranks[e.until], e.place, _stamp(e.time), *_told(e)]
            for e in pm.earlier
            if e.event in ranks and e.until in ranks
        ],
    }
    return block_of("data", json.dumps(data, separators=(",", ":")))


def _told(earlier: Earlier) -> tuple[str, str, str, str]:
    tone = earlier.tone
    what = visible(capped(earlier.what, 2_000))
    return visible(capped(earlier.who, 200)), what, tone, f"{GLYPHS[tone]} "


def _stamp(time: datetime | None) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds") if time else ""


def _head(pm: Postmortem) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=content_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{pm.id} {capped(pm.title, 200)}"),
        style(stylesheet()),
    )


def _main(pm: Postmortem, sheet: Sheet, when: Clock, proof: Html | None) -> Html:
    zone = "Times are UTC" if when.is_utc else f"Times are UTC, then {when.name}"
    told = tag("p", f"{zone}; T± counts from the declaration.", class_="told")
    days = [day_html(day) for day in sheet.days] or tag("p", "Nothing was recorded.")
    tools = tools_html(pm, when, len(_ranks(pm)))
    return tag(
        "main",
        _contents(sheet),
        sheet.about,
        sheet.summary,
        sheet.entries,
        section("timeline", "Timeline", told, tools, tag("p", id="then", role="status"), days),
        section("approvals", "Approvals", sheet.approvals) if sheet.approvals else None,
        section("runs", "Runs", sheet.runs) if sheet.runs else None,
        section("follow-ups", "Follow-ups", sheet.follow_ups) if sheet.follow_ups else None,
        proof,
    )


def _contents(sheet: Sheet) -> Html:
    there = (
        ("summary", "Summary", True),
        ("timeline", "Timeline", True),
        ("approvals", "Approvals", bool(sheet.approvals)),
        ("runs", "Runs", bool(sheet.runs)),
        ("follow-ups", "Follow-ups", sheet.follow_ups is not None),
        ("proof", "Proof", True),
    )
    links = [tag("li", tag("a", title, href=f"#{name}")) for name, title, yes in there if yes]
    return tag("nav", tag("ul", links), aria_label="Sections", class_="contents")


# --- the top -----------------------------------------------------------------------------------


def _title(pm: Postmortem) -> Child:
    badges = [
        tag("span", text, class_=f"badge {kind}")
        for text, kind in ((pm.severity, "severity"), (pm.state, "state"))
        if text
    ]
    eyebrow = tag("p", tag("b", pm.id), " ", badges, class_="eyebrow")
    return [eyebrow, tag("h1", tag("span", capped(pm.title or "untitled", 300), class_="data"))]


def _figures(pm: Postmortem, when: Clock) -> Html:
    lasted = duration((pm.end - pm.start).total_seconds()) if pm.start and pm.end else ""
    facts: tuple[tuple[str, Child], ...] = (
        ("Declared", instant(pm.start, when.stamp(pm.start)) if pm.start else "—"),
        ("Closed", instant(pm.end, when.stamp(pm.end)) if pm.end else "not closed"),
        ("Lasted", lasted),
        ("Commander", pm.commander),
    )
    return tag("dl", [[tag("dt", k), tag("dd", v)] for k, v in facts if v], class_="facts")


def _about(pm: Postmortem, when: Clock) -> Html:
    items = [
        tag("li", tag("b", f"{label}: "), text, " ", cited(events))
        for label, text, events in about_lines(pm, when)
    ]
    return tag(
        "section", tag("h2", "About this record", id="about-title"), tag("ul", items),
        class_="about", aria_labelledby="about-title", data_unit="about this record",
    )  # fmt: skip


def _summary(pm: Postmortem, when: Clock) -> Html:
    people = [
        tag("li", tag("b", p.id), f" ({', '.join(p.roles)})" if p.roles else "",
            f": {', '.join(p.did)}" if p.did else "")
        for p in pm.people
    ]  # fmt: skip
    numbers = tag("dl", [_number(number) for number in pm.numbers], class_="numbers")
    return section(
        "summary",
        "Summary",
        tag("dl", [_metric(metric) for metric in pm.metrics], class_="metrics"),
        numbers if pm.numbers else None,
        _phases(pm.phases, when),
        [tag("h3", "People"), tag("ul", people)] if people else None,
        data_unit="summary",
    )


def _metric(metric: Metric) -> Html:
    known = metric.seconds is not None
    value = tag("dd", metric.value if known else None, class_="value")
    why = tag("dd", metric.read if known else metric.value, " ", cited(metric.events))
    return tag("div", tag("dt", metric.label), value if known else None, why)


def _number(number: Number) -> Html:
    return tag("div", tag("dt", number.label), tag("dd", number.value, cited(number.events)))


def _phases(phases: Sequence[Phase], when: Clock) -> Child:
    if not phases:
        return None
    titles = ("Phase", "From", "To", "Took", "Events")
    head = tag("tr", [tag("th", title, scope="col") for title in titles])
    rows = [_phase(phase, when) for phase in phases]
    table = tag("table", tag("thead", head), tag("tbody", rows))
    return [tag("h3", "Phases"), scrolling(table, "Phases")]


def _phase(phase: Phase, when: Clock) -> Html:
    cells = (phase.name, when.time(phase.start), when.time(phase.end), duration(phase.seconds))
    return tag("tr", [tag("td", cell) for cell in cells], tag("td", cited(phase.events)))
