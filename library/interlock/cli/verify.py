"""Checks what proves a record: an evidence bundle, or the gateway's whole log."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from interlock import client
from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Form, Json, show_list
from interlock.cli.plain import flat
from interlock.cli.verify_doc import verify_document
from interlock.cli.world import here
from interlock.errors import UsageError
from interlock.proof import Finding, Key, ProofError, read_key
from interlock.proof.bundle_checks import bundle_findings, files_of
from interlock.proof.log_checks import LogEntry, log_findings

if TYPE_CHECKING:
    from interlock.client import Client

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class _Given:
    """What the reader knows from elsewhere: the log's keys, and checkpoints kept outside."""

    keys: list[Key]
    outside: str | None


@Parameter(name="*", group="Instead of a file")
@dataclass(frozen=True, slots=True)
class Instead:
    """What else can be checked.

    Attributes:
        log: the gateway's whole log, event by event
        doc: what a Markdown file cites, sentence by sentence
        incident: of --doc: the incident that the file is about
    """

    log: Annotated[bool, Parameter(negative="")] = False
    doc: Path | None = None
    incident: Annotated[str, Parameter(name=["--incident", "-i"])] = ""


NOTHING = Instead()
"""No option given: a file is checked."""


def verify(
    file: Path | None = None,
    /,
    *,
    instead: Instead = NOTHING,
    key: tuple[str, ...] = (),
    anchor: Path | None = None,
    access: Access = USUAL,
    form: Form = PLAIN,
) -> int:
    """Check that a record is complete and unchanged, and say exactly what is not.

    Args:
        file: an evidence bundle (a .zip, or the folder it was unpacked to) or an exported .html
        key: a key of the log, as you know it; repeatable
        anchor: a file with checkpoints that were kept outside the store
    """
    doc = instead.doc
    asked = (file is not None) + instead.log + (doc is not None)
    if asked != 1 or bool(instead.incident) != (doc is not None):
        raise UsageError(
            "Name a bundle or a page, ask for the whole log, or name a document and its incident.",
            help="interlock verify INC-1.bundle.zip, or --log, or --doc postmortem.md -i INC-1",
        )
    if doc is not None:
        return verify_document(doc, instead.incident, access=access, form=form)
    try:
        given = _Given([read_key(text) for text in key], _outside(anchor))
        found = _of_log(given, access) if file is None else _of_file(here().cwd / file, given)
    except ProofError as error:
        raise UsageError(flat(str(error)), help="Nothing was verified.") from error
    return _told(found, form)


def _outside(anchor: Path | None) -> str | None:
    try:
        return (here().cwd / anchor).read_text("utf-8") if anchor else None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{anchor} cannot be read: {error}.") from error


def _of_file(path: Path, given: _Given) -> list[Finding]:
    if not path.exists():
        raise UsageError(f"There is no {path}.", help="interlock export INC-1 --as bundle")
    if path.suffix == ".html":
        return _of_page(path, given)
    return list(bundle_findings(files_of(path), given.keys, given.outside))


def _of_page(path: Path, given: _Given) -> list[Finding]:
    """Return what an exported page proves, from its text alone; its script is not run."""
    from interlock.export.html_check import page_findings  # noqa: PLC0415  bundles need none of it

    try:
        page = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    return list(page_findings(page, trusted=given.keys, outside=given.outside))


def _of_log(given: _Given, access: Access) -> list[Finding]:
    with access.connect() as gateway:
        status = gateway.send(client.log_status())
        if not status["checkpoint"]:
            raise UsageError("Nothing was recorded yet: the log has no checkpoint.")
        keys = given.keys or [read_key(one["key"]) for one in status["keys"]]
        found = list(log_findings(_entries(gateway), status["checkpoint"], keys, given.outside))
    if not given.keys:
        text = f"The gateway itself named {', '.join(one.id for one in keys)}: compare with yours."
        found.append(Finding("keys", True, text))
    return found


def _entries(gateway: "Client") -> Iterator[LogEntry]:
    first = 0
    while page := gateway.send(client.log_entries(first, _AT_ONCE))["entries"]:
        for one in page:
            leaf = bytes.fromhex(one["leaf"])
            yield LogEntry(int(one["logindex"]), one["body"].encode(), leaf)
        first += len(page)


def _told(found: list[Finding], form: Form) -> int:
    """Show what was found; the exit code is 1 where something does not hold."""
    wrong = sum(not finding.holds for finding in found)
    if form.json:
        rows: list[Json] = [
            {"about": one.about, "holds": one.holds, "text": one.text} for one in found
        ]
        show_list(rows, [], form, empty="")
        return 1 if wrong else 0
    world = here()
    for finding in found:
        sign, style = ("✔", "good") if finding.holds else ("✖", "bad")
        world.say(f"{sign} {flat(finding.about)}: {flat(finding.text)}", style)
    if wrong:
        world.say(f"✖ {wrong} of it does not hold.", "bad")
        return 1
    world.say("✔ Everything in it holds.", "good")
    return 0
