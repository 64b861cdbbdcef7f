"""Wait for people to decide, then execute what they approved, once.

    requested → wait (long poll) → approved → execute by id → outcome
                                 ↘ denied, expired, … → the kernel's call raises; nothing ran

While another action runs on its target, the grant is asked for again until it ends.

An execution whose answer was lost is never simply repeated: the approval itself says whether it
was used. The gateway refuses a second use besides.
"""

import asyncio
from datetime import datetime
from typing import Any

from interlock import client
from interlock.client import Call
from interlock.errors import (
    Denied,
    InterlockError,
    OutcomeUnknown,
    Unavailable,
    error_from_problem,
)
from interlock.rendering import previewed_lines
from interlock.runner.clock import Deadline
from interlock.runner.gateway import Json, PatientGateway
from interlock.runner.progress import Previewed, Queued, Settled, Tell, Waiting
from interlock.table import Table

POLL_S = 20.0
"""Seconds that one long poll waits at the gateway."""

EXECUTING_S = 300.0
"""Seconds after which an execution that does not end is called unknown."""

_BREATH_S = 0.02
_ENDED = frozenset({"succeeded", "failed", "outcome_unknown", "resolved"})
_USED = frozenset({"approval-used", "idempotency-conflict"})
_BUSY = "target-busy"


class Approvals:
    """Takes a call that needs approval from its request to its outcome.

    Arguments:
        gateway: where to ask.
        tell: the run's listener.
        web: the gateway's pages, for the link to an approval; may be "".
    """

    def __init__(self, gateway: PatientGateway, tell: Tell, web: str = "") -> None:
        self._gateway = gateway
        self._tell = tell
        self._web = web.rstrip("/")
        self._executing: set[asyncio.Task[Json]] = set()

    async def settle(self, request: Call, step: str, deadline: Deadline, show: Tell) -> Json:
        """Request, wait and execute; return the outcome.

        Arguments:
            request: asks the gateway for the action or the statement.
            step: the step that waits.
            deadline: the step's; it stands still from the request's answer to the outcome.
            show: shows progress in the notebook.

        Raises:
            ApprovalRefused: nothing ran.
            Denied, TargetFailed, OutcomeUnknown, Unavailable: as the gateway said.
        """
        answer = await self._gateway.send(request, tell=show)
        if "approval" not in answer or "outcome" in answer:
            outcome = dict(answer.get("outcome") or answer)
            if would := previewed_lines(outcome):
                self._tell(Previewed(step, would, Table(outcome)))
            return outcome
        deadline.hold()
        try:
            approval = await self._decided(answer["approval"], step, show)
            return await self._outcome(approval, step, show)
        finally:
            deadline.release()

    async def agree(self, request: Call, step: str, deadline: Deadline, show: Tell) -> Json:
        """Request a plan and wait until the whole of it is granted; nothing of it is executed.

        The arguments are those of `settle`.

        Returns:
            `{"plan", "members"}`: of each the approval, operation, target and state.

        Raises:
            ApprovalRefused: nothing ran.
            Denied, Unavailable: as the gateway said.
        """
        answer = await self._gateway.send(request, tell=show)
        if "plan" not in answer:
            return self._rehearsed(dict(answer["outcome"]), step)
        deadline.hold()
        try:
            return _granted(await self._decided(answer["plan"], step, show))
        finally:
            deadline.release()

    def _rehearsed(self, outcome: Json, step: str) -> Json:
        for member in outcome["members"]:
            self._tell(Previewed(step, previewed_lines(member), Table(member)))
        return outcome

    async def finish(self, within_s: float) -> None:
        """Wait for executions whose step was stopped; their outcome is the gateway's to record."""
        if self._executing:
            await asyncio.wait(self._executing, timeout=within_s)

    async def _decided(self, approval: Json, step: str, show: Tell) -> Json:
        """Wait until `approval`, or a plan, is no longer pending."""
        began = asyncio.get_running_loop().time()
        listeners = (self._tell, show) if approval["state"] == "pending" else (self._tell,)
        if approval["state"] == "pending":
            for listener in listeners:
                listener(self._waiting(approval, step))
        while approval["state"] == "pending":
            approval = await self._look(approval, show)
        waited = asyncio.get_running_loop().time() - began
        for listener in listeners:
            listener(_settled(approval, step, round(waited, 1)))
        return approval

    async def _outcome(self, approval: Json, step: str, show: Tell) -> Json:
        """Execute an approved request and return what came of it."""
        number = str(approval["id"])
        ends = asyncio.get_running_loop().time() + EXECUTING_S
        while True:
            match approval["state"]:
                case "approved":
                    outcome = await self._in_turn(number, step, show)
                    if outcome is not None:
                        return outcome
                    approval = await self._look(approval, show, wait_s=0)
                case "executing":
                    approval = await self._look(approval, show)
                case state if state in _ENDED:
                    # It was used and never runs again: this gives its recorded outcome.
                    return await self._gateway.send(client.execute(number), tell=show)
                case _:
                    raise _refused(approval)
            if asyncio.get_running_loop().time() > ends:
                raise OutcomeUnknown(f"{number} did not end within {EXECUTING_S:.0f} s.")

    async def _in_turn(self, number: str, step: str, show: Tell) -> Json | None:
        """Execute; while another action runs on the target, again until the grant ends."""
        ends = asyncio.get_running_loop().time() + EXECUTING_S
        told = False
        while True:
            try:
                return await self._execute(number)
            except Denied as error:
                if error.code != _BUSY or asyncio.get_running_loop().time() > ends:
                    raise
                if not told:
                    for listener in (self._tell, show):
                        listener(Queued(step, number, error.message))
                told = True
            await asyncio.sleep(_BREATH_S)  # the gateway has waited already, for some seconds

    async def _execute(self, approval_id: str) -> Json | None:
        """Execute once; None when the answer was lost and the approval must be looked at."""
        task = asyncio.create_task(self._gateway.once(client.execute(approval_id)))
        self._executing.add(task)
        task.add_done_callback(self._done)
        try:
            # A step that is stopped must not tear down an execution under way.
            return await asyncio.shield(task)
        except (Unavailable, Denied) as error:
            if error.code == "unavailable" or error.code in _USED:
                return None
            raise

    def _done(self, task: asyncio.Task[Json]) -> None:
        self._executing.discard(task)
        if not task.cancelled():
            task.exception()  # seen here, in case nobody waits for it any more

    async def _look(self, approval: Json, show: Tell, wait_s: float = POLL_S) -> Json:
        """Look at `approval` again, waiting for a newer version unless `wait_s` is 0."""
        await asyncio.sleep(_BREATH_S)
        seen = int(approval.get("version") or 0)
        ask = client.plan if "members" in approval else client.approval
        call = ask(str(approval["id"]), wait_s=wait_s, version=seen)
        return await self._gateway.send(call, tell=show)

    def _waiting(self, approval: Json, step: str) -> Waiting:
        rule = approval.get("rule") or {}
        number = str(approval["id"])
        page = f"plan/{number}" if "members" in approval else number
        return Waiting(
            step=step,
            approval=number,
            who=tuple(map(str, rule.get("eligible") or ())),
            needs=str(rule.get("needs") or ""),
            until=_moment(approval.get("expires_at")),
            url=f"{self._web}/approvals/{page}" if self._web else "",
            since=_moment(approval.get("requested_at")),
        )


def _settled(approval: Json, step: str, waited_s: float) -> Settled:
    """Return how an approval ended: whose votes made it so, or why it ended."""
    state, votes = str(approval["state"]), approval.get("votes") or ()
    wanted = "deny" if state == "denied" else "approve"
    counts = state in {"approved", "denied"}
    by = tuple(str(vote["person"]) for vote in votes if counts and vote.get("vote") == wanted)
    reason = str(approval.get("reason") or "")
    return Settled(step, str(approval["id"]), _how(approval), waited_s, by, reason)


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _granted(plan: Json) -> Json:
    """Return what the kernel is told of a plan that is granted, or raise what became of it."""
    for member in plan["members"]:
        if member["state"] not in _ENDED | {"approved", "executing"}:
            raise _refused(member | {"id": f"{plan['id']} ({member['id']})"})
    members = [
        {
            "approval": member["id"],
            "operation": member["operation"],
            "target": member["target"]["name"],
            "state": member["state"],
        }
        for member in plan["members"]
    ]
    return {"plan": plan["id"], "members": members}


def _how(approval: Json) -> str:
    """Return how it was decided, and that no approver did where that is so."""
    broken = approval.get("broken_by")
    return f"{approval['state']}, glass broken by {broken}" if broken else str(approval["state"])


def _refused(approval: Json) -> InterlockError:
    """Return the error that an approval's end without a yes stands for."""
    state, reason = str(approval["state"]), str(approval.get("reason") or "")
    detail = f"{approval['id']} was {state}{f': {reason}' if reason else ''}. Nothing ran."
    return error_from_problem({"code": f"approval-{state}", "detail": detail})
