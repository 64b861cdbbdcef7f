"""Doctor at a Prometheus: whether it answers, what it is, and what guards its credential."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from hostile_http import says, serving
from interlock_gateway.adapters.doctor import Check, Outcome, examine
from interlock_gateway.adapters.secrets import References
from interlock_gateway.core.endpoint import base_url
from interlock_gateway.core.model import Dialect, Endpoint, Target
from own_prometheus import OwnPrometheus, own_prometheus

__all__ = ["own_prometheus"]

LOOPBACK = (ip_network("127.0.0.1/32"),)
SECRET = "t0ken-of-ann"


async def checks(
    folder: Path, url: str, read: str = "", *, listed: bool = True
) -> dict[str, Check]:
    endpoint = Endpoint(base_url(url), LOOPBACK if listed else ())
    target = Target("metrics", Dialect.PROMETHEUS, "production", read, endpoint=endpoint)
    found = {check.check: check async for check in examine(target, References(folder))}
    assert SECRET not in str(found)
    return found


async def test_it_says_that_it_answers_and_what_it_is(
    own_prometheus: OwnPrometheus, tmp_path: Path
) -> None:
    found = await checks(tmp_path, own_prometheus.url)
    assert found["answers"].outcome is Outcome.HOLDS
    assert found["answers"].said.startswith("Prometheus 2.")
    assert found["evaluates"].outcome is Outcome.HOLDS
    assert found["read login"].said == "none: it is asked without a credential"
    assert found["is who it says"].outcome is Outcome.NOTED
    assert found["action login"].outcome is Outcome.NOTED


async def test_a_credential_that_nobody_asks_for_is_noted(
    own_prometheus: OwnPrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_TOKEN", SECRET)
    found = await checks(tmp_path, own_prometheus.url, "env:METRICS_TOKEN")
    assert found["read login"].outcome is Outcome.HOLDS
    assert found["asks for the credential"].outcome is Outcome.NOTED
    assert "answered all the same" in found["asks for the credential"].said


async def test_what_does_not_answer_fails_with_what_to_do(tmp_path: Path) -> None:
    async with serving(says(b"<html>", "Content-Type: text/html")) as server:
        found = await checks(tmp_path, f"http://127.0.0.1:{server.port}")
        elsewhere = await checks(tmp_path, f"http://127.0.0.1:{server.port}", listed=False)
    assert found["read login reachable"].outcome is Outcome.FAILS
    assert "text/html" in found["read login reachable"].said
    assert "`addresses` of metrics" in elsewhere["read login reachable"].said


async def test_a_credential_that_is_not_there_fails(tmp_path: Path) -> None:
    found = await checks(tmp_path, "https://metrics.example.com", "env:NO_SUCH_VARIABLE")
    assert found["read login"].outcome is Outcome.FAILS
