"""Policy decisions a second, here and by stock pycasbin on the same model and lines.

The last line is the one asked about: what a search through all of them costs. Ours remembers its
rulings, so it is measured twice: what the first question costs, and what the next ones do.
"""

from casbin import Enforcer, persist  # type: ignore[import-untyped]  # pycasbin ships no types
from figure import Figure, Target, alternated, per_second
from interlock_gateway.core.model import IncidentRole, Mode, Severity
from interlock_gateway.core.policy import Ask, Policy, load
from interlock_gateway.core.policy.engine import MODEL
from interlock_gateway.core.policy.values import among

TARGETS = {2: None, 1_000: None, 10_000: Target("value", 2_000)}
AGAIN = Target("value", 20_000)

_RULE = """\
[rule.two]
all_of = [{ role = "dba", count = 2 }]
decide_within = "15m"
use_within = "5m"
max_rows = 10
"""


def lines_of(size: int) -> str:
    """Return `size` lines, each about a target of its own; the last one is the one asked about."""
    rows = (
        f"p, dba, curated, db-{number}, production, read, *, allow, freely, -"
        for number in range(size)
    )
    return "\n".join(rows) + "\n"


def policy_of(size: int) -> Policy:
    """Return a policy of `size` lines."""
    targets = "tiers = ['production']\n" + "".join(
        f"[target.db-{number}]\ndialect='postgres'\ntier='production'\nread='env:R'\n"
        for number in range(size)
    )
    files = {
        "model.conf": MODEL,
        "permissions.csv": lines_of(size),
        "roles.csv": "role, dba\ng, you, dba\n",
        "approvals.toml": _RULE,
        "targets.toml": targets,
    }
    return load(files, names_in=lambda _dialect, _sql: ())


def stock_of(size: int) -> Enforcer:
    """Return pycasbin as it comes, over the same model and the same lines."""
    enforcer = Enforcer(Enforcer.new_model(text=MODEL))
    for line in [*lines_of(size).splitlines(), "g, you, dba"]:
        persist.load_policy_line(line, enforcer.model)
    enforcer.build_role_links()
    enforcer.add_function("among", among)
    return enforcer


def figures(*, smoke: bool) -> list[Figure]:
    """Measure a small, a large and a very large policy."""
    sizes = list(TARGETS)[:2] if smoke else list(TARGETS)
    return [figure for size in sizes for figure in _figures(size, smoke=smoke)]


def _figures(size: int, *, smoke: bool) -> list[Figure]:
    policy, stock = policy_of(size), stock_of(size)
    target = f"db-{size - 1}"
    ask = Ask(
        "you", IncidentRole.RESPONDER, Mode.CURATED, target, "production", "read", Severity.SEV2
    )
    words = ("you", "incident:responder", "curated", target, "production", "read", "sev2")
    assert policy.rule(ask).allowed
    assert stock.enforce_ex(*words)[0]
    seconds = 0.1 if smoke else 0.3
    sides = {
        "ours": lambda: per_second(lambda: policy.engine.work_out(ask), seconds),
        "again": lambda: per_second(lambda: policy.rule(ask), seconds),
        "pycasbin": lambda: per_second(lambda: stock.enforce_ex(*words), seconds),
    }
    found = alternated(sides, smoke=smoke)
    name = f"policy decisions, {size:,} lines"
    stock_s = found["pycasbin"]
    return [
        Figure(name, "/s", found["ours"], "pycasbin", stock_s, TARGETS[size], "more"),
        Figure(f"{name}, again", "/s", found["again"], "pycasbin", stock_s, AGAIN, "more"),
    ]
