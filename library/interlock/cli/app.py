"""Which verbs there are, and where each is written; none is loaded before it is called."""

from importlib.metadata import version

from cyclopts import App, Parameter


def _version() -> str:
    return f"interlock {version('interlock-runbooks')}"


def _default(value: object) -> str | None:
    return str(value) if value not in ("", None, False, 0, ()) else None


app = App(
    name="interlock",
    help="Incident runbooks that cannot hurt production by accident.",
    help_format="plaintext",
    version=_version,
    default_parameter=Parameter(show_default=_default),
    result_action="return_value",
    print_error=False,
    exit_on_error=False,
    suppress_keyboard_interrupt=False,
)

VERBS = {
    "demo": "demo:demo",
    "up": "up:up",
    "gateway": "up:gateway",
    "doctor": "doctor:doctor",
    "login": "people:login",
    "whoami": "people:whoami",
    "incident": "incidents:app",
    "runbooks": "shelf:runbooks",
    "targets": "shelf:targets",
    "actions": "shelf:actions",
    "run": "run:run",
    "runs": "runs:app",
    "approvals": "approvals:app",
    "slack": "slack:app",
    "note": "notes:note",
    "decide": "notes:decide",
    "hypothesis": "hypotheses:app",
    "mark": "notes:mark",
    "pin": "notes:pin",
    "unpin": "notes:unpin",
    "follow-ups": "follow_ups:follow_ups",
    "view": "views:app",
    "timeline": "story:timeline",
    "evidence": "evidence:app",
    "verify": "verify:verify",
    "log": "log:app",
    "export": "exporting:export",
    "sql": "sql:app",
    "policy": "policy:app",
}
"""Each verb's module and attribute, below `interlock.cli`."""

for _name, _place in VERBS.items():
    app.command(f"interlock.cli.{_place}", name=_name)
