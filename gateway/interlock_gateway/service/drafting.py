"""A proposal, from everything that was found out about a wish: what approvers say yes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from interlock_gateway.core.action import Action
from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.decision import AwaitApproval
from interlock_gateway.core.model import Statement, Target
from interlock_gateway.core.timeline import Part, json_part, stamp, text_part
from interlock_gateway.service.basis import Basis
from interlock_gateway.service.calls import Scene
from interlock_gateway.service.designs import Design
from interlock_gateway.service.wishes import Wish


@dataclass(frozen=True, slots=True)
class Membership:
    """What a wish that is asked for with others has to do with them: its place, from 1."""

    place: int
    of: int

    @property
    def data(self) -> dict[str, Any]:
        """The same as events tell it."""
        return {"plan_place": self.place, "plan_size": self.of}


@dataclass(frozen=True, slots=True)
class Ready:
    """A wish that policy lets people decide about, and how it would be carried out."""

    wish: Wish
    basis: Basis
    target: Target
    design: Design
    decision: AwaitApproval
    action: Action | None
    member: Membership | None = None

    @property
    def told(self) -> dict[str, Any]:
        """Where it stands in a plan, as events tell it; nothing when it is asked for alone."""
        return self.member.data if self.member else {}

    @property
    def found(self) -> Scene:
        """The scene it is asked in."""
        return self.basis.found


@dataclass(frozen=True, slots=True)
class Whole:
    """The plan that a proposal is part of, as it is asked for."""

    id: str
    reason: str
    decide_within_s: int

    def holds(self, ready: Ready) -> dict[str, Any]:
        """Return what a member's proposal says of the plan; its digest covers it."""
        if ready.member is None:
            raise ValueError("This wish has no place in a plan.")
        place = {"place": ready.member.place, "of": ready.member.of}
        return {"id": self.id, **place, "reason": self.reason, "wish": ready.wish.sameness}


def drafted(
    ready: Ready,
    preview: Mapping[str, Any],
    now: datetime,
    nonce: str,
    whole: Whole | None = None,
) -> Proposal:
    """Return the proposal, given what a read showed; from here on its bytes stand for it."""
    wish, found, design, rule = ready.wish, ready.found, ready.design, ready.decision.rule
    within_s = whole.decide_within_s if whole else rule.decide_within_s
    expires = now + timedelta(seconds=within_s)
    return Proposal(
        incident=found.run.incident,
        run=wish.site.run,
        step=wish.site.step,
        attempt=wish.site.attempt,
        ordinal=wish.site.ordinal,
        source_digest=found.step.source_digest if found.step else "",
        runbook=f"{found.run.runbook}@{found.run.version}",
        runbook_digest=found.run.digest,
        requester=found.run.requester,
        target=ready.target.name,
        dialect=ready.target.dialect.value,
        tier=ready.target.tier,
        generation=ready.target.generation,
        operation=wish.operation,
        action_digest=design.action_digest,
        effect=design.effect.value,
        statement=design.statement.text,
        names=design.statement.names,
        values={name: dict(wish.args[name]) for name in design.statement.names},
        arguments={name: dict(typed) for name, typed in wish.args.items()},
        expect=design.expect.value,
        rows=int(preview.get("count", 0)),
        max_rows=design.max_rows,
        precheck=design.precheck.as_json() if design.precheck else {},
        verify=design.verify.as_json() if design.verify else {},
        image=_image_json(design.image),
        preview=_without_fractions(preview),
        blast_radius=design.blast_radius,
        undo=design.undo,
        reason=wish.reason,
        line=ready.decision.text,
        rule={**rule.as_json(), "needs": rule.needs},
        requested_at=stamp(now),
        expires_at=stamp(expires),
        nonce=nonce,
        plan=whole.holds(ready) if whole else {},
    )


def parts_of(proposal: Proposal) -> dict[str, Part]:
    """Return what a request for approval says in its requester's words, or the target's."""
    parts = {
        "statement": text_part(proposal.statement),
        "args": json_part(dict(proposal.arguments)),
        "preview": json_part(dict(proposal.preview)),
        "undo": text_part(proposal.undo),
        "reason": text_part(proposal.reason),
    }
    if "trial" in proposal.preview:
        parts["trial"] = json_part(dict(proposal.preview["trial"]))
    return parts


def _image_json(given: Statement | None) -> dict[str, Any]:
    return {"text": given.text, "names": list(given.names)} if given else {}


def _without_fractions(value: Any) -> Any:
    """Return JSON whose fractional numbers are texts, so that a digest over it is stable."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {name: _without_fractions(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_fractions(item) for item in value]
    return value
