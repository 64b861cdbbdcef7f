"""Several actions in one request: `with plan("why") as steps:`. Standard library only.

    with plan("Free the pool, then raise its limit") as steps:
        steps.act("pg.terminate_backend", target="orders", pid=pid, backend_start=since)
        steps.execute("orders", "UPDATE pool SET size = :n", max_rows=1, n=40)

All of it is asked for at the end of the block, and decided in one vote. Afterwards the same `act`
and `execute`, here or in a later step of the run, use what was granted; each once, in any order.
"""

from types import TracebackType
from typing import Any, Self

from interlock.errors import UsageError
from interlock.rendering import previewed_lines, printable
from interlock.session import Json, current, typed

MOST = 10
"""Actions in one plan; the gateway refuses more."""


class Plan:
    """What is asked for together; `plan` makes one.

    Attributes:
        id: the plan's id once it is asked for, as `P-1`; "" before that, and in a dry run.
        approvals: the id of the approval of each action, in the order of the plan.
    """

    def __init__(self, reason: str) -> None:
        self.id = ""
        self.approvals: tuple[str, ...] = ()
        self._reason = reason
        self._members: list[Json] = []
        self._answer: Json | None = None

    def act(self, action: str, /, *, target: str, reason: str = "", **args: Any) -> None:
        """Put a catalogued action into the plan; the arguments are those of `interlock.act`."""
        request = {"action": action, "target": target, "args": typed(args), "reason": reason}
        self._add({"op": "act", **request})

    def execute(
        self, target: str, sql: str, /, *, max_rows: int, reason: str = "", **params: Any
    ) -> None:
        """Put a statement into the plan; the arguments are those of `interlock.execute`."""
        request = {"target": target, "sql": sql, "params": typed(params), "reason": reason}
        self._add({"op": "execute", **request, "max_rows": max_rows})

    def _add(self, member: Json) -> None:
        if self._answer is not None:
            raise UsageError(
                "This plan is asked for already; nothing can be added to it.",
                help="Ask for a new plan: `with plan(…) as steps:`.",
            )
        if len(self._members) >= MOST:
            raise UsageError(f"A plan asks for at most {MOST} actions.", code="outside-limits")
        self._members.append(member)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            return  # the block failed: nothing is asked for
        if not self._members:
            raise UsageError(
                "This plan asks for nothing.", help="Write `steps.act(…)` in its block."
            )
        self._answer = current().ask("plan", reason=self._reason, members=self._members)
        self.id = str(self._answer.get("plan") or "")
        self.approvals = tuple(str(one["approval"]) for one in self._answer["members"])
        current().tell(repr(self))

    def __repr__(self) -> str:
        if self._answer is None:
            return f"plan of {len(self._members)}, not asked for yet"
        members = self._answer["members"]
        if not self.id:
            told = [line for one in members for line in _would(one)]
            return "\n".join(["◌ dry run: nothing was asked for or changed", *told])
        lines = [
            printable(f"  {one['approval']}  {one['operation']} on {one['target']}")
            for one in members
        ]
        return "\n".join([f"✔ {self.id} is approved; the same calls use it, each once", *lines])


def plan(reason: str) -> Plan:
    """Ask for several actions at once, in a `with` block; wait until people have decided.

    Arguments:
        reason: why all of it; the approvers read it, for each action that has none of its own.

    Raises, at the end of the block:
        Denied: one of them is not permitted, or cannot be previewed; nothing was asked for.
        ApprovalRefused: denied, expired, withdrawn; nothing ran.
    """
    return Plan(reason)


def _would(member: Json) -> list[str]:
    lines = previewed_lines(member).items()
    return ["", *(f"  {name:<11}{words}" for name, words in lines)]
