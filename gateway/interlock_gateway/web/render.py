"""The look of the web pages: views in, HTML out. No decisions, no clock, no requests.

Routes fill the frozen views of `page_views`, which can be had from here too, and send what the
functions return, with `HEADERS`. Pages work without JavaScript; the policy forbids any. Every
value shown passes through `visible`, then through Jinja's escaping, so that text from a notebook
or a target is data and nothing else.

The pages link to and post to these paths, which the routes provide:

    GET  /                            the incidents
    GET  /login      POST /login      code, next, csrf
                     POST /logout     csrf
    GET  /incidents/{id}              POST /incidents/{id}/followups/{id}/close  answer, csrf
                                      with GET /incidents/{id}/export?as=md|html|json&view=NAME@2
    GET  /incidents/{id}/write        POST /incidents/{id}/write/{what}   each form's fields, csrf
    GET  /incidents/{id}/views/{name} POST the same   base, order-0, text-0, …, pick-12, csrf
    GET  /approvals                   the inbox
    GET  /approvals/plan/{id}         with POST /approvals/plan/{id}/vote, the same fields
    GET  /approvals/{id}
                     POST /approvals/{id}/vote   vote, proposal_digest, prompt_digest, csrf, reason
                     POST /approvals/{id}/revoke   csrf, reason
                     POST /approvals/{id}/break  the same without vote, and target
    GET  /slack      POST /slack/code, /slack/unlink   csrf, account
    GET  /static/interlock.css        `stylesheet()`
"""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from interlock.export import Exhibit, Moment, Postmortem
from interlock.export.clock import clock
from interlock.export.html_exhibits import exhibit_html, exhibits_html
from interlock.export.html_ledger import ledger_html, links_html
from interlock.export.html_parts import cited
from interlock.export.model import GLYPHS, Tone
from interlock.export.text import capped, count, duration, line, offset, shown, visible
from interlock.export.to_html import stylesheet as record_stylesheet
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from interlock_gateway.core.approval import FRESH_LOGIN
from interlock_gateway.core.glass import LEAST_WORDS
from interlock_gateway.web.entry_page_views import ViewingView, WritingView
from interlock_gateway.web.page_views import (
    AccountView,
    ApprovalRow,
    ApprovalsView,
    ApprovalView,
    Argument,
    EvidenceRow,
    FollowUpRow,
    GlassView,
    IncidentRow,
    IncidentsView,
    IncidentView,
    LoginView,
    Outcome,
    Page,
    PlanView,
    Problem,
    ProblemView,
    RunRow,
    Viewer,
    VoteRow,
)

__all__ = [
    "CSP",
    "HEADERS",
    "MAX_PROPOSAL",
    "WAITING_S",
    "AccountView",
    "ApprovalRow",
    "ApprovalView",
    "ApprovalsView",
    "Argument",
    "EvidenceRow",
    "FollowUpRow",
    "GlassView",
    "IncidentRow",
    "IncidentView",
    "IncidentsView",
    "LoginView",
    "Outcome",
    "Page",
    "PlanView",
    "Problem",
    "ProblemView",
    "RunRow",
    "Viewer",
    "ViewingView",
    "VoteRow",
    "WritingView",
    "relative",
    "render_account",
    "render_approval",
    "render_approvals",
    "render_incident",
    "render_incidents",
    "render_login",
    "render_plan",
    "render_problem",
    "render_viewing",
    "render_writing",
    "stylesheet",
]

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""The content security policy of every page: no script, no frame, nothing from elsewhere."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: that would turn the Origin of our own forms into `null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every page is sent with."""

MAX_PROPOSAL = 100_000
"""Characters of a statement or its arguments that a page shows; beyond, it offers no vote."""

WAITING_S = 15
"""Seconds after which a page that waits, and has nothing to fill in, loads itself again."""

_FRESH_MINUTES = int(FRESH_LOGIN.total_seconds() // 60)


# --- pages -------------------------------------------------------------------------------------


def render_login(view: LoginView) -> str:
    """Return the page that asks for a one-time code."""
    return _write("login.html", view, here="login", minutes=_FRESH_MINUTES)


def render_account(view: AccountView) -> str:
    """Return the page on which a person links their Slack account."""
    return _write("account.html", view, here="slack")


def render_incidents(view: IncidentsView) -> str:
    """Return the list of incidents; an empty one says how to declare one."""
    return _write("incidents.html", view, here="incidents")


def render_incident(view: IncidentView) -> str:
    """Return one incident with roles, runs, approvals, timeline and exports."""
    return _write("incident.html", view, here="incidents", days=_days(view.record))


def render_writing(view: WritingView) -> str:
    """Return the page on which people write; it never loads itself again while they do."""
    return _write("writing.html", view, here="incidents")


def render_viewing(view: ViewingView) -> str:
    """Return the page on which a narrative view is picked, ordered and annotated."""
    return _write("viewing.html", view, here="incidents")


def render_approvals(view: ApprovalsView) -> str:
    """Return the inbox; it has nothing to fill in, so it loads itself again while it waits."""
    return _write("approvals.html", view, here="approvals", refresh_s=WAITING_S)


def render_approval(view: ApprovalView) -> str:
    """Return what an approver must see, and the vote where this viewer has one.

    A page with a form never loads itself again: what was typed would be lost, and what was
    read would no longer be what is voted on.
    """
    whole = _fits(view)
    pending = view.state == "pending"
    votable = view.may_vote and pending and whole
    breakable = view.glass.may and pending and whole
    waiting = view.state in {"pending", "approved", "executing"} and not (votable or breakable)
    return _write(
        "approval.html",
        view,
        here="approvals",
        refresh_s=WAITING_S if waiting and not _typing(view) else 0,
        votable=votable,
        breakable=breakable,
        minutes=_FRESH_MINUTES,
        least=LEAST_WORDS,
        whole=whole,
        unusual=_unusual(view),
        state=_state(view),
    )


def render_plan(view: PlanView) -> str:
    """Return all that a plan would do, and the one vote on it where this viewer has one."""
    whole = sum(map(_size, view.members)) <= MAX_PROPOSAL
    votable = view.may_vote and view.state == "pending" and whole
    waiting = view.state in {"pending", "approved", "executing", "mixed"} and not votable
    return _write(
        "plan.html",
        view,
        here="approvals",
        refresh_s=WAITING_S if waiting and not view.may_vote else 0,
        minutes=_FRESH_MINUTES,
        votable=votable,
        whole=whole,
        unusual=[_unusual(member) for member in view.members],
        state=_STATES.get(view.state, (Tone.UNKNOWN, view.state, "")),
    )


def render_problem(view: ProblemView) -> str:
    """Return an error page: what happened, which line, what to do next."""
    return _write("problem.html", view, here="")


@cache
def stylesheet() -> str:
    """Return the one style sheet: the look of a record, then that of the pages around it."""
    own = files("interlock_gateway.web").joinpath("static/interlock.css")
    return f"{record_stylesheet()}\n{own.read_text(encoding='utf-8')}"


# --- what an approver must be told -------------------------------------------------------------

_STATES: Mapping[str, tuple[Tone, str, str]] = {
    "pending": (Tone.WAITING, "Waiting for approval", "Nothing has run."),
    "approved": (Tone.OK, "Approved", "It has not run yet; the run that asked may use it once."),
    "denied": (Tone.REFUSED, "Denied", "Nothing ran."),
    "expired": (Tone.WARN, "Expired", "Nobody decided, or nobody used it, in time. Nothing ran."),
    "withdrawn": (Tone.WARN, "Withdrawn", "Nothing ran."),
    "revoked": (Tone.WARN, "Revoked", "Nothing ran."),
    "invalidated": (Tone.WARN, "Invalidated", "What it rested on changed. Nothing ran."),
    "executing": (Tone.WAITING, "Running now", "It was started; no outcome is recorded yet."),
    "succeeded": (Tone.OK, "Succeeded", "It ran once; it cannot be run again from here."),
    "failed": (Tone.BAD, "Failed, proven without effect", "The target did not carry it out."),
    "outcome_unknown": (
        Tone.UNKNOWN,
        "Outcome unknown",
        (
            "It may or may not have happened. What the target can prove is recorded by itself; "
            "otherwise look at it, then the commander resolves it."
        ),
    ),
    "resolved": (
        Tone.INFO,
        "Resolved",
        "Its outcome was unknown; the timeline says what it was, and how that is known.",
    ),
    "mixed": (Tone.INFO, "Decided", "Its actions are in different states; each says its own."),
}


def _state(view: ApprovalView) -> tuple[Tone, str, str]:
    tone, title, says = _STATES.get(view.state, (Tone.UNKNOWN, view.state, ""))
    if view.state == "approved" and view.glass.broken_by:
        return Tone.WARN, "Granted by break-glass", says  # nobody approved it
    return tone, title, "It is a drill: nothing runs." if view.drill else says


def _typing(view: ApprovalView) -> bool:
    """Tell whether somebody may be filling something in, or reading what went wrong."""
    return view.may_vote or view.revocable or view.problem is not None


def _fits(view: ApprovalView) -> bool:
    return _size(view) <= MAX_PROPOSAL


def _size(view: ApprovalView) -> int:
    return len(view.statement) + sum(len(shown(argument.value)) for argument in view.arguments)


def _unusual(view: ApprovalView) -> list[str]:
    """Name the characters of the proposal that could be taken for others, or are not seen."""
    pieces = [view.statement, *(shown(argument.value) for argument in view.arguments)]
    odd = dict.fromkeys(c for c in "".join(pieces) if not c.isascii() or visible(c) != c)
    named = [f"U+{ord(c):04X} {unicodedata.name(c, 'unnamed')}" for c in odd if c != "\r"]
    return named[:_NAMED] + ([f"{len(named) - _NAMED} more"] if len(named) > _NAMED else [])


_NAMED = 8


# --- the environment ---------------------------------------------------------------------------


def _write(template: str, view: Any, **more: Any) -> str:
    return _environment().get_template(template).render(view=view, page=view.page, **more)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("interlock_gateway.web"),
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "stamp": clock("UTC").stamp,
        "clock": clock("UTC").time,
        "line": line,
        "capped": capped,
        "shown": shown,
        "offset": offset,
        "duration": duration,
        "exhibits": _exhibits,
        "ledger": _ledger,
        "links": _links,
    }
    environment.globals |= {
        "count": count,
        "glyphs": GLYPHS,
        "late": clock("UTC").late,
        "relative": relative,
        "cited": _cited,
    }
    return environment


def _finalized(value: Any) -> Any:
    """Make every value that a template writes visible; markup was made so when it was built."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _exhibits(exhibits: tuple[Exhibit, ...], how: Literal["folded", "unfolded"] = "folded") -> Any:
    if how == "unfolded":
        return Markup("".join(exhibit_html(one, unfolded=True).source for one in exhibits))  # noqa: S704  built by interlock.export.markup, which escapes
    made: Any = exhibits_html(exhibits)
    return Markup(made.source) if made else ""  # noqa: S704  likewise


def _ledger(record: Postmortem) -> Any:
    sections = [one for one in _ledger_sections(record) if one is not None]
    return Markup("".join(one.source for one in sections))  # noqa: S704  built by interlock.export.markup, which escapes


def _ledger_sections(record: Postmortem) -> list[Any]:
    made: Any = ledger_html(record, clock("UTC"), cited)
    return list(made)


def _links(moment: Moment) -> Any:
    made: Any = links_html(moment, cited)
    return Markup(made.source) if made else ""  # noqa: S704  likewise


def _cited(events: tuple[str, ...]) -> str:
    return " ".join(f"[#{event}]" for event in events)


def _days(record: Postmortem) -> list[tuple[str, list[Moment]]]:
    days: dict[str, list[Moment]] = {}
    for moment in record.moments:
        day = clock("UTC").day(moment.time) if moment.time else "Without a usable time"
        days.setdefault(day, []).append(moment)
    return list(days.items())


def relative(when: datetime, now: datetime) -> str:
    """Return how far a time is from `now`: `in 4 min 10 s`, `41 s ago`."""
    seconds = (when.astimezone(UTC) - now.astimezone(UTC)).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {duration(seconds)}" if seconds > 0 else f"{duration(-seconds)} ago"
