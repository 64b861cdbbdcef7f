"""Doctor at a Loki: whether it answers, what it is, and what guards its credential."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from interlock_gateway.adapters.doctor import Check, Outcome, examine
from interlock_gateway.adapters.secrets import References
from interlock_gateway.core.endpoint import base_url
from interlock_gateway.core.model import Dialect, Endpoint, Target
from own_loki import own_loki

LOOPBACK = (ip_network("127.0.0.1/32"),)
SECRET = "t0ken-of-ann"


async def checks(folder: Path, url: str, read: str = "", tenant: str = "") -> dict[str, Check]:
    endpoint = Endpoint(base_url(url), LOOPBACK, tenant=tenant)
    target = Target("logs", Dialect.LOKI, "production", read, endpoint=endpoint)
    found = {check.check: check async for check in examine(target, References(folder))}
    assert SECRET not in str(found)
    return found


async def test_it_says_that_it_answers_and_what_it_is(tmp_path: Path) -> None:
    with own_loki() as loki:
        found = await checks(tmp_path, loki.url)
    assert found["answers"].outcome is Outcome.HOLDS
    assert found["answers"].said == "Loki 3.0.0"
    assert found["evaluates"].outcome is Outcome.HOLDS
    assert found["action login"].outcome is Outcome.NOTED


async def test_a_credential_that_is_asked_for_holds_and_another_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGS_TOKEN", SECRET)
    with own_loki(token=SECRET) as loki:
        found = await checks(tmp_path, loki.url, "env:LOGS_TOKEN")
    assert found["asks for the credential"].outcome is Outcome.HOLDS
    with own_loki() as loki:
        found = await checks(tmp_path, loki.url, "env:LOGS_TOKEN")
    assert found["asks for the credential"].outcome is Outcome.NOTED


async def test_a_missing_tenant_fails_with_where_to_look(tmp_path: Path) -> None:
    with own_loki(tenant="shop") as loki:
        without = await checks(tmp_path, loki.url)
        assert (await checks(tmp_path, loki.url, tenant="shop"))["answers"].said == "Loki 3.0.0"
    assert without["read login reachable"].outcome is Outcome.FAILS
    assert "no org id" in without["read login reachable"].said
    assert "`tenant`" in without["read login reachable"].said
