"""Exports: from a timeline to a postmortem that is pleasant to read and safe to paste.

`build` reads an incident and its entries into frozen values; `markdown`, `html` and `document`
write them. Each line cites the events it was read from as `[#12]`.

Example:
    >>> from interlock.export import build, render
    >>> text = render("md", build({"id": "INC-1", "title": "Checkout stalls"}, []))
    >>> text.splitlines()[0]
    '# Postmortem INC-1: Checkout stalls'
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interlock.errors import UsageError
from interlock.export.build import NOT_ANCHORED, build
from interlock.export.model import Entry, Exhibit, Moment, Postmortem, Tone
from interlock.export.to_document import document, document_text
from interlock.export.to_html import html
from interlock.export.to_markdown import markdown
from interlock.export.views import told_by

__all__ = [
    "FORMS",
    "NOT_ANCHORED",
    "Entry",
    "Exhibit",
    "Form",
    "Moment",
    "Postmortem",
    "Tone",
    "build",
    "document",
    "document_text",
    "html",
    "markdown",
    "render",
    "told_by",
]


@dataclass(frozen=True, slots=True)
class Form:
    """One form of export: what `--as` calls it, its media type and how it is written."""

    name: str
    media_type: str
    write: Callable[..., str]


FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form("md", "text/markdown; charset=utf-8", markdown),
        Form("html", "text/html; charset=utf-8", html),
        Form("json", "application/json", document_text),
    )
}
"""Every form that `interlock export --as` takes; the name is also the file's suffix."""


def render(form: str, postmortem: Postmortem, *, zone: str = "UTC", view: str = "") -> str:
    """Return the postmortem in one of `FORMS`, as its view `NAME` or `NAME@VERSION` tells it.

    Raises:
        UsageError: no such form, no such time zone, or no such view.
    """
    known = FORMS.get(form)
    if known is None:
        raise UsageError(
            f"There is no export as {form!r}.",
            code="bad-request",
            help=f"Choose one of: {', '.join(FORMS)}.",
        )
    return known.write(told_by(postmortem, view), zone=zone)
