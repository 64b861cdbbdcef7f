"""What MariaDB is seen to do: each kind of effect, given to its judge directly, is told."""

from collections.abc import Iterator

import pytest
from fuzz.hunt import CRASHED
from fuzz.mariadb_judge import MariadbJudge
from interlock_gateway.core.model import Dialect, Statement
from interlock_gateway.core.statement import translate
from mariadb_server import server, throw_away_database
from own_mariadb import own_server


@pytest.fixture(scope="module")
def judge() -> Iterator[MariadbJudge]:
    with throw_away_database(server()) as database:
        made = MariadbJudge(database, mend=str)
        yield made
        made.close()


def told(judge: MariadbJudge, sql: str) -> str:
    (why,) = judge.run([Statement(Dialect.MARIADB, sql, (), sql)])
    return why


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("INSERT INTO u (id) VALUES (9)", "the rows"),
        ("SELECT evil(1)", "the rows"),
        ("SELECT now ()", "the rows"),
        ("SELECT `count`(1)", "the rows"),
        ("SELECT json_table(1)", "the rows"),
        ("SELECT point()", "the rows"),
        ("EXPLAIN SELECT * FROM (SELECT evil(1)) AS x", "the rows"),
        ("SELECT nextval(s)", "the sequence"),
        ("SELECT default(n) FROM t", "the sequence"),
        ("SELECT * FROM t FOR UPDATE", "read-only transaction"),
        ("EXPLAIN UPDATE t SET a = 1", "counters"),
        ("SELECT get_lock('jobs', 0)", "locks"),
        ("SELECT @a := 1", "user variables"),
        ("SELECT max(a) FROM t INTO @a", "user variables"),
        ("SET sql_big_selects = 0", "settings"),
        ("SELECT last_insert_id(9)", "the last id"),
        ("USE information_schema", "counters"),
        ("BEGIN", "the transaction"),
        ("LOCK TABLES t READ", "counters"),
        ("HANDLER t OPEN", "counters"),
        ("PREPARE x FROM 'SELECT 1'", "counters"),
        ("DO 1", "counters"),
        ("CREATE TABLE x (a int)", "definitions"),
        ("CREATE TEMPORARY TABLE x (a int)", "counters"),
        ("CALL q()", "counters"),
        ("SELECT no_such_function(1)", "a stored function"),
        ("SELECT sum (1)", "the rows"),
        ("SELECT 1 INTO OUTFILE 'x'", "a right of its own"),
        ("FLUSH TABLES", "a right of its own"),
        ("KILL connection_id()", "the connection ended"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1; DELETE FROM u", "more than one statement"),
    ],
)
def test_mariadb_is_seen_to_do_it(judge: MariadbJudge, sql: str, why: str) -> None:
    assert why in told(judge, sql)
    assert told(judge, "SELECT * FROM t") == ""  # and nothing of it is left


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT t.*, sum(a) OVER (ORDER BY id) FROM t JOIN u ON t.id = u.t_id",
        "SELECT a, count(*) FROM t GROUP BY a WITH ROLLUP",
        "SELECT @nothing, @@sql_mode, rand(), uuid(), last_insert_id(), found_rows()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.innodb_trx",
        "SELECT * FROM mysql.user",
        "ANALYZE SELECT * FROM t",
        "SHOW CREATE FUNCTION no_such_function",
        "SHOW ENGINE INNODB STATUS",
        "HELP 'select'",
        "SELECT 1; -- a remark",
        "no sql at all",
    ],
)
def test_a_read_leaves_nothing_to_see_in_mariadb(judge: MariadbJudge, sql: str) -> None:
    assert told(judge, sql) == ""


def test_one_bad_statement_among_many_is_the_one_named(judge: MariadbJudge) -> None:
    texts = ["SELECT 1", "SELECT evil(1)", "SELECT no_such_column", "SELECT 2"]

    said = judge.run([Statement(Dialect.MARIADB, text, (), text) for text in texts])

    assert [bool(why) for why in said] == [False, True, False, False]


def test_a_parameter_is_sent_as_a_value(judge: MariadbJudge) -> None:
    ran = judge.ran

    assert judge.run([translate("mariadb", "SELECT * FROM t WHERE id = :id")]) == [""]
    assert judge.ran == ran + 1


def test_a_server_that_crashes_is_told_and_started_again() -> None:
    """MariaDB dies with a session open, as it does by a defect of its own."""
    with own_server() as own, throw_away_database(own.server) as database:
        judge = MariadbJudge(database, own.mend)
        own.crash()
        crashed, alive = told(judge, "SELECT 1"), told(judge, "SELECT 1")
        judge.close()

    assert crashed.startswith(CRASHED)
    assert alive == ""
    assert own.crashes == 1
