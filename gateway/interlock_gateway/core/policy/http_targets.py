"""Targets that speak HTTP, as targets.toml describes them.

[target.metrics]
dialect = "prometheus"
tier = "production"
url = "https://prometheus.example.com"
addresses = ["10.20.0.0/16"]
read = "file:/etc/interlock/prometheus.token"
limits = { series = 50, range = "6h" }

[target.logs]
dialect = "loki"
tier = "production"
url = "https://loki.example.com"
tenant = "shop"

[target.alerts]
dialect = "alertmanager"
tier = "production"
url = "https://alertmanager.example.com"
read = "env:ALERTS_READ"
act = "env:ALERTS_ACT"
generation = "1"
"""

import re

from interlock_gateway.core.endpoint import (
    Base,
    EndpointError,
    Network,
    base_url,
    network,
)
from interlock_gateway.core.exchange import VENDORS
from interlock_gateway.core.model import Dialect, Endpoint, Limits, Reach, Scheme, Target
from interlock_gateway.core.pace import OF_TARGET
from interlock_gateway.core.policy.paces import pace
from interlock_gateway.core.policy.references import reference
from interlock_gateway.core.strict import Table

_ROWS = 10_000
_DAY, _YEAR = 86_400, 366 * 86_400
_LINES, _LONGEST = 1_000, 256 * 1024
_TENANT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9!_.*\'()-]{1,150}")  # what Loki takes for one tenant
_ONLY_READ = {
    "act": "nothing can be changed at this kind of target.",
    "generation": "it counts rotations of `act`, which this kind of target has not.",
}
_NOT_HERE = {
    "reads": "it names schemas and tables, which this kind of target has not.",
    "masked": "it names columns of tables, which this kind of target has not.",
}


def http_target(name: str, dialect: Dialect, table: Table, tiers: tuple[str, ...]) -> Target:
    """Return the target; whatever is wrong is noted with its line."""
    vendor = VENDORS.get(dialect)
    table.refuse(_NOT_HERE if vendor else _ONLY_READ | _NOT_HERE)
    endpoint = _endpoint(table, dialect)
    read, act = (reference(table, key) if key in table else "" for key in ("read", "act"))
    _check_credentials(table, read, act, endpoint)
    limits, reach = _limits(table.table("limits", required=False), dialect)
    target = Target(
        name=name,
        dialect=dialect,
        tier=table.choice("tier", tiers),
        read=read,
        act=act if vendor else "",
        limits=limits,
        generation=table.text("generation", default="1") if vendor else "1",
        endpoint=endpoint,
        reach=reach,
        pace=pace(table.table("pace", required=False), OF_TARGET),
    )
    table.done()
    return target


def _endpoint(table: Table, dialect: Dialect) -> Endpoint:
    vendor = VENDORS.get(dialect)
    usual = vendor.scheme if vendor else Scheme.BEARER
    return Endpoint(
        base=_base(table),
        addresses=tuple(_networks(table)),
        scheme=Scheme(table.choice("scheme", Scheme, default=usual)),
        ca=_ca(table),
        tenant=_tenant(table, dialect),
    )


def _tenant(table: Table, dialect: Dialect) -> str:
    """Return the one tenant whose logs are asked for; two of them are two targets."""
    if dialect is not Dialect.LOKI:
        table.refuse({"tenant": "a Prometheus has none; it is for a target with logs."})
        return ""
    tenant = table.text("tenant", default="")
    if tenant and not _TENANT.fullmatch(tenant):
        table.problem(
            "tenant",
            "`tenant` is one tenant of at most 150 letters, digits and !-_.*'(); for several, "
            "write a target for each.",
        )
        return ""
    return tenant


def _base(table: Table) -> Base:
    text = table.text("url")
    try:
        return base_url(text) if text else Base("https", "missing.invalid", 443)
    except EndpointError as error:
        table.problem("url", str(error))  # which repeats nothing that could be a password
        return Base("https", "missing.invalid", 443)


def _networks(table: Table) -> list[Network]:
    found = []
    for text in table.names("addresses", required=False):
        try:
            found.append(network(text))
        except EndpointError as error:
            table.problem("addresses", str(error))
    return found


def _ca(table: Table) -> str:
    """Return a reference to a file; a certificate is public, so a relative path will do."""
    if "ca" not in table:
        return ""
    value = table.text("ca")
    if not value.startswith(("file:/", "path:")):
        table.problem("ca", "`ca` is `file:/path` or `path:FILE` of a PEM file.")
    return value


def _check_credentials(table: Table, read: str, act: str, endpoint: Endpoint) -> None:
    """A credential goes over TLS, or stays on the gateway's own machine."""
    for key, value in (("read", read), ("act", act)):
        if value.startswith("path:"):
            table.problem(
                key, f"`{key}` is a token, `env:NAME` or `file:/path`, and no file of data."
            )
    if act and act == read:
        table.problem(
            "act", "`act` and `read` name one credential; each needs a login of its own."
        )
    if not read and not act and "scheme" in table:
        table.problem("scheme", "`scheme` says how `read` is sent, and there is no `read`.")
    at_home = endpoint.addresses and all(one.is_loopback for one in endpoint.addresses)
    if (read or act) and not endpoint.base.secure and not at_home:
        table.problem(
            "url", "A credential is not sent over http://. Use https://, or leave it out."
        )
    if "ca" in table and not endpoint.base.secure:
        table.problem("ca", "`ca` checks a certificate, and http:// has none.")


def _limits(table: Table | None, dialect: Dialect) -> tuple[Limits, Reach]:
    logs = dialect is Dialect.LOKI
    usual, far = Limits(rows=_LINES if logs else _ROWS), Reach()
    if table is None:
        return usual, far
    table.refuse({"cost": "this kind of target plans nothing; see `points`."})
    limits = Limits(
        rows=table.whole("rows", low=1, high=100_000, default=usual.rows),
        bytes=table.whole("bytes", low=1024, high=64 * 1024 * 1024, default=usual.bytes),
        seconds=table.number("seconds", low=0.1, high=300, default=usual.seconds),
    )
    if dialect in VENDORS:
        table.done()
        return limits, far
    reach = Reach(
        range_s=_seconds(table, "range", 60, _YEAR, far.range_s),
        back_s=_seconds(table, "back", 60, 10 * _YEAR, far.back_s),
        step_s=_seconds(table, "step", 1, _DAY, far.step_s),
        points=table.whole("points", low=1, high=1_000_000, default=far.points),
        series=table.whole("series", low=1, high=10_000, default=far.series),
        line=_line(table, far.line, logs=logs),
    )
    table.done()
    return limits, reach


def _line(table: Table, usual: int, *, logs: bool) -> int:
    if not logs:
        table.refuse({"line": "metrics have no lines."})
        return usual
    return table.whole("line", low=80, high=_LONGEST, default=usual)


def _seconds(table: Table, key: str, low: int, high: int, usual: float) -> float:
    return float(table.seconds(key, low=low, high=high)) if key in table else usual
