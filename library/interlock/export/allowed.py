"""What readers outside may see: kind of event → key → the shape that its value must have.

What is in no table is left out. Fail closed: a shape that does not fit is left out, too.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.errors import CODES
from interlock.export.reading import moment, number
from interlock.export.text import plain


@dataclass(slots=True)
class Cast:
    """Who is who outside: people and steps by number, in the order in which they appear."""

    _people: dict[str, str] = field(default_factory=dict)
    _steps: dict[str, str] = field(default_factory=dict)

    @property
    def people(self) -> int:
        """How many people's names were replaced."""
        return len(self._people)

    def person(self, name: str) -> str:
        """Return what a person is called outside."""
        return self._people.setdefault(name, f"responder {len(self._people) + 1}")

    def step(self, name: str) -> str:
        """Return what a step is called outside: its author chose its name."""
        return self._steps.setdefault(name, f"step {len(self._steps) + 1}")

    def actor(self, authid: Any) -> str:
        """Return an `authid` for outside."""
        kind, _, name = (authid if isinstance(authid, str) else "").partition(":")
        if kind == "person" and name:
            return f"person:{self.person(name)}"
        if kind == "run" and _RUN.fullmatch(name):
            return f"run:{name}"
        return "system" if kind == "system" else ""


Rule = Callable[[Any, Cast], Any]
"""Returns a value as readers outside see it, or None to leave it out."""

_RUN = re.compile(r"R-[0-9]{1,9}")


def _word(pattern: str) -> Rule:
    shape = re.compile(pattern)

    def rule(value: Any, _: Cast) -> Any:
        return value if isinstance(value, str) and shape.fullmatch(value) else None

    return rule


def _one_of(*words: str) -> Rule:
    known = frozenset(words)

    def rule(value: Any, _: Cast) -> Any:
        return value if isinstance(value, str) and value in known else None

    return rule


def _number(value: Any, _: Cast) -> Any:
    return number(value)


def _small(value: Any, _: Cast) -> Any:
    """Return an attempt or a place in a list, which some events hold as text."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 7:  # noqa: PLR2004  no run counts so far
        return value
    return number(value)


def _flag(value: Any, _: Cast) -> Any:
    return value if isinstance(value, bool) else None


def _time(value: Any, _: Cast) -> Any:
    when = moment(value)
    return when.isoformat() if when else None


def _person(value: Any, cast: Cast) -> Any:
    return cast.person(value) if isinstance(value, str) and value else None


def _people(value: Any, cast: Cast) -> Any:
    if not isinstance(value, (list, tuple)):
        return None
    return [cast.person(name) for name in value if isinstance(name, str) and name]


def _roles(value: Any, cast: Cast) -> Any:
    if not isinstance(value, Mapping):
        return None
    known = {str(name): _ROLE(role, cast) for name, role in value.items()}
    return {cast.person(name): role for name, role in known.items() if role}


def _step(value: Any, cast: Cast) -> Any:
    return cast.step(value) if isinstance(value, str) and value else None


def _text(value: Any, _: Cast) -> Any:
    """Return a person's words; on lines that a person marked as public, and on no other."""
    return value if isinstance(value, str) else None


def _finding(value: Any, _: Cast) -> Any:
    if not isinstance(value, Mapping):
        return None
    return {
        key: plain(value[key]) for key in ("status", "text") if isinstance(value.get(key), str)
    }


_ROLE = _one_of("commander", "responder", "observer")
_SEVERITY = _word(r"sev[0-9]")
_CODE = _one_of(*CODES)
_VOTE = _one_of("approve", "deny")
_CHANNEL = _one_of("cli", "web", "slack")
_EFFECT = _one_of(
    *("read", "costly", "session", "exfiltration", "lock"), *("write", "ddl", "admin", "unknown")
)
_STATE = _one_of("ok", "info", "warn", "bad", "unknown")
_OUTCOME = _one_of(
    *("completed", "failed", "cancelled", "kernel_died", "succeeded", "outcome_unknown")
)
_MODE = _one_of("curated", "adhoc")

_CALL: Mapping[str, Rule] = {
    "run": _word(_RUN.pattern),
    "step": _step,
    "attempt": _small,
    "ordinal": _small,
    "effect": _EFFECT,
    "elapsed_ms": _number,
    "code": _CODE,
}
_STEP: Mapping[str, Rule] = {**_CALL, "state": _STATE}
_APPROVAL: Mapping[str, Rule] = {
    **_CALL,
    "approval": _word(r"A-[0-9]{1,9}"),
    "plan": _word(r"P-[0-9]{1,9}"),
    "plan_place": _small,
    "plan_size": _small,
    "requester": _person,
    "person": _person,
    "eligible": _people,
    "told": _people,
    "by": _people,
    "vote": _VOTE,
    "channel": _CHANNEL,
    "after_s": _number,
    "expires_at": _time,
    "break_glass": _flag,
    "own_request": _flag,
    "outcome": _OUTCOME,
}


def _each(family: str, kinds: Iterable[str], rules: Mapping[str, Rule]) -> dict[str, Any]:
    return {f"{family}.{kind}": rules for kind in kinds}


EXTERNAL: Mapping[str, Mapping[str, Rule]] = {
    "incident.declared": {"severity": _SEVERITY},
    "incident.severity_changed": {"from": _SEVERITY, "to": _SEVERITY},
    "incident.role_assigned": {"person": _person, "role": _ROLE},
    "incident.handover": {"from": _person, "to": _person},
    **_each("incident", ("closed", "reopened", "sealed"), {}),
    "run.started": {
        "run": _CALL["run"],
        "mode": _MODE,
        "requester": _person,
        "dry_run": _flag,
        "recorded_by": _one_of("agent", "self-hosted"),
        "confinement": _one_of("unconfined", "confined"),
    },
    "run.ended": {"run": _CALL["run"], "outcome": _OUTCOME},
    **_each(
        "step",
        (
            *("started", "completed", "failed", "timed_out", "cancelled", "skipped"),
            *("out_of_order", "reran"),
        ),
        _STEP,
    ),
    **_each("query", ("started", "completed", "failed", "denied"), _CALL),
    **_each(
        "action",
        (
            *("requested", "previewed", "denied", "started", "prepared", "succeeded", "failed"),
            *("outcome_unknown", "resolved", "proven"),
        ),
        _APPROVAL,
    ),
    "plan.requested": _APPROVAL,
    **_each(
        "approval",
        (
            *("requested", "prompted", "voted", "vote_refused", "approved", "denied", "expired"),
            *("withdrawn", "revoked", "invalidated", "taken_up", "glass_broken", "glass_refused"),
        ),
        _APPROVAL,
    ),
    **_each(
        "milestone",
        (
            *("impact_started", "detected", "acknowledged", "diagnosed", "mitigated", "resolved"),
            "key_moment",
        ),
        {},
    ),
    # Of notes, and only of those that a person marked as public, the words: see below.
    **_each(
        "note",
        (
            *("observation", "decision", "hypothesis", "question", "answer", "surprise"),
            "correction",
        ),
        {},
    ),
}
"""Every kind that is told outside. No statement, result, host, target, title or reason is here."""

ON_PUBLIC_LINES: Mapping[str, Rule] = {
    **dict.fromkeys(("title", "text", "reason", "summary", "message", "answer"), _text),
    **dict.fromkeys(("target", "operation", "runbook", "version", "rule", "line"), _text),
    "finding": _finding,
}
"""What a line that a person marked as public says beyond that: its sentence, not its backing."""

INCIDENT: Mapping[str, Rule] = {
    "id": _word(r"INC-[0-9]{1,9}"),
    "severity": _SEVERITY,
    "state": _one_of("open", "closed", "sealed"),
    "commander": _person,
    "roles": _roles,
    "declared_at": _time,
    "closed_at": _time,
}
"""What of an incident itself is told outside; its title is words, and those of its first event."""
