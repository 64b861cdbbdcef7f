"""Breaking the glass: one person does without the approvers, where policy has a line for it.

It is for the emergency in which no approver answers. What may refuse it is all here, and pure;
a grant that was got this way is decided again when it is used, like any other.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock_gateway.core.approval import ApprovalState, Freshness, Refusal, refuse_login
from interlock_gateway.core.approval_rule import ApprovalRule
from interlock_gateway.core.limits import MAX_TEXT

BREAKS_A_DAY = 3
"""How often one person may do it within `DAY`."""

DAY = timedelta(days=1)

USE_WITHIN_S = 300
"""Seconds that the grant lasts at most; a rule may say less."""

LEAST_WORDS = 20
"""Letters and digits that a reason has at least."""

_LEAST_KINDS = 5
"""Different ones among them: a key that is held down is no reason."""

_BLANK = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters to Unicode (the fillers of Hangul) that nobody sees."""


@dataclass(frozen=True, slots=True)
class Glass:
    """One approval request as far as breaking its glass is concerned, for one person.

    Attributes:
        approval: its number.
        state, expires_at: as it is now.
        incident_open: whether its incident is.
        rule: the rule in force under its name, or None when there is none any more.
        standing: the standing roles of the person; a part in an incident can be taken, and gives
            none of them.
        before: when this person broke one within the last day, in any order.
        login: how they are logged in.
        plan: the plan that it is part of, or "": a plan's glass is not broken piece by piece.
        drill: whether nothing runs: then nothing is in a hurry.
    """

    approval: str
    state: ApprovalState
    expires_at: datetime
    incident_open: bool
    rule: ApprovalRule | None
    standing: frozenset[str]
    before: Sequence[datetime]
    login: Freshness
    plan: str = ""
    drill: bool = False


def may_break(rule: ApprovalRule | None, standing: frozenset[str]) -> bool:
    """Tell whether policy lets somebody with these standing roles break the glass of `rule`."""
    return rule is not None and not standing.isdisjoint(rule.break_glass_by)


def refuse_break(glass: Glass, now: datetime) -> Refusal | None:
    """Return why this person may not break this glass now, or None."""
    return _refuse_line(glass) or _refuse_moment(glass, now) or _refuse_person(glass)


def _refuse_line(glass: Glass) -> Refusal | None:
    if glass.drill:
        return Refusal("no-break-glass", "It is a drill: nothing runs, so nothing is in a hurry.")
    if glass.rule is None or not glass.rule.break_glass_by:
        return Refusal("no-break-glass", "No line of policy lets anybody break the glass here.")
    if not may_break(glass.rule, glass.standing):
        roles = " or ".join(glass.rule.break_glass_by)
        return Refusal("not-eligible", f"Only {roles} may break the glass here.")
    return None


def _refuse_moment(glass: Glass, now: datetime) -> Refusal | None:
    if glass.plan:
        message = f"This is part of {glass.plan}, which is decided as a whole, by its approvers."
        return Refusal("in-a-plan", message)
    if glass.state is not ApprovalState.PENDING:
        return Refusal("approval-decided", f"This approval is {glass.state.value} already.")
    if now >= glass.expires_at:
        return Refusal("approval-expired", "The time to decide has passed.")
    if not glass.incident_open:
        return Refusal("incident-closed", "The incident is not open.")
    return None


def _refuse_person(glass: Glass) -> Refusal | None:
    if len(glass.before) >= BREAKS_A_DAY:
        message = f"You have broken the glass {len(glass.before)} times within a day already."
        return Refusal("too-many-breaks", message)
    return refuse_login(glass.login, glass.approval)


def refuse_words(reason: str, typed: str, target: str) -> Refusal | None:
    """Return why what a person typed is not enough, or None."""
    if typed != target:
        return Refusal("bad-request", f"Type the target's name, {target}; nothing was broken.")
    seen = [char for char in reason if _is_word(char)]
    if len(seen) < LEAST_WORDS or len(set(seen)) < _LEAST_KINDS:
        words = f"at least {LEAST_WORDS} letters or digits, of {_LEAST_KINDS} kinds"
        message = f"Say why in {words}; this has {len(seen)} of {len(set(seen))}."
        return Refusal("bad-request", message)
    if len(reason) > MAX_TEXT:
        return Refusal("bad-request", f"The reason is longer than {MAX_TEXT:,} characters.")
    return None


def _is_word(char: str) -> bool:
    """Tell whether a character is a letter or digit that can be seen."""
    return unicodedata.category(char)[0] in "LN" and char not in _BLANK
