"""A small policy folder for tests, where each test names only what matters to it."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from interlock_gateway.core.model import Dialect, IncidentRole, Mode, Severity
from interlock_gateway.core.policy import Ask, Policy, PolicyError, load

SHIPPED = Path(__file__).parents[1] / "policies"

PERMISSIONS = """\
p, *, *, *, *, exfiltration, *, deny, -, -
p, incident:responder, *, *, *, read, *, allow, freely, -
p, incident:responder, curated, *, production, db.stop, *, allow, two-people, -
"""

ROLES = """\
role, dba
role, sre
g, incident:commander, incident:responder
g, approver, dba
g, colleague, dba
g, you, sre
g, observer, sre
"""

APPROVALS = """\
[rule.two-people]
all_of = [{ role = "dba", count = 1 }, { role = "sre", count = 1 }]
decide_within = "15m"
use_within = "5m"
max_rows = 10
"""

TARGETS = """\
tiers = ["production", "development"]

[target.orders]
dialect = "postgres"
tier = "production"
read = "env:ORDERS_READ"
act = "env:ORDERS_ACT"

[target.notes]
dialect = "sqlite"
tier = "development"
read = "file:/srv/notes"
"""

ACTION = """\
id = "db.stop"
version = "1.0.0"
title = "Stop something"
dialect = "postgres"
risk = "high"
reversible = false
blast_radius = "One thing."
undo = "Cannot be undone."
idempotency_key = ["pid"]
max_per_run = 2
cooldown_s = 0
circuit_breaker = { uses = 4, within_s = 3600 }

[arguments.pid]
type = "integer"
about = "Which."
minimum = 1

[preview]
sql = "SELECT :pid"

[precheck]
sql = "SELECT :pid"
expect = "one row"

[execute]
sql = "SELECT stop(:pid)"
expect = "one row, true"

[verify]
sql = "SELECT 1 WHERE false"
expect = "no rows"
within_s = 5
"""


API_ACTION = """\
id = "api.stop"
version = "1.0.0"
title = "Stop something"
dialect = "kubernetes"
effect = "write"
risk = "high"
reversible = false
blast_radius = "One thing."
undo = "Cannot be undone."
idempotency_key = ["name"]
max_per_run = 2
cooldown_s = 0
circuit_breaker = { uses = 4, within_s = 3600 }

[arguments.name]
type = "text"
about = "Which."
pattern = "[a-z]{1,9}"

[arguments.labels]
type = "list"
about = "Of which kind."
max_items = 3
fields = { key = "text", value = "text" }
patterns = { key = "[a-z]+" }

[preview]
request = "GET /things/{name}"
query = { all = "true", label = { "$each" = "labels", "$item" = "{item.key}={item.value}" } }
columns = { version = "text /metadata/resourceVersion", tag = "text etag" }

[precheck]
request = "GET /things"
rows = "/items"
where = { "/name" = "{name}", "/state" = { in = ["a", "b"] }, "/n" = { above = 1 } }
columns = { name = "text /name" }
expect = "one row"

[trial]
columns = { name = "text /name" }

[execute]
request = "PATCH /things/{name}"
query = { manager = "interlock" }
media = "application/merge-patch+json"
body = { version = "{seen.version}", labels = { "$each" = "labels", "$item" = "{item.key}" } }
if_match = "{seen.tag}"
idempotency_header = "Idempotency-Key"
status = [200, 202]
changed = [409, 412]
columns = { name = "text /name" }
expect = "one row"

[verify]
request = "GET /things/{name}"
where = { "/state" = { not = "a" }, "/n" = { same_as = "/m" }, "/by" = "{ask.token}" }
columns = { state = "text /state" }
expect = "one row"
within_s = 5
"""


def names_in(_dialect: Dialect, sql: str) -> tuple[str, ...]:
    """Find `:name` the simple way; the statement guard's own lexer has its own tests."""
    return tuple(re.findall(r"(?<!:):([a-z_]+)", sql))


def folder(**changes: str) -> dict[str, str]:
    """Return the files of a good folder, with some replaced: `permissions=…`, `action=…`."""
    texts = {
        "model": (SHIPPED / "model.conf").read_text("utf-8"),
        "permissions": PERMISSIONS,
        "roles": ROLES,
        "approvals": APPROVALS,
        "targets": TARGETS,
        "action": ACTION,
    } | changes
    names = {
        "model": "model.conf",
        "permissions": "permissions.csv",
        "roles": "roles.csv",
        "approvals": "approvals.toml",
        "targets": "targets.toml",
        "action": "actions/db.stop.toml",
        "cases": "cases.toml",
    }
    return {names.get(name, name): text for name, text in texts.items()}


def loaded(**changes: str) -> Policy:
    """Return the policy of a good folder, with some files replaced."""
    return load(folder(**changes), names_in=names_in)


def refusal(files: Mapping[str, str]) -> str:
    """Return what the loader says about a folder that it must not load."""
    with pytest.raises(PolicyError) as caught:
        load(files, names_in=names_in)
    return str(caught.value)


def lines(*cells: str) -> str:
    """Return permissions.csv with these lines, each without its leading `p`."""
    return "".join(f"p, {line}\n" for line in cells)


def ask(
    operation: str = "read",
    *,
    person: str = "you",
    incident_role: IncidentRole | None = IncidentRole.RESPONDER,
    mode: Mode = Mode.CURATED,
    target: str = "orders",
    tier: str = "production",
    severity: Severity = Severity.SEV2,
) -> Ask:
    """Return a question: a responder's curated read of production, unless said otherwise."""
    return Ask(person, incident_role, mode, target, tier, operation, severity)
