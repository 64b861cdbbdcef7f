"""What a statement would do at a target: for a person, deciding nothing, running nothing."""

from typing import Any

import pytest
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.core.statement.catalogue import Relation, Routine, Type
from support.house import House, RunAt, Someone

_PATH = "/v1/sql/explain"
_JOBS = Relation("table", {"id": ("", ""), "state": ("", "")})
_EVIL = {"evil": (Routine(("hidden", "evil")),)}
_VIEWS = {
    ("public", "jobs"): _JOBS,
    ("public", "outer_view"): Relation("view", {}, "SELECT * FROM hidden.inner_view"),
    ("hidden", "inner_view"): Relation("view", {}, "SELECT hidden.evil(1)"),
    ("public", "paid"): Relation("table", {"amount": ("hidden", "money")}),
}
_TYPES = {("hidden", "money"): Type("domain", casts=_EVIL["evil"])}
_NAMES = Catalogue("v1", ("pg_catalog", "public"), _VIEWS, routines=_EVIL, types=_TYPES)


@pytest.fixture
async def known(home: House) -> House:
    """A gateway whose targets tell what their names mean."""
    home.target.names = _NAMES
    return home


def asks(sql: str, target: str = "orders") -> dict[str, Any]:
    return {"target": target, "sql": sql}


async def test_a_read_is_explained_with_its_relations_as_the_catalogue_knows_them(
    known: House, responder: Someone
) -> None:
    told = await responder.post(_PATH, asks("SELECT count(*) FROM jobs WHERE state = :s"))
    assert (told["effect"], told["kind"], told["bounded"]) == ("read", "select", True)
    assert (told["tables"], told["relations"]) == (["jobs"], ["public.jobs"])
    assert (told["target"], told["assumed"], told["next"]) == ("orders", [], "")
    assert (known.target.reads, known.target.deeds) == ([], [])


async def test_a_reason_is_shown_at_its_place_with_what_to_do(
    known: House, responder: Someone
) -> None:
    told = await responder.post(_PATH, asks("SELECT :x, pg_terminate_backend(1)"))
    (reason,) = told["reasons"]
    assert reason["excerpt"].endswith("|            ^~~~~~~~~~~~~~~~~~~~")
    assert 'act("pg.terminate_backend", target="orders"' in told["next"]
    assert known.target.deeds == []


async def test_it_is_no_event_and_asks_nobody(
    known: House, responder: Someone, incident: str
) -> None:
    before = (await known.kinds(incident), await known.kinds(""))
    await responder.post(_PATH, asks("DELETE FROM jobs"))
    assert (await known.kinds(incident), await known.kinds("")) == before


@pytest.mark.parametrize("sql", ["SELECT * FROM outer_view", "SELECT * FROM paid"])
async def test_what_stands_behind_a_name_is_not_revealed(
    known: House, responder: Someone, sql: str
) -> None:
    response = await responder.call("POST", _PATH, asks(sql))
    assert response.json()["effect"] == "unknown"
    for secret in ("evil", "inner_view", "hidden", "money", "amount"):
        assert secret not in response.text
    assert known.target.asked_for_names >= 1


async def test_no_name_is_offered_for_one_that_is_not_there(
    known: House, responder: Someone
) -> None:
    response = await responder.call("POST", _PATH, asks("SELECT * FROM job, outer_vie, evi"))
    assert response.json()["effect"] == "unknown"
    assert not any(name in response.text for name in ("jobs", "outer_view", "evil"))
    assert known.target.asked_for_names == 2


async def test_a_relation_that_may_not_be_read_there_is_said(
    home: House, responder: Someone
) -> None:
    home.target.names = _NAMES
    path = home.folder / "policies/targets.toml"
    path.write_text(path.read_text() + '\n[target.archive.reads]\nschemas = ["reports"]\n')
    home.policies.reload()
    told = await responder.post(_PATH, asks("SELECT id FROM jobs", target="archive"))
    assert (told["effect"], told["forbidden"]) == ("read", ["public.jobs"])


async def test_parameters_that_cannot_be_read_are_explained_and_no_refusal(
    responder: Someone,
) -> None:
    told = await responder.post(_PATH, asks("SELECT $1"))
    assert told["effect"] == "unknown"
    assert told["reasons"][0]["excerpt"].endswith("|        ^~")


async def test_a_runs_token_explains_nothing(known: House, run: RunAt) -> None:
    assert await run.refused(_PATH, asks("SELECT * FROM jobs")) == "not-a-person"
    assert known.target.asked_for_names == 0


async def test_an_unknown_target_is_refused_by_its_name(responder: Someone) -> None:
    assert await responder.refused(_PATH, asks("SELECT 1", target="nowhere")) == "unknown-target"


async def test_a_target_that_is_down_is_refused_and_not_guessed(
    home: House, responder: Someone
) -> None:
    home.target.silent = "orders is down."
    assert await responder.refused(_PATH, asks("SELECT 1")) == "target-unreachable"


@pytest.mark.parametrize(
    "body",
    [
        {"target": "orders"},
        {"target": "orders", "sql": "x" * 65_537},
        {"target": "orders", "sql": "SELECT 1", "params": {}},
        {"target": "o" * 121, "sql": "SELECT 1"},
        {"target": "orders", "sql": ["SELECT 1"]},
    ],
)
async def test_what_is_too_long_or_malformed_is_refused(
    known: House, responder: Someone, body: dict[str, Any]
) -> None:
    assert await responder.refused(_PATH, body) == "bad-request"
    assert known.target.asked_for_names == 0


async def test_a_hostile_text_gives_a_bounded_answer(known: House, responder: Someone) -> None:
    """Thousands of reasons, or the time limit of the guard: either way a short answer."""
    sql = "SELECT " + ",".join(["nextval('s')"] * 4_500)
    response = await responder.call("POST", _PATH, asks(sql))
    assert response.json()["effect"] != "read"
    assert len(response.content) < 64 * 1024
    assert known.target.deeds == []


async def test_half_of_a_surrogate_pair_is_no_statement(responder: Someone) -> None:
    assert await responder.refused(_PATH, asks("SELECT '\ud800'")) == "bad-request"
