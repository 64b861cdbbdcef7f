"""What each web page shows, as frozen values that routes fill and `render` writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.export import Exhibit, Postmortem

from interlock_gateway.service.telling import Untold


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the page.

    Attributes:
        csrf: the token that this person's forms must bring back.
        waiting: approvals that wait for this person's vote, among those that were looked at.
        at_least: whether more wait that were not looked at.
        slack: whether approvals are asked for in Slack, where accounts are linked.
    """

    id: str
    name: str
    csrf: str
    waiting: int = 0
    at_least: bool = False
    slack: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in the words of `interlock.errors`: what, which line, what next."""

    message: str
    code: str = ""
    line: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What every page has: its viewer (None before the log-in) and the time it was made."""

    now: datetime
    viewer: Viewer | None = None


@dataclass(frozen=True, slots=True)
class LoginView:
    """The log-in page; `next` is the path to go to afterwards, already checked to be ours.

    Attributes:
        csrf: a token for the form, where the routes use one before the log-in.
        local_people: whether people were made up on this machine, which the page then says.
        again: whether somebody comes from a page that asks for a fresh login.
    """

    page: Page
    next: str = "/"
    csrf: str = ""
    local_people: bool = True
    problem: Problem | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident in the list; `waiting` approvals wait in it, for whomever."""

    id: str
    title: str
    severity: str
    state: str
    commander: str
    declared_at: datetime
    closed_at: datetime | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class IncidentsView:
    """The incidents, in the order in which they are shown."""

    page: Page
    incidents: tuple[IncidentRow, ...]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of an incident; `state` as the API says it."""

    id: str
    runbook: str
    version: str
    mode: str
    requester: str
    state: str
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """One approval request in a list, or a plan; `may_vote` is about the viewer.

    Attributes:
        plan: the plan that an approval request is part of; "" for one alone.
        count: how many actions a plan asks for; 0 where it is an approval request.
        broken_by: who did without its approvers, or "".
    """

    id: str
    state: str
    incident: str
    requester: str
    operation: str
    target: str
    tier: str
    effect: str
    expires_at: datetime
    may_vote: bool = False
    plan: str = ""
    count: int = 0
    broken_by: str = ""
    drill: bool = False


@dataclass(frozen=True, slots=True)
class FollowUpRow:
    """What a postmortem owes an answer to, or its answer.

    Attributes:
        owner: who led the incident when it was opened, or "".
        why_not: why the viewer may not close it, in a sentence; "" when they may.
        answer, closed_by, closed_at: how it ended; "", "" and None while it is open.
        due: the day until which it is to be done, or "".
    """

    id: str
    about: str
    text: str
    owner: str
    opened_at: datetime
    why_not: str
    answer: str = ""
    closed_by: str = ""
    closed_at: datetime | None = None
    due: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A piece of evidence that is kept apart, or is gone.

    Attributes:
        event: the event that it belongs to, as cited.
        what: what it is, such as `result of query.completed`.
        size: in bytes.
        rows: how many it has; None where it has none.
        gone: why it is not there any more, by whom and when; "" while it is.
    """

    id: str
    event: str
    what: str
    mediatype: str
    size: int
    rows: int | None = None
    gone: str = ""


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident with its timeline.

    Attributes:
        roles: person → role.
        record: what `interlock.export.build` made of the incident's entries.
        follow_ups: what the postmortem owes an answer to.
        evidence: what is kept apart from the timeline, or was destroyed.
        held: who holds the evidence and why, in a sentence; "" for nobody.
    """

    page: Page
    incident: IncidentRow
    roles: Mapping[str, str]
    runs: tuple[RunRow, ...]
    approvals: tuple[ApprovalRow, ...]
    record: Postmortem
    follow_ups: tuple[FollowUpRow, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()
    held: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalsView:
    """The inbox: what waits, then what was decided lately; `more` wait and are not shown."""

    page: Page
    pending: tuple[ApprovalRow, ...]
    decided: tuple[ApprovalRow, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Argument:
    """One typed argument of an action or parameter of a statement."""

    name: str
    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class VoteRow:
    """One person's vote."""

    person: str
    vote: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an approved request.

    Attributes:
        exhibits: result and verification, as `interlock.export.exhibits.grid_of` makes them.
    """

    at: datetime | None = None
    message: str = ""
    code: str = ""
    affected: int | None = None
    elapsed_ms: float | None = None
    exhibits: tuple[Exhibit, ...] = ()


@dataclass(frozen=True, slots=True)
class GlassView:
    """The glass of an approval, as one person sees it.

    Attributes:
        roles: who may break it, by policy; empty for nobody.
        may: whether the viewer may break it now, by the form.
        stale: whether only a fresh login keeps the viewer from it.
        why_not: why the viewer may not, in a sentence, where they hold one of the roles.
        own: whether the viewer asked for this themselves.
        broken_by, reason, at: who broke it, why and when; "", "" and None where nobody did.
    """

    roles: tuple[str, ...] = ()
    may: bool = False
    stale: bool = False
    why_not: str = ""
    own: bool = False
    broken_by: str = ""
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """One approval request as one person sees it; everything in the prompt stands here.

    Attributes:
        operation: the action's id, or the effect of a statement.
        statement: the exact statement; "" for an action.
        arguments: the exact arguments or parameters, all of them.
        preview: what a read found that would change, as grids; empty when there is none.
        no_preview: why there is no preview.
        touches: what it reaches, in words.
        undo: how it is undone, or why that is not needed.
        needs: whose approval it takes, in words, such as `1 of: dba`.
        line: the policy line that asked for approval.
        reason: why the requester asks.
        prompt_text: the text that the prompt digest covers.
        may_vote: whether this viewer may vote now; if not, `why_not` says why in a sentence.
        stale: whether an approval, though not a denial, needs a fresh login first.
        glass: what breaking the glass is about.
        drill: whether approvers only show that they can approve; there is no target then.
        untold: what nobody could be told of it elsewhere, or None.
        revocable: whether this viewer may take the grant back.
        plan: the plan that it is part of, and voted on with; "" for one alone.
    """

    page: Page
    id: str
    state: str
    incident: str
    incident_title: str
    severity: str
    run: str
    step: str
    requester: str
    reason: str
    asked_at: datetime
    expires_at: datetime
    target: str
    tier: str
    dialect: str
    operation: str
    effect: str
    statement: str
    arguments: tuple[Argument, ...]
    preview: tuple[Exhibit, ...]
    touches: str
    undo: str
    rule: str
    needs: str
    line: str
    eligible: tuple[str, ...]
    votes: tuple[VoteRow, ...]
    proposal_digest: str
    prompt_digest: str
    may_vote: bool
    why_not: str = ""
    no_preview: str = ""
    max_rows: int | None = None
    grant_expires_at: datetime | None = None
    prompt_text: str = ""
    outcome: Outcome | None = None
    problem: Problem | None = None
    stale: bool = False
    glass: GlassView = GlassView()
    drill: bool = False
    untold: Untold | None = None
    revocable: bool = False
    plan: str = ""


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as one person sees it: every action in it whole, and one vote.

    Attributes:
        members: each as its own page shows it, in the order of the plan.
        clocks: how long the grants last, in words.
        plan_digest, prompt_digest: what a vote names.
        prompt_text: the text that the prompt digest covers.
        stale: whether an approval, though not a denial, needs a fresh login first.
    """

    page: Page
    id: str
    state: str
    incident: str
    incident_title: str
    severity: str
    run: str
    step: str
    requester: str
    reason: str
    asked_at: datetime
    expires_at: datetime
    members: tuple[ApprovalView, ...]
    clocks: str
    eligible: tuple[str, ...]
    votes: tuple[VoteRow, ...]
    plan_digest: str
    prompt_digest: str
    prompt_text: str
    may_vote: bool
    why_not: str = ""
    problem: Problem | None = None
    stale: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        """What it touches, each once."""
        return tuple(dict.fromkeys(member.target for member in self.members))


@dataclass(frozen=True, slots=True)
class ProblemView:
    """An error page; `status` is the HTTP status it is sent with."""

    page: Page
    status: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Linked:
    """An account in Slack, and how it came to be linked: operator, code or email."""

    account: str
    how: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """A person's accounts in Slack, and a one-time code if they just asked for one."""

    page: Page
    accounts: tuple[Linked, ...]
    code: str = ""
