"""`interlock runs`: what a run did."""

from cyclopts import App

from interlock import client
from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Column, Form, Json, field, show_one, text_of

app = App(name="runs", help="See what a run did.")

DETAILS = [
    *(field("id"), field("incident"), field("runbook"), field("version"), field("mode")),
    *(field("state"), field("requester"), field("digest")),
    Column("steps", lambda item: "\n".join(map(_step_line, item.get("steps", [])))),
]


@app.command
def show(run_id: str, /, *, access: Access = USUAL, form: Form = PLAIN) -> None:
    """Show one run and how each of its steps ended."""
    with access.connect() as gateway:
        item = gateway.send(client.run(run_id))
    show_one(item.get("run", item), DETAILS, form)


def _step_line(step: Json) -> str:
    finding = step.get("finding") or {}
    words = [step.get("id") or step.get("step"), step.get("state"), finding.get("text")]
    return "  ".join(text_of(word) for word in words if word)
