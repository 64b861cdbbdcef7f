"""Exports: from a timeline to a postmortem that is pleasant to read and safe to paste.

`build` reads an incident and its entries into frozen values; `markdown`, `html`, `document` and
their siblings write them. Each line cites the events it was read from as `[#12]`.

Example:
    >>> from interlock.export import build, render
    >>> text = render("md", build({"id": "INC-1", "title": "Checkout stalls"}, []))
    >>> text.splitlines()[0]
    '# Postmortem INC-1: Checkout stalls'
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.errors import UsageError
from interlock.export.about import NOT_ANCHORED
from interlock.export.account import Anchored
from interlock.export.build import build
from interlock.export.known import read_known_at
from interlock.export.model import Entry, Exhibit, Moment, Postmortem, Tone
from interlock.export.profiles import PROFILES, build_for
from interlock.export.to_csv import csv_text
from interlock.export.to_document import document, document_text, lines_text
from interlock.export.to_html import html, page_digest
from interlock.export.to_ipynb import notebook_text
from interlock.export.to_markdown import markdown
from interlock.export.views import told_by

__all__ = [
    "FORMS",
    "NOT_ANCHORED",
    "PROFILES",
    "Anchored",
    "Entry",
    "Exhibit",
    "Form",
    "Moment",
    "Postmortem",
    "Tone",
    "build",
    "build_for",
    "csv_text",
    "document",
    "document_text",
    "form_of",
    "html",
    "lines_text",
    "markdown",
    "notebook_text",
    "page_digest",
    "read_known_at",
    "render",
    "told_by",
]


@dataclass(frozen=True, slots=True)
class Form:
    """One form of export.

    Attributes:
        name: what `--as` calls it.
        media_type: as HTTP says it.
        write: gets the postmortem, and of the options those that were given.
        takes: the options that mean something in this form.
        profiles: for whom it can be made.
        suffix: of a file's name; the form's name unless said.
    """

    name: str
    media_type: str
    write: Callable[..., str]
    takes: frozenset[str] = frozenset({"zone"})
    profiles: frozenset[str] = frozenset(PROFILES)
    suffix: str = ""

    @property
    def ending(self) -> str:
        """How the name of such a file ends, without a dot."""
        return self.suffix or self.name

    def check(self, profile: str, options: Mapping[str, Any]) -> None:
        """Refuse what does not go together.

        Raises:
            UsageError: an option or a profile that this form does not have.
        """
        odd = [name for name, value in options.items() if value and name not in self.takes]
        if odd:
            takes = ", ".join(sorted(self.takes))
            raise UsageError(
                f"An export as {self.name} has no option {odd[0]}.",
                code="bad-request",
                help=f"It takes {takes}; {_who_takes(odd[0])}.",
            )
        if profile not in self.profiles:
            known = PROFILES if profile in PROFILES else ()
            why = f"An export as {self.name} is not made for {profile!r} readers."
            able = ", ".join(sorted(self.profiles)) if known else ", ".join(PROFILES)
            raise UsageError(why, code="bad-request", help=f"Choose of: {able}.")


FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form(
            "md",
            "text/markdown; charset=utf-8",
            markdown,
            frozenset({"zone", "template", "sections", "marked"}),
        ),
        Form("html", "text/html; charset=utf-8", html),
        Form(
            "ipynb",
            "application/x-ipynb+json",
            notebook_text,
            frozenset({"zone", "run"}),
            # Its cells and outputs are what readers outside do not get.
            frozenset({"internal", "auditor"}),
        ),
        Form("json", "application/json", document_text),
        Form("jsonl", "application/jsonl; charset=utf-8", lines_text),
        Form("csv", "text/csv; charset=utf-8; header=present", csv_text),
    )
}
"""Every form that `interlock export --as` takes."""


def _who_takes(option: str) -> str:
    able = [form.name for form in FORMS.values() if option in form.takes]
    return f"{option} goes with {', '.join(able)}" if able else f"no form has {option}"


def form_of(name: str) -> Form:
    """Return one of `FORMS`.

    Raises:
        UsageError: there is no such form.
    """
    known = FORMS.get(name)
    if known is None:
        raise UsageError(
            f"There is no export as {name!r}.",
            code="bad-request",
            help=f"Choose one of: {', '.join(FORMS)}.",
        )
    return known


def render(
    form: str, postmortem: Postmortem, *, zone: str = "UTC", view: str = "", **options: Any
) -> str:
    """Return the postmortem in one of `FORMS`.

    Args:
        form: its name.
        postmortem: what `build` returned.
        zone: an IANA time zone shown beside UTC, where the form shows times.
        view: `NAME` or `NAME@VERSION` of a narrative view that tells it; "" for none.
        options: what else the form takes; what is empty was not given.

    Raises:
        UsageError: no such form, time zone, view or option.
    """
    known = form_of(form)
    known.check(postmortem.profile, options)
    given = {name: value for name, value in options.items() if value}
    return known.write(told_by(postmortem, view), zone=zone, **given)
