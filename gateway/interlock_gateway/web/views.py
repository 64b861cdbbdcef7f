"""What the API answers: rows as JSON, with every name the documentation gives them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from interlock_gateway.core.action import Action
from interlock_gateway.core.approval import Refusal
from interlock_gateway.core.argument import Argument
from interlock_gateway.core.model import Target
from interlock_gateway.core.timeline import stamp
from interlock_gateway.service.approvals import Shown
from interlock_gateway.service.overview import IncidentSight, RunSight
from interlock_gateway.service.plans import ShownPlan
from interlock_gateway.service.records import (
    ApprovalRow,
    BreakRow,
    RunRow,
    StepRow,
    VoteRow,
)
from interlock_gateway.service.runs import PREVIEW
from interlock_gateway.service.telling import Untold

Json = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    """Return a moment as text, or None."""
    return None if at is None else stamp(at)


def incident(sight: IncidentSight, *, whole: bool = False) -> Json:
    """Return an incident; `whole` adds its runs and approvals."""
    row = sight.row
    lead = [who for who, role in sight.roles.items() if role.value == "commander"]
    more = {
        "runs": [run(one) for one in sight.runs],
        "approvals": [approval(one) for one in sight.approvals],
    }
    return {
        "id": row.id,
        "title": row.title,
        "severity": row.severity,
        "state": row.state,
        "commander": lead[0] if lead else None,
        "roles": {who: role.value for who, role in sight.roles.items()},
        "declared_by": row.declared_by,
        "declared_at": moment(row.declared_at),
        "closed_at": moment(row.closed_at),
        **(more if whole else {}),
    }


def run(row: RunRow) -> Json:
    """Return a run without its steps."""
    return {
        "id": row.id,
        "incident": row.incident,
        "runbook": row.runbook,
        "title": row.title,
        "version": row.version,
        "digest": row.digest,
        "mode": row.mode,
        "state": row.state,
        "outcome": row.outcome,
        "requester": row.requester,
        "recorded_by": row.recorded_by,
        "confinement": row.confinement,
        "dry_run": row.actions == PREVIEW,
        "started_at": moment(row.started_at),
        "ended_at": moment(row.ended_at),
    }


def run_whole(sight: RunSight) -> Json:
    """Return a run with its steps."""
    return {**run(sight.row), "steps": [step(one) for one in sight.steps]}


def step(row: StepRow) -> Json:
    """Return one attempt at a step."""
    return {
        "step": row.step,
        "attempt": row.attempt,
        "state": row.state,
        "source_digest": row.source_digest,
        "started_at": moment(row.started_at),
        "ended_at": moment(row.ended_at),
    }


def approval(row: ApprovalRow) -> Json:
    """Return an approval request as a list shows it."""
    return {
        "id": row.id,
        "version": row.version,
        "state": row.state,
        "incident": row.incident,
        "run": row.run,
        "step": row.step,
        "requester": row.requester,
        "target": row.target,
        "operation": row.operation,
        "effect": row.effect,
        "rule": row.rule,
        "line": row.line,
        "requested_at": moment(row.requested_at),
        "expires_at": moment(row.expires_at),
        "decided_at": moment(row.decided_at),
        "grant_expires_at": moment(row.grant_expires_at),
        "ended_at": moment(row.ended_at),
        "reason": row.closing_reason,
        "plan": row.plan,
        "plan_place": row.place,
        "broken_by": row.broken_by,
    }


def approval_whole(shown: Shown) -> Json:
    """Return an approval request as its voters and its requester see it."""
    row, proposal = shown.row, shown.proposal
    return {
        **approval(row),
        "target": {"name": row.target, "tier": proposal.tier, "dialect": proposal.dialect},
        "proposal": {
            "runbook": proposal.runbook,
            "statement": proposal.statement,
            "names": list(proposal.names),
            "arguments": dict(proposal.arguments),
            "expect": proposal.expect,
            "rows": proposal.rows,
            "max_rows": proposal.max_rows,
            "preview": dict(proposal.preview),
            "blast_radius": proposal.blast_radius,
            "undo": proposal.undo,
            "reason": proposal.reason,
        },
        "proposal_digest": row.digest,
        "prompt_digest": shown.prompt_digest,
        "prompt_text": shown.text,
        "rule": {
            "name": row.rule,
            "needs": shown.rule.needs if shown.rule else "a rule that policy no longer has",
            "eligible": sorted(shown.eligible),
            "confirm_in": shown.rule.confirm_in if shown.rule else "",
            "break_glass_by": list(shown.rule.break_glass_by) if shown.rule else [],
        },
        "broken": _broken(shown.broken),
        "votes": _votes(shown.votes),
        "you": _you(shown.refusal, shown.approving),
        "untold": _untold(shown.untold),
    }


def _untold(found: Untold | None) -> Json | None:
    """Return what could not be told outside: since when, how often it was tried, why."""
    if found is None:
        return None
    return {
        "since": moment(found.since),
        "attempts": found.attempts,
        "trouble": found.trouble,
        "set_aside": found.set_aside,
    }


def plan_whole(shown: ShownPlan) -> Json:
    """Return a plan as its voters and its requester see it, with each of its members."""
    row, members = shown.row, shown.members
    return {
        "id": row.id,
        "version": shown.version,
        "state": shown.state,
        "incident": row.incident,
        "run": row.run,
        "step": row.step,
        "requester": row.requester,
        "reason": members[0].proposal.plan["reason"],
        "requested_at": moment(row.requested_at),
        "expires_at": moment(row.expires_at),
        "members": [approval_whole(member) for member in members],
        "plan_digest": row.digest,
        "prompt_digest": shown.prompt_digest,
        "prompt_text": shown.text,
        "rule": {
            "needs": "; ".join(dict.fromkeys(one.rule.needs for one in members if one.rule)),
            "eligible": sorted(shown.eligible),
        },
        "votes": _votes(shown.votes),
        "you": _you(shown.refusal, shown.approving),
    }


def _votes(votes: Sequence[VoteRow]) -> list[Json]:
    return [
        {
            "person": vote.person,
            "vote": vote.vote,
            "reason": vote.reason,
            "at": moment(vote.at),
        }
        for vote in votes
    ]


def _you(refused: Refusal | None, approving: Refusal | None) -> Json:
    """Return whether somebody may vote, and whether they may approve with this login."""
    return {
        "may_vote": refused is None,
        "why_not": refused.message if refused else "",
        "may_approve": refused is None and approving is None,
    }


def _broken(row: BreakRow | None) -> Json | None:
    """Return who broke the glass, why and when, or None."""
    if row is None:
        return None
    return {"person": row.person, "reason": row.reason, "at": moment(row.at)}


def target(row: Target) -> Json:
    """Return a target without anything that leads to its credentials."""
    return {
        "name": row.name,
        "dialect": row.dialect.value,
        "tier": row.tier,
        "can_be_changed": bool(row.act),
        "limits": {
            "rows": row.limits.rows,
            "bytes": row.limits.bytes,
            "seconds": row.limits.seconds,
        },
    }


def action(row: Action) -> Json:
    """Return a catalogued action as a responder reads it."""
    return {
        "id": row.id,
        "version": row.version,
        "title": row.title,
        "dialect": row.dialect.value,
        "risk": row.risk,
        "reversible": row.reversible,
        "blast_radius": row.blast_radius,
        "arguments": {name: _argument(one) for name, one in row.arguments.items()},
        "preview": row.preview.shown,
        "execute": row.execute.shown,
        "verify": row.verify.shown,
        "undo": row.undo,
        "max_per_run": row.max_per_run,
        "cooldown_s": row.cooldown_s,
        "circuit_breaker": {"uses": row.breaker.uses, "within_s": row.breaker.within_s},
        **({"max_rows": row.max_rows} if row.count.sql else {}),
    }


def _argument(one: Argument) -> Json:
    """Return what an argument takes; what does not limit it is left out."""
    bounds = {"minimum": one.low, "maximum": one.high}
    found: Json = {name: value for name, value in bounds.items() if value is not None}
    if one.choices:
        found["choices"] = list(one.choices)
    if one.pattern:
        found["pattern"] = one.pattern
    if one.is_list:
        found |= {"max_items": one.max_items, "fields": dict(one.fields)}
        found |= {"patterns": dict(one.patterns)} if one.patterns else {}
    return {"type": "list" if one.is_list else one.type, "about": one.about, **found}
