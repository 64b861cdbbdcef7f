"""A refusal shows the author's own text, where it was refused, and what to do instead."""

from typing import Any

import pytest
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.core.statement.catalogue import Relation, Routine
from support.house import House, RunAt


async def problem(run: RunAt, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = await run.call("POST", path, body)
    assert response.is_error
    return dict(response.json())


async def test_a_refused_query_shows_the_line_with_a_caret(look: RunAt) -> None:
    sql = "SELECT :who,\n  pg_sleep(:n)"
    params = {name: {"type": "integer", "value": 1} for name in ("who", "n")}
    told = await problem(look, "/v1/queries", look.asks(sql, params=params))
    assert told["excerpt"] == "  2 |   pg_sleep(:n)\n    |   ^~~~~~~~"


async def test_a_function_that_is_an_action_is_answered_with_the_call_to_make(look: RunAt) -> None:
    told = await problem(look, "/v1/queries", look.asks("SELECT pg_terminate_backend(4711)"))
    assert told["code"] == "not-read-only"
    call = 'act("pg.terminate_backend", target="orders", pid=…, backend_start=…, reason="…")'
    assert call in told["help"]


async def test_a_function_nobody_knows_is_answered_with_who_can_review_it(look: RunAt) -> None:
    told = await problem(look, "/v1/queries", look.asks("SELECT billing.total(1)"))
    assert "`billing.total` under reads.functions of orders in targets.toml" in told["help"]


async def test_a_plain_write_keeps_the_general_help(look: RunAt) -> None:
    told = await problem(look, "/v1/queries", look.asks("SELECT * FROM t FOR UPDATE"))
    assert "execute" in told["help"]
    assert told["excerpt"].endswith("|                 ^~~~")


async def test_a_retry_of_a_refused_query_shows_the_same(look: RunAt) -> None:
    body = look.asks("SELECT pg_sleep(1)")
    first = await problem(look, "/v1/queries", body)
    assert await problem(look, "/v1/queries", body) == first


async def test_parameters_that_cannot_be_read_are_pointed_at(look: RunAt) -> None:
    told = await problem(look, "/v1/queries", look.asks("SELECT a FROM t WHERE b = $1"))
    assert told["code"] == "bad-sql-parameters"
    assert told["excerpt"].endswith("|                           ^~")


@pytest.mark.parametrize(
    ("more", "code"),
    [({"target": "nowhere"}, "unknown-target"), ({"step": "other"}, "no-step-running")],
)
async def test_what_is_not_about_the_statement_shows_none_of_it(
    look: RunAt, more: dict[str, str], code: str
) -> None:
    told = await problem(look, "/v1/queries", look.asks("SELECT pg_sleep(1)") | more)
    assert told["code"] == code
    assert "excerpt" not in told


async def test_a_view_that_acts_shows_nothing_that_the_asker_did_not_write(
    home: House, look: RunAt
) -> None:
    evil = {"evil": (Routine(("public", "evil")),)}
    view = {("public", "trap"): Relation("view", {}, "SELECT public.evil(1)")}
    home.target.names = Catalogue("trap", ("pg_catalog", "public"), view, routines=evil)
    told = await problem(look, "/v1/queries", look.asks("SELECT * FROM trap"))
    assert told["code"] == "not-understood"
    assert "excerpt" not in told


async def test_a_refused_mutation_is_pointed_at_too(run: RunAt) -> None:
    await run.starts("requeue")
    sql = "UPDATE jobs SET state = 'x' WHERE pg_terminate_backend(pid)"
    told = await problem(run, "/v1/executions", run.mutates(sql=sql, params={}))
    assert told["excerpt"].split("\n")[1].index("^") == 6 + sql.index("pg_terminate")
    assert 'act("pg.terminate_backend", target="orders"' in told["help"]
