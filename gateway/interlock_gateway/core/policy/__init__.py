"""What policy allows, under which terms, and which line says so.

    policy = load(files, names_in=…)
    ruling = policy.rule(Ask(person="you", …))

The first matching line of permissions.csv decides and silence denies. `load` is strict: whatever
it does not know is an error with file and line, because a policy that is half understood is
worse than the one that was in force before.
"""

from interlock_gateway.core.policy.loading import concerns, load
from interlock_gateway.core.policy.snapshot import Policy
from interlock_gateway.core.policy.values import ANY_TARGET, FAULT, SILENCE, UNASKABLE, Ask, Ruling
from interlock_gateway.core.strict import PolicyError, Problem

__all__ = [
    "ANY_TARGET",
    "FAULT",
    "SILENCE",
    "UNASKABLE",
    "Ask",
    "Policy",
    "PolicyError",
    "Problem",
    "Ruling",
    "concerns",
    "load",
]
