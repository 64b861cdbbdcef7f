"""From rows and proposals to the views that `render` writes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.export import Entry, Exhibit, Postmortem, build
from interlock.export.cells import cell_text
from interlock.export.exhibits import grid_of
from interlock.export.model import Grid, Pairs

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.drill import OPERATION as DRILL
from interlock_gateway.core.drill import is_drill
from interlock_gateway.core.policy import Policy
from interlock_gateway.service import records
from interlock_gateway.service.approvals import Shown
from interlock_gateway.service.overview import IncidentSight
from interlock_gateway.web import render, views

_DECIDED = 30


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
        waiting=sum(one.state == "pending" for one in sight.approvals),
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
        drill=row.operation == DRILL,
    )


def incident_view(
    page: render.Page,
    sight: IncidentSight,
    entries: Sequence[Mapping[str, Any]],
    approvals: Sequence[render.ApprovalRow],
) -> render.IncidentView:
    """Return an incident's page."""
    return render.IncidentView(
        page=page,
        incident=incident_row(sight),
        roles={who: role.value for who, role in sight.roles.items()},
        runs=tuple(map(run_row, sight.runs)),
        approvals=tuple(approvals),
        record=postmortem(sight, entries),
    )


def postmortem(sight: IncidentSight, entries: Sequence[Mapping[str, Any]]) -> Postmortem:
    """Return an incident's record as every export and page reads it."""
    found = [Entry(entry["event"], entry["parts"]) for entry in entries]
    return build(views.incident(sight), found)


def inbox(
    page: render.Page,
    pending: Sequence[Shown],
    rows: Sequence[records.ApprovalRow],
    policy: Policy,
) -> render.ApprovalsView:
    """Return the inbox: what waits, then what was decided lately."""
    mine = votable(pending)
    waiting = [approval_row(one.row, policy, mine) for one in pending]
    done = [approval_row(row, policy, mine) for row in rows if row.state != "pending"]
    return render.ApprovalsView(page, tuple(waiting), tuple(done[:_DECIDED]))


def votable(pending: Sequence[Shown]) -> frozenset[str]:
    """Return the requests that the viewer may vote on."""
    return frozenset(one.row.id for one in pending if one.refusal is None)


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
        may_vote=shown.refusal is None,
        why_not=shown.refusal.message if shown.refusal else "",
        no_preview=str(proposal.preview.get("note", "")),
        max_rows=proposal.max_rows if proposal.expect == "row count" else None,
        grant_expires_at=row.grant_expires_at,
        prompt_text=shown.text,
        outcome=None if is_drill(proposal) else _outcome(row),
        problem=problem,
        drill=is_drill(proposal),
        untold=shown.untold,
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
