"""`runbook/v1` as data: every key of `metadata.runbook` and `metadata.step`.

docs/runbook-format.md lists the same keys; a test compares them.
"""

from datetime import date
from typing import Any

from interlock.runbook import model
from interlock.runbook.parameters import PARAM_TYPES, Param
from interlock.runbook.shape import (
    Choice,
    Flag,
    ListOf,
    MapOf,
    Record,
    Scalar,
    ShapeError,
    Text,
    Whole,
)

SCHEMA = "runbook/v1"
DAY = 24 * 3600

_SLUG = Text(most=64, pattern=r"[a-z][a-z0-9]*(-[a-z0-9]+)*", such_as="pg-lock-contention")
_NAME = Text(most=64, pattern=r"[a-z][a-z0-9_]*", such_as="min_block_s")
_LINE = Text(most=200, pattern=r"[^\n]+", such_as="one line of text")
_TARGET = Text(most=70, pattern=r"params\.[a-z][a-z0-9_]*|[a-z][a-z0-9_-]*", such_as="params.db")
_DIALECTS = (
    *("postgres", "sqlite", "prometheus", "loki"),
    *("alertmanager", "unleash", "argocd", "kubernetes"),
)
_ACTION = Text(
    most=80, pattern=r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", such_as="pg.cancel_backend"
)


def _reviewed(at: str, by: str, every_days: int = 180) -> model.Reviewed:
    try:
        return model.Reviewed(date.fromisoformat(at), by, every_days)
    except ValueError:
        raise ShapeError(f"{at!r} is not a date such as 2026-02-03.", ("at",)) from None


PARAM = Record(
    "a parameter",
    {
        "type": Choice(PARAM_TYPES),
        "default": Scalar(),
        "min": Scalar(),
        "max": Scalar(),
        "pattern": Text(most=200),
        "values": ListOf(Text(most=100)),
        "unit": Text(most=20),
        "help": Text(most=500),
    },
    needed=("type", "help"),
    build=Param,
)

ALERT = Record(
    "an alert",
    {
        "matchers": ListOf(_LINE),
        "auto_triage": Flag(),
        "cooldown_s": Whole(0, DAY),
        "dedupe": ListOf(_NAME),
        "params": MapOf(_LINE),
    },
    needed=("matchers",),
    build=model.Alert,
)

RUNBOOK = Record(
    "metadata.runbook",
    {
        "schema": Choice((SCHEMA,)),
        "id": _SLUG,
        "version": Text(most=30, pattern=r"\d+\.\d+\.\d+", such_as="1.0.0"),
        "title": _LINE,
        "summary": _LINE,
        "status": Choice(model.STATUSES),
        "replaced_by": _SLUG,
        "domain": _SLUG,
        "tags": ListOf(_SLUG),
        "severity": Choice(("sev1", "sev2", "sev3", "sev4")),
        "owner": Record(
            "owner",
            {"team": _LINE, "escalation": Text(), "slack": _LINE},
            needed=("team", "escalation"),
            build=model.Owner,
        ),
        "reviewed": Record(
            "reviewed",
            {"at": _LINE, "by": _LINE, "every_days": Whole(1, 730)},
            needed=("at", "by"),
            build=_reviewed,
        ),
        "time_budget": Record(
            "time_budget",
            {
                "first_finding_s": Whole(1, 600),
                "triage_s": Whole(1, 3600),
                "escalate_after_min": Whole(1, DAY // 60),
            },
            build=model.TimeBudget,
        ),
        "impact": Text(),
        "when": Text(),
        "when_not": Text(),
        "alerts": ListOf(ALERT),
        "params": MapOf(PARAM),
        "targets": ListOf(
            Record(
                "a target",
                {"target": _TARGET, "dialect": Choice(_DIALECTS)},
                needed=("target", "dialect"),
                build=model.Allowed,
            )
        ),
        "actions": ListOf(_ACTION),
        "limits": Record(
            "limits",
            {
                "run_s": Whole(1, DAY),
                "rows": Whole(1, 100_000),
                "bytes": Whole(1_000, 64 * 1024 * 1024),
                "calls": Whole(1, 10_000),
            },
            build=model.Limits,
        ),
        "next": ListOf(
            Record(
                "a next runbook",
                {"runbook": _SLUG, "when": Text(most=500)},
                needed=("runbook", "when"),
                build=model.Next,
            )
        ),
        "links": ListOf(
            Record(
                "a link",
                {
                    "title": _LINE,
                    "url": Text(pattern=r"https://[^\s<>\"]+", such_as="https://example.org/"),
                },
                needed=("title", "url"),
                build=model.Link,
            )
        ),
        "tests": Record("tests", {"min_scenarios": Whole(0, 100)}, build=model.Tests),
    },
    needed=(
        *("schema", "id", "version", "title", "summary", "status", "domain", "severity"),
        *("owner", "reviewed", "impact", "when", "when_not"),
    ),
)


def _step(**given: Any) -> dict[str, Any]:
    return {"effect": _USUAL_EFFECT.get(given["kind"], "none"), **given}


_USUAL_EFFECT = {"query": "read", "verify": "read"}

STEP = Record(
    "metadata.step",
    {
        "kind": Choice(model.KINDS),
        "effect": Choice(model.EFFECTS),
        "title": _LINE,
        "why": Text(most=500),
        "auto": Flag(),
        "needs": ListOf(_SLUG),
        "timeout_s": Whole(1, 3600),
        "retries": Whole(0, 5),
        "on_fail": Choice(("stop", "continue")),
        "evidence": Record(
            "evidence", {"keep": Flag(), "redact": ListOf(_LINE)}, build=model.Keeping
        ),
        "evidence_from": Record(
            "evidence_from",
            {"step": _SLUG, "max_age_s": Whole(1, 3600), "bind": MapOf(_LINE)},
            needed=("step",),
            build=model.EvidenceFrom,
        ),
        "verify": _SLUG,
        "undo": Text(most=500),
    },
    needed=("kind", "title"),
    build=_step,
)
