"""The statements that doctor prints for a target: those of the login modules, and no secret."""

import pytest
from interlock_gateway.adapters.doctor import Login, logins_sql
from interlock_gateway.adapters.targets import logins, mysql_logins
from interlock_gateway.core.model import SQL, Dialect, Reads, Target
from interlock_gateway.service.targets import TargetError


class NoSecrets:
    """Nothing is set."""

    def resolve(self, reference: str) -> str:
        raise TargetError("target-unreachable", f"{reference} is not set")


class OneSecret:
    """Every reference means the same credential."""

    def __init__(self, credential: str) -> None:
        self.credential = credential

    def resolve(self, _reference: str) -> str:
        return self.credential


def psql(name: str) -> str:
    return f"\\password {name} in psql"


def target(dialect: Dialect, *, act: str = "env:ACT", schemas: tuple[str, ...] = ()) -> Target:
    reads = Reads(schemas=schemas)
    return Target("orders", dialect, "production", "env:READ", act, reads=reads)


def test_postgres_gets_the_statements_of_its_login_module_for_its_database_and_schemas() -> None:
    secrets = OneSecret("postgresql://me:topsecret@db/shop")
    found = logins_sql(target(Dialect.POSTGRES, schemas=("app", "pg_catalog")), secrets)
    read = logins.read_login_sql("interlock_read", database="shop", schemas=["app"])
    act = logins.action_login_sql("interlock_act", database="shop", schemas=["app"])
    assert found == [
        Login("orders", "read login", "shop", "env:READ", tuple(read), psql("interlock_read")),
        Login("orders", "action login", "shop", "env:ACT", tuple(act), psql("interlock_act")),
    ]


@pytest.mark.parametrize("dialect", [Dialect.MARIADB, Dialect.MYSQL])
def test_mariadb_and_mysql_each_get_the_right_to_kill_by_their_own_name(dialect: Dialect) -> None:
    found = logins_sql(target(dialect), OneSecret("mysql://me:topsecret@db/shop"))
    act = mysql_logins.action_login_sql("interlock_act", dialect=dialect, database="shop")
    assert found[1].statements == tuple(act)
    assert found[1].password.startswith("ALTER USER 'interlock_act'@'%' IDENTIFIED BY '…'")


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.MARIADB])
def test_without_a_credential_the_database_is_taken_to_be_called_as_the_target(
    dialect: Dialect,
) -> None:
    found = logins_sql(target(dialect, act=""), NoSecrets())
    assert [(login.login, login.database) for login in found] == [("read login", "orders")]


@pytest.mark.parametrize("dialect", list(SQL))
def test_no_password_is_printed_and_nothing_is_taken_from_anybody(dialect: Dialect) -> None:
    scheme = "postgresql" if dialect is Dialect.POSTGRES else "mysql"
    found = repr(logins_sql(target(dialect), OneSecret(f"{scheme}://me:topsecret@db/shop")))
    assert not any(word in found for word in ("topsecret", "REVOKE", "PUBLIC", "PASSWORD"))


def test_a_file_has_no_logins() -> None:
    (found,) = logins_sql(target(Dialect.SQLITE), NoSecrets())
    assert found.statements == ()


def test_a_prometheus_has_no_logins_and_says_what_to_do_instead() -> None:
    target = Target("metrics", Dialect.PROMETHEUS, "production", "")
    [login] = logins_sql(target, NoSecrets())
    assert login.statements == ()
    assert "proxy" in login.password
