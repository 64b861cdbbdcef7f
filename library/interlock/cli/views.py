"""`interlock view`: an incident told in an order of your own, with headings and words."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

import difflib
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from interlock.cli.home import USUAL, Access
from interlock.cli.incidents import moment
from interlock.cli.page import PLAIN, Column, Form, Json, document, field, show_list
from interlock.cli.plain import flat
from interlock.cli.story import whole
from interlock.cli.world import here
from interlock.client import entries
from interlock.errors import InterlockError, UsageError
from interlock.export import Entry, build, view_form

if TYPE_CHECKING:
    from interlock.client import Client

app = App(name="view", help="Tell an incident in an order of your own, with headings and words.")

NAME = "postmortem"
NONE = "No view yet. Make one: interlock view edit {incident}"
_COLUMNS = [
    *(field("view"), field("version"), field("by")),
    Column("saved", lambda row: moment(row.get("at"))),
]
_NO_EDITOR = "Set EDITOR, or write the text into a file: `interlock view edit INC --file FILE`."


@app.command
def edit(
    incident_id: str, /, *, name: str = NAME, file: Path | None = None, access: Access = USUAL
) -> None:
    """Edit a view in your editor; saving makes its next version.

    Args:
        name: what the view is called
        file: a file to take the text from, instead of opening an editor
    """
    with access.connect() as gateway:
        path = here().cwd / file if file else _drafted(gateway, incident_id, name)
        version = _save(gateway, incident_id, name, path)
    if file is None:
        path.unlink()
    if version is None:
        here().say("Nothing was changed, so nothing was saved.")
        return
    here().say(f"✔ {flat(name)} is at version {version}.", "good")
    here().hint(f"  next  interlock export {flat(incident_id)} --view {flat(name)}", "dim")


@app.command(name="list")
def list_(incident_id: str, /, *, access: Access = USUAL, form: Form = PLAIN) -> None:
    """List every version of every view of an incident."""
    with access.connect() as gateway:
        found = gateway.send(entries.views(incident_id))["views"]
    show_list(found, _COLUMNS, form, empty=NONE.format(incident=flat(incident_id)))


@app.command
def show(
    incident_id: str, /, *, name: str = NAME, version: int = 0, access: Access = USUAL
) -> None:
    """Print a view as the text that you edit.

    Args:
        name: what the view is called
        version: an older version; the newest, if none is named
    """
    with access.connect() as gateway:
        found = gateway.send(entries.view(incident_id, name, version))
    document("\n".join(_lines(found)))


@app.command
def diff(
    incident_id: str,
    /,
    *,
    name: str = NAME,
    old: int = 0,
    new: int = 0,
    access: Access = USUAL,
) -> None:
    """Show what changed between two versions of a view.

    Args:
        name: what the view is called
        old: the older version; the one before the newer, if none is named
        new: the newer version; the newest, if none is named
    """
    with access.connect() as gateway:
        newer = gateway.send(entries.view(incident_id, name, new))
        number = old or int(newer["version"]) - 1
        if number < 1:
            raise UsageError(f"{name} has one version alone.", help="There is nothing to compare.")
        older = gateway.send(entries.view(incident_id, name, number))
    was, now = (f"{name}@{one['version']} by {one['by']}" for one in (older, newer))
    before, after = ([*view_form.written(form_of(one))][1:] for one in (older, newer))
    told = difflib.unified_diff(before, after, was, now, lineterm="", n=2)
    document("\n".join(told) or "They say the same.")


def form_of(view: Mapping[str, Any]) -> view_form.Form:
    """Return a view, as the gateway gives it, in the form in which it is edited."""
    items = []
    for item in view["items"]:
        about = {"heading": item["heading"]} if "heading" in item else {"event": item["sequence"]}
        items.append(about | ({"text": item["text"]} if item.get("text") else {}))
    return view_form.Form(tuple(items), tuple(view["hide"]), int(view["version"]))


def _lines(view: Mapping[str, Any]) -> Iterator[str]:
    yield f"// {view['view']}, version {view['version']}, saved by {view['by']} at {view['at']}"
    yield from view_form.written(form_of(view))


def _newest(gateway: "Client", incident_id: str, name: str) -> Json | None:
    known = gateway.send(entries.views(incident_id))["views"]
    if not any(row["view"] == name for row in known):
        return None
    return gateway.send(entries.view(incident_id, name))


def _drafted(gateway: "Client", incident_id: str, name: str) -> Path:
    """Let a person write a view in their editor, and return the file, which nobody else reads."""
    before = _newest(gateway, incident_id, name)
    path = _free(incident_id, name)
    path.touch(mode=0o600)
    path.write_text(_page(gateway, incident_id, name, before), "utf-8")
    _open_editor(path)
    return path


def _page(gateway: "Client", incident_id: str, name: str, before: Json | None) -> str:
    """Return what the editor shows: the view, and below it every event that it does not pick."""
    incident, found = whole(gateway, incident_id)
    moments = build(incident, [Entry(one["event"], one["parts"]) for one in found]).moments
    form = form_of(before) if before else view_form.Form(())
    picks = {str(item.get("event")) for item in form.items}
    lines = [f"// {name} of {incident_id}", ""]
    lines += [*view_form.written(form), "", "// Not picked; take // away before - to pick one:"]
    for one in moments:
        if not picks & {*one.events}:
            at = f"{one.time:%Y-%m-%d %H:%M:%S}Z" if one.time else "undated"
            what = flat(f"{one.who}: {one.what}")[:200]
            lines += [f"// {at} {what}", f"//- #{one.events[0]}"]
    return view_form.HOW + "\n".join(lines) + "\n"


def _free(incident_id: str, name: str) -> Path:
    """Return the path of a file that is not there yet."""
    safe = "".join(c if c.isalnum() or c == "-" else "_" for c in f"{incident_id}-{name}")
    folder = here().cwd
    path = folder / f"{safe}.view"
    number = 1
    while path.exists():
        path, number = folder / f"{safe}.{number}.view", number + 1
    return path


def _open_editor(path: Path) -> None:
    """Open a person's editor on a file, and wait until they close it.

    Raises:
        UsageError: there is none, or nobody who could use it, or it failed; the file stays.
    """
    world = here()
    named = world.environ.get("VISUAL") or world.environ.get("EDITOR") or ""
    if not named or not world.interactive:
        raise UsageError(f"There is no editor here. The text is in {path}.", help=_NO_EDITOR)
    command = [*shlex.split(named), os.fspath(path)]
    try:
        done = subprocess.run(command, check=False)  # noqa: S603  the person's own editor
    except OSError as error:
        message = f"{flat(named)} cannot be started: {error.strerror}. The text is in {path}."
        raise UsageError(message, help=_NO_EDITOR) from error
    if done.returncode:
        message = f"The editor ended with {done.returncode}; nothing was saved. "
        raise UsageError(f"{message}The text is in {path}.", help=_NO_EDITOR)


def _save(gateway: "Client", incident_id: str, name: str, path: Path) -> int | None:
    """Save what a file says, and take the file away; when that fails it stays, and is named."""
    try:
        form = view_form.read(path.read_text("utf-8"))
        if form.base and form == form_of(gateway.send(entries.view(incident_id, name, form.base))):
            return None
        wanted = {"base": form.base, "items": list(form.items), "hide": list(form.hide)}
        return int(gateway.send(entries.save_view(incident_id, name, wanted))["version"])
    except InterlockError as error:
        option = "" if name == NAME else f" --name {name}"
        again = f"Mend it there: `interlock view edit {incident_id}{option} --file {path.name}`."
        error.help = f"{error.help} Your text is in {path}. {again}".strip()
        raise
