"""The record as a document: printed, written to a file, or into the regions of one."""
# ruff: noqa: D417  the options that verbs share are described once, in Access

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from interlock import client
from interlock.cli.filing import Filed, Filing
from interlock.cli.home import USUAL, Access
from interlock.cli.page import document
from interlock.cli.plain import flat
from interlock.cli.world import here
from interlock.errors import UsageError
from interlock.export.regions import Region, merge, regions
from interlock.export.templates import NAMES

if TYPE_CHECKING:
    from interlock.client import Client

Profile = Literal["internal", "external", "auditor"]


@Parameter(name="*", group="What is exported")
@dataclass(frozen=True, slots=True)
class Content:
    """What is exported, and for whom.

    Attributes:
        template: of Markdown: own, sre, pagerduty, or one of the team's
        profile: for whom it is: internal unless said
        zone: a time zone to show beside UTC, such as Europe/Berlin
        view: a version of the narrative
        known_at: as it was known then: a time, or the number of an event
        run: of a notebook: this run alone
        section: of Markdown: this section alone; may be repeated
    """

    template: str = ""
    profile: Annotated[Profile | None, Parameter(negative="")] = None
    zone: str = ""
    view: str = ""
    known_at: str = ""
    run: str = ""
    section: Annotated[list[str] | None, Parameter(negative="")] = None

    def query(self) -> dict[str, Any]:
        """Return what was said, as the gateway's route takes it."""
        said = {
            "template": self.template,
            "profile": self.profile,
            "zone": self.zone,
            "view": self.view,
            "known_at": self.known_at,
            "run": self.run,
            "section": self.section,
        }
        return {name: value for name, value in said.items() if value}


@Parameter(name="*", group="Where it goes")
@dataclass(frozen=True, slots=True)
class Where:
    """Where a document goes; without a file it is printed.

    Attributes:
        output: the file to write
        into: a Markdown file of which only the marked regions are written; made if missing
        force: write over regions edited by hand; the file as it was is kept as NAME.edited
    """

    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    into: Path | None = None
    force: Annotated[bool, Parameter(negative="")] = False


PRINTED = Where()
"""No option given: it is printed."""

WHOLE = Content()
"""No option given: the whole record, for the people of the incident."""


def export(
    incident_id: str,
    /,
    *,
    as_form: Annotated[
        Literal["md", "html", "ipynb", "json", "jsonl", "csv", "bundle"],
        Parameter(name=["--as"]),
    ] = "md",
    where: Where = PRINTED,
    content: Content = WHOLE,
    access: Annotated[Access, Parameter(name="*", parse=r"^(?!as_)")] = USUAL,
    person: str = "",
) -> None:
    """Write the timeline as a document.

    Args:
        as_form: md, html, ipynb (notebook), json, jsonl, csv, or bundle: all of it with its proof
        person: which of the people logged in here asks (elsewhere called --as)
    """
    _check(where, as_form)
    with replace(access, as_=person).connect() as gateway:
        if as_form == "bundle":
            _bundle(gateway, incident_id, where, content)
            return
        if where.into is not None:
            over = "replace" if where.force else "refuse"
            _Into(gateway, incident_id, content, here().cwd / where.into).write(over_edits=over)
            return
        text = gateway.text(client.export(incident_id, as_form, **content.query()))
    if where.output is None:
        document(text)
        return
    path = here().cwd / where.output
    Filing(path).put(text.encode("utf-8"))
    here().say(f"✔ {path} ({len(text.encode()) / 1000:,.0f} kB)", "good")


def _bundle(gateway: "Client", incident_id: str, where: Where, content: Content) -> None:
    """Write the evidence bundle: whole, since what is left out of it could not be proven."""
    if odd := next(iter(content.query()), ""):
        raise UsageError(
            f"A bundle is whole and has no {odd.replace('_', '-')}.",
            help="Leave it out, or export another form.",
        )
    packed = gateway.content(client.bundle(incident_id))
    path = here().cwd / (where.output or f"{incident_id}.bundle.zip")
    Filing(path).put(packed)
    here().say(f"✔ {path} ({len(packed) / 1000:,.0f} kB)", "good")
    here().hint(f"  next  interlock verify {flat(path.name)}", "dim")


def _check(where: Where, as_form: str) -> None:
    if where.into is not None and (where.output is not None or as_form != "md"):
        raise UsageError(
            "--into writes the regions of a Markdown file.",
            help="Leave out -o and --as, or leave out --into.",
        )
    if where.force and where.into is None:
        raise UsageError("--force goes with --into.", help="Give the file with the regions.")


@dataclass(frozen=True, slots=True)
class _Into:
    """One export into one file."""

    gateway: "Client"
    incident: str
    content: Content
    path: Path

    def write(self, *, over_edits: str) -> None:
        filing = Filing(self.path)
        filed = filing.read()
        if filed is None:
            filing.create(self._fetch(self.content.query()))
            told = "Write between the marked regions; they are written again, and nothing else."
            here().say(f"✔ {self.path} made. {told}", "good")
            return
        name = self.path.name
        wanted = self._wanted(filed, regions(filed.text, name))
        fresh = regions(self._fetch(self._query(wanted)), "the export")
        merged = merge(filed.text, name, fresh, over_edits=over_edits)
        if merged.text == filed.text:
            here().say(f"✔ {self.path} is up to date.", "good")
            return
        if merged.edited:
            kept = filing.keep(filed)
            said = f"{', '.join(merged.edited)} had been edited by hand; that is kept in {kept}."
            here().say(f"▲ {said}", "warn")
        filing.replace(filed, merged.text)
        here().say(f"✔ {self.path}: {self._told(merged.changed)}", "good")

    def _told(self, changed: tuple[str, ...]) -> str:
        return f"wrote {', '.join(changed)}." if changed else "only the marks are new."

    def _fetch(self, query: dict[str, Any]) -> str:
        return self.gateway.text(client.export(self.incident, "md", **query, marked=True))

    def _wanted(self, filed: Filed, found: tuple[Region, ...]) -> tuple[Region, ...]:
        """Return the regions that are written again: those asked for, or all."""
        asked = self.content.section or []
        there = {region.section for region in found}
        missing = [name for name in asked if name not in there]
        if missing or not found:
            section = missing[0] if missing else (asked[0] if asked else "timeline")
            raise UsageError(
                f"{filed.path.name} has no region {flat(section)}. Nothing was written.",
                help="Put these two lines where it should stand, and export again:\n"
                f"<!-- interlock:begin section={flat(section)} -->\n<!-- interlock:end -->",
            )
        return tuple(region for region in found if not asked or region.section in asked)

    def _query(self, wanted: tuple[Region, ...]) -> dict[str, Any]:
        """Return what was said, and of what was not said, what the file was made with."""
        query: dict[str, Any] = {"section": [region.section for region in wanted]}
        for fact in ("profile", "zone", "template"):
            made_with = {region.facts[fact] for region in wanted if fact in region.facts}
            if len(made_with) > 1 and not getattr(self.content, fact):
                raise UsageError(
                    f"The regions differ in {fact}: {', '.join(map(flat, sorted(made_with)))}.",
                    help=f"Write them one by one with --section, or say --{fact}.",
                )
            query |= {fact: made_with.pop()} if len(made_with) == 1 else {}
        unknown = [name for name in query["section"] if name not in NAMES]
        if unknown:
            raise UsageError(
                f"There is no section {flat(unknown[0])}.", help=f"Choose of: {', '.join(NAMES)}."
            )
        return query | {name: v for name, v in self.content.query().items() if name != "section"}
