"""Logins and addresses: no stronger than needed, never quoted, and right-sized by our own SQL."""

import time
from collections.abc import Iterator

import pytest
from interlock_gateway.adapters.targets import mysqlsession
from interlock_gateway.adapters.targets.mysql_logins import action_login_sql, read_login_sql
from interlock_gateway.adapters.targets.mysqladdress import address
from interlock_gateway.adapters.targets.mysqlline import open_line
from interlock_gateway.adapters.targets.mysqlrights import too_strong
from interlock_gateway.adapters.targets.mysqlwire import lines
from interlock_gateway.core.model import Dialect
from interlock_gateway.service.targets import TargetError
from mariadb_server import Login
from mysql_target import Maria, Orders, maria, session


@pytest.fixture(scope="module")
def database() -> Iterator[Maria]:
    with maria() as made:
        made.run("CREATE TABLE t (id INT PRIMARY KEY, v TEXT)")
        yield made


# --- who is let in -----------------------------------------------------------------------------


async def test_a_closed_port_is_said_at_once() -> None:
    started = time.monotonic()
    refusal = await Orders("mysql://u:pw@127.0.0.1:1/d").refusal("SELECT 1")
    assert refusal.code == "target-unreachable"
    assert "127.0.0.1" in str(refusal)
    assert time.monotonic() - started < 1


async def test_another_engine_than_the_target_says_is_refused(database: Maria) -> None:
    refusal = await Orders(database.read, Dialect.MYSQL).refusal("SELECT 1")
    assert refusal.code == "target-failed"
    assert "leads to mariadb" in str(refusal)
    assert 'dialect = "mariadb"' in str(refusal)


@pytest.mark.parametrize(
    ("grant", "why"),
    [
        ("GRANT ALL PRIVILEGES ON *.* TO {}", "ALL PRIVILEGES"),
        ("GRANT SUPER ON *.* TO {}", "SUPER"),
        ("GRANT FILE ON *.* TO {}", "FILE"),
        ("GRANT INSERT ON {db}.* TO {}", "INSERT"),
        ("GRANT UPDATE (v) ON {db}.t TO {}", "UPDATE"),
        ("GRANT CREATE TEMPORARY TABLES ON {db}.* TO {}", "CREATE TEMPORARY TABLES"),
        ("GRANT EXECUTE ON {db}.* TO {}", "EXECUTE"),
        ("GRANT SELECT ON {db}.* TO {} WITH GRANT OPTION", "GRANT OPTION"),
        ("GRANT {db}_role TO {}", "a role"),
    ],
)
async def test_a_login_that_no_lock_could_hold_is_not_used(
    database: Maria, grant: str, why: str
) -> None:
    strong = Login(f"{database.name}_x", "pw")
    name = f"'{strong.user}'@'%'"
    database.run(
        f"CREATE ROLE IF NOT EXISTS {database.name}_role",
        f"CREATE OR REPLACE USER {name} IDENTIFIED BY 'pw'",
        f"GRANT SELECT ON `{database.name}`.* TO {name}",
        grant.format(name, db=database.name),
    )
    try:
        refusal = await Orders(database.url(strong)).refusal("SELECT 1")
    finally:
        database.run(f"DROP USER {name}", f"DROP ROLE {database.name}_role")
    assert "too strong" in str(refusal)
    assert why in str(refusal)


GRANTS = [
    ("GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*FF'", [], []),
    ("GRANT SELECT (`a`, `INSERT ON`), SHOW VIEW ON `d`.`t` TO `a`@`%`", [], []),
    ("GRANT PROCESS, REPLICATION CLIENT ON *.* TO `a`@`%`", [], []),
    ("GRANT CONNECTION_ADMIN,XA_RECOVER_ADMIN ON *.* TO `a`@`%`", "2", []),
    ("GRANT ALL PRIVILEGES ON `d`.* TO `a`@`%`", ["ALL PRIVILEGES"], []),
    ("GRANT ALL PRIVILEGES ON *.* TO `a`@`%`", ["ALL PRIVILEGES ON *.*"], "1"),
    ("GRANT PROXY ON ''@'%' TO 'a'@'%' WITH GRANT OPTION", ["GRANT OPTION", "PROXY"], "2"),
    ("GRANT EXECUTE ON PROCEDURE `d`.`p` TO `a`@`%`", ["EXECUTE"], []),
    ("GRANT `r`@`%` TO `a`@`%`", ["a role"], "1"),
    ("REVOKE SELECT ON `mysql`.* FROM `a`@`%`", [], []),
    ("GRANT INSERT, EXECUTE ON `d`.* TO PUBLIC", [], []),
    ("GRANT FILE ON *.* TO PUBLIC", ["FILE"], ["FILE"]),
    ("what is this", ["a right that is not understood"], "1"),
]


@pytest.mark.parametrize(("line", "reading", "acting"), GRANTS)
def test_rights_are_read_from_what_both_engines_print(
    line: str, reading: object, acting: object
) -> None:
    for found, wanted in (
        (too_strong([line], reading=True), reading),
        (too_strong([line], reading=False), acting),
    ):
        assert found == wanted or str(len(found)) == wanted


# --- addresses -----------------------------------------------------------------------------------

MARKED = [
    "mysql://reader:Pa55Mark@127.0.0.1:1/orders",
    "mysql://reader:Pa55Mark@127.0.0.1:1",
    "mysql://reader:Pa55@Mark@127.0.0.1:1/orders",
    "mysql://reader:Pa55/Mark@127.0.0.1:1/orders",
    "mysql://reader:12/Pa55Mark@127.0.0.1:1/orders",
    "mysql://reader:Pa55?Mark@127.0.0.1:1/orders",
    "mysql://reader:Pa55#Mark@127.0.0.1:1/orders",
    "mysql://reader:[Pa55Mark@127.0.0.1:1/orders",
    "mysql://reader:Pa55Mark@127.0.0.1:port/orders",
    "mysql://reader:Pa55 Mark@127.0.0.1:1/orders",
    "mysql://reader:%Pa55Mark@127.0.0.1:1/orders",
    "mysql://127.0.0.1:1/orders?Pa55Mark",
    "mysql://reader:Pa55Mark@127.0.0.1:1/orders?Pa55Mark=1",
    "mysql://reader:Pa55Mark@127.0.0.1:1/orders?ssl-mode=Pa55Mark",
    "mysql://reader:Pa55Mark@127.0.0.1:1/orders?socket=/Pa55Mark",
    "mysql://reader:Pa55Mark@/orders?socket=/nowhere",
    "mysql://reader:Pa55Mark@127.0.0.1:1/orders?ssl-ca=/nowhere",
    "mysql://:Pa55Mark@127.0.0.1:1/orders",
    "Pa55Mark",
    "postgresql://reader:Pa55Mark@127.0.0.1/orders",
]


@pytest.mark.parametrize("url", MARKED)
async def test_no_message_ever_quotes_a_credential(url: str) -> None:
    refusal = await Orders(url).refusal("SELECT 1")
    assert refusal.code == "target-unreachable"
    assert "Pa55" not in str(refusal)
    assert "Mark" not in str(refusal)
    assert refusal.__cause__ is None
    assert "Pa55" not in repr(address("mysql://r:Pa55Mark@h/d", "x"))


async def test_a_wrong_password_is_said_without_saying_it(database: Maria) -> None:
    user = address(database.read, "x").user
    refusal = await Orders(database.url(Login(user, "Pa55Mark"))).refusal("SELECT 1")
    assert refusal.code == "target-unreachable"
    assert "Access denied" in str(refusal)
    assert "Pa55Mark" not in str(refusal)


async def test_a_password_may_hold_anything_when_percent_encoded(database: Maria) -> None:
    odd = Login(f"{database.name}_o", "p@:/?#%ü🦀")
    name = f"'{odd.user}'@'%'"
    database.run(f"CREATE USER {name} IDENTIFIED BY '{odd.password}'")
    encoded = Login(odd.user, "p%40%3A%2F%3F%23%25%C3%BC%F0%9F%A6%80")
    try:
        with pytest.raises(TargetError, match=r"Access denied for user .* to database"):
            await mysqlsession.connect(database.url(encoded), "x", Dialect.MARIADB, reading=True)
    finally:
        database.run(f"DROP USER {name}")


async def test_a_unix_socket_is_named_in_the_address(database: Maria) -> None:
    async with session(database.read, reading=True) as connection:
        socket = (await lines(connection, "SELECT @@socket"))[0][0]
    login = database.read.split("//")[1].split("@")[0]
    through = Orders(f"mysql://{login}@/{database.name}?socket={socket}")
    try:
        assert await through.cell("SELECT 1") == ("integer", 1)
    except TargetError as error:
        assert "No such file" in str(error)  # noqa: PT017  the server may be another machine's
    await through.reader.aclose()


async def test_the_line_itself_says_no_password(database: Maria) -> None:
    there = address(database.read, "x")
    line = await open_line(there)
    assert there.password not in repr(line)
    line.close()


# --- right-sized logins --------------------------------------------------------------------------


def test_a_login_without_a_password_is_locked_until_it_has_one() -> None:
    assert read_login_sql("reader", database="my_shop") == [
        "CREATE USER 'reader'@'%' WITH MAX_USER_CONNECTIONS 8 ACCOUNT LOCK",
        "GRANT PROCESS ON *.* TO 'reader'@'%'",
        r"GRANT SELECT, SHOW VIEW ON `my\_shop`.* TO 'reader'@'%'",
    ]


def test_an_action_login_gets_the_right_to_kill_by_the_engines_own_name() -> None:
    made = action_login_sql(
        "a'b", dialect=Dialect.MYSQL, database="d`b", tables={"t": ["update", "select"]}
    )
    assert made[1:] == [
        "GRANT PROCESS, CONNECTION_ADMIN ON *.* TO 'a''b'@'%'",
        "GRANT SELECT, UPDATE ON `d``b`.`t` TO 'a''b'@'%'",
    ]


def test_no_login_gets_more_than_rows() -> None:
    with pytest.raises(ValueError, match="DROP"):
        action_login_sql("a", dialect=Dialect.MYSQL, database="d", tables={"t": ["DROP"]})
    with pytest.raises(ValueError, match="backslash"):
        read_login_sql("a\\'", database="d")
