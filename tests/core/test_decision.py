"""The decision: each refusal by its own code, and nothing mutating ever runs freely."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from interlock.errors import CODES
from interlock_gateway.adapters.policy_files import read
from interlock_gateway.core.decision import (
    Act,
    AwaitApproval,
    Deny,
    Facts,
    Mutate,
    Operation,
    Permit,
    Read,
    Request,
    decide,
)
from interlock_gateway.core.model import (
    APPROVABLE,
    Classification,
    Dialect,
    Effect,
    Incident,
    IncidentRole,
    IncidentState,
    Mode,
    Reads,
    Reason,
    Run,
    Severity,
    Target,
)

POLICY = read(Path(__file__).parents[2] / "policies")
ORDERS = Target("orders", Dialect.POSTGRES, "production", "env:READ", "env:ACT")


def stating(effect: Effect, *reasons: Reason) -> Classification:
    """Return what the guard found of a statement."""
    return Classification(effect, reasons, "select")


def ask(operation: Operation | None = None, target: str = "orders") -> Request:
    """Return a request of the responder; without more, a plain read."""
    return Request("responder", operation or Read(stating(Effect.READ)), target)


def facts(
    state: IncidentState = IncidentState.OPEN,
    role: IncidentRole | None = IncidentRole.RESPONDER,
    mode: Mode = Mode.CURATED,
    *,
    active: bool = True,
) -> Facts:
    """Return the facts of an open incident and an active, curated run of its responder."""
    roles = {} if role is None else {"responder": role}
    incident = Incident("INC-1", "Checkout stalls", Severity.SEV2, state, roles)
    run = Run("R-1", "INC-1", "small", "1.0.0", "sha256:0", mode, "responder", active)
    return Facts(incident, run, ORDERS)


def reading(*relations: str) -> Read:
    """Return a read of relations that the target's catalogue knows."""
    return Read(replace(stating(Effect.READ), relations=relations))


def limited(**reads: tuple[str, ...]) -> Facts:
    """Return the facts of a target of which only that may be read."""
    return replace(facts(), target=replace(ORDERS, reads=Reads(**reads)))


@pytest.mark.parametrize(
    ("reads", "relation", "allowed"),
    [
        ({}, "app.secrets", True),
        ({"schemas": ("public",)}, "public.orders", True),
        ({"schemas": ("public",)}, "app.secrets", False),
        ({"schemas": ("public",)}, "pg_catalog.pg_stat_activity", False),
        ({"tables": ("app.jobs",)}, "app.jobs", True),
        ({"tables": ("app.jobs",)}, "app.jobs2", False),
        ({"schemas": ("public",), "tables": ("app.jobs",)}, "app.jobs", True),
        ({"schemas": ("app",)}, "application.jobs", False),
    ],
)
def test_only_what_the_target_lets_be_read_is_read(
    *, reads: dict[str, tuple[str, ...]], relation: str, allowed: bool
) -> None:
    decision = decide(ask(reading(relation)), POLICY, limited(**reads))
    assert isinstance(decision, Permit) is allowed
    if isinstance(decision, Deny):
        assert (decision.code, decision.line) == ("no-permission", "targets.toml: orders.reads")


def test_a_mutation_reads_no_more_than_a_read_may() -> None:
    change = Mutate(replace(stating(Effect.WRITE), relations=("app.secrets",)), 10)
    decision = decide(ask(change), POLICY, limited(schemas=("public",)))
    assert isinstance(decision, Deny)
    assert decision.message == "app.secrets may not be read through Interlock."


TERMINATE = Act("pg.terminate_backend", known=True, dialect="postgres")
WRITE = Mutate(stating(Effect.WRITE), 10)


def test_a_proven_read_is_permitted_and_names_its_line() -> None:
    decision = decide(ask(), POLICY, facts())
    assert isinstance(decision, Permit)
    assert decision.line.startswith("permissions.csv:")
    assert decision.policy == POLICY.digest


def test_an_action_waits_for_the_rule_that_policy_names() -> None:
    decision = decide(ask(TERMINATE), POLICY, facts())
    assert isinstance(decision, AwaitApproval)
    assert decision.rule.name == "one-approver"
    assert "pg.terminate_backend" in decision.text


def test_free_sql_waits_for_its_own_rule() -> None:
    decision = decide(ask(WRITE), POLICY, facts())
    assert isinstance(decision, AwaitApproval)
    assert decision.rule.name == "one-dba"


_FUNCTION = Reason(Effect.COSTLY, "function pg_sleep", "It waits.", 10, 8)
_VIEW = Reason(Effect.ADMIN, "view public.killer", "Behind the view: it ends sessions.")


@pytest.mark.parametrize(
    ("request_", "known", "code"),
    [
        (ask(), replace(facts(), run=None), "run-not-found"),
        (ask(), replace(facts(), incident=None), "incident-not-found"),
        (ask(), facts(IncidentState.CLOSED), "incident-closed"),
        (ask(), facts(IncidentState.SEALED), "incident-closed"),
        (ask(), facts(active=False), "run-ended"),
        (ask(), facts(role=None), "not-on-incident"),
        (ask(), facts(role=IncidentRole.OBSERVER), "not-on-incident"),
        (ask(), replace(facts(), step_running=False), "no-step-running"),
        (ask(), replace(facts(), calls=500), "too-many-calls"),
        (ask(), replace(facts(), busy_s=3_601.0), "run-ended"),
        (ask(target="nowhere"), replace(facts(), target=None), "unknown-target"),
        (ask(), replace(facts(), in_manifest=False), "not-in-manifest"),
        (ask(Read(stating(Effect.UNKNOWN))), facts(), "not-understood"),
        *((ask(Read(stating(one))), facts(), "not-read-only") for one in sorted(APPROVABLE)),
        (ask(Read(stating(Effect.SESSION))), facts(), "no-permission"),
        (ask(Read(stating(Effect.EXFILTRATION))), facts(), "no-permission"),
        (ask(Read(stating(Effect.COSTLY))), facts(), "no-permission"),
        (ask(Act("pg.nothing", known=False)), facts(), "unknown-action"),
        (ask(Act("my.kill", known=True, dialect="mysql")), facts(), "unknown-action"),
        (ask(TERMINATE), replace(facts(), target=replace(ORDERS, act="")), "no-permission"),
        (ask(TERMINATE), facts(mode=Mode.ADHOC), "no-permission"),
        (ask(Mutate(stating(Effect.UNKNOWN), 1)), facts(), "not-understood"),
        (ask(Mutate(stating(Effect.READ), 1)), facts(), "bad-request"),
        (ask(Mutate(stating(Effect.SESSION), 1)), facts(), "bad-request"),
        (ask(Mutate(stating(Effect.WRITE), 0)), facts(), "outside-limits"),
        (ask(Mutate(stating(Effect.WRITE, _FUNCTION), 1)), facts(), "not-understood"),
        (ask(Mutate(stating(Effect.ADMIN, _VIEW), 1)), facts(), "not-understood"),
        (ask(Mutate(stating(Effect.ADMIN), 1)), facts(), "no-permission"),
    ],
)
def test_each_refusal_has_its_own_code(request_: Request, known: Facts, code: str) -> None:
    decision = decide(request_, POLICY, known)
    assert isinstance(decision, Deny)
    assert decision.code == code
    assert decision.message
    assert code in CODES


def test_nothing_mutating_is_ever_permitted() -> None:
    """Over every effect, mode, part and state: only reads are permitted, and only when alive."""
    for effect, mode, role, state in itertools.product(
        Effect, Mode, [*IncidentRole, None], IncidentState
    ):
        known = facts(state, role, mode)
        for operation in (Mutate(stating(effect), 5), TERMINATE):
            assert not isinstance(decide(ask(operation), POLICY, known), Permit)
        if isinstance(decide(ask(Read(stating(effect))), POLICY, known), Permit):
            assert effect is Effect.READ
            assert state is IncidentState.OPEN
            assert role in (IncidentRole.COMMANDER, IncidentRole.RESPONDER)


def test_unknown_is_never_offered_for_approval() -> None:
    for operation in (Read(stating(Effect.UNKNOWN)), Mutate(stating(Effect.UNKNOWN), 5)):
        decision = decide(ask(operation), POLICY, facts())
        assert isinstance(decision, Deny)
