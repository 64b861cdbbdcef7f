"""Doctor at a real MariaDB: right-sized logins, logins that are too strong, harmless probes."""

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

import asyncmy
import pytest
from interlock_gateway.adapters.doctor import Check, Outcome, examine, mysql
from interlock_gateway.adapters.doctor.mysql import ENDINGS, FILE, PROBES
from interlock_gateway.adapters.targets import mysqlsession
from interlock_gateway.adapters.targets.mysqlwire import Connection, command
from interlock_gateway.core.model import Dialect, Limits, Target
from mysql_target import AsWritten, Maria, maria

_BROKEN = "SELECT 1 FROM DUAL WHERE FALSE INTO OUTFILE"


@pytest.fixture
def orders() -> Iterator[Maria]:
    """A database with one table, which has a row."""
    with maria() as made:
        made.run("CREATE TABLE orders (id INT) ENGINE = InnoDB", "INSERT INTO orders VALUES (1)")
        yield made


async def checks(read: str, act: str = "", dialect: Dialect = Dialect.MARIADB) -> dict[str, Check]:
    """Return what doctor finds about the read login, by check; of the action login after it."""
    target = Target("orders", dialect, "production", read, act)
    return {check.check: check async for check in examine(target, AsWritten())}


def failed(found: dict[str, Check]) -> list[str]:
    return [name for name, check in found.items() if check.outcome is Outcome.FAILS]


def root(made: Maria) -> str:
    server = made.database.server
    login = f"{quote(server.user)}:{quote(server.password)}"
    return f"mysql://{login}@{server.host}:{server.port}/{made.name}"


def everything(made: Maria) -> list[object]:
    """Return tables, rows and logins as the administrator sees them."""
    tables = "SELECT TABLE_NAME, CREATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
    questions = (
        f"{tables}'{made.name}'",
        f"SELECT * FROM `{made.name}`.orders",  # noqa: S608  a name of ours
        f"SELECT * FROM mysql.global_priv WHERE User LIKE '{made.name}%'",  # noqa: S608  likewise
    )
    return answers(made, questions)


def answers(made: Maria, questions: tuple[str, ...]) -> list[object]:
    async def ask() -> list[object]:
        server = made.database.server
        connection = await asyncmy.connect(
            host=server.host, port=server.port, user=server.user, password=server.password
        )
        try:
            async with connection.cursor() as cursor:
                found: list[object] = []
                for question in questions:
                    await cursor.execute(question)
                    found.append(await cursor.fetchall())
                return found
        finally:
            connection.close()

    return asyncio.run(ask())


async def test_every_lock_holds_for_right_sized_logins(orders: Maria) -> None:
    found = await checks(orders.read, orders.act)
    assert failed(found) == []
    assert "1142" in found["changing no rows"].said
    assert "FILE privilege" in found["writing a file"].said
    assert "after 0." in found["the time limit"].said
    assert "1 " not in found["nothing is left behind"].said
    assert found["a login of its own"].outcome is Outcome.HOLDS


async def test_root_is_named_and_so_are_the_probes_that_got_through(orders: Maria) -> None:
    found = await checks(root(orders))
    assert failed(found) == ["no stronger than reading", "writing a file", "reading a file"]
    assert "Take ALL PRIVILEGES ON *.*" in found["no stronger than reading"].next
    assert found["reading a file"].next.startswith("Take FILE from root@")
    assert "READ ONLY transaction" in found["changing no rows"].said


def test_probes_change_nothing_even_for_root(orders: Maria) -> None:
    before = everything(orders)
    asyncio.run(checks(root(orders), root(orders)))
    assert everything(orders) == before


def test_probes_sent_without_any_lock_at_all_change_nothing(orders: Maria) -> None:
    before = everything(orders)
    change = f"UPDATE `{orders.name}`.`orders` SET `id` = `id` WHERE FALSE"  # noqa: S608  a name of ours
    one_by_one = [probe.text for probe in PROBES if ";" not in probe.text]
    unlocked = [text for text in one_by_one if not text.startswith(_BROKEN)]
    orders.run(*unlocked, change, FILE, *ENDINGS)
    with pytest.raises(asyncmy.errors.MySQLError, match="already exists"):
        orders.run(next(text for text in one_by_one if text.startswith(_BROKEN)))
    assert everything(orders) == before


def test_a_lock_without_its_read_only_transaction_shows_and_nothing_is_lost(
    orders: Maria, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def writing(connection: Connection, limits: Limits, *, read_only: bool) -> None:
        assert read_only
        await mysqlsession.begin(connection, limits, read_only=False)

    monkeypatch.setattr(mysql, "begin", writing)
    before = everything(orders)
    found = asyncio.run(checks(root(orders)))
    assert {"a new table", "changing no rows"} <= set(failed(found))
    assert everything(orders) == before


async def test_what_stays_in_a_session_or_beyond_its_time_or_is_run_shows(
    orders: Maria, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgetful(connection: Connection) -> bool:
        await command(connection, "ROLLBACK")
        return True

    monkeypatch.setattr(mysql, "tidied", forgetful)
    monkeypatch.setattr(mysql, "refuse_without_rows", lambda prepared, _text: prepared)
    monkeypatch.setattr(mysql, "_STRIKES", Limits(seconds=10))
    shown = ["COMMIT in a read", "SET in a read", "the time limit", "nothing is left behind"]
    assert failed(await checks(orders.read)) == shown


async def test_an_owner_is_told_which_right_to_give_up(orders: Maria) -> None:
    found = await checks(orders.owner)
    assert failed(found) == ["no stronger than reading"]
    login = f"{orders.database.owner.user}@%"
    then = f"Take ALL PRIVILEGES ON `{orders.name}`.* from {login}."
    assert then in found["no stronger than reading"].next


async def test_no_hash_of_a_password_is_ever_in_a_check(orders: Maria) -> None:
    found = await checks(orders.owner, root(orders))
    assert "IDENTIFIED" not in repr(found)
    assert orders.database.owner.password not in repr(found)


async def test_a_view_that_no_read_may_use_is_named(orders: Maria) -> None:
    orders.run("CREATE VIEW waiting AS SELECT GET_LOCK('x', 1)")
    found = await checks(orders.read)
    assert f"{orders.name}.waiting (" in found["views that are refused"].said


async def test_the_other_engine_is_refused_and_said_so(orders: Maria) -> None:
    found = await checks(orders.read, dialect=Dialect.MYSQL)
    assert failed(found) == ["read login reachable"]
    assert 'dialect = "mariadb"' in found["read login reachable"].said
