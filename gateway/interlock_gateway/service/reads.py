"""A read that may be asked, written down: intent before the target is touched, then its end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from interlock.errors import InterlockError, problem_from_error

from interlock_gateway.core.model import Classification, Rows, Target
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, Part, json_part, stamp, text_part
from interlock_gateway.service.calls import (
    COMPLETED,
    FAILED,
    STARTED,
    Scene,
    Site,
    delivered,
    end_call,
    open_call,
)
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.pacing import Pacing
from interlock_gateway.service.ports import Transaction


@dataclass(frozen=True, slots=True)
class Opening:
    """What the events of one read say.

    Attributes:
        site: where it was called.
        digest: of the request.
        operation: `query` or `query_metrics`, as the call's record names it.
        target: what is asked.
        incident: whose timeline it belongs to.
        cause: the event that led to it, "" for none.
        effect: its effect, as the answer tells it.
        data: what `query.started` says, beside place and target.
        parts: what of it is sensitive.
        answers: what the answer says beside the rows.
    """

    site: Site
    digest: str
    operation: str
    target: Target
    incident: str
    cause: str
    effect: str
    data: Mapping[str, Any]
    parts: Mapping[str, Part]
    answers: Mapping[str, Any]


class RefusedError(Exception):
    """Carries a refusal, and what was proven before it, to where it is written down."""

    def __init__(self, error: InterlockError, classification: Classification | None) -> None:
        super().__init__(error.message)
        self.error = error
        self.classification = classification


@asynccontextmanager
async def at_their_pace(pacing: Pacing, policy: Policy, found: Scene) -> AsyncIterator[None]:
    """Count a call for the run that makes it and for its requester, or refuse it."""
    run = found.run
    async with AsyncExitStack() as held:
        turn = pacing.caller(policy.callers, run.requester, run.id)
        try:
            await held.enter_async_context(turn)
        except InterlockError as error:
            raise RefusedError(error, None) from error
        yield


def limit(code: str, target: Target) -> str:
    """Return the limit behind a target's refusal, as it stands in targets.toml, or ""."""
    limits = target.limits
    if code == "too-many-calls":
        return f"targets.toml: target.{target.name}.pace"
    if "timeout" in code:
        return f"{target.name}.limits.seconds ({limits.seconds:g})"
    if code != "outside-limits":
        return ""
    if target.endpoint is not None:
        return f"{target.name}.limits.bytes ({limits.bytes:,})"
    return f"{target.name}.limits.cost ({limits.cost:,.0f})"


def started(tx: Transaction, who: Principal, read: Opening) -> str:
    """Write the intent; if this cannot be written, the target is never touched."""
    event = tx.append(_draft("started", who, read, read.cause, read.data, read.parts))
    open_call(tx, read.site, read.digest, read.operation, state=STARTED, event=event)
    return event


def failed(
    tx: Transaction, who: Principal, read: Opening, opened: str, problem: InterlockError
) -> None:
    """Write that the target did not answer, and how."""
    data = {"code": problem.code, "line": problem.line}
    parts = {"message": text_part(problem.message)}
    tx.append(_draft("failed", who, read, opened, data, parts))
    end_call(tx, read.site, FAILED, problem_from_error(problem), opened=opened)


def completed(
    tx: Transaction, who: Principal, read: Opening, opened: str, rows: Rows
) -> dict[str, Any]:
    """Write the answer as evidence, and return it."""
    result = delivered(rows)
    took = {"truncated": rows.truncated, "elapsed_ms": round(rows.elapsed_ms, 3)}
    data = {"rows": len(rows.rows), "columns": len(rows.columns), **took}
    event = tx.append(_draft("completed", who, read, opened, data, {"result": json_part(result)}))
    answer = {
        "call": read.site.name,
        "event": event,
        **result,
        **took,
        **read.answers,
        "asked_at": stamp(tx.now),
        "effect": read.effect,
        "replayed": False,
    }
    end_call(tx, read.site, COMPLETED, answer, opened=opened)
    return answer


def _draft(
    kind: str,
    who: Principal,
    read: Opening,
    cause: str,
    data: Mapping[str, Any],
    parts: Mapping[str, Part],
) -> Draft:
    return Draft(
        f"query.{kind}",
        who.authid,
        {**read.site.data, "target": read.target.name, **data},
        dict(parts),
        incident=read.incident,
        subject=read.site.name,
        correlationid=read.site.run,
        causationid=cause,
    )
