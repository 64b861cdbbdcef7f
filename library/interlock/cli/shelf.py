"""What there is to use: runbooks, targets, actions."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from cyclopts import App

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
)
from interlock.cli.world import here
from interlock.runbook import Runbook, described, load

NO_RUNBOOKS = "No runbooks yet. Put notebooks into the gateway's runbooks/ folder."
NOT_FOUND = "Nothing matches. Try fewer or other words, or see all: interlock runbooks"
NO_TARGETS = "No targets yet. Name them in the gateway's policies/targets.toml."
NO_ACTIONS = "No actions yet. Describe them in the gateway's policies/actions/."

LIST = [
    *(field("id"), field("version"), field("domain"), field("status")),
    Column(
        "what it does", lambda item: item.get("summary") or item.get("title", ""), shrinks=True
    ),
]
DETAILS = [
    *(field("id"), field("title"), field("version"), field("status"), field("summary")),
    *(field("when"), field("not when"), field("owner"), field("escalate")),
    *(field("effects"), field("actions"), field("review due"), field("digest")),
]
TARGETS = [field("name"), field("dialect"), field("tier")]
ACTIONS = [field("id"), field("dialect"), field("title", shrinks=True)]

runbooks = App(name="runbooks", help="Find and read runbooks.")


@runbooks.default
def list_(*, access: Access = USUAL, form: Form = PLAIN) -> None:
    """Find and read runbooks; alone, lists them."""
    _list("", access, form, NO_RUNBOOKS)


@runbooks.command
def find(*words: str, access: Access = USUAL, form: Form = PLAIN) -> None:
    """List the runbooks that fit some words, best first.

    Args:
        words: what you see, for example: waiting on locks
    """
    _list(" ".join(words), access, form, NOT_FOUND)


@runbooks.command
def show(runbook_id: str, /, *, access: Access = USUAL, form: Form = PLAIN) -> None:
    """Say what a runbook does, what it takes and what its steps are."""
    with access.connect() as gateway:
        item = gateway.send(client.runbook(runbook_id))
    if form.json:
        show_one(item, [], form)
        return
    book = load(item["notebook"], runbook_id)
    show_one(_about(book), DETAILS, form)
    _outline(book)


def targets(*, access: Access = USUAL, form: Form = PLAIN) -> None:
    """List the systems that the gateway can reach."""
    with access.connect() as gateway:
        items = gateway.send(client.targets())["targets"]
    show_list(items, TARGETS, form, empty=NO_TARGETS)


def actions(action_id: str = "", /, *, access: Access = USUAL, form: Form = PLAIN) -> None:
    """List the catalogued actions, or show one.

    Args:
        action_id: show this one
    """
    with access.connect() as gateway:
        if action_id:
            item = gateway.send(client.action(action_id))
            show_one(item, [field(name) for name in item], form)
            return
        items = gateway.send(client.actions())["actions"]
    show_list(items, ACTIONS, form, empty=NO_ACTIONS)


def _list(words: str, access: Access, form: Form, empty: str) -> None:
    with access.connect() as gateway:
        items = gateway.send(client.runbooks(words))["runbooks"]
    show_list(items, LIST, form, empty=empty)


def _about(book: Runbook) -> Json:
    return {
        **{name: getattr(book, name) for name in ("id", "title", "version", "status", "summary")},
        "when": book.when,
        "not when": book.when_not,
        "owner": book.owner.team,
        "escalate": book.owner.escalation,
        "effects": book.effects,
        "actions": book.actions,
        "review due": book.reviewed.due,
        "digest": book.digest,
    }


def _outline(book: Runbook) -> None:
    """Print parameters and steps as the notebook itself declares them."""
    for title, lines in (("parameters", _params(book)), ("steps", _steps(book))):
        here().say(f"\n{title}" if lines else "", "strong")
        for line in lines:
            prose(line, "  ")
    missing = "".join(f" {name}=…" for name, param in book.params.items() if param.required)
    here().say(f"\nRun it: interlock run {book.id} -i INC-1{missing}")


def _params(book: Runbook) -> list[str]:
    return [
        " · ".join(filter(None, (name, described(param), param.help)))
        for name, param in book.params.items()
    ]


def _steps(book: Runbook) -> list[str]:
    return [
        f"{step.id} · {step.kind} · {step.title}{' · needs an approval' * step.mutating}"
        for step in book.steps
    ]
