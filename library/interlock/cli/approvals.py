"""`interlock approvals`: what waits for a yes, and saying yes or no.

A yes is never one key: the whole prompt is shown first and the target's name must be typed.
A plan (`P-1`) is one entry, one prompt and one vote; each of its targets is typed.
"""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from interlock import client, errors
from interlock.cli import refusal
from interlock.cli.home import USUAL, Access
from interlock.cli.incidents import moment
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
from interlock.client import Call

if TYPE_CHECKING:
    from interlock.client import Client


app = App(name="approvals", help="See what waits for a yes, and decide.")

NONE = "Nothing waits for approval. Runs ask when they reach an action step."
NOT_YOURS = "Nothing was sent."
Reason = Annotated[str, Parameter(name=["--reason", "-r"])]

_POLL_S = 30.0

_ENDS = {
    **dict.fromkeys(["approved", "executing", "succeeded", "resolved"], refusal.OK),
    **dict.fromkeys(["denied", "expired", "withdrawn", "revoked"], refusal.NO_APPROVAL),
    "invalidated": refusal.NO_APPROVAL,
    "failed": refusal.FAILED,
    "outcome_unknown": refusal.UNKNOWN,
    "pending": refusal.WAITING,
    "mixed": refusal.OK,
}


def _target(item: Json) -> str:
    """Return the name of the target; of a plan, the name of each, with a blank between."""
    if "members" in item:
        return " ".join(dict.fromkeys(map(_target, item["members"])))
    target = item.get("target", "")
    return flat(target.get("name", "") if isinstance(target, dict) else target)


def _listed(items: list[Json]) -> list[Json]:
    """Return a list in which the members of a plan that waits are one entry."""
    entries: dict[str, list[Json]] = {}
    for item in items:
        plan = item.get("plan") if item.get("state") == "pending" else ""
        entries.setdefault(str(plan or item["id"]), []).append(item)
    return [
        _entry(name, sorted(group, key=_place)) if group[0].get("plan") == name else group[0]
        for name, group in entries.items()
    ]


def _place(item: Json) -> int:
    return int(item.get("plan_place") or 0)


def _entry(plan: str, members: list[Json]) -> Json:
    names = ", ".join(flat(item.get("operation", "")) for item in members)
    whole = {"id": plan, "operation": f"plan of {len(members)}: {names}", "members": members}
    return members[0] | {"target": _target(whole)} | whole


def _state(item: Json) -> str:
    """Return where a request is, and that no approver decided where that is so."""
    broken = item.get("broken_by")
    return (
        f"{item.get('state', '')}, glass broken by {broken}"
        if broken
        else str(item.get("state", ""))
    )


LIST = [
    *(field("id"), Column("state", _state), field("incident"), field("requester")),
    Column("target", _target),
    Column("expires", lambda item: moment(item.get("expires_at"))[11:]),
    field("operation", shrinks=True),
]


@app.default
def approvals(*, access: Access = USUAL, form: Form = PLAIN) -> None:
    """See what waits for a yes, and decide; alone, lists what waits."""
    list_(access=access, form=form)


@app.command(name="list")
def list_(
    *, state: str = "pending", incident: str = "", access: Access = USUAL, form: Form = PLAIN
) -> None:
    """List approval requests.

    Args:
        state: pending, or another state; "" for all
        incident: only those of this incident
    """
    with access.connect() as gateway:
        found = gateway.send(client.approvals(state, incident))
    show_list(_listed(found["approvals"]), LIST, form, empty=NONE)
    if found.get("cut"):
        shown, total = len(found["approvals"]), int(found["total"])
        words = f"These are the newest {shown:,} of {total:,}; --incident INC-1 shows one's own."
        here().hint(words, "warn")


@app.command
def show(
    approval_id: str, /, *, wait: float = 0, access: Access = USUAL, form: Form = PLAIN
) -> int:
    """Show exactly what would run, for whom, and who may decide.

    Args:
        wait: wait up to this many seconds for a decision; the exit code then tells it
    """
    with access.connect() as gateway:
        item = gateway.send(_look(approval_id))
        if wait:
            item = _waited(gateway, item, wait)
    if form.json:
        show_one(item, [], form)
    else:
        _print_prompt(item)
        _print_votes(item)
    return _ENDS.get(item["state"], refusal.FAILED) if wait else refusal.OK


@app.command
def approve(
    approval_id: str, /, *, confirm: str = "", reason: Reason = "", access: Access = USUAL
) -> int:
    """Approve exactly what is shown, after typing the target's name.

    Args:
        confirm: the target's name, for scripts; asked for when left out. Of a plan, the name of
            each of its targets, with a blank between
        reason: why; goes on the timeline
    """
    world = here()
    with access.connect() as gateway:
        item = gateway.send(_look(approval_id))
        _print_prompt(item)
        if where := item.get("rule", {}).get("confirm_in"):
            message = f"{approval_id} is approved only in the {flat(where)}, freshly logged in."
            page = f"{access.credential().url}/approvals/{flat(approval_id)}"
            raise errors.refusal("confirm-in-web", message, help=f"Open {page} and log in there.")
        name = _target(item) or flat(item["operation"])  # a drill has no target
        word = "TARGET" if _target(item) else name
        how = f"Say which target: `interlock approvals approve {approval_id} --confirm {word}`."
        typed = confirm or world.question(f"Type {name} to approve, anything else to leave: ", how)
        if typed != name:
            world.say(f"{NOT_YOURS} {approval_id} still waits.")
            return refusal.FAILED
        return _voted(gateway.send(_vote(item, "approve", reason)))


@app.command
def deny(approval_id: str, /, *, reason: Reason = "", access: Access = USUAL) -> int:
    """Deny a request; nothing runs.

    Args:
        reason: why; the requester reads it
    """
    world = here()
    with access.connect() as gateway:
        item = gateway.send(_look(approval_id))
        _print_prompt(item)
        how = f"Say why: `interlock approvals deny {approval_id} --reason WHY`."
        words = reason or world.question("Why not? (the requester reads this) ", how)
        if not words:
            world.say(f"{NOT_YOURS} A denial needs a reason.")
            return refusal.FAILED
        return _voted(gateway.send(_vote(item, "deny", words)))


@app.command
def revoke(approval_id: str, /, *, reason: Reason = "", access: Access = USUAL) -> None:
    """Take a yes back that was not used yet; its approvers and the commander may.

    Parameters
    ----------
    approval_id: such as A-1
    reason: why; the requester reads it
    """
    if not reason.strip():
        raise errors.refusal("bad-request", 'Say why: --reason "..."')
    with access.connect() as gateway:
        gateway.send(client.revoke(approval_id, reason))
    here().say(f"✔ {flat(approval_id)} is revoked; nothing ran.", "good")


@app.command
def withdraw(approval_id: str, /, *, reason: Reason = "", access: Access = USUAL) -> None:
    """Withdraw your own request; nothing runs."""
    with access.connect() as gateway:
        take_back = client.withdraw_plan if _is_plan(approval_id) else client.withdraw
        gateway.send(take_back(approval_id, reason))
    here().say(f"✔ {flat(approval_id)} is withdrawn; nothing ran.", "good")


@app.command
def resolve(
    approval_id: str,
    outcome: Literal["succeeded", "failed"],
    /,
    *,
    reason: Reason,
    access: Access = USUAL,
) -> None:
    """Say what you found at the target when an outcome was unknown.

    Args:
        outcome: what really happened
        reason: how you know
    """
    with access.connect() as gateway:
        gateway.send(client.resolve(approval_id, outcome, reason))
    here().say(f"✔ {flat(approval_id)} is resolved: {outcome}.", "good")


def _is_plan(name: str) -> bool:
    return name.startswith("P-")


def _look(name: str, wait_s: float = 0, version: int = 0) -> Call:
    ask = client.plan if _is_plan(name) else client.approval
    return ask(name, wait_s, version, channel="cli")


def _vote(item: Json, choice: str, reason: str) -> Call:
    if "members" in item:
        digests = item["plan_digest"], item["prompt_digest"]
        return client.vote_on_plan(item["id"], choice, *digests, reason)
    digests = item["proposal_digest"], item["prompt_digest"]
    return client.vote(item["id"], choice, *digests, reason)


def _voted(item: Json) -> int:
    world, name = here(), flat(item["id"])
    match item["state"]:
        case "approved" | "succeeded" if item.get("operation") == "drill":
            world.say(f"✔ {name} is approved. It was a drill: nothing runs.", "good")
        case "approved" | "executing" | "succeeded":
            runs = "Each action runs" if "members" in item else "It runs"
            world.say(f"✔ {name} is approved. {runs} once, when its run picks it up.", "good")
        case "denied":
            world.say(f"✔ {name} is denied; nothing runs.", "good")
        case "pending":
            needs = flat(text_of(item.get("rule", {}).get("needs", "")))
            world.say(f"✔ Your vote counts. {name} needs {needs}; it still waits.", "good")
        case state:
            world.say(f"{name} is {flat(state)}.", "warn")
    return refusal.OK


def _waited(gateway: "Client", item: Json, wait: float) -> Json:
    """Wait for a decision, in polls no longer than the gateway allows."""
    if item["state"] == "pending":
        here().hint(f"Waiting up to {wait:g} s for {', '.join(_eligible(item))}.", "dim")
    left = wait
    while left > 0 and item["state"] == "pending":
        poll = min(left, _POLL_S)
        item = gateway.send(_look(item["id"], poll, item["version"]))
        left -= poll
    return item


def _print_prompt(item: Json) -> None:
    prose(text_of(item.get("prompt_text")))


def _print_votes(item: Json) -> None:
    world = here()
    world.say(f"\n{flat(item['id'])} is {flat(_state(item))}.", "strong")
    if broken := item.get("broken"):
        own = " for their own request" if broken["person"] == item.get("requester") else ""
        told = f"{broken['person']} broke the glass{own} at {moment(broken.get('at'))}"
        prose(f"{told}: {broken.get('reason', '')}", "  ")
    for vote in item.get("votes", []):
        reason = f": {vote['reason']}" if vote.get("reason") else ""
        prose(f"{vote['person']} voted {vote['vote']} at {moment(vote.get('at'))}{reason}", "  ")
    if item["state"] == "pending":
        prose(f"{', '.join(_eligible(item))} may decide until {moment(item['expires_at'])}.", "  ")
        if breakers := item.get("rule", {}).get("break_glass_by"):
            prose(f"{' or '.join(map(flat, breakers))} may break the glass, in the browser.", "  ")
        _print_untold(item)
        prose(f"next  interlock approvals approve {item['id']}  |  deny {item['id']}", "  ")


def _print_untold(item: Json) -> None:
    """Say since when, and why, nobody could be told of it elsewhere."""
    if found := item.get("untold"):
        since, trouble = moment(found["since"]), flat(found["trouble"])
        prose(f"Not told elsewhere since {since}: {trouble} Decide here or in the browser.", "  ")


def _eligible(item: Json) -> list[str]:
    return [flat(person) for person in item.get("rule", {}).get("eligible", [])] or ["nobody"]
