"""Targets that speak HTTP, as targets.toml describes them: each mistake has its line."""

from ipaddress import ip_network

import pytest
from interlock_gateway.core.model import Dialect, Scheme
from policy_folder import TARGETS, folder, loaded, refusal

PLAIN = """
[target.metrics]
dialect = "prometheus"
tier = "production"
url = "https://metrics.example.com/prom"
"""
FULL = """
[target.metrics]
dialect = "prometheus"
tier = "production"
url = "https://metrics.example.com:9090"
addresses = ["10.20.0.0/16", "2001:db8::1"]
read = "file:/etc/interlock/metrics"
scheme = "basic"
ca = "path:ca.pem"

[target.metrics.limits]
rows = 500
bytes = 4096
seconds = 2
series = 7
points = 99
range = "2h"
back = "48h"
step = "15s"
"""


def test_a_plain_target_needs_no_credential() -> None:
    target = loaded(targets=TARGETS + PLAIN).targets["metrics"]
    assert target.dialect is Dialect.PROMETHEUS
    assert target.read == target.act == ""
    assert target.endpoint is not None
    assert str(target.endpoint.base) == "https://metrics.example.com/prom"
    assert target.endpoint.addresses == ()


def test_every_key_is_taken() -> None:
    target = loaded(targets=TARGETS + FULL).targets["metrics"]
    assert target.endpoint is not None
    assert target.endpoint.addresses == (ip_network("10.20.0.0/16"), ip_network("2001:db8::1"))
    assert target.endpoint.scheme is Scheme.BASIC
    assert target.endpoint.ca == "path:ca.pem"
    assert (target.limits.rows, target.limits.bytes, target.limits.seconds) == (500, 4096, 2)
    assert (target.reach.series, target.reach.points) == (7, 99)
    assert (target.reach.range_s, target.reach.back_s, target.reach.step_s) == (7200, 172_800, 15)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "http://u:secretword@h"', "names a user"),
        ('url = "http://2130706433"', "four decimal numbers"),
        ('url = "https://h.example?x=secretword"', "query"),
        ("", "`url` is missing"),
        ('url = "https://h"\naddresses = ["10.0.0.1/8"]', "host bits"),
        ('url = "https://h"\naddresses = []', "at least one"),
        ('url = "https://h"\nread = "secretword"', "must be a reference"),
        ('url = "https://h"\nread = "path:secrets"', "no file of data"),
        ('url = "https://h"\nscheme = "bearer"', "there is no `read`"),
        ('url = "https://h"\nread = "env:A"\nscheme = "digest"', "unknown"),
        ('url = "https://h"\nca = "env:CA"', "PEM"),
        ('url = "http://h"\nca = "path:ca.pem"', "has none"),
        ('url = "https://h"\nact = "env:A"', "`act` is not enforced"),
        ('url = "https://h"\nmasked = { pii = ["a.b.c"] }', "`masked` is not enforced"),
        ('url = "https://h"\nreads = { schemas = ["a"] }', "`reads` is not enforced"),
        ('url = "https://h"\nlimits = { cost = 5 }', "`cost` is not enforced"),
        ('url = "https://h"\nlimits = { range = "1y" }', "not a duration"),
        ('url = "https://h"\nlimits = { series = 0 }', "from 1 to"),
        ('url = "https://h"\nlimits = { serie = 5 }', "did you mean `series`?"),
        ('url = "https://h"\nadresses = ["10.0.0.0/8"]', "did you mean `addresses`?"),
    ],
)
def test_a_mistake_is_an_error_with_its_line(line: str, said: str) -> None:
    text = f'[target.metrics]\ndialect = "prometheus"\ntier = "production"\n{line}\n'
    told = refusal(folder(targets=TARGETS + text))
    assert said in told
    assert "targets.toml:" in told
    assert "secretword" not in told


@pytest.mark.parametrize(
    ("url", "addresses", "fine"),
    [
        ("https://h.example", "", True),
        ("http://127.0.0.1:9090", 'addresses = ["127.0.0.1/32"]', True),
        ("http://127.0.0.1:9090", "", False),
        ("http://h.example", "", False),
        ("http://h.example", 'addresses = ["127.0.0.1/32", "10.0.0.0/8"]', False),
    ],
)
def test_a_credential_is_not_sent_in_the_clear(url: str, addresses: str, *, fine: bool) -> None:
    text = (
        f'[target.metrics]\ndialect = "prometheus"\ntier = "production"\nurl = "{url}"\n'
        f'read = "env:TOKEN"\n{addresses}\n'
    )
    if fine:
        assert loaded(targets=TARGETS + text).targets["metrics"].read == "env:TOKEN"
    else:
        assert "not sent over http://" in refusal(folder(targets=TARGETS + text))


ALERTS = """
[target.alerts]
dialect = "alertmanager"
tier = "production"
url = "https://alerts.example.com"
read = "env:ALERTS_READ"
act = "env:ALERTS_ACT"
generation = "7"
limits = { rows = 50, seconds = 2 }
"""


def test_a_target_of_actions_has_two_credentials() -> None:
    target = loaded(targets=TARGETS + ALERTS).targets["alerts"]
    assert (target.read, target.act) == ("env:ALERTS_READ", "env:ALERTS_ACT")
    assert (target.dialect, target.generation) == (Dialect.ALERTMANAGER, "7")
    assert (target.limits.rows, target.limits.seconds) == (50, 2)


@pytest.mark.parametrize(
    ("dialect", "scheme"), [("unleash", Scheme.PLAIN), ("argocd", Scheme.BEARER)]
)
def test_a_credential_is_sent_as_the_vendor_takes_it(dialect: str, scheme: Scheme) -> None:
    text = ALERTS.replace('"alertmanager"', f'"{dialect}"')
    endpoint = loaded(targets=TARGETS + text).targets["alerts"].endpoint
    assert endpoint is not None
    assert endpoint.scheme is scheme


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"env:ALERTS_ACT"', '"env:ALERTS_READ"', "each needs a login of its own"),
        ('"env:ALERTS_ACT"', '"path:token"', "no file of data"),
        ('"env:ALERTS_ACT"', '"t0ken"', "must be a reference"),
        ("https://", "http://", "not sent over http://"),
        ("rows = 50", "series = 50", "`series` is unknown"),
        ("rows = 50", "cost = 50", "`cost` is not enforced"),
        ('generation = "7"', 'masked = { pii = ["a.b.c"] }', "`masked` is not enforced"),
        ('dialect = "alertmanager"', 'dialect = "prometheus"', "`act` is not enforced"),
        ('dialect = "alertmanager"', 'dialect = "alertmanger"', "did you mean `alertmanager`?"),
    ],
)
def test_a_mistake_in_a_target_of_actions_has_its_line(old: str, new: str, said: str) -> None:
    assert old in ALERTS
    told = refusal(folder(targets=TARGETS + ALERTS.replace(old, new)))
    assert said in told
    assert "targets.toml:" in told


def test_an_sql_target_has_no_url_and_an_action_no_such_dialect() -> None:
    text = '[target.x]\ndialect = "postgres"\ntier = "production"\nread = "env:A"\nurl = "https://h"\n'
    assert "`url` is unknown" in refusal(folder(targets=TARGETS + text))


LOGS = '[target.logs]\ndialect = "loki"\ntier = "production"\nurl = "https://logs.example.com"\n'


def test_a_target_with_logs_has_a_tenant_and_limits_of_its_own() -> None:
    plain = loaded(targets=TARGETS + LOGS).targets["logs"]
    assert plain.dialect is Dialect.LOKI
    assert plain.endpoint is not None
    assert (plain.endpoint.tenant, plain.limits.rows, plain.reach.line) == ("", 1_000, 16_384)
    text = LOGS + 'tenant = "shop-1"\nlimits = { rows = 50, line = 200, back = "48h" }\n'
    full = loaded(targets=TARGETS + text).targets["logs"]
    assert full.endpoint is not None
    assert (full.endpoint.tenant, full.limits.rows, full.reach.line) == ("shop-1", 50, 200)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('tenant = "a|b"', "one tenant"),
        ('tenant = "a\\r\\nX-Evil: 1"', "one tenant"),
        ('tenant = ".."', "one tenant"),
        ('tenant = "é"', "one tenant"),
        (f'tenant = "{"a" * 151}"', "one tenant"),
        ("limits = { line = 5 }", "from 80 to"),
        ('act = "env:A"', "`act` is not enforced"),
        ('tenants = "a"', "did you mean `tenant`?"),
    ],
)
def test_a_mistake_about_logs_is_an_error_with_its_line(line: str, said: str) -> None:
    told = refusal(folder(targets=TARGETS + LOGS + line + "\n"))
    assert said in told
    assert "targets.toml:" in told


@pytest.mark.parametrize("line", ['tenant = "shop"', "limits = { line = 200 }"])
def test_metrics_have_neither_tenant_nor_lines(line: str) -> None:
    assert "is not enforced" in refusal(folder(targets=TARGETS + PLAIN + line + "\n"))
