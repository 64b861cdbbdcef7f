"""The DuckDB locks alone: hostile statements go straight to the reader, past the classifier."""

import re
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
import pytest_asyncio
from interlock_gateway.adapters.duckdb_parser import DuckdbParser
from interlock_gateway.adapters.targets import duck_catalogue, duck_lock
from interlock_gateway.adapters.targets.duck import DuckdbReader
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.service.targets import TargetError

SECRET = "secret-in-a-file"


class Case(NamedTuple):
    must: str
    why: str
    sql: str


def cases() -> list[Case]:
    """Every statement of the file; a comment line before each says what must hold.

    `engine` is refused by the engine lock alone: only the target's catalogue tells what it does.
    """
    text = (Path(__file__).parent / "hostile_duckdb.sql").read_text()
    parts = re.split(r"^-- (refused|harmless|engine): (.*)\n", text, flags=re.MULTILINE)[1:]
    chunks = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return [Case(must, why, sql.rstrip("\n")) for must, why, sql in chunks]


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


SOMETHING_TO_LOSE = """
CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR);
INSERT INTO t SELECT n, 'row ' || n FROM range(1, 41) AS r(n);
CREATE VIEW w AS SELECT id FROM t;
CREATE SEQUENCE s;
CREATE VIEW next_number AS SELECT nextval('s') AS n;
CREATE MACRO evil(x) AS nextval('s');
CREATE MACRO evil_table(x) AS TABLE SELECT nextval('s') AS n;
CREATE MACRO upper(x) AS 'shadow';
CREATE SCHEMA app;
CREATE MACRO app.lower(x) AS nextval('s');
CREATE MACRO app.range(x) AS TABLE SELECT nextval('s') AS n;
"""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a database file with something to lose in it."""
    path = tmp_path_factory.mktemp("content") / "hostile.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(SOMETHING_TO_LOSE)
    return path.read_bytes()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> AsyncIterator[tuple[Path, DuckdbReader]]:
    """A folder as `file` makes one, with one reader and its child for all cases."""
    folder = tmp_path_factory.mktemp("shared")
    reader = DuckdbReader(AsWritten())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where the child is started: names of files there are found
        yield furnished(folder, content), reader
    await reader.aclose()


def furnished(folder: Path, content: bytes) -> Path:
    for name in ("hostile.duckdb", "other.duckdb"):
        (folder / name).write_bytes(content)
    (folder / "secret.csv").write_text(f"a,b\n{SECRET},2\n")
    return folder / "hostile.duckdb"


@pytest.fixture
def file(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database, with files beside it that are nobody's business, in the working folder."""
    monkeypatch.chdir(tmp_path)
    return furnished(tmp_path, content)


def written(case: Case, file: Path) -> str:
    deep = "(" * 5_000 + "1" + ")" * 5_000
    return case.sql.replace("{folder}", str(file.parent)).replace("{deep}", deep)


def everything(file: Path) -> dict[str, bytes]:
    """Return every file of the folder with its bytes."""
    return {path.name: path.read_bytes() for path in file.parent.iterdir()}


each_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.why)


@pytest.mark.asyncio(loop_scope="module")
@each_case
async def test_nothing_a_statement_says_gets_through_the_locks(
    case: Case, shared: tuple[Path, DuckdbReader]
) -> None:
    file, reader = shared
    before = everything(file)
    target = Target("orders", Dialect.DUCKDB, "prod", str(file))
    sql = written(case, file)
    said: Any = None
    with suppress(TargetError):
        said = await reader.read(
            target, Statement(Dialect.DUCKDB, sql, (), sql), {}, Limits(seconds=0.5)
        )

    assert (said is None) is (case.must != "harmless")
    assert SECRET not in repr(said)
    assert everything(file) == before


# To its parser these are queries; time, memory and what is there are for the engine to know.
_ONLY_RUNNING = ("without end", "more memory", "not there", "a variable of the gateway's own")


@each_case
def test_the_parser_alone_doubts_what_is_no_read(case: Case, file: Path) -> None:
    parser = DuckdbParser()
    sql = written(case, file)
    doubt = parser.doubt(Statement(Dialect.DUCKDB, sql, (), sql))
    parser.close()

    expected = case.must == "refused" and not case.why.endswith(_ONLY_RUNNING)
    assert (doubt is not None) is (expected and "more memory" not in case.why)


@each_case
def test_the_engine_alone_keeps_every_file_as_it_is(case: Case, file: Path) -> None:
    before = everything(file)
    said = ""
    with duck_lock.Door(read_only=True).opened(str(file), "orders", 1) as connection:
        timer = threading.Timer(0.5, connection.interrupt)
        timer.start()
        with suppress(duckdb.Error, AttributeError):  # AttributeError: of nothing, no answer
            said = repr(connection.execute(written(case, file)).fetchmany(100))
        timer.cancel()
        timer.join()

    assert SECRET not in said
    assert everything(file) == before


NO_QUERIES = [
    case
    for case in cases()
    if re.match(r"(?!SELECT|FROM|WITH|EXPLAIN|DESCRIBE|SUMMARIZE|PIVOT|TABLE|SELEC|--)", case.sql)
]


@pytest.mark.parametrize("case", NO_QUERIES, ids=lambda case: case.why)
def test_the_list_of_types_alone_runs_nothing_but_queries(case: Case, file: Path) -> None:
    before = everything(file)
    with (
        duckdb.connect(file) as connection,
        pytest.raises((TargetError, duckdb.ParserException)),
    ):
        duck_lock.run(connection, written(case, file), [], duck_lock.READS)

    assert everything(file) == before


def test_a_lock_that_cannot_be_proven_runs_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck_lock, "_THEN", ())
    with (
        pytest.raises(TargetError, match="could not be proven"),
        duck_lock.Door(read_only=True).opened(str(file), "orders", 1),
    ):
        pass


LIES = """
CREATE MACRO current_setting(x) AS x = 'lock_configuration';
CREATE MACRO current_database() AS 'nowhere';
CREATE MACRO lower(x) AS 'nothing';
CREATE MACRO list_value() AS string_split('/etc/hostname', ','),
  (a, b, c, d) AS string_split('/etc/hostname', ',');
CREATE MACRO duckdb_functions() AS TABLE SELECT 'main' AS schema_name WHERE false;
CREATE MACRO duckdb_views() AS TABLE SELECT 'main' AS schema_name WHERE false;
"""


async def test_a_file_cannot_lie_about_its_lock_or_its_names(file: Path) -> None:
    with duckdb.connect(file) as connection:
        connection.execute(LIES)
    for read_only in (True, False):
        with (
            duck_lock.Door(read_only=read_only).opened(str(file), "orders", 1) as connection,
            pytest.raises(duckdb.PermissionException, match="disabled by configuration"),
        ):
            connection.execute("FROM read_text('/etc/hostname')")
    with duck_lock.Door(read_only=True).opened(str(file), "orders", 1) as connection:
        found = duck_catalogue.catalogue(duck_catalogue.facts(connection))
    assert ("main", "next_number") in found.relations
    assert {"evil", "current_setting", "duckdb_functions"} <= found.routines.keys()


def test_no_variable_of_the_gateway_is_a_table() -> None:
    gateways_own = duckdb.sql("SELECT 1")
    assert duckdb.execute("FROM gateways_own").fetchall() == [(1,)]
    with (
        duckdb.connect(config=dict(duck_lock._OPENED_WITH)) as connection,  # noqa: SLF001  alone
        pytest.raises(duckdb.CatalogException, match="gateways_own does not exist"),
    ):
        connection.execute("FROM gateways_own")
    assert gateways_own is not None


async def test_nobody_sees_what_another_call_left_behind(file: Path) -> None:
    door = duck_lock.Door(read_only=True)
    with (
        door.opened(str(file), "orders", 1) as one,
        door.opened(str(file), "orders", 1) as other,
    ):
        one.execute("SET VARIABLE mine = 'x'")
        one.execute("CREATE TEMP TABLE mine (a INTEGER)")
        one.execute("PREPARE mine AS SELECT 1")
        assert other.execute("SELECT getvariable('mine')").fetchone() == (None,)
        for sql in ("FROM mine", "EXECUTE mine"):
            with pytest.raises(duckdb.Error):
                other.execute(sql)


def test_the_file_of_hostile_statements_is_worth_running() -> None:
    assert len(cases()) > 100
