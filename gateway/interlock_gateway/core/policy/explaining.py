"""Why policy answers as it does, what it would allow instead, and who could approve."""

from dataclasses import replace

from interlock_gateway.core.policy.roles import INCIDENT_ROLES
from interlock_gateway.core.policy.snapshot import Policy
from interlock_gateway.core.policy.values import Ask, Ruling


def explain(policy: Policy, ask: Ask) -> str:
    """Return the answer to `ask` in sentences, one to a line."""
    ruling = policy.rule(ask)
    lines = [_headline(ask, ruling), f"  Decided by {ruling.line}."]
    lines += [f"  {ruling.text}"] if ruling.text else []
    lines += [f"  {ruling.fault}"] if ruling.fault else []
    if ruling.terms in policy.rules:
        lines += _approval(policy, ask, ruling.terms)
    lines += [f"  Policy {policy.digest}", "", f"What {ask.person} may do here:"]
    return "\n".join(lines + _allowed(policy, ask))


def _headline(ask: Ask, ruling: Ruling) -> str:
    part = ask.incident_role or "nobody on the incident"
    what = f"{ask.operation} on {ask.target} ({ask.tier}), {ask.mode}, {ask.severity}"
    if not ruling.allowed:
        return f"No: {ask.person}, {part}, may not do {what}."
    terms = "freely" if ruling.terms == "freely" else f"after {ruling.terms}"
    return f"Yes, {terms}: {ask.person}, {part}, may do {what}."


def _approval(policy: Policy, ask: Ask, terms: str) -> list[str]:
    rule = policy.rule_named(terms)
    people = sorted(policy.eligible(rule, {}, ask.person))
    parts = sorted(rule.roles & set(INCIDENT_ROLES))
    who = ", ".join([*people, *(f"whoever is {part}" for part in parts)]) or "nobody"
    return [f"  {rule.name} needs {rule.needs}, never {ask.person}.", f"  Could approve: {who}."]


def _allowed(policy: Policy, ask: Ask) -> list[str]:
    found: dict[str, list[str]] = {}
    for operation in policy.vocabulary.operations:
        ruling = policy.rule(replace(ask, operation=operation))
        if ruling.allowed:
            found.setdefault(ruling.terms, []).append(operation)
    return [f"  {terms}: {', '.join(names)}" for terms, names in found.items()] or ["  nothing"]
