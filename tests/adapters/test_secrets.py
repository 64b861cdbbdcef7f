"""References to credentials resolve at the moment of use and never appear in a message."""

from pathlib import Path

import pytest
from interlock_gateway.adapters.secrets import References, secrets_in
from interlock_gateway.service.targets import TargetError


def test_an_environment_variable_is_looked_up_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = References(tmp_path)
    monkeypatch.setenv("ORDERS_READ", "first")
    assert secrets.resolve("env:ORDERS_READ") == "first"
    monkeypatch.setenv("ORDERS_READ", "second")
    assert secrets.resolve("env:ORDERS_READ") == "second"


def test_a_file_counts_from_the_configurations_folder_and_is_read_each_time(
    tmp_path: Path,
) -> None:
    secrets = References(tmp_path)
    (tmp_path / "orders.dsn").write_text("first\n")
    assert secrets.resolve("file:orders.dsn") == "first"
    assert secrets.resolve(f"file:{tmp_path / 'orders.dsn'}") == "first"
    (tmp_path / "orders.dsn").write_text("second")
    assert secrets.resolve("file:orders.dsn") == "second"


def test_a_path_is_the_database_file_itself(tmp_path: Path) -> None:
    assert References(tmp_path).resolve("path:orders.sqlite") == str(tmp_path / "orders.sqlite")


@pytest.mark.parametrize(
    "reference",
    [
        "postgresql://reader:Pa55Mark@db/orders",
        "Pa55Mark",
        "",
        "env:",
        "file:",
        "vault:Pa55Mark",
        "host=db password=Pa55Mark",
    ],
)
def test_a_plain_value_is_refused_without_quoting_it(tmp_path: Path, reference: str) -> None:
    with pytest.raises(TargetError, match="not a reference") as caught:
        References(tmp_path).resolve(reference)
    assert caught.value.code == "target-unreachable"
    assert "Pa55Mark" not in str(caught.value)


def test_what_is_missing_or_empty_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfePa55Mark")
    secrets = References(tmp_path)
    for reference, words in (
        ("env:NOT_SET", "NOT_SET is not set"),
        ("file:nowhere", "file:nowhere cannot be read"),
        ("file:empty", "file:empty is empty"),
        ("file:bytes", "file:bytes cannot be read"),
    ):
        with pytest.raises(TargetError, match=words) as caught:
            secrets.resolve(reference)
        assert "Pa55Mark" not in str(caught.value)


def test_whoever_watches_is_told_each_value_and_the_passwords_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    secrets = References(tmp_path, watch=lambda *values: told.extend(values))
    monkeypatch.setenv("ORDERS_READ", "postgresql://ro:p%40ss-Word@db/orders")
    secrets.resolve("env:ORDERS_READ")
    secrets.resolve("path:orders.sqlite")
    assert told == ["postgresql://ro:p%40ss-Word@db/orders", "p@ss-Word", "p%40ss-Word"]


@pytest.mark.parametrize(
    ("credential", "passwords"),
    [
        ("xapp-1-token", ["xapp-1-token"]),
        ("postgresql://ro@db/orders", []),
        ("host=db user=ro dbname=orders", []),
        ("/var/lib/jobs.db", []),
        ("host=db password=S3cret-x user=ro", ["S3cret-x"]),
        (r"host=db password='it\'s me' user=ro", ["it's me"]),
        ("mysql://app:S3cret%2Fx@db/orders?ssl-mode=disabled", ["S3cret/x", "S3cret%2Fx"]),
        ("admin:S3cret:x", ["S3cret:x"]),
    ],
)
def test_of_a_credential_its_passwords_are_secret(credential: str, passwords: list[str]) -> None:
    found = list(secrets_in(credential))
    assert set(passwords) <= set(found)
    assert bool(found) == bool(passwords)
