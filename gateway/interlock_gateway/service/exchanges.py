"""How a catalogued action on a target that speaks HTTP is looked at before anybody is asked.

Its requests are templates. Arguments and what is known of the request for approval go in at once;
what the preview shows (`seen.…`: a resource version, a uid, an ETag) goes in once it was read, so
that what approvers see is what is sent: nothing is left open between the yes and the deed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from interlock import wire
from interlock.errors import InterlockError, refusal

from interlock_gateway.core.action import Action
from interlock_gateway.core.action import Check as Part
from interlock_gateway.core.argument import Argument
from interlock_gateway.core.exchange import (
    VENDORS,
    Exchange,
    ExchangeError,
    Written,
    moment,
    understood,
)
from interlock_gateway.core.limits import narrowed
from interlock_gateway.core.model import Effect, Limits, Rows, Statement, Target
from interlock_gateway.core.redaction import counted
from interlock_gateway.service.calls import delivered
from interlock_gateway.service.designs import Check, Design
from interlock_gateway.service.outcomes import as_expected
from interlock_gateway.service.targets import Expect, Reader, TargetError
from interlock_gateway.service.wishes import Wish

_SHOWN = Limits(rows=20, bytes=64 * 1024, seconds=10.0)


def designed(action: Action, wish: Wish, statement: Statement) -> Design:
    """Return how an action would be carried out, as far as that is known without looking."""
    return Design(
        statement=statement,
        effect=Effect(action.effect),
        expect=Expect(action.execute.expect),
        max_rows=1,
        blast_radius=action.blast_radius,
        undo=action.undo,
        key=action.key(wish.target, wish.args),
        note=action.preview.none_needed,
        action_digest=action.digest,
    )


def still_there(target: Target, statement: str) -> bool:
    """Tell whether a request would go where it was approved for; of SQL, its login tells."""
    if target.endpoint is None:
        return True
    try:
        return understood(statement).is_below(target.endpoint.base)
    except ExchangeError:
        return False


@dataclass(frozen=True, slots=True)
class Asking:
    """What is known of a request for approval; the token is random, and of this one alone."""

    incident: str
    requester: str
    reason: str
    at: datetime
    token: str

    @property
    def values(self) -> dict[str, str]:
        """The same as places name it."""
        return {
            "ask.incident": self.incident,
            "ask.requester": self.requester,
            "ask.reason": self.reason or "no reason given",
            "ask.at": moment(self.at),
            "ask.token": self.token,
        }


class Exchanges:
    """Looks at what an action would do, and writes down every byte of it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def looked(
        self, target: Target, action: Action, design: Design, wish: Wish, asking: Asking
    ) -> tuple[Design, dict[str, Any]]:
        """Return the design with every request in it, and what approvers are shown.

        Raises:
            TargetError: what was looked at cannot be read, or the precheck does not hold.
            InterlockError: a value cannot stand where the action puts it.
        """
        values = {**_arguments(action, wish), **asking.values}
        plan = _Plan(target, action, values)
        preview: dict[str, Any] = {"note": design.note} if design.note else {}
        if action.preview.exchange:
            shown = await self._read(target, plan.written(action.preview.exchange))
            preview |= {**delivered(shown), "truncated": shown.truncated}
            plan = replace(plan, values=values | _seen(shown))
        precheck = plan.check(action.precheck)
        if precheck is not None:
            await self._must_hold(target, precheck)
        if action.trial is not None:
            tried = await self._read(target, plan.trial())
            preview["trial"] = {**delivered(tried), "truncated": tried.truncated}
        statement = _statement(target, plan.written(_exchange(action.execute)))
        verify = plan.check(action.verify)
        return replace(design, statement=statement, precheck=precheck, verify=verify), preview

    async def _must_hold(self, target: Target, check: Check) -> None:
        rows = await self._reader.read(target, check.statement, {}, _limits(target))
        if not as_expected(rows, check.expect):
            message = f"The precheck expects {check.expect} and found {len(rows.rows)}."
            raise TargetError("precondition-failed", message)

    async def _read(self, target: Target, written: Written) -> Rows:
        return await self._reader.read(target, _statement(target, written), {}, _limits(target))


@dataclass(frozen=True, slots=True)
class _Plan:
    """An action's requests, with the values that are known so far."""

    target: Target
    action: Action
    values: Mapping[str, Any]

    def written(self, exchange: Exchange) -> Written:
        if self.target.endpoint is None:
            raise refusal("internal", f"{self.target.name} has no `url`.")
        try:
            return exchange.filled(self.target.endpoint.base, self.values)
        except ExchangeError as error:
            raise _unfit(self.action, error) from error

    def check(self, part: Part) -> Check | None:
        if part.exchange is None:
            return None
        statement = _statement(self.target, self.written(part.exchange))
        return Check(statement, part.expect, part.within_s)

    def trial(self) -> Written:
        """Return `execute` with the vendor's key for trying: nobody can leave it out."""
        key = VENDORS[self.action.dialect].trial
        if key is None or self.action.trial is None:
            raise refusal("internal", f"{self.action.dialect} has no trial.")
        written = self.written(_exchange(self.action.execute))
        url = f"{written.url}{'&' if '?' in written.url else '?'}{'='.join(key)}"
        return replace(written, url=url, selection=self.action.trial.filled(self.values))


def _exchange(part: Part) -> Exchange:
    if part.exchange is None:
        raise refusal("internal", "An action without a request was to be sent as one.")
    return part.exchange


def _statement(target: Target, written: Written) -> Statement:
    text = written.text
    return Statement(target.dialect, text, (), text)


def _limits(target: Target) -> Limits:
    return narrowed(target.limits, rows=_SHOWN.rows, size=_SHOWN.bytes, seconds=_SHOWN.seconds)


def _unfit(action: Action, error: ExchangeError) -> InterlockError:
    return refusal("bad-arguments", str(error), line=f"actions/{action.id}.toml")


def _seen(shown: Rows) -> dict[str, Any]:
    """Return what the one row of a preview says; of several rows nothing can be meant."""
    if len(shown.rows) != 1:
        return {}
    if counted(json.dumps(shown.rows)):
        message = "What the preview shows holds a secret that is masked: it cannot be sent back."
        raise TargetError("precondition-failed", message)
    return {f"seen.{name}": value for name, value in shown.dicts()[0].items()}


def _arguments(action: Action, wish: Wish) -> dict[str, Any]:
    """Return the arguments as JSON says them."""
    return {
        name: _items(argument, wish.args[name]["value"])
        if argument.is_list
        else _json(wire.decode_value(wish.args[name]))
        for name, argument in action.arguments.items()
    }


def _items(argument: Argument, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: _json(wire.decode_cell(kind, item[name])) for name, kind in argument.fields.items()}
        for item in items
    ]


def _json(value: Any) -> Any:
    """Return a single value as JSON has it; moments as RFC 3339, the rest as text."""
    match value:
        case str() | bool() | int() | float():
            return value
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)
