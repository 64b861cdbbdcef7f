"""From rows and proposals to the views that `render` writes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from interlock.export import Anchored, Entry, Exhibit, Postmortem, build_for, told_by
from interlock.export.cells import cell_text
from interlock.export.exhibits import grid_of
from interlock.export.model import Grid, Pairs
from interlock.export.text import count as counted
from interlock.export.text import duration

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.drill import OPERATION as DRILL
from interlock_gateway.core.drill import is_drill
from interlock_gateway.core.policy import Policy
from interlock_gateway.service import records
from interlock_gateway.service.anchoring import SLACK
from interlock_gateway.service.approvals import Shown
from interlock_gateway.service.evidence import Held, Listed
from interlock_gateway.service.followups import Owed
from interlock_gateway.service.inbox import Waiting
from interlock_gateway.service.log import AnchoredIncident
from interlock_gateway.service.overview import IncidentSight
from interlock_gateway.service.plans import ShownPlan
from interlock_gateway.web import render, views


def incident_row(sight: IncidentSight) -> render.IncidentRow:
    """Return an incident as a list shows it."""
    row = sight.row
    lead = [who for who, role in sight.roles.items() if role.value == "commander"]
    return render.IncidentRow(
        id=row.id,
        title=row.title,
        severity=row.severity,
        state=row.state,
        commander=lead[0] if lead else "",
        declared_at=row.declared_at,
        closed_at=row.closed_at,
        waiting=len({one.plan or one.id for one in sight.approvals if one.state == "pending"}),
    )


def run_row(row: records.RunRow) -> render.RunRow:
    """Return a run as its incident's page shows it."""
    return render.RunRow(
        id=row.id,
        runbook=row.runbook,
        version=row.version,
        mode=row.mode,
        requester=row.requester,
        state=row.outcome or row.state,
        started_at=row.started_at,
    )


def approval_row(
    row: records.ApprovalRow, policy: Policy, votable: frozenset[str]
) -> render.ApprovalRow:
    """Return an approval request as a list shows it."""
    target = policy.targets.get(row.target)
    return render.ApprovalRow(
        id=row.id,
        state=row.state,
        incident=row.incident,
        requester=row.requester,
        operation=row.operation,
        target=row.target,
        tier=target.tier if target else "",
        effect=row.effect,
        expires_at=row.grant_expires_at or row.expires_at,
        may_vote=row.id in votable,
        plan=row.plan,
        broken_by=row.broken_by,
        drill=row.operation == DRILL,
    )


def approval_rows(
    rows: Iterable[records.ApprovalRow], policy: Policy, votable: frozenset[str]
) -> list[render.ApprovalRow]:
    """Return approval requests as a list shows them: of a plan that waits, one entry."""
    groups: dict[str, list[records.ApprovalRow]] = {}
    for row in rows:
        groups.setdefault(row.plan if row.state == "pending" and row.plan else row.id, []).append(
            row
        )
    return [
        _plan_row(name, group, policy, votable)
        if name == group[0].plan
        else approval_row(group[0], policy, votable)
        for name, group in groups.items()
    ]


def _plan_row(
    plan: str, members: Sequence[records.ApprovalRow], policy: Policy, votable: frozenset[str]
) -> render.ApprovalRow:
    """Return a plan as a list shows it, with the strictest of its tiers."""
    each = [approval_row(row, policy, votable) for row in members]
    tiers = [row.tier for row in each]
    return replace(
        each[0],
        id=plan,
        operation=f"a plan of {counted(len(each), 'action')}",
        target=", ".join(sorted({row.target for row in each})),
        tier=min(tiers, key=policy.tiers.index) if set(tiers) <= set(policy.tiers) else tiers[0],
        effect=", ".join(sorted({row.effect for row in each})),
        may_vote=plan in votable,
        plan="",
        count=len(each),
    )


def incident_view(
    page: render.Page,
    sight: IncidentSight,
    entries: Sequence[Mapping[str, Any]],
    approvals: Sequence[render.ApprovalRow],
    owed: Sequence[Owed] = (),
    evidence: tuple[Sequence[Listed], Held] = ((), Held()),
) -> render.IncidentView:
    """Return an incident's page."""
    return render.IncidentView(
        page=page,
        incident=incident_row(sight),
        roles={who: role.value for who, role in sight.roles.items()},
        runs=tuple(map(run_row, sight.runs)),
        approvals=tuple(approvals),
        record=postmortem(sight, entries),
        follow_ups=tuple(map(follow_up_row, owed)),
        evidence=tuple(map(_evidence, filter(_is_told, evidence[0]))),
        held=f"Held by {evidence[1].by}: {evidence[1].reason}" if evidence[1].by else "",
    )


def _is_told(one: Listed) -> bool:
    """Tell whether a piece has a place of its own on the page: smaller ones are in the story."""
    return bool(one.piece.preview or one.gone)


def _evidence(one: Listed) -> render.EvidenceRow:
    piece, gone = one.piece, one.gone
    told = f"{gone.kind} by {gone.by}, {gone.at:%Y-%m-%d %H:%MZ}: {gone.reason}" if gone else ""
    return render.EvidenceRow(
        id=piece.id,
        event=str(piece.body.get("sequence", "?")),
        what=f"{piece.part.replace('_', ' ')} of {piece.body['type']}",
        mediatype=piece.mediatype,
        size=piece.size,
        rows=piece.rows,
        gone=told,
    )


def follow_up_row(owed: Owed) -> render.FollowUpRow:
    """Return a follow-up as pages show it."""
    row = owed.row
    return render.FollowUpRow(
        id=row.id,
        about=row.about,
        text=owed.text,
        owner=row.owner,
        opened_at=row.opened_at,
        why_not=owed.why_not,
        answer=owed.answer,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        due=row.due,
    )


def postmortem(
    sight: IncidentSight,
    entries: Sequence[Mapping[str, Any]],
    *,
    profile: str = "internal",
    anchored: AnchoredIncident | None = None,
    known_at: datetime | int | None = None,
    view: str = "",
) -> Postmortem:
    """Return an incident's record as every export and page reads it, or as a view tells it."""
    found = [Entry(entry["event"], entry["parts"]) for entry in entries]
    how: dict[str, Any] = {"anchored": _anchored(anchored), "known_at": known_at}
    return told_by(build_for(profile, views.incident(sight), found, **how), view)


def _anchored(found: AnchoredIncident | None) -> Anchored | None:
    if found is None or found.at is None:
        return None
    where = "in Slack" if found.anchor.startswith(SLACK) else f"at the anchor {found.anchor}"
    return Anchored(found.up_to, found.at, where)


def inbox(
    page: render.Page,
    waiting: Waiting,
    decided: Sequence[records.ApprovalRow],
    policy: Policy,
) -> render.ApprovalsView:
    """Return the inbox: what waits, then what was decided lately."""
    pending = tuple(approval_rows(waiting.rows, policy, waiting.votable))
    done = tuple(approval_row(row, policy, frozenset()) for row in decided)
    return render.ApprovalsView(page, pending, done, waiting.more)


def approval_view(
    page: render.Page,
    shown: Shown,
    incident: records.IncidentRow,
    problem: render.Problem | None = None,
) -> render.ApprovalView:
    """Return one approval request as its voters see it."""
    row, proposal = shown.row, shown.proposal
    return render.ApprovalView(
        page=page,
        id=row.id,
        state=row.state,
        incident=row.incident,
        incident_title=incident.title,
        severity=incident.severity,
        run=row.run,
        step=row.step,
        requester=row.requester,
        reason=proposal.reason,
        asked_at=row.requested_at,
        expires_at=row.expires_at,
        target=row.target,
        tier=proposal.tier,
        dialect=proposal.dialect,
        operation=row.operation,
        effect=row.effect,
        statement=proposal.statement,
        arguments=_arguments(proposal),
        preview=_preview(proposal),
        touches=proposal.blast_radius,
        undo=proposal.undo,
        rule=row.rule,
        needs=shown.rule.needs if shown.rule else "",
        line=row.line,
        eligible=tuple(sorted(shown.eligible)),
        votes=_votes(shown),
        proposal_digest=row.digest,
        prompt_digest=shown.prompt_digest,
        **_yours(shown),
        no_preview=str(proposal.preview.get("note", "")),
        max_rows=proposal.max_rows if proposal.expect == "row count" else None,
        grant_expires_at=row.grant_expires_at,
        prompt_text=shown.text,
        outcome=None if is_drill(proposal) else _outcome(row),
        problem=problem,
        glass=_glass(page, shown),
        drill=is_drill(proposal),
        untold=shown.untold,
        plan=row.plan,
    )


def _yours(shown: Shown | ShownPlan) -> dict[str, Any]:
    """Return whether this person may vote, why not, and whether a login is too old to approve."""
    return {
        "may_vote": shown.refusal is None,
        "why_not": shown.refusal.message if shown.refusal else "",
        "stale": shown.approving is not None,
    }


def plan_view(
    page: render.Page,
    shown: ShownPlan,
    incident: records.IncidentRow,
    problem: render.Problem | None = None,
) -> render.PlanView:
    """Return a plan as its voters see it."""
    row = shown.row
    rules = [member.proposal.rule for member in shown.members]
    spans = [duration(float(rule["use_within_s"])) for rule in rules]
    return render.PlanView(
        page=page,
        id=row.id,
        state=shown.state,
        incident=row.incident,
        incident_title=incident.title,
        severity=incident.severity,
        run=row.run,
        step=row.step,
        requester=row.requester,
        reason=str(shown.members[0].proposal.plan["reason"]),
        asked_at=row.requested_at,
        expires_at=row.expires_at,
        members=tuple(approval_view(page, member, incident) for member in shown.members),
        clocks=spans[0] if len(set(spans)) == 1 else ", ".join(spans),
        eligible=tuple(sorted(shown.eligible)),
        votes=tuple(
            render.VoteRow(vote.person, vote.vote, vote.at, vote.reason) for vote in shown.votes
        ),
        plan_digest=row.digest,
        prompt_digest=shown.prompt_digest,
        prompt_text=shown.text,
        **_yours(shown),
        problem=problem,
    )


_NOT_THEIRS = frozenset({"no-break-glass", "not-eligible"})
"""Refusals of whoever has no such role: nothing is offered to them, and nothing said."""


def _glass(page: render.Page, shown: Shown) -> render.GlassView:
    row, broken, refused = shown.row, shown.broken, shown.glass
    code = refused.code if refused else ""
    viewer = page.viewer.id if page.viewer else ""
    return render.GlassView(
        roles=shown.rule.break_glass_by if shown.rule else (),
        may=refused is None,
        stale=code == "login-not-fresh",
        why_not=refused.message if refused and code not in _NOT_THEIRS else "",
        own=viewer == row.requester,
        broken_by=row.broken_by,
        reason=broken.reason if broken else "",
        at=broken.at if broken else None,
    )


def _votes(shown: Shown) -> tuple[render.VoteRow, ...]:
    return tuple(render.VoteRow(one.person, one.vote, one.at, one.reason) for one in shown.votes)


def _arguments(proposal: Proposal) -> tuple[render.Argument, ...]:
    return tuple(
        render.Argument(name, str(typed.get("type")), typed.get("value"))
        for name, typed in proposal.arguments.items()
    )


def _preview(proposal: Proposal) -> tuple[Exhibit, ...]:
    preview = proposal.preview
    counted = {"columns": [{"name": "rows that change"}], "rows": [[preview.get("count")]]}
    found = (
        grid_of("How many", counted) if "count" in preview else None,
        grid_of("Preview", preview),
        grid_of("Trial", preview["trial"]) if "trial" in preview else None,
    )
    return tuple(_on_a_phone(grid) for grid in found if grid is not None)


def _on_a_phone(grid: Grid) -> Exhibit:
    """Return a single row as named values, which need no sideways scrolling."""
    if len(grid.rows) != 1 or grid.total > 1:
        return grid
    named = zip(grid.columns, grid.rows[0], strict=False)
    return Pairs(grid.label, tuple((name, cell_text(v, kind), "") for (name, kind), v in named))


def _outcome(row: records.ApprovalRow) -> render.Outcome | None:
    if not row.outcome:
        message = row.closing_reason
        return render.Outcome(row.ended_at, message) if message else None
    stored = json.loads(row.outcome)
    if "error" in stored:
        error = stored["error"]
        return render.Outcome(row.ended_at, error["message"], error["code"])
    answer = stored["answer"]
    verify, result = answer.get("verify", {}), grid_of("Result", answer)
    return render.Outcome(
        at=row.ended_at,
        message=_verified(verify),
        affected=answer.get("affected"),
        elapsed_ms=answer.get("elapsed_ms"),
        exhibits=(result,) if result is not None and answer.get("rows") else (),
    )


def _verified(verify: Mapping[str, Any]) -> str:
    match verify.get("verified"):
        case True:
            return f"Verified: {verify.get('message', '')}."
        case False:
            return f"Not verified: {verify.get('message', '')}."
        case _:
            return ""
