"""Proves the engine lock of a target: what its logins are, and what the engine refuses."""

from interlock_gateway.adapters.doctor.check import Check, Outcome
from interlock_gateway.adapters.doctor.examining import examine
from interlock_gateway.adapters.doctor.masking import MASKING, examine_masking
from interlock_gateway.adapters.doctor.report import print_checks, print_sql
from interlock_gateway.adapters.doctor.statements import Login, logins_sql

__all__ = [
    "MASKING",
    "Check",
    "Login",
    "Outcome",
    "examine",
    "examine_masking",
    "logins_sql",
    "print_checks",
    "print_sql",
]
