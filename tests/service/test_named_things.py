"""An action whose argument names a thing: proposed, voted on and sent as exactly that text."""

from typing import Any

import pytest
from support.house import House, RunAt, Someone


def asks(run: RunAt, table: str) -> dict[str, Any]:
    """Return the body of a request to vacuum a table."""
    args = {
        "schema": {"type": "text", "value": "public"},
        "table": {"type": "text", "value": table},
        "vacuum_count": {"type": "integer", "value": 0},
    }
    return run.wishes("vacuum", action="pg.vacuum", args=args, reason="it is bloated")


async def test_the_approver_reads_exactly_what_is_sent(
    home: House, run: RunAt, approver: Someone
) -> None:
    await run.starts("vacuum")
    odd = 'jobs"; DROP TABLE jobs; --'
    asked = (await run.post("/v1/actions", asks(run, odd)))["approval"]["id"]
    exact = 'VACUUM (ANALYZE) "public"."jobs""; DROP TABLE jobs; --"'
    shown = await approver.prompt(asked)
    assert shown["proposal"]["statement"] == exact
    assert shown["effect"] == "admin"
    await approver.vote(asked)
    await run.post(f"/v1/approvals/{asked}/execute")
    (deed,) = home.target.deeds
    assert (deed.statement.text, deed.values, deed.image) == (exact, {}, None)


@pytest.mark.parametrize("table", ["a\nb", "ä" * 40, "a\u202eb"])
async def test_what_can_be_no_name_is_refused(home: House, run: RunAt, table: str) -> None:
    await run.starts("vacuum")
    assert await run.refused("/v1/actions", asks(run, table)) == "bad-arguments"
    assert home.target.reads == []
