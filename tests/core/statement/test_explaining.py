"""What a person is told of a classification, and what to do instead."""

import re
from pathlib import Path

import pytest
from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement import (
    Explanation,
    advice,
    classify,
    classify_source,
    translate,
)

ROOT = Path(__file__).parents[3]
_EFFECTS = ROOT / "gateway/interlock_gateway/core/statement/data/postgres/effects.toml"


def advised(sql: str, target: str = "", dialect: Dialect = Dialect.POSTGRES) -> str:
    return advice(dialect, classify(translate(dialect, sql)), target)


def test_a_function_that_is_an_action_is_answered_with_the_action() -> None:
    assert "the action pg.terminate_backend" in advised("SELECT pg_terminate_backend(1)")


def test_an_action_that_the_catalogue_does_not_have_is_not_advised() -> None:
    assert advised("SELECT pg_terminate_backend(1)", target="orders") == ""


def test_every_action_that_the_lists_advise_is_in_the_shipped_catalogue() -> None:
    shipped = {path.stem for path in (ROOT / "policies/actions").glob("*.toml")}
    named = set(re.findall(r"this is the action ([\w.]+)", _EFFECTS.read_text("utf-8")))
    assert named
    assert named <= shipped


def test_a_function_that_nobody_knows_is_answered_with_who_can_review_it() -> None:
    said = advised("SELECT billing.total(1)", target="orders")
    assert "`billing.total` under reads.functions of orders in targets.toml" in said
    assert "`SCHEMA.total`" in advised("SELECT total(1)")


@pytest.mark.parametrize("name", ["pg_sleep", "pg_read_file", "lo_import", "nextval"])
def test_no_review_makes_a_function_of_the_engine_a_read(name: str) -> None:
    assert "reads.functions" not in advised(f"SELECT {name}('1')")


def test_only_postgresql_has_reviewed_functions() -> None:
    assert advised("SELECT total(1)", dialect=Dialect.SQLITE) == ""


def test_an_explanation_without_a_target_says_what_it_assumes() -> None:
    statement = translate(Dialect.POSTGRES, "SELECT a FROM jobs WHERE state = :s LIMIT 5")
    told = Explanation("postgres", statement.source, classify(statement), statement).as_json()
    assert (told["effect"], told["kind"], told["tables"]) == ("read", "select", ["jobs"])
    assert (told["bounded"], told["relations"], told["next"]) == (True, None, "")
    assert "taken for tables" in told["assumed"][0]


def test_places_in_an_explanation_are_in_the_authors_text() -> None:
    sql = "SELECT :long_name, pg_sleep(1)"
    statement = translate(Dialect.POSTGRES, sql)
    told = Explanation("postgres", sql, classify(statement), statement).as_json()
    (reason,) = told["reasons"]
    assert sql[reason["position"] :][: reason["length"]] == "pg_sleep"
    assert reason["excerpt"].split("\n")[0] == f"  1 | {sql}"


def test_what_cannot_be_translated_is_unknown_and_pointed_at() -> None:
    found = classify_source("postgres", "SELECT $1")
    (reason,) = Explanation("postgres", "SELECT $1", found).as_json()["reasons"]
    assert reason["excerpt"].endswith("|        ^~")


def test_a_dialect_without_an_engine_assumes_nothing_and_says_what_is_supported() -> None:
    told = Explanation("oracle", "SELECT 1", classify_source("oracle", "SELECT 1")).as_json()
    assert (told["effect"], told["assumed"]) == ("unknown", [])
    assert "postgres" in told["reasons"][0]["detail"]


def test_of_thousands_of_reasons_a_few_are_told_and_the_rest_is_counted() -> None:
    sql = "SELECT " + ", ".join(["nextval('s')"] * 500)
    told = Explanation("postgres", sql, classify_source("postgres", sql)).as_json()
    assert len(told["reasons"]) == 20
    assert told["more_reasons"] == 480
