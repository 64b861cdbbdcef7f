"""`interlock incident`: declare, look, lead, close."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from typing import Annotated, Literal

from cyclopts import App, Parameter

from interlock import client
from interlock.cli.home import USUAL, Access
from interlock.cli.page import (
    PLAIN,
    Column,
    Form,
    Json,
    field,
    prose,
    show_list,
    show_one,
    text_of,
)
from interlock.cli.plain import flat
from interlock.cli.world import here
from interlock.client import Call, entries
from interlock.export.sheet import sheet_lines

Severity = Literal["sev1", "sev2", "sev3", "sev4"]
Role = Literal["commander", "responder", "observer"]
Reason = Annotated[str, Parameter(name=["--reason", "-r"])]

NONE = 'No incidents yet. Declare one: interlock incident open "What users notice"'

LIST = [
    *(field("id"), field("severity"), field("state"), field("commander")),
    Column("declared", lambda item: moment(item.get("declared_at"))),
    field("title", shrinks=True),
]

DETAILS = [
    *(field("id"), field("title"), field("severity"), field("state"), field("commander")),
    field("roles"),
    Column("declared", lambda item: moment(item.get("declared_at"))),
    Column("closed", lambda item: moment(item.get("closed_at"))),
    Column("runs", lambda item: "\n".join(map(_run_line, item.get("runs", [])))),
    Column("approvals", lambda item: "\n".join(map(_approval_line, item.get("approvals", [])))),
]

OWED = [
    *(field("id"), field("state"), field("approval"), field("owner"), field("due")),
    *(field("closed_by"), field("text", shrinks=True)),
]

app = App(name="incident", help="Declare, show and lead incidents.")


@app.default
def incident(*, access: Access = USUAL, form: Form = PLAIN) -> None:
    """Declare, show and lead incidents; alone, lists them."""
    list_(access=access, form=form)


@app.command(name="open")
def open_(
    title: str, /, *, severity: Severity = "sev3", access: Access = USUAL, form: Form = PLAIN
) -> None:
    """Declare an incident; you become its commander.

    Args:
        title: what users notice, in a few words
        severity: sev1 (everything is down) to sev4 (nobody noticed yet)
    """
    answer = _send(access, client.declare_incident(title, severity))
    if form.json:
        show_one(answer, DETAILS, form)
        return
    here().say(f"✔ {answer['id']} is open ({severity}); you are its commander.", "good")
    here().hint(f"  next  interlock run RUNBOOK -i {answer['id']}", "dim")


@app.command(name="list")
def list_(*, access: Access = USUAL, form: Form = PLAIN) -> None:
    """List incidents, newest first."""
    show_list(_send(access, client.incidents())["incidents"], LIST, form, empty=NONE)


@app.command
def show(incident_id: str, /, *, access: Access = USUAL, form: Form = PLAIN) -> None:
    """Show one incident with its people, runs and approvals."""
    show_one(_send(access, client.incident(incident_id)), DETAILS, form)


@app.command
def take(incident_id: str, /, *, access: Access = USUAL) -> None:
    """Become the incident's commander, and see where it stands."""
    _done(access, client.take_incident(incident_id), f"{incident_id}: you are its commander.")
    _print_sheet(access, incident_id)


@app.command
def sheet(incident_id: str, /, *, access: Access = USUAL, form: Form = PLAIN) -> None:
    """Show where an incident stands: what is open, waits, or was found last."""
    if form.json:
        show_one(_send(access, entries.sheet(incident_id)), [], form)
        return
    _print_sheet(access, incident_id)


@app.command
def role(incident_id: str, person: str, role: Role, /, *, access: Access = USUAL) -> None:
    """Give a person a role on an incident."""
    call = client.assign_role(incident_id, person, role)
    _done(access, call, f"{incident_id}: {person} is {role}.")


@app.command
def severity(
    incident_id: str, severity: Severity, /, *, reason: Reason, access: Access = USUAL
) -> None:
    """Change how severe an incident is, and say why."""
    call = client.set_severity(incident_id, severity, reason)
    _done(access, call, f"{incident_id} is {severity}.")


@app.command(name="hand-over")
def hand_over(incident_id: str, to: str, /, *, summary: str, access: Access = USUAL) -> None:
    """Hand command to another person.

    Args:
        to: who commands from now on
        summary: where things stand, what is under way, what to watch
    """
    call = client.hand_over(incident_id, to, summary)
    _done(access, call, f"{incident_id}: {to} is its commander.")


@app.command
def close(incident_id: str, /, *, reason: Reason, access: Access = USUAL) -> None:
    """Close an incident: its runs end, what waits for approval is withdrawn."""
    _done(access, client.close_incident(incident_id, reason), f"{incident_id} is closed.")
    here().hint(f"  next  interlock export {flat(incident_id)} --as md", "dim")


@app.command
def reopen(incident_id: str, /, *, reason: Reason, access: Access = USUAL) -> None:
    """Reopen a closed incident."""
    _done(access, client.reopen_incident(incident_id, reason), f"{incident_id} is open again.")


@app.command
def seal(incident_id: str, /, *, confirm: str = "", access: Access = USUAL) -> None:
    """Seal a closed incident: nothing can be added to it ever again.

    Args:
        confirm: the incident's id once more; asked for when left out
    """
    world = here()
    how = f"Say it twice: `interlock incident seal {incident_id} --confirm {incident_id}`."
    typed = confirm or world.question(f"Type {flat(incident_id)} to seal it for ever: ", how)
    if typed != incident_id:
        world.say("Nothing was sealed.")
        return
    _done(access, client.seal_incident(incident_id), f"{incident_id} is sealed.")


@app.command(name="follow-ups")
def follow_ups(incident_id: str, /, *, access: Access = USUAL, form: Form = PLAIN) -> None:
    """List what the postmortem owes an answer to, and what is to be done."""
    found = _send(access, entries.follow_ups(incident_id))["followups"]
    none = f'Nothing is to be done: interlock note {flat(incident_id)} "…" --todo'
    show_list(found, OWED, form, empty=none)


@app.command(name="follow-up")
def follow_up(
    incident_id: str, followup_id: str, /, *, answer: str, access: Access = USUAL
) -> None:
    """Close a follow-up: yours, or as the commander or a responder.

    One about a broken glass is closed by the commander or by who could have approved it, never
    by whose deed it is about.

    Args:
        answer: what came of it
    """
    call = entries.close_follow_up(incident_id, followup_id, answer)
    _done(access, call, f"{incident_id}: {followup_id} is closed.")


def moment(value: object) -> str:
    """Return an ISO time as `2026-11-23 10:42:07Z`; anything else as it is."""
    text = text_of(value)
    if len(text) >= len("2026-11-23T10:42:07") and text[10] == "T":
        return f"{text[:10]} {text[11:19]}Z"
    return text


def _send(access: Access, call: Call) -> Json:
    with access.connect() as gateway:
        return gateway.send(call)


def _done(access: Access, call: Call, words: str) -> None:
    _send(access, call)
    here().say(f"✔ {flat(words)}", "good")


def _print_sheet(access: Access, incident_id: str) -> None:
    """Print where it stands; words of people are wrapped below their list."""
    for line in sheet_lines(_send(access, entries.sheet(incident_id))):
        prose(line)


def _run_line(run: Json) -> str:
    return f"{run.get('id')} {run.get('runbook', '')} {run.get('state', '')}"


def _approval_line(approval: Json) -> str:
    what = approval.get("operation", "")
    return f"{approval.get('id')} {approval.get('state', '')} {text_of(what)}"
