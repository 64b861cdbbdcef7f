"""`interlock doctor`, whole: the command line, the gateway's program, files and databases."""

import json
import socket
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from desk import Desk, Result
from interlock.cli import child, house
from interlock.testing.postgres import Database
from interlock.testing.slack import FakeSlack

_JOBS = """
[target.jobs]
dialect = "sqlite"
tier = "production"
read = "path:jobs.db"
"""
_ORDERS = """
[target.orders]
dialect = "postgres"
tier = "production"
read = "env:DOCTOR_TEST_READ"
act = "env:DOCTOR_TEST_ACT"
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def home(stranger: Desk) -> house.House:
    """A home as `interlock up` makes it, with a file of jobs beside it."""
    made = house.build(stranger.home, free_port(), {"responder": "Responder"})
    sqlite3.connect(made.folder / "jobs.db").execute("CREATE TABLE jobs (id INTEGER)")
    return made


@pytest.fixture
def examined(stranger: Desk, home: house.House, monkeypatch: pytest.MonkeyPatch) -> "Examined":
    """Run doctor over targets."""
    return Examined(stranger, home, monkeypatch)


@dataclass(frozen=True, slots=True)
class Examined:
    """The targets that a test configures, and doctor run over them."""

    desk: Desk
    home: house.House
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, targets: str, words: str = "", **environ: str) -> Result:
        tiers = 'tiers = ["production", "staging", "development"]\n'
        policies = self.home.folder / "policies"
        (policies / "targets.toml").write_text(tiers + targets, "utf-8")
        for name, value in environ.items():
            self.monkeypatch.setenv(name, value)
        return self.desk.run(f"doctor {words}")


def test_all_locks_hold_and_every_line_fits_a_narrow_terminal(examined: Examined) -> None:
    result = examined(_JOBS)
    assert (result.code, result.err) == (0, "")
    assert " ✔ another file " in result.out
    assert "✔ All locks hold" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


def test_json_has_every_check_whole_and_fields_can_be_picked(examined: Examined) -> None:
    checks = json.loads(examined(_JOBS, "--json").out)
    assert set(checks[0]) == {"target", "check", "outcome", "tried", "said", "next"}
    assert {check["outcome"] for check in checks} == {"holds", "noted"}
    picked = json.loads(examined(_JOBS, "--json check,outcome").out)
    assert picked[0] == {"check": "read login", "outcome": "holds"}


def test_it_works_beside_a_running_gateway(examined: Examined) -> None:
    examined(_JOBS)
    process = child.start(examined.home.config, examined.home.log)
    try:
        child.wait_until_up(process, examined.home.url, examined.home.log)
        assert examined(_JOBS).code == 0
        assert process.poll() is None
    finally:
        child.stop(process)


def test_a_missing_secret_fails_and_the_next_target_is_examined_all_the_same(
    examined: Examined,
) -> None:
    result = examined(_ORDERS + _JOBS, DOCTOR_TEST_READ="", DOCTOR_TEST_ACT="")
    assert result.code == 1
    assert "DOCTOR_TEST_READ is not set" in result.out
    assert " ✔ another file " in result.out
    assert "checks failed; each says what to do." in result.out


@pytest.mark.postgres
def test_what_is_wrong_with_a_login_is_a_statement_on_the_screen(
    examined: Examined, postgres_database: Database
) -> None:
    login = urlsplit(postgres_database.read).username
    with psycopg.connect(postgres_database.superuser, autocommit=True) as superuser:
        superuser.execute(f'GRANT CREATE ON SCHEMA public TO "{login}"'.encode())
    dsns = {"DOCTOR_TEST_READ": postgres_database.read, "DOCTOR_TEST_ACT": postgres_database.act}
    result = examined(_ORDERS, "--target orders", **dsns)
    assert result.code == 1
    assert f'REVOKE CREATE ON SCHEMA "public" FROM "{login}"' in " ".join(result.out.split())
    for dsn in dsns.values():
        assert str(urlsplit(dsn).password) not in result.out + result.err


def test_sql_is_text_for_psql_without_passwords(examined: Examined) -> None:
    secret = "postgresql://me:topsecret@nowhere.test/shop"
    result = examined(_ORDERS + _JOBS, "--sql", DOCTOR_TEST_READ=secret)
    assert result.code == 0
    assert 'GRANT CONNECT ON DATABASE "shop" TO "interlock_read";\n' in result.out
    assert "-- Then put its address where env:DOCTOR_TEST_ACT says." in result.out
    assert "-- jobs: a file has no logins" in result.out
    assert "topsecret" not in result.out


def test_without_targets_it_says_how_to_add_one(examined: Examined) -> None:
    result = examined("")
    assert result.code == 0
    assert "[target.jobs]" in result.err
    assert str(examined.home.folder / "policies" / "targets.toml") in result.err


def test_an_unknown_target_is_a_usage_error_that_names_the_known_ones(examined: Examined) -> None:
    result = examined(_JOBS, "--target jops")
    assert result.code == 2
    assert "did you mean `jobs`?" in result.err


def test_a_configuration_that_is_not_there_is_said(stranger: Desk) -> None:
    result = stranger.run("doctor --config nowhere.toml")
    assert result.code == 1
    assert "There is no settings file" in result.err


def test_a_home_can_be_named(examined: Examined, tmp_path: Path) -> None:
    examined(_JOBS)
    elsewhere = Desk(tmp_path / "other", tmp_path)
    assert elsewhere.run(f"doctor --home {examined.home.folder}").code == 0


_SLACK = """
[slack]
bot_token = "env:DOCTOR_TEST_BOT"
app_token = "env:DOCTOR_TEST_APP"
team = "T0INTERLOCK"
channel = "{channel}"
base_url = "{url}"

[slack.people]
approver = "U0ANNA"
colleague = "U0GUEST"
"""


def test_slack_is_examined_after_the_targets_and_no_token_is_printed(examined: Examined) -> None:
    with FakeSlack() as slack:
        channel = slack.channel("incidents")
        with examined.home.config.open("a") as settings:
            settings.write(_SLACK.format(channel=channel.id, url=slack.api_url))
        tokens = {"DOCTOR_TEST_BOT": slack.tokens.bot, "DOCTOR_TEST_APP": slack.tokens.app}
        whole = examined(_JOBS, **tokens)
        alone = examined(_JOBS, "--target slack", **tokens)
    assert whole.code == alone.code == 1
    assert whole.out.index("jobs\n") < whole.out.index("slack\n")
    assert "jobs\n" not in alone.out
    assert " ✔ bot token " in alone.out
    assert " ✖ link of colleague" in alone.out
    assert "it is a guest" in " ".join(alone.out.split())
    assert "xoxb" not in whole.out + whole.err
    assert "xapp" not in whole.out + whole.err
    assert max(map(len, alone.out.splitlines())) <= 80
    assert channel.messages == []
