"""What the guard says when it knows what a target's names mean; a snapshot is written by hand."""

import pytest
from interlock_gateway.core.model import Classification, Effect
from interlock_gateway.core.statement import Catalogue, classify_source
from interlock_gateway.core.statement.catalogue import Relation, Routine, Type

OWN = ("", "")
EVIL = Routine(("public", "evil"), of_one=True)

CATALOGUE = Catalogue(
    version="by hand",
    path=("pg_catalog", "public", "pg_temp"),
    relations={
        ("public", "orders"): Relation("table", {"id": OWN, "state": OWN, "total": OWN}),
        ("public", "plain"): Relation("view", {"id": OWN}, "SELECT orders.id FROM public.orders"),
        ("public", "trap"): Relation("view", {"x": OWN}, "SELECT public.evil(1) AS x"),
        ("public", "deep"): Relation("view", {"x": OWN}, "SELECT trap.x FROM public.trap"),
        ("public", "killer"): Relation(
            "view", {"x": OWN}, "SELECT pg_terminate_backend(orders.id) AS x FROM public.orders"
        ),
        ("public", "loop"): Relation("view", {"x": OWN}, "SELECT loop.x FROM public.loop"),
        ("public", "broken"): Relation("view", {"x": OWN}, "SELECT FROM WHERE"),
        ("public", "secured"): Relation(
            "table", {"id": OWN}, evaluated=("(public.evil(id) > 0)",)
        ),
        ("public", "remote"): Relation("foreign table", {"id": OWN}),
        ("public", "castable"): Relation("table", {"id": OWN}, casts=(EVIL,)),
        ("app", "orders"): Relation("table", {"id": OWN, "evil": OWN}),
        ("public", "with_evil"): Relation("table", {"id": OWN, "evil": OWN}),
        ("public", "money"): Relation("table", {"amount": ("public", "cents")}),
    },
    own=frozenset({"pg_class", "pg_stat_activity"}),
    routines={
        "evil": (EVIL,),
        "similarity": (Routine(("public", "similarity"), "pg_trgm", volatile=False),),
        "set_limit": (Routine(("public", "set_limit"), "pg_trgm"),),
        "dblink": (Routine(("public", "dblink"), "dblink", volatile=False),),
        "reviewed": (Routine(("public", "reviewed"), trusted=True),),
        "lower": (Routine(("public", "lower")),),
        "elsewhere": (Routine(("app", "elsewhere")),),
        "total": (Routine(("public", "total"), of_one=True),),
    },
    operators={
        "@#@": (Routine(("public", "@#@")),),
        "%": (Routine(("public", "%"), "pg_trgm", volatile=False),),
        "%%": (Routine(("public", "%%"), behind="pg_terminate_backend"),),
        "%>": (Routine(("public", "%>"), behind="lower"),),
    },
    types={
        ("public", "mood"): Type("enum"),
        ("public", "positive"): Type("domain", parts=(OWN,), checks=("(VALUE > 0)",)),
        ("public", "checked"): Type("domain", parts=(OWN,), checks=("(public.evil(VALUE) > 0)",)),
        ("public", "pair"): Type("composite", parts=(OWN, ("public", "checked"))),
        ("public", "clean"): Type("composite", parts=(OWN, OWN)),
        ("public", "own_base"): Type("base"),
        ("public", "citext"): Type("base", "citext"),
        ("public", "cents"): Type("domain", parts=(OWN,), casts=(EVIL,)),
        ("public", "spans"): Type("range", parts=(("public", "checked"),)),
    },
)


def told(sql: str, catalogue: Catalogue = CATALOGUE) -> Classification:
    return classify_source("postgres", sql, catalogue)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM orders",
        "SELECT o.total, o.id FROM orders AS o",
        "SELECT * FROM app.orders",
        "SELECT * FROM plain",
        "WITH recent AS (SELECT 1 AS n) SELECT n FROM recent",
        "SELECT relname FROM pg_class",
        "SELECT * FROM pg_catalog.pg_locks, information_schema.tables",
        "SELECT similarity('a', 'b'), 'a' % 'b'",
        "SELECT public.similarity('a', 'b')",
        "SELECT reviewed(id), public.reviewed(id) FROM orders",
        "SELECT 'good'::mood, 'A'::citext, 3::positive",
        "SELECT NULL::clean, (NULL::clean).x, ROW(1, 2)::clean",
        "SELECT (NULL::orders).state",
        "SELECT 1 %> 2",
        "SELECT w.evil FROM with_evil AS w",
    ],
)
def test_what_the_catalogue_shows_to_be_plain_is_a_read(sql: str) -> None:
    assert told(sql).effect is Effect.READ, told(sql).reasons


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT * FROM trap", "view public.trap"),
        ("SELECT * FROM deep", "view public.deep"),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM trap)", "view public.trap"),
        ("SELECT * FROM broken", "view public.broken"),
        ("EXPLAIN SELECT * FROM trap", "view public.trap"),
        ("SELECT * FROM secured", "table public.secured"),
        ("SELECT * FROM remote", "foreign table public.remote"),
        ("SELECT * FROM orders_2", "unknown relation orders_2"),
        ("SELECT evil(1)", "function evil"),
        ("SELECT public.evil(1)", "function public.evil"),
        ("SELECT app.elsewhere(1)", "function app.elsewhere"),
        ("SELECT elsewhere(1)", "function elsewhere"),
        ("SELECT lower('A')", "function lower"),
        ("SELECT set_limit(0.5)", "function set_limit"),
        ("SELECT * FROM dblink('select 1') AS t(x int)", "function dblink"),
        ("SELECT o.evil FROM orders AS o", "attribute evil"),
        ("SELECT (o).evil FROM orders AS o", "attribute evil"),
        ("SELECT (state).evil FROM orders", "attribute evil"),
        ("SELECT w.evil FROM with_evil AS w(id, renamed)", "attribute evil"),
        ("SELECT w.evil FROM with_evil w, (SELECT w.evil FROM orders w) x", "attribute evil"),
        ("WITH with_evil AS (SELECT 1) SELECT with_evil.evil FROM with_evil", "attribute evil"),
        ("SELECT 1 @#@ 2", "operator @#@"),
        ("SELECT 1 OPERATOR(public.@#@) 2", "operator public.@#@"),
        ("SELECT 1 %% 2", "operator %%"),
        ("SELECT '1'::checked", "type public.checked"),
        ("SELECT NULL::checked", "type public.checked"),
        ("SELECT NULL::pair", "type public.checked"),
        ("SELECT '[1,2]'::spans", "type public.checked"),
        ("SELECT 'x'::own_base", "type public.own_base"),
        ("SELECT 'x'::no_such_type", "type no_such_type"),
        ("SELECT c::text FROM castable AS c", "type public.castable"),
        ("SELECT 'x' || NULL::castable", "type public.castable"),
        ("SELECT amount FROM money", "type public.cents"),
        ("SELECT 3::cents", "type public.cents"),
        ("WITH trap AS (SELECT 1) SELECT * FROM trap", "view public.trap"),
    ],
)
def test_what_acts_behind_a_name_is_unknown_and_named(sql: str, why: str) -> None:
    verdict = told(sql)

    assert verdict.effect is Effect.UNKNOWN
    assert why in [reason.what for reason in verdict.reasons]


def test_a_view_has_the_effect_of_what_it_calls() -> None:
    verdict = told("SELECT * FROM killer")

    assert verdict.effect is Effect.ADMIN
    assert "this is the action pg.terminate_backend" in verdict.reasons[0].detail


def test_a_view_that_reads_itself_ends() -> None:
    assert told("SELECT * FROM loop").effect is Effect.READ


def test_a_mutation_that_reads_a_trap_is_unknown() -> None:
    assert told("DELETE FROM orders WHERE id IN (SELECT x FROM trap)").effect is Effect.UNKNOWN


def test_a_redefined_cast_between_the_engines_own_types_makes_everything_unknown() -> None:
    hostile = Catalogue("casts", CATALOGUE.path, CATALOGUE.relations, casts=(EVIL,))

    assert told("SELECT * FROM orders", hostile).effect is Effect.UNKNOWN


def test_relations_are_told_as_the_catalogue_knows_them() -> None:
    verdict = told("WITH w AS (SELECT 1) SELECT * FROM orders, app.orders, w, pg_class")

    assert verdict.relations is not None
    assert set(verdict.relations) == {"public.orders", "app.orders", "pg_catalog.pg_class"}


def test_without_a_catalogue_a_relation_is_taken_for_a_table() -> None:
    verdict = classify_source("postgres", "SELECT * FROM trap")

    assert (verdict.effect, verdict.relations) == (Effect.READ, None)


def test_what_is_known_of_a_text_belongs_to_its_snapshot() -> None:
    harmless = Catalogue("harmless", CATALOGUE.path, {("public", "trap"): Relation("table")})

    assert told("SELECT * FROM trap", harmless).effect is Effect.READ
    assert told("SELECT * FROM trap").effect is Effect.UNKNOWN


def test_what_only_mariadb_has_is_a_read_in_mysql_unless_one_of_that_name_is_stored() -> None:
    sql = "SELECT json_detailed(paid) FROM orders"
    orders = {("shop", "orders"): Relation("table")}
    stored = {"json_detailed": (Routine(("shop", "json_detailed")),)}
    empty = Catalogue("none stored", ("shop",), orders)
    full = Catalogue("one stored", ("shop",), orders, routines=stored)

    assert classify_source("mysql", sql).effect is Effect.READ
    assert classify_source("mysql", sql, empty).effect is Effect.READ
    assert classify_source("mysql", sql, full).effect is Effect.UNKNOWN


def test_relations_of_mariadb_are_told_with_their_database() -> None:
    known = Catalogue("maria", ("shop",), {("shop", "orders"): Relation("table")})
    verdict = classify_source("mariadb", "SELECT * FROM orders, shop.orders AS o", known)

    assert verdict.effect is Effect.READ
    assert verdict.relations == ("shop.orders",)


@pytest.mark.parametrize("sql", ["SELECT abs(x => 0)", "SELECT make_interval(n => 1)"])
def test_a_parameter_by_a_name_that_the_engines_own_has_not_calls_somebodys(sql: str) -> None:
    """PostgreSQL's own function hides one of the same arguments, but not under their names."""
    assert classify_source("postgres", sql, CATALOGUE).effect is Effect.UNKNOWN


def test_a_parameter_of_the_engines_own_by_its_name_is_a_read() -> None:
    sql = "SELECT now() - make_interval(mins => 5)"
    assert classify_source("postgres", sql, CATALOGUE).effect is Effect.READ
