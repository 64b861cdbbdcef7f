"""A snapshot of a real PostgreSQL's catalogue, and what the guard makes of it."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock_gateway.adapters.targets.postgres import PostgresReader
from interlock_gateway.core.model import Dialect, Effect, Reads, Target
from interlock_gateway.core.statement import Catalogue, classify_source
from interlock_gateway.service.targets import TargetError

pytestmark = pytest.mark.postgres

WORLD = """
CREATE TABLE orders (id int PRIMARY KEY, state text, tags text[]);
CREATE VIEW recent AS SELECT id FROM orders WHERE state <> 'done';
CREATE FUNCTION evil(x int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION two(x int, y int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION reviewed(x int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION lower(x text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION upper(x int) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE VIEW trap AS SELECT evil(1);
CREATE VIEW deep AS SELECT * FROM trap;
CREATE VIEW killer AS SELECT pg_terminate_backend(id) FROM orders;
CREATE MATERIALIZED VIEW stored AS SELECT * FROM orders;
CREATE TABLE secured (id int);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY looking ON secured FOR SELECT USING (evil(id) > 0);
CREATE TABLE unsecured (id int);
CREATE POLICY looking ON unsecured FOR SELECT USING (evil(id) > 0);
CREATE TABLE castable (id int);
CREATE FUNCTION as_text(castable) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
CREATE CAST (castable AS text) WITH FUNCTION as_text (castable);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN checked AS int CHECK (evil(VALUE) > 0);
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE pair AS (x int, y checked);
CREATE TYPE spans AS RANGE (subtype = checked);
CREATE OPERATOR @#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = two);
CREATE OPERATOR = (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_catalog.int4eq);
CREATE OPERATOR %% (LEFTARG = int, RIGHTARG = bigint, FUNCTION = pg_terminate_backend);
CREATE SCHEMA app;
CREATE TABLE app.orders (id int);
"""


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


@pytest.fixture
async def reader() -> AsyncIterator[PostgresReader]:
    found = PostgresReader(AsWritten())
    yield found
    await found.aclose()


@pytest.fixture
async def target(postgres_database: Database) -> Target:
    with psycopg.connect(postgres_database.app, autocommit=True) as connection:
        connection.execute(WORLD)
    reads = Reads(functions=("public.reviewed",))
    return Target("orders", Dialect.POSTGRES, "prod", postgres_database.read, reads=reads)


@pytest.fixture
async def catalogue(reader: PostgresReader, target: Target) -> Catalogue:
    return await reader.catalogue(target)


def add_extensions(database: Database, *names: str) -> None:
    """Create extensions; skip where the server has no contrib modules, and fail instead in CI."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        for name in names:
            try:
                connection.execute(f"CREATE EXTENSION {name} SCHEMA public")
            except psycopg.errors.FeatureNotSupported as missing:
                if os.environ.get("CI") == "true":
                    pytest.fail(str(missing), pytrace=False)
                pytest.skip(str(missing))


def effect(catalogue: Catalogue, sql: str) -> Effect:
    return classify_source("postgres", sql, catalogue).effect


async def test_what_is_plain_is_a_read(catalogue: Catalogue) -> None:
    for sql in (
        "SELECT id, state FROM orders WHERE id = 1",
        "SELECT * FROM recent",
        "SELECT * FROM stored, app.orders",
        "SELECT * FROM unsecured",
        "SELECT o.tags[1], lower(o.state) FROM orders AS o",
        "SELECT 3::positive, 'good'::mood, NULL::orders",
        "SELECT reviewed(1)",
        "SELECT * FROM pg_stat_activity, pg_catalog.pg_locks",
    ):
        assert effect(catalogue, sql) is Effect.READ, sql


async def test_what_acts_behind_a_name_is_found(catalogue: Catalogue) -> None:
    for sql in (
        "SELECT * FROM trap",
        "SELECT * FROM deep",
        "SELECT * FROM secured",
        "SELECT evil(1)",
        "SELECT (id).evil FROM orders",
        "SELECT upper(state) FROM orders",
        "SELECT c::text FROM castable AS c",
        "SELECT '1'::checked",
        "SELECT NULL::pair",
        "SELECT '[1,2]'::spans",
        "SELECT 1 @#@ 2",
        "SELECT 1 %% 2",
        "SELECT * FROM no_such_table",
    ):
        assert effect(catalogue, sql) is Effect.UNKNOWN, sql
    assert effect(catalogue, "SELECT * FROM killer") is Effect.ADMIN


async def test_what_the_engines_own_name_hides_is_not_in_it(catalogue: Catalogue) -> None:
    assert "lower" not in catalogue.routines  # the very same arguments
    assert "upper" in catalogue.routines  # others, so that a call could mean it
    assert "=" not in catalogue.operators


async def test_the_same_catalogue_has_the_same_version(
    reader: PostgresReader, target: Target, catalogue: Catalogue
) -> None:
    assert await reader.catalogue(target) == catalogue
    trusting = replace(target, reads=Reads(functions=("public.reviewed", "public.evil")))
    other = await reader.catalogue(trusting)
    assert other != catalogue
    assert effect(other, "SELECT * FROM deep") is Effect.READ


async def test_a_view_that_was_replaced_is_seen(
    reader: PostgresReader, target: Target, postgres_database: Database
) -> None:
    before = await reader.catalogue(target)
    with psycopg.connect(postgres_database.app, autocommit=True) as connection:
        connection.execute("CREATE OR REPLACE VIEW recent AS SELECT evil(1) AS id")
    assert effect(before, "SELECT * FROM recent") is Effect.READ
    assert effect(await reader.catalogue(target), "SELECT * FROM recent") is Effect.UNKNOWN


async def test_reviewed_extensions_are_trusted_as_far_as_they_were_reviewed(
    reader: PostgresReader, target: Target, postgres_database: Database
) -> None:
    add_extensions(postgres_database, "citext", "hstore", "pg_trgm", "dblink")
    found = await reader.catalogue(target)
    for sql in (
        "SELECT 'A'::citext = 'a'::citext, max('a'::citext)",
        "SELECT 'a=>1'::hstore -> 'a'",
        "SELECT similarity('a', 'b'), 'a' % 'b'",
        "SELECT id FROM orders WHERE state = 'stuck'",
    ):
        assert effect(found, sql) is Effect.READ, sql
    for sql in ("SELECT set_limit(0.1)", "SELECT * FROM dblink('x', 'SELECT 1') AS t(x int)"):
        assert effect(found, sql) is Effect.UNKNOWN, sql


async def test_a_table_with_a_foreign_partition_is_no_plain_table(
    reader: PostgresReader, target: Target, postgres_database: Database
) -> None:
    with psycopg.connect(postgres_database.superuser, autocommit=True) as connection:
        connection.execute("CREATE FOREIGN DATA WRAPPER elsewhere")
        connection.execute("CREATE SERVER far FOREIGN DATA WRAPPER elsewhere")
        connection.execute("CREATE TABLE parted (id int) PARTITION BY LIST (id)")
        connection.execute("CREATE TABLE near_part PARTITION OF parted FOR VALUES IN (1)")
        connection.execute("CREATE FOREIGN TABLE part PARTITION OF parted DEFAULT SERVER far")
    found = await reader.catalogue(target)
    assert effect(found, "SELECT * FROM parted") is Effect.UNKNOWN
    assert effect(found, "SELECT * FROM near_part") is Effect.READ


async def test_what_somebody_made_in_the_engines_own_schema_is_followed(
    reader: PostgresReader, target: Target, postgres_database: Database
) -> None:
    with psycopg.connect(postgres_database.superuser, autocommit=True) as connection:
        connection.execute("SET allow_system_table_mods = on")
        connection.execute("CREATE VIEW pg_catalog.pg_trap AS SELECT public.evil(1)")
        connection.execute("CREATE VIEW information_schema.trap AS SELECT public.evil(1)")
    found = await reader.catalogue(target)
    for name in ("pg_trap", "pg_catalog.pg_trap", "information_schema.trap"):
        sql = f"SELECT * FROM {name}"  # noqa: S608  names of ours
        assert effect(found, sql) is Effect.UNKNOWN, name


async def test_a_target_that_is_down_says_so(reader: PostgresReader) -> None:
    gone = Target("gone", Dialect.POSTGRES, "prod", "postgresql://x:y@127.0.0.1:1/x")
    with pytest.raises(TargetError, match="gone") as caught:
        await reader.catalogue(gone)
    assert caught.value.code == "target-unreachable"
