"""Builds runbook notebooks whose defaults are a good one, so that a test names what matters."""

import json
from typing import Any

from interlock.runbook import Runbook, load

ABOUT: dict[str, Any] = {
    "schema": "runbook/v1",
    "id": "queue-stuck",
    "version": "1.0.0",
    "title": "The queue is stuck",
    "summary": "Finds out what the queue waits for.",
    "status": "curated",
    "domain": "queues",
    "severity": "sev2",
    "owner": {"team": "queue-oncall", "escalation": "Page queue-oncall."},
    "reviewed": {"at": "2026-02-03", "by": "queue-oncall"},
    "impact": "Mails come late.",
    "when": "Mails come late.",
    "when_not": "Mails do not come at all.",
    "params": {"db": {"type": "target", "default": "orders", "help": "The database."}},
    "targets": [{"target": "params.db", "dialect": "postgres"}],
    "actions": ["pg.cancel_backend"],
}

QUERY = {"kind": "query", "title": "Look"}
VERIFY = {"kind": "verify", "title": "Look again"}
ACTION = {
    "kind": "action",
    "title": "Cancel it",
    "effect": "admin",
    "verify": "after",
    "undo": "none needed: it runs again",
}

LOOK = 'rows = query(params.db, "SELECT 1")'
CANCEL = 'act("pg.cancel_backend", target=params.db, pid=1)'


def cell(
    name: str, source: str, step: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """One code cell; `step` defaults to a query."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {"step": QUERY if step is None else step},
        "outputs": [],
        "source": source,
        **more,
    }


def prose(name: str, text: str = "Words.") -> dict[str, Any]:
    """One markdown cell."""
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def notebook(*cells: dict[str, Any], **about: Any) -> str:
    """The text of a notebook; `about` changes metadata.runbook, None takes a key away."""
    told = {key: value for key, value in {**ABOUT, **about}.items() if value is not None}
    return json.dumps(
        {
            "cells": list(cells) or [prose("about"), cell("look", LOOK)],
            "metadata": {"runbook": told},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
        sort_keys=True,
    )


def runbook(*cells: dict[str, Any], **about: Any) -> Runbook:
    """The runbook in `notebook(…)`."""
    return load(notebook(*cells, **about), "queues/queue-stuck.ipynb")


def taking(**param: Any) -> Runbook:
    """A runbook with one parameter `it`."""
    return runbook(params={**ABOUT["params"], "it": {"help": "It.", **param}})


def acting(source: str = CANCEL, **step: Any) -> Runbook:
    """A runbook that looks, acts and looks again."""
    return runbook(
        cell("look", LOOK),
        cell("cancel", source, {**ACTION, **step}),
        cell("after", LOOK, VERIFY),
    )
