"""What a step wants to change, before anybody has said whether it may."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interlock import wire
from interlock.errors import refusal

from interlock_gateway.core.limits import MAX_PLAN, MAX_TEXT
from interlock_gateway.core.timeline import json_part, text_part
from interlock_gateway.service.calls import Asked, Scene, Site
from interlock_gateway.service.incidents import no_drill
from interlock_gateway.service.runs import manifest_of, params_of

EXECUTE = "execute"
"""The operation of free SQL; a catalogued action's is its id."""

PLAN = "plan"
"""The operation of a call that asks for several of them at once."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a step wants to change: a catalogued action, or free SQL when `sql` is set."""

    site: Site
    target: str
    reason: str
    action: str = ""
    args: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sql: str = ""
    max_rows: int = 0

    @property
    def operation(self) -> str:
        """The action's id, or `execute`."""
        return self.action or EXECUTE

    @property
    def digest(self) -> str:
        """The digest that tells two wishes at the same place apart."""
        return wire.request_digest(
            self.operation,
            {
                "target": self.target,
                "reason": self.reason,
                "args": self.args,
                "sql": self.sql,
                "max_rows": self.max_rows,
            },
        )

    @property
    def sameness(self) -> str:
        """The digest of what is to be done, whatever the reason: what a plan's grant is for.

        What is sent and what approvers read are the stored bytes; another reason changes neither.
        """
        return wire.request_digest(
            f"wish {self.operation}",
            {
                "target": self.target,
                "args": self.args,
                "sql": self.sql,
                "max_rows": self.max_rows,
            },
        )

    @property
    def asked(self) -> Asked:
        """The wish as events tell it."""
        what = (
            {"args": json_part(dict(self.args))}
            if self.action
            else {"statement": text_part(self.sql), "params": json_part(dict(self.args))}
        )
        parts = {**what, "reason": text_part(self.reason)}
        data = {"target": self.target, "operation": self.operation, "max_rows": self.max_rows}
        return Asked(self.operation, self.digest, data, parts)

    def asked_on(self, basis: Mapping[str, Any]) -> Asked:
        """Return the wish as events tell it, with what its decision rested on."""
        asked = self.asked
        return replace(asked, data={**asked.data, **basis})


@dataclass(frozen=True, slots=True)
class PlanWish:
    """What a step wants to change, one thing after another, in one request: all of it or none.

    Attributes:
        site: the one call with which all is asked for; every member has the same.
        reason: why all of it; a member's own stands in the member.
        members: what is wanted, in order.
    """

    site: Site
    reason: str
    members: tuple[Wish, ...]

    @property
    def digest(self) -> str:
        """The digest that tells two plans at the same place apart."""
        return wire.request_digest(
            PLAN, {"reason": self.reason, "members": [wish.digest for wish in self.members]}
        )


def check_plan(plan: PlanWish) -> None:
    """Refuse a plan that is empty or too long, beside what `check` refuses of its members.

    Raises:
        InterlockError: `bad-request`, `outside-limits` or `bad-arguments`.
    """
    if not plan.members:
        raise refusal("bad-request", "A plan asks for at least one action.")
    if len(plan.members) > MAX_PLAN:
        message = f"A plan asks for at most {MAX_PLAN} actions; this one for {len(plan.members)}."
        raise refusal("outside-limits", message)
    if len(plan.reason) > MAX_TEXT:
        raise refusal("bad-request", f"A reason has at most {MAX_TEXT:,} characters.")
    for wish in plan.members:
        check(wish)


def check(wish: Wish) -> None:
    """Refuse a wish that is too long or whose values have no type.

    Raises:
        InterlockError: `bad-request` or `bad-arguments`.
    """
    if len(wish.sql) > MAX_TEXT or len(wish.reason) > MAX_TEXT:
        raise refusal("bad-request", f"A statement or reason has at most {MAX_TEXT:,} characters.")
    no_drill("reason", wish.reason)
    try:
        for typed in wish.args.values():
            wire.decode_value(typed)
    except wire.WireError as error:
        raise refusal("bad-arguments", str(error)) from error


def listed(found: Scene, wish: Wish) -> bool:
    """Tell whether the run's manifest lists exactly this wish; an ad-hoc run only reads."""
    manifest = manifest_of(found.run)
    if manifest is None:
        return False
    params = params_of(found.run)
    if wish.action:
        return manifest.allows_action(
            wish.site.step,
            action=wish.action,
            target=wish.target,
            params=params,
            args=list(wish.args),
        )
    return manifest.allows_execution(
        wish.site.step,
        target=wish.target,
        sql=wish.sql,
        names=list(wish.args),
        params=params,
        max_rows=wish.max_rows,
    )
