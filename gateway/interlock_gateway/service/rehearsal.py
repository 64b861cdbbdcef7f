"""What a dry run shows in place of an action: all that an approver would see, and no question."""

import json
from collections.abc import Mapping
from typing import Any

from interlock_gateway.core.timeline import Draft, json_part, text_part
from interlock_gateway.service.calls import COMPLETED, STARTED, open_call
from interlock_gateway.service.drafting import Ready
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import Transaction

PREVIEWED = "previewed"
"""The state of what was only looked at."""


def previewed(
    tx: Transaction, who: Principal, ready: Ready, cause: str, preview: Mapping[str, Any]
) -> dict[str, Any]:
    """Write down what was shown, and return it as the outcome of the call."""
    wish, answer = ready.wish, shown(tx, who, ready, cause, preview)
    row = open_call(tx, wish.site, wish.digest, wish.operation, state=STARTED, event=cause)
    tx.change(row, state=COMPLETED, answer=json.dumps(answer).encode())
    return answer


def shown(
    tx: Transaction, who: Principal, ready: Ready, cause: str, preview: Mapping[str, Any]
) -> dict[str, Any]:
    """Write down what was shown, and return it."""
    wish, design, rule = ready.wish, ready.design, ready.decision.rule
    event = tx.append(_draft(who, ready, cause, preview))
    return {
        "approval": "",
        "state": PREVIEWED,
        "columns": preview.get("columns", []),
        "rows": preview.get("rows", []),
        "truncated": preview.get("truncated", False),
        "count": preview.get("count"),
        "note": preview.get("note", ""),
        "statement": design.statement.source or design.statement.text,
        "values": {name: dict(wish.args[name]) for name in dict.fromkeys(design.statement.names)},
        "effect": design.effect.value,
        "blast_radius": design.blast_radius,
        "undo": design.undo,
        "needs": rule.needs,
        "line": ready.decision.line,
        "affected": None,
        "verify": {},
        "elapsed_ms": 0.0,
        "event": event,
        "replayed": False,
    }


def _draft(who: Principal, ready: Ready, cause: str, preview: Mapping[str, Any]) -> Draft:
    wish, design, rule = ready.wish, ready.design, ready.decision.rule
    data = {
        **wish.site.data,
        **ready.told,
        **wish.asked.data,
        "effect": design.effect.value,
        "tier": ready.target.tier,
        "rule": rule.name,
        "needs": rule.needs,
        "line": ready.decision.line,
        "max_rows": design.max_rows,
    }
    parts = {
        "statement": text_part(design.statement.text),
        "args": json_part({name: dict(typed) for name, typed in wish.args.items()}),
        "preview": json_part(dict(preview)),
        "undo": text_part(design.undo),
        "reason": text_part(wish.reason),
    }
    return Draft(
        "action.previewed",
        who.authid,
        data,
        parts,
        incident=ready.found.run.incident,
        subject=wish.site.name,
        correlationid=wish.site.run,
        causationid=cause,
    )
