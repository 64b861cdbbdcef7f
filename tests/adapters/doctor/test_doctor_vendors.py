"""Doctor at the systems that actions reach over HTTP: what answers, and whom it lets in."""

from pathlib import Path

import pytest
from api_operator import LOOPBACK
from hostile_http import says, serving
from interlock_gateway.adapters.doctor import Check, Outcome, examine, logins_sql
from interlock_gateway.adapters.secrets import References
from interlock_gateway.core.endpoint import base_url
from interlock_gateway.core.exchange import VENDORS
from interlock_gateway.core.model import Dialect, Endpoint, Target
from own_alertmanager import OwnAlertmanager, own_alertmanager
from stub_api import READER, WRITER, StubApi, answering
from stub_argocd import StubArgo
from stub_kubernetes import StubKubernetes
from stub_unleash import StubUnleash

__all__ = ["own_alertmanager"]

STUBS: dict[Dialect, type[StubApi]] = {
    Dialect.KUBERNETES: StubKubernetes,
    Dialect.ARGOCD: StubArgo,
    Dialect.UNLEASH: StubUnleash,
}


def target(dialect: Dialect, url: str, read: str = "env:THERE_READ") -> Target:
    endpoint = Endpoint(base_url(url), LOOPBACK, VENDORS[dialect].scheme)
    return Target("there", dialect, "production", read, "env:THERE_ACT", endpoint=endpoint)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials stand in the environment."""
    monkeypatch.setenv("THERE_READ", READER)
    monkeypatch.setenv("THERE_ACT", WRITER)


async def checks(folder: Path, where: Target) -> dict[str, Check]:
    found = {check.check: check async for check in examine(where, References(folder))}
    assert READER not in str(found)
    assert WRITER not in str(found)
    return found


async def test_a_real_alertmanager_asks_nobody_for_a_credential(
    own_alertmanager: OwnAlertmanager, tmp_path: Path
) -> None:
    found = await checks(tmp_path, target(Dialect.ALERTMANAGER, own_alertmanager.url))
    assert found["answers"].said.startswith("Alertmanager 0.")
    assert found["action login let in"].outcome is Outcome.HOLDS
    assert found["asks for the credential"].outcome is Outcome.NOTED
    assert "let a proxy in front of it ask" in found["asks for the credential"].next


@pytest.mark.parametrize("dialect", STUBS)
async def test_both_credentials_are_let_in_and_nothing_is_changed(
    dialect: Dialect, tmp_path: Path
) -> None:
    stub = STUBS[dialect]()
    async with answering(stub) as url:
        found = await checks(tmp_path, target(dialect, url))
    assert found["answers"].said.startswith(VENDORS[dialect].title)
    for name in ("read login let in", "action login let in", "asks for the credential"):
        assert found[name].outcome is Outcome.HOLDS, found[name]
    assert found["read login cannot change"].outcome is Outcome.NOTED
    assert {one.method for one in stub.called} == {"GET"}


@pytest.mark.parametrize("dialect", STUBS)
@pytest.mark.parametrize("name", ["THERE_READ", "THERE_ACT"])
async def test_a_credential_that_is_not_let_in_fails(
    dialect: Dialect, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "no-such-token-of-anybody")
    async with answering(STUBS[dialect]()) as url:
        found = await checks(tmp_path, target(dialect, url))
    login = "read login" if name == "THERE_READ" else "action login"
    assert found[f"{login} reachable"].outcome is Outcome.FAILS
    assert "does not let its credential in (401)" in found[f"{login} reachable"].said
    key = "read" if name == "THERE_READ" else "act"
    assert f"`{key}` of there" in found[f"{login} reachable"].said


async def test_what_answers_something_else_fails(tmp_path: Path) -> None:
    async with serving(says(b"<html>", "Content-Type: text/html")) as server:
        where = target(Dialect.ALERTMANAGER, f"http://127.0.0.1:{server.port}")
        found = await checks(tmp_path, where)
    assert found["read login reachable"].outcome is Outcome.FAILS


def test_it_prints_no_sql_for_logins_that_are_no_databases(tmp_path: Path) -> None:
    where = target(Dialect.KUBERNETES, "https://cluster.example.com")
    logins = logins_sql(where, References(tmp_path))
    assert [(one.login, one.credential) for one in logins] == [
        ("read login", "env:THERE_READ"),
        ("action login", "env:THERE_ACT"),
    ]
    assert all(not one.statements and "docs/guide.md" in one.password for one in logins)
