"""`interlock evidence`: list what an incident holds, open it, hold it, destroy it."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from interlock import client
from interlock.cli.filing import Filing
from interlock.cli.home import USUAL, Access
from interlock.cli.incidents import moment
from interlock.cli.page import PLAIN, Column, Form, Json, document, field, show_list
from interlock.cli.plain import flat
from interlock.cli.world import here
from interlock.errors import UsageError

Reason = Annotated[str, Parameter(name=["--reason", "-r"])]


def _state(item: Json) -> str:
    gone = item["gone"]
    if not gone:
        return "kept"
    return f"{gone['kind']} by {gone['by']} {moment(gone['at'])}: {gone['reason']}"


def _size(size: int) -> str:
    return f"{size / 1000:,.1f} kB" if size >= 1000 else f"{size} B"  # noqa: PLR2004  a kilobyte


NONE = "Nothing here is larger than 8 KB. Smaller values stand in the timeline; --all lists them."
_NOTHING = "Nothing is recorded yet."

LIST = [
    Column("at", lambda item: f"#{item['sequence']}"),
    *(field("id"), field("part"), Column("from", lambda item: item["what"], shrinks=True)),
    Column("size", lambda item: _size(item["size"])),
    Column("rows", lambda item: "" if item["rows"] is None else f"{item['rows']:,}"),
    Column("state", _state),
]

app = App(name="evidence", help="List, open, hold and redact what an incident holds.")


@app.command(name="list")
def list_(
    incident_id: str,
    /,
    *,
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    access: Access = USUAL,
    form: Form = PLAIN,
) -> None:
    """List an incident's evidence: answers, outputs and charts that are kept apart.

    Args:
        all_: list what stands in the timeline too; each has an id, by which it can be redacted
    """
    with access.connect() as gateway:
        found = gateway.send(client.evidence(incident_id))
    listed = [one for one in found["evidence"] if all_ or one["artifact"] or one["gone"]]
    show_list(listed, LIST, form, empty=_NOTHING if all_ else NONE)
    if found["held"] and not form.json:
        held = found["held"]
        here().hint(f"Held by {flat(held['by'])}: {flat(held['reason'])}. Nothing expires.")


@app.command
def show(
    evidence_id: str,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    access: Access = USUAL,
) -> None:
    """Open a piece of evidence in full; that you did is in the timeline.

    Args:
        output: the file to write, which only you can read; without it, text is printed
    """
    world = here()
    if output is None and world.tables:
        world.hint("This is recorded: who opened which evidence is in the timeline.", "dim")
    with access.connect() as gateway:
        content = gateway.content(client.open_evidence(evidence_id))
    if output is not None:
        path = world.cwd / output
        Filing(path).put(content, mode=0o600)
        world.say(f"✔ {flat(path)} ({_size(len(content))})", "good")
        return
    try:
        document(content.decode())
    except UnicodeDecodeError:
        how = f"Write it to a file: `interlock evidence show {flat(evidence_id)} --out FILE`."
        raise UsageError("This is no text.", help=how) from None


@app.command
def redact(
    evidence_id: str, /, *, reason: Reason, confirm: str = "", access: Access = USUAL
) -> None:
    """Destroy a piece of evidence and every copy of it; nobody can bring it back.

    The incident's commander or a steward may. The event stays, and says who did it and why.

    Args:
        reason: why; it stands wherever the content would
        confirm: the id once more; asked for when left out
    """
    world = here()
    shown = flat(evidence_id)
    how = f"Say it twice: `interlock evidence redact {shown} --confirm {shown} --reason …`."
    typed = confirm or world.question(f"Type {shown} to destroy it for ever: ", how)
    if typed != evidence_id:
        world.say("Nothing was destroyed.")
        return
    with access.connect() as gateway:
        done = gateway.send(client.redact_evidence(evidence_id, reason))
    copies = ", ".join(map(flat, done["copies"])) or "none"
    world.say(f"✔ {shown} is destroyed; copies of it: {copies}.", "good")
    if not done["erased"]:
        world.hint("Its bytes may still be in the store's files: docs/guide.md says until when.")
    world.hint("What was exported, told in Slack or backed up before is not reached.", "dim")


@app.command
def hold(incident_id: str, /, *, reason: Reason, access: Access = USUAL) -> None:
    """Keep an incident's evidence until it is released: nothing of it expires.

    Args:
        reason: why it is kept
    """
    with access.connect() as gateway:
        gateway.send(client.hold_evidence(incident_id, reason))
    here().say(f"✔ {flat(incident_id)}: its evidence is held.", "good")


@app.command
def release(incident_id: str, /, *, reason: Reason, access: Access = USUAL) -> None:
    """Let an incident's evidence expire in its time again.

    Args:
        reason: why it need not be kept any longer
    """
    with access.connect() as gateway:
        gateway.send(client.release_evidence(incident_id, reason))
    here().say(f"✔ {flat(incident_id)}: its evidence is not held any more.", "good")
