"""The web pages' views, filled for a happy day; a test names only what matters to it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from interlock.export import build
from interlock.export.entries import HIDEABLE
from interlock.export.exhibits import grid_of
from interlock_gateway.web.entry_page_views import HypothesisRow, ViewRow
from interlock_gateway.web.render import (
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
    ViewingView,
    VoteRow,
    WritingView,
    render_approval,
    render_approvals,
    render_incident,
    render_incidents,
    render_login,
    render_plan,
    render_problem,
    render_viewing,
    render_writing,
)
from sample_incident import ARGUMENTS, INCIDENT, START, UPDATE, columns, sample


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


COLLEAGUE = Viewer(id="colleague", name="colleague", csrf="token-of-colleague", waiting=1)
PAGE = Page(now=at(90), viewer=COLLEAGUE)
STATEMENT = "UPDATE orders\nSET state = 'new'\nWHERE state = 'stuck' AND id <= :last"


def incident_row(**changes: Any) -> IncidentRow:
    row = IncidentRow(
        id="INC-1",
        title=INCIDENT["title"],
        severity="sev2",
        state="open",
        commander="you",
        declared_at=START,
        waiting=1,
    )
    return replace(row, **changes)


def approval_row(**changes: Any) -> ApprovalRow:
    row = ApprovalRow(
        id="A-1",
        state="pending",
        incident="INC-1",
        requester="you",
        operation="pg.terminate_backend",
        target="orders",
        tier="production",
        effect="admin",
        expires_at=at(964),
        may_vote=True,
    )
    return replace(row, **changes)


def approval(**changes: Any) -> ApprovalView:
    shape = columns("pid integer", "usename text", "state text", "query text")
    rows = [[28073, "checkout", "idle in transaction", UPDATE]]
    preview = grid_of("Backends it would end", {"columns": shape, "rows": rows})
    assert preview
    view = ApprovalView(
        page=PAGE,
        id="A-1",
        state="pending",
        incident="INC-1",
        incident_title=INCIDENT["title"],
        severity="sev2",
        run="R-1",
        step="terminate-root",
        requester="you",
        reason="It has been idle in a transaction for 7 min and blocks checkout",
        asked_at=at(64),
        expires_at=at(964),
        target="orders",
        tier="production",
        dialect="postgres",
        operation="pg.terminate_backend",
        effect="admin",
        statement="",
        arguments=tuple(Argument(name, **typed) for name, typed in ARGUMENTS.items()),
        preview=(preview,),
        touches="One session: its open transaction rolls back.",
        undo="None needed: the client reconnects; its open transaction is rolled back.",
        rule="one-other",
        needs="1 of: dba, commander",
        line="permissions.csv:17",
        eligible=("approver", "colleague"),
        votes=(),
        proposal_digest="sha256:" + "4" * 64,
        prompt_digest="sha256:" + "5" * 64,
        may_vote=True,
        prompt_text="A-1 · INC-1 sev2 · orders (production)\npg.terminate_backend pid=28073",
    )
    return replace(view, **changes)


def done() -> ApprovalView:
    result = grid_of(
        "Result", {"columns": columns("pg_terminate_backend boolean"), "rows": [[True]]}
    )
    verify = grid_of("Verification", {"columns": columns("still_there integer"), "rows": [[0]]})
    assert result
    assert verify
    outcome = Outcome(at=at(106), affected=1, elapsed_ms=12.4, exhibits=(result, verify))
    vote = VoteRow("colleague", "approve", at(105.3), "Same pid and start as in the finding")
    later = Page(now=at(130), viewer=COLLEAGUE)
    return approval(page=later, state="succeeded", votes=(vote,), may_vote=False, outcome=outcome)


def plan(**changes: Any) -> PlanView:
    second = approval(
        id="A-2", operation="execute", effect="write", statement=STATEMENT, max_rows=12,
        target="jobs", arguments=(Argument("last", "integer", 4711),),
    )  # fmt: skip
    view = PlanView(
        page=PAGE,
        id="P-1",
        state="pending",
        incident="INC-1",
        incident_title=INCIDENT["title"],
        severity="sev2",
        run="R-1",
        step="free-pool",
        requester="you",
        reason="Free the pool, then raise its limit",
        asked_at=at(64),
        expires_at=at(964),
        members=(approval(), second),
        clocks="5 min",
        eligible=("approver", "colleague"),
        votes=(),
        plan_digest="sha256:" + "6" * 64,
        prompt_digest="sha256:" + "7" * 64,
        prompt_text="P-1 · INC-1 · shown in web\n1 of 2\n  A-1 · pg.terminate_backend",
        may_vote=True,
    )
    return replace(view, **changes)


def broken() -> ApprovalView:
    glass = GlassView(
        roles=("sre",),
        broken_by="you",
        reason="Nobody of the dbas answers and checkout is down.",
        at=at(80),
    )
    return approval(state="approved", may_vote=False, grant_expires_at=at(380), glass=glass)


def owed(**changes: Any) -> FollowUpRow:
    row = FollowUpRow(
        id="F-1",
        about="A-1",
        text="you broke the glass for A-1 (pg.terminate_backend on orders). Was it right?",
        owner="you",
        opened_at=at(80),
        why_not="",
    )
    return replace(row, **changes)


def incident() -> IncidentView:
    return IncidentView(
        page=PAGE,
        incident=incident_row(),
        roles={"you": "commander", "colleague": "responder"},
        runs=(RunRow("R-1", "pg-lock-contention", "1.0.0", "curated", "you", "running", at(21)),),
        approvals=(approval_row(), approval_row(id="A-2", state="denied", may_vote=False)),
        record=build(INCIDENT, sample()),
        follow_ups=(
            owed(),
            owed(id="F-2", why_not="F-2 is about what you did yourself; somebody else closes it."),
            owed(id="F-3", closed_by="approver", answer="Right; pagers mended", closed_at=at(85)),
        ),
        evidence=(
            EvidenceRow(
                *("art_1", "12", "result of query.completed", "application/json", 340_000, 1_000),
            ),
            EvidenceRow(
                *("art_2", "14", "chart 1 of step.completed", "image/png", 45_000),
                gone="redacted by you, 2026-03-03 00:30Z: a customer's name",
            ),
        ),
        held="Held by you: the auditors ask for it",
    )


def incidents() -> IncidentsView:
    other = incident_row(
        id="INC-2", title="Late partitions", state="closed", severity="sev3", waiting=0,
        commander="", closed_at=at(80),
    )  # fmt: skip
    return IncidentsView(PAGE, (incident_row(), other))


WORDS = "<b>Ann</b> said \u202eso; " + "wide" * 60


def writing(**changes: Any) -> WritingView:
    """Return the page on which people write, with words that are hard on it."""
    view = WritingView(
        page=PAGE,
        incident=incident_row(),
        sheet=("Open hypotheses:", f"  H-1 (low): {WORDS} [#3]", "Open questions: none"),
        hypotheses=(
            HypothesisRow("H-1", "open", "low", WORDS, "", 3),
            HypothesisRow("H-2", "refuted", "high", "The disk is full", WORDS, 5),
        ),
        milestones=(("detected", "Detection"), ("key_moment", "Key moment")),
    )
    return replace(view, **changes)


def viewing(**changes: Any) -> ViewingView:
    """Return the page on which a view is made."""
    moments = build(INCIDENT, sample()).moments
    view = ViewingView(
        page=PAGE,
        incident=incident_row(),
        name="postmortem",
        version=2,
        rows=(
            ViewRow("10", "", WORDS[:200], WORDS),
            ViewRow("20", moments[0].events[0], "", WORDS, moments[0]),
            ViewRow("30", "99", "", ""),
        ),
        others=moments[1:],
        left=12,
        hide=("runs",),
        hideable=HIDEABLE,
        versions=(("postmortem", 2, "colleague", "2026-03-03T00:00:00Z"),),
    )
    return replace(view, **changes)


def pages() -> dict[str, str]:
    """Return every page, by a name for its screenshot."""
    nobody = Page(now=at(90))
    refused = Problem(
        "Somebody else must approve what you asked for.",
        code="self-approval",
        line="approvals.toml:4",
        help="Ask one of: approver, colleague.",
    )
    lost = Outcome(message="The connection was lost.")
    plan_row = approval_row(id="P-1", operation="a plan of 2 actions", count=2)
    whole = GlassView(("sre",), may=True, own=True, why_not="Yours is older.")
    why_not = "You asked for this yourself; somebody else must approve it."
    return {
        "login": render_login(LoginView(nobody)),
        "login-again": render_login(LoginView(nobody, next="/approvals/A-1", again=True)),
        "login-wrong": render_login(LoginView(nobody, problem=Problem("No such code."))),
        "incidents": render_incidents(incidents()),
        "incidents-none": render_incidents(IncidentsView(PAGE, ())),
        "incident": render_incident(incident()),
        "writing": render_writing(writing()),
        "writing-refused": render_writing(
            writing(form="note", typed={"text": WORDS}, problem=refused)
        ),
        "viewing": render_viewing(viewing()),
        "viewing-new": render_viewing(viewing(version=0, rows=(), left=0, versions=())),
        "approvals": render_approvals(
            ApprovalsView(
                PAGE, (approval_row(), plan_row), (approval_row(id="A-0", state="expired"),)
            )
        ),
        "approvals-none": render_approvals(ApprovalsView(PAGE, ())),
        "approval": render_approval(approval()),
        "approval-sql": render_approval(
            approval(
                operation="write", effect="write", statement=STATEMENT, max_rows=12,
                arguments=(Argument("last", "integer", 4711),),
            )
        ),
        "approval-not-mine": render_approval(approval(may_vote=False, why_not=why_not)),
        "approval-revocable": render_approval(
            approval(state="approved", may_vote=False, revocable=True, grant_expires_at=at(380))
        ),
        "approval-stale": render_approval(approval(stale=True)),
        "approval-glass": render_approval(
            approval(may_vote=False, why_not=why_not, glass=whole)
        ),
        "approval-glass-stale": render_approval(
            approval(may_vote=False, why_not=why_not, glass=replace(whole, may=False, stale=True))
        ),
        "approval-broken": render_approval(broken()),
        "approval-done": render_approval(done()),
        "approval-in-a-plan": render_approval(
            approval(may_vote=False, plan="P-1", why_not="This is part of P-1.")
        ),
        "plan": render_plan(plan()),
        "plan-stale": render_plan(plan(stale=True)),
        "plan-under-way": render_plan(
            plan(state="mixed", may_vote=False, members=(done(), approval(state="approved")))
        ),
        "approval-unknown": render_approval(
            approval(state="outcome_unknown", may_vote=False, outcome=lost)
        ),
        "problem": render_problem(ProblemView(PAGE, 403, refused)),
    }  # fmt: skip
