"""What a decision about a call rested on, as the event about it tells it.

With it a request can be decided again under another policy: see `core.simulation`.
"""

from dataclasses import dataclass, field
from typing import Any, assert_never

from interlock_gateway.core.approval_rule import FREELY
from interlock_gateway.core.decision import (
    AwaitApproval,
    Decision,
    Deny,
    Permit,
    Request,
    operation_word,
)
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.simulation import DENY
from interlock_gateway.service.calls import Scene


@dataclass(slots=True)
class Basis:
    """The situation of one call, and the last decision about it."""

    found: Scene
    noted: dict[str, Any] = field(default_factory=dict)

    def note(self, request: Request, decision: Decision, policy: Policy) -> None:
        """Note what policy was asked and what was decided; a later decision replaces it."""
        target = policy.targets.get(request.target)
        self.noted = {
            "operation": operation_word(request.operation),
            "tier": target.tier if target else "",
            "bearing": policy.bearings.get(request.target, ""),
            "policy": policy.digest,
            **_told(decision),
        }

    @property
    def data(self) -> dict[str, Any]:
        """The basis as events hold it."""
        run, incident = self.found.run, self.found.incident
        part = incident.roles.get(run.requester) if incident else None
        situation = {
            "person": run.requester,
            "part": part.value if part else "",
            "mode": run.mode,
            "severity": incident.severity.value if incident else "",
        }
        return {"basis": situation | self.noted}


def _told(decision: Decision) -> dict[str, str]:
    match decision:
        case Permit(_, _, text):
            return {"decision": FREELY, "text": text}
        case AwaitApproval(_, _, rule, text):
            return {"decision": rule.name, "needs": rule.needs, "text": text}
        case Deny(text=text):
            return {"decision": DENY, "text": text}
        case _:
            assert_never(decision)
