"""A plan at the API: end the blocking session, then requeue the stuck jobs."""

from typing import Any

import httpx

from support.house import REQUEUE, TERMINATE, House, RunAt, Someone

END = {"action": "pg.terminate_backend", "target": "orders", "args": TERMINATE}
FEED = {
    "target": "orders",
    "sql": REQUEUE,
    "params": {"was": {"type": "text", "value": "stuck"}},
    "max_rows": 5,
    "reason": "the worker died",
}


def plan_of(run: RunAt, *members: dict[str, Any], ordinal: int = 0, **more: Any) -> dict[str, Any]:
    """Return the body of a plan that the step `pool` asks for; without members the usual two."""
    body = {"reason": "free the pool, then feed it", "members": [*members] or [END, FEED]}
    return {**run.place("pool", ordinal), **body, **more}


async def asks_for_plan(run: RunAt, *members: dict[str, Any]) -> dict[str, Any]:
    """Start the step `pool`, ask for a plan in it, and return what the run is told."""
    await run.starts("pool")
    return dict((await run.post("/v1/plans", plan_of(run, *members)))["plan"])


async def vote_on_plan(
    person: Someone, plan: str, vote: str = "approve", **more: Any
) -> httpx.Response:
    """Read a plan and vote on exactly what it says."""
    seen = await person.get(f"/v1/plans/{plan}")
    body = {
        "vote": vote,
        "plan_digest": seen["plan_digest"],
        "prompt_digest": seen["prompt_digest"],
        "reason": "looks right" if vote == "approve" else "not now",
        **more,
    }
    return await person.call("POST", f"/v1/plans/{plan}/votes", body)


def needs(home: House, **rules: str) -> None:
    """Put other approval rules in the place of `one-approver` and `one-dba`, by their names."""
    file = home.folder / "policies" / "permissions.csv"
    lines = file.read_text()
    for old, new in rules.items():
        lines = lines.replace(old.replace("_", "-"), new)
    file.write_text(lines)
    assert home.policies.reload() == ()
