"""A gateway that answers as a test wrote it, and remembers everything it was asked."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from interlock.client import Call
from interlock.errors import InterlockError, Unavailable
from interlock.runbook import Step
from interlock.runner.progress import Work
from interlock.wire import digest

Json = dict[str, Any]
Reply = Json | InterlockError | Callable[[Call], Json]


def answer(
    *rows: Iterable[Any], columns: str = "pid:integer victims:integer", **more: Any
) -> Json:
    """What the gateway gives back for a query: happy and complete unless said otherwise."""
    described = [dict(zip(("name", "type"), c.split(":"), strict=True)) for c in columns.split()]
    return {
        "call": "R-1/blockers/1/0",
        "event": "evt_1",
        "columns": described,
        "rows": [list(row) for row in rows],
        "truncated": "",
        "elapsed_ms": 6,
        "asked_at": "2026-01-01T00:00:00+00:00",
        "replayed": False,
        "effect": "read",
        **more,
    }


def approval(state: str = "pending", version: int = 1, **more: Any) -> Json:
    """An approval request as the gateway shows it."""
    return {
        "id": "A-1",
        "version": version,
        "state": state,
        "rule": {"name": "one-person", "needs": "one dba", "eligible": ["approver", "colleague"]},
        "requested_at": "2026-01-01T00:00:00+00:00",
        "expires_at": "2026-01-01T00:15:00+00:00",
        **more,
    }


def step(source: str, name: str = "blockers", **more: Any) -> Step:
    """An automatic step that asks; a test names only what matters to it."""
    told: Json = {"kind": "query", "title": name.title(), "why": "", "auto": True, "timeout_s": 20}
    return Step(id=name, source=source, source_digest=digest(source.encode()), **{**told, **more})


def work(*steps: Step, **more: Any) -> Work:
    """A curated run of `steps`."""
    told: Json = {
        "runbook": "pg-lock-contention",
        "incident": {"id": "INC-1", "title": "Checkout is slow", "severity": "sev2"},
        "params": {"min_block_s": {"type": "integer", "value": 5}},
    }
    return Work(run="R-1", steps=steps, **{**told, **more})


class ScriptedGateway:
    """Answers by the end of a call's path; the last reply for a path is given again and again."""

    def __init__(self, script: Mapping[str, list[Reply]] | None = None) -> None:
        self.calls: list[Call] = []
        self.down = False
        self._script = {path: list(replies) for path, replies in (script or {}).items()}
        self._attempts: dict[str, int] = {}

    async def send(self, call: Call) -> Json:
        """Answer `call`."""
        if self.down:
            raise Unavailable("The gateway at http://gateway cannot be reached: refused.")
        self.calls.append(call)
        await asyncio.sleep(0)
        reply = self._scripted(call)
        if isinstance(reply, Exception):
            raise reply
        return dict(reply(call) if callable(reply) else reply)

    def asked(self, ending: str) -> list[Json]:
        """Return the bodies of the calls whose path ends so."""
        return [dict(call.body or {}) for call in self.calls if call.path.endswith(ending)]

    @property
    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [call.path.removeprefix("/v1/") for call in self.calls]

    @property
    def ends(self) -> list[Json]:
        """How the steps ended, in order."""
        return [
            dict(call.body or {})
            for call in self.calls
            if "/steps/" in call.path and call.path.endswith("/end")
        ]

    def _scripted(self, call: Call) -> Reply:
        for ending, replies in self._script.items():
            if call.path.endswith(ending):
                return replies.pop(0) if len(replies) > 1 else replies[0]
        if call.path.endswith("/start"):
            self._attempts[call.path] = self._attempts.get(call.path, 0) + 1
            return {"attempt": self._attempts[call.path]}
        return {}


class Deciding(ScriptedGateway):
    """Approves the one action it is asked for after a while."""

    def __init__(self, after_s: float) -> None:
        done = {"approval": "A-1", "state": "succeeded", "affected": 1}
        super().__init__({"/actions": [{"approval": approval()}], "/execute": [done]})
        self._after_s = after_s

    async def send(self, call: Call) -> Json:
        """Answer `call`; looking at the approval takes as long as its decision."""
        if call.path.endswith("/A-1"):
            await asyncio.sleep(self._after_s)
            return approval("approved", 2)
        return await super().send(call)
