"""An incident's record as a document: what was asked for is checked before anything is read."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from fastapi.responses import Response
from interlock.export import PROFILES, Form, form_of, read_known_at, render
from interlock.export.clock import clock
from interlock.export.templates import SHIPPED, Template, no_template, parse, shipped
from pydantic import BaseModel, ConfigDict, Field

from interlock_gateway.service.gateway import Gateway, TemplateSource
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.timeline import Depth
from interlock_gateway.web import sights
from interlock_gateway.web.exported import Told, page_with_proof


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants exported; "" and () for what they did not say.

    Attributes:
        view: a version of the narrative.
        known_at: the moment, or the last event, as of which the record is told.
    """

    form: str = "md"
    template: str = ""
    profile: str = ""
    zone: str = ""
    view: str = ""
    known_at: str = ""
    run: str = ""
    sections: tuple[str, ...] = ()
    marked: bool = False


class ExportQuery(BaseModel):
    """What an address may say about an export; what nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    form: Annotated[
        Literal["md", "html", "ipynb", "json", "jsonl", "csv"],
        Field(alias="as", description="The form of the document."),
    ] = "md"
    template: Annotated[str, Field(max_length=40, description="Of Markdown: which template.")] = ""
    profile: Annotated[
        Literal["", "internal", "external", "auditor"], Field(description="Who may read it.")
    ] = ""
    zone: Annotated[str, Field(max_length=64, description="A time zone beside UTC.")] = ""
    view: Annotated[str, Field(max_length=64, description="A version of the narrative.")] = ""
    known_at: Annotated[
        str, Field(max_length=64, description="As known then: an RFC 3339 time or a sequence.")
    ] = ""
    run: Annotated[str, Field(max_length=64, description="Of a notebook: one run alone.")] = ""
    section: Annotated[
        list[str], Field(max_length=32, description="Of Markdown: these sections alone.")
    ] = []
    marked: Annotated[
        bool, Field(description="Of Markdown: with marks, to be written into a file again.")
    ] = False

    def wish(self) -> Wish:
        """Return what is wanted."""
        return Wish(
            form=self.form,
            template=self.template,
            profile=self.profile,
            zone=self.zone,
            view=self.view,
            known_at=self.known_at,
            run=self.run,
            sections=tuple(self.section),
            marked=self.marked,
        )


async def exported(gateway: Gateway, who: Principal, incident: str, wish: Wish) -> Response:
    """Return the document; that it was taken is itself an event.

    Raises:
        InterlockError: what is asked for does not exist or does not go together, or may not be
            read; then nothing is recorded.
    """
    form, profile = form_of(wish.form), wish.profile or PROFILES[0]
    form.check(profile, _given(wish))
    zone = clock(wish.zone or "UTC").name
    options = await asyncio.to_thread(lambda: _options(wish, gateway.templates))
    await gateway.timeline.entries(who, incident, limit=1)  # whoever may not read is told first
    told = await _teller(gateway, incident, profile, wish)
    if form.name == "html" and profile != "external":
        timeline, bundling = gateway.timeline, gateway.proof.bundling
        content = await page_with_proof(who, incident, timeline, bundling, told, zone)
    else:  # readers outside get no proof: it holds the events whole
        depth = Depth.WHOLE if form.name in _WHOLE else Depth.SHOWN
        entries = await gateway.timeline.whole(who, incident, depth)
        writing = partial(_written, form, told, entries, zone, options)
        content = await asyncio.to_thread(writing)
        await gateway.proof.bundling.state(who, incident, form.name)
    headers = {"Content-Disposition": f'attachment; filename="{incident}.{form.ending}"'}
    return Response(content, media_type=form.media_type, headers=headers)


_WHOLE = frozenset({"ipynb", "json", "jsonl"})
"""Forms for programs: they get large results whole."""


async def _teller(gateway: Gateway, incident: str, profile: str, wish: Wish) -> Told:
    sight = await gateway.overview.incident(incident)
    known = read_known_at(wish.known_at) if wish.known_at else None
    anchored = await gateway.proof.log.anchored(incident)
    return partial(
        sights.postmortem,
        sight,
        profile=profile,
        anchored=anchored,
        known_at=known,
        view=wish.view,
    )


def _written(
    form: Form,
    told: Told,
    entries: Sequence[Mapping[str, Any]],
    zone: str,
    options: Mapping[str, Any],
) -> str:
    return render(form.name, told(entries), zone=zone, **options)


def _given(wish: Wish) -> Mapping[str, Any]:
    return {
        "template": wish.template,
        "sections": wish.sections,
        "marked": wish.marked,
        "run": wish.run,
    }


def _options(wish: Wish, templates: TemplateSource) -> dict[str, Any]:
    """Return what the form takes, with the template read."""
    given = dict(_given(wish))
    given["template"] = _template(wish.template, templates) if wish.template else None
    return given


def _template(name: str, templates: TemplateSource) -> Template:
    # A team's own comes first, also in the place of one that is shipped under that name.
    text = templates.read(name)
    if text is not None:
        return parse(text, name)
    if name in SHIPPED:
        return shipped(name)
    raise no_template(name[:80], (*SHIPPED, *templates.names()))
