"""Where else the content of a part stands: one table, by which it is destroyed everywhere.

State rows hold copies of what events keep in parts: the answer that a retry gets, the proposal
that approvers open. Whoever adds a part to an event says here which rows copy it; a test compares
this table with the code. What is sealed counts as a copy too: whoever has the key can read it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.errors import refusal

from interlock_gateway.core.approval import UNSETTLED
from interlock_gateway.core.ledger import Milestone
from interlock_gateway.service.calls import REDACTED, STARTED
from interlock_gateway.service.chat.following import MOST_CHANGES
from interlock_gateway.service.chat.records import NoteRow, RoomRow
from interlock_gateway.service.evidence_records import RetentionRow, TombstoneRow
from interlock_gateway.service.outcomes import GONE
from interlock_gateway.service.ports import Reading, Transaction
from interlock_gateway.service.record import Record
from interlock_gateway.service.records import (
    ApprovalRow,
    BreakRow,
    CallRow,
    DeedRow,
    FollowUpRow,
    IncidentRow,
    OutboxRow,
    RunRow,
    StepRow,
    VoteRow,
)

Data = Mapping[str, Any]
_CHART = re.compile(r"chart_[0-9]+(_spec)?\Z")
TITLE_GONE = "[redacted]"
_SAID = frozenset({"state", "changes"})
"""Columns that only say that something was destroyed."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A row that holds a copy, and what stands in its columns once that is destroyed."""

    row: Record
    left: Mapping[str, object]

    @property
    def name(self) -> str:
        """The row as a tombstone names it, such as `votes/A-1/you`."""
        keys = [str(getattr(self.row, name)) for name in self.row.KEY]
        return "/".join((self.row.TABLE, *keys))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that held it, as events tell them, such as `votes.reason`."""
        held = [name for name in self.left if name not in _SAID]
        return tuple(f"{self.row.TABLE}.{name}" for name in held)

    def erase(self, tx: Transaction) -> None:
        """Destroy it; several copies in one row go one after the other."""
        keys = [getattr(self.row, name) for name in self.row.KEY]
        now = tx.get(type(self.row), *keys)
        if now is not None:
            tx.change(now, **self.left)


Find = Callable[[Reading, Data], list[Copy]]


def copies_of(tx: Reading, body: Mapping[str, Any], part: str) -> list[Copy]:
    """Return the copies of one part of an event.

    Args:
        tx: the store.
        body: the event.
        part: the name in its data.

    Raises:
        InterlockError: `incident-state`; something still works with a copy.
    """
    name = "chart" if _CHART.match(part) else part
    finders = COPIES.get(str(body["type"]), {}).get(name, ())
    data = {**body.get("data", {}), "$incident": body.get("incident", "")}
    return [copy for find in finders for copy in find(tx, data)]


def _call(tx: Reading, data: Data) -> list[Copy]:
    """The call itself: its answer, and the digest of its request, by which it can be guessed."""
    key = (data.get("run"), data.get("step"), data.get("attempt"), data.get("ordinal"))
    row = tx.get(CallRow, *key) if None not in key else None
    return [_emptied(tx, row)] if row is not None else []


def _calls(tx: Reading, data: Data) -> list[Copy]:
    """The call that asked for an approval, and each that took up what a plan had asked for."""
    taken = tx.rows(CallRow, run=data.get("run"), approval=data.get("approval"))
    others = [_emptied(tx, row) for row in taken]
    return [*others, *_call(tx, data)]


def _emptied(tx: Reading, row: CallRow) -> Copy:
    run = tx.get(RunRow, row.run)
    if row.state == STARTED and run is not None and run.state == "active":
        message = f"{row.run}/{row.step}/{row.attempt}/{row.ordinal} is being answered now."
        raise refusal("incident-state", message, help="Wait until it ended, or end the run.")
    return Copy(row, {"state": REDACTED, "answer": b"", "digest": ""})


def _proposals(tx: Reading, data: Data) -> list[Copy]:
    """The sealed proposal of an approval: of the one that is named, or that the call asked for."""
    if "approval" in data:
        rows = [tx.get(ApprovalRow, data["approval"])]
    else:
        run, step = data.get("run"), data.get("step")
        attempt, ordinal = data.get("attempt"), data.get("ordinal")
        found = tx.rows(ApprovalRow, run=run, step=step, attempt=attempt, ordinal=ordinal)
        rows = [row for row in found if row.place == data.get("plan_place", row.place)]
    return [_unsealed(row) for row in rows if row is not None]


def _of_plan(tx: Reading, data: Data) -> list[Copy]:
    """Every member of a plan: each has the plan's reason in it."""
    return [_unsealed(row) for row in tx.rows(ApprovalRow, plan=data.get("plan"))]


def _unsealed(row: ApprovalRow) -> Copy:
    return Copy(_settled(row), {"sealed": b"", "wish": "", "idempotency_key": ""})


def _settled(row: ApprovalRow) -> ApprovalRow:
    """Return an approval that nobody works with any more, or refuse."""
    if row.state in UNSETTLED:
        message = f"{row.id} is {row.state}; what it would run is needed until it is settled."
        help_ = f"Deny, withdraw or resolve it first: `interlock approvals show {row.id}`."
        raise refusal("incident-state", message, line=row.id, help=help_)
    return row


def _approval(tx: Reading, data: Data) -> list[ApprovalRow]:
    row = tx.get(ApprovalRow, data.get("approval", ""))
    return [_settled(row)] if row is not None else []


def _outcome(tx: Reading, data: Data) -> list[Copy]:
    return [Copy(row, {"outcome": GONE}) for row in _approval(tx, data) if row.outcome]


def _closing(tx: Reading, data: Data) -> list[Copy]:
    return [Copy(row, {"closing_reason": ""}) for row in _approval(tx, data)]


def _undo(tx: Reading, data: Data) -> list[Copy]:
    _approval(tx, data)
    row = tx.get(DeedRow, data.get("approval", ""))
    return [Copy(row, {"undo": b""})] if row is not None else []


def _vote(tx: Reading, data: Data) -> list[Copy]:
    """A vote, and the vote on the whole plan that it is a part of."""
    keys = [data.get("approval", ""), data.get("plan", "")]
    votes = [tx.get(VoteRow, key, data.get("person", "")) for key in keys if key]
    return [Copy(row, {"reason": ""}) for row in votes if row is not None]


def _break(tx: Reading, data: Data) -> list[Copy]:
    """A broken glass, what was told of it, and the follow-up that quotes its reason."""
    approval = data.get("approval", "")
    row = tx.get(BreakRow, approval)
    owed = tx.rows(FollowUpRow, about=approval, concerns=data.get("person", ""))
    told = tx.rows(OutboxRow, subject=approval)
    return [
        *([Copy(row, {"reason": ""})] if row is not None else []),
        *(Copy(one, {"text": TITLE_GONE if one.state == "open" else ""}) for one in owed),
        *(
            Copy(one, {"payload": _without_reason(one.payload)})
            for one in told
            if one.kind == "approval.glass_broken"
        ),
    ]


def _without_reason(payload: str) -> str:
    return re.sub(r'"reason": "(?:[^"\\]|\\.)*"', f'"reason": "{TITLE_GONE}"', payload)


def _followup(column: str) -> Find:
    def find(tx: Reading, data: Data) -> list[Copy]:
        row = tx.get(FollowUpRow, data.get("followup", ""))
        return [Copy(row, {column: ""})] if row is not None else []

    return find


def _title(tx: Reading, data: Data) -> list[Copy]:
    """An incident's title, and the name of its room that was made of it."""
    row = tx.get(IncidentRow, data["$incident"])
    room = tx.get(RoomRow, data["$incident"])
    return [
        *([Copy(row, {"title": TITLE_GONE})] if row is not None else []),
        *([Copy(room, {"name": room.incident.lower()})] if room is not None else []),
    ]


def _params(tx: Reading, data: Data) -> list[Copy]:
    row = tx.get(RunRow, data.get("run", ""))
    if row is None:
        return []
    if row.state == "active":
        message = f"{row.id} still runs with these parameters."
        raise refusal("incident-state", message, help="End the run first.")
    return [Copy(row, {"params": "{}"})]


def _finding(tx: Reading, data: Data) -> list[Copy]:
    row = tx.get(StepRow, data.get("run"), data.get("step"), data.get("attempt"))
    return [Copy(row, {"finding": ""})] if row is not None else []


def _message(tx: Reading, data: Data) -> list[Copy]:
    """A message of a chat: its digest goes, and it is not followed any more."""
    if data.get("source") != "slack":
        return []
    incident = data.get("of") or data["$incident"]
    row = tx.get(NoteRow, incident, data.get("channel"), data.get("ts"))
    return [Copy(row, {"shown": "", "changes": MOST_CHANGES})] if row is not None else []


def _tombstones(tx: Reading, data: Data) -> list[Copy]:
    rows = [tx.get(TombstoneRow, name) for name in data.get("destroyed", ())]
    return [Copy(row, {"reason": ""}) for row in rows if row is not None]


def _retention(tx: Reading, data: Data) -> list[Copy]:
    row = tx.get(RetentionRow, data.get("of", ""))
    return [Copy(row, {"reason": ""})] if row is not None else []


_NONE: tuple[Find, ...] = ()
_ASKED = dict.fromkeys(("statement", "params", "reasons", "promql", "logql", "sent"), (_call,))
_WISHED = dict.fromkeys(("args", "statement", "params", "reason"), (_call, _proposals))
_REFUSED = {**_ASKED, **dict.fromkeys(("message", "args", "reason"), (_call,))}
_SHOWN = ("statement", "args", "preview", "undo", "reason", "trial")
_ENDED = {"finding": (_finding,), "error": _NONE, "outputs": _NONE, "chart": _NONE}
_BROUGHT = {"undo_sql": (_outcome, _calls, _undo)}

COPIES: Mapping[str, Mapping[str, Sequence[Find]]] = {
    "incident.declared": {"title": (_title,)},
    **{f"incident.{word}": {"reason": _NONE} for word in ("severity_changed", "reopened")},
    "incident.closed": {"reason": _NONE},
    "incident.handover": {"summary": _NONE, "sheet": _NONE},
    "note.hypothesis_opened": {"text": _NONE},
    "note.hypothesis_updated": {"text": _NONE},
    "note.hypothesis_closed": {"reason": _NONE},
    "view.changed": {"definition": _NONE},
    **{f"milestone.{word}": {"text": _NONE} for word in Milestone},
    **{f"pin.{word}": {"text": _NONE} for word in ("added", "removed")},
    **{
        f"note.{kind}": {
            "text": (_message,),
            "handle": _NONE,
            "options": _NONE,
            "reason": _NONE,
        }
        for kind in (
            *("observation", "decision", "hypothesis", "question"),
            *("answer", "surprise", "correction", "edited"),
        )
    },
    "run.started": {"params": (_params,), "notebook": _NONE},
    "run.ended": {"summary": _NONE},
    "step.started": {"source": _NONE},
    **{
        f"step.{word}": _ENDED
        for word in ("completed", "failed", "timed_out", "cancelled", "skipped")
    },
    "query.started": _ASKED,
    "query.completed": {"result": (_call,)},
    "query.failed": {"message": (_call,)},
    "query.denied": _REFUSED,
    "action.requested": _WISHED,
    "action.denied": _REFUSED,
    "action.previewed": dict.fromkeys(_SHOWN, (_call,)),
    "plan.requested": {"reason": (_call, _of_plan)},
    "approval.requested": dict.fromkeys(_SHOWN, (_call, _proposals)),
    "approval.prompted": {"prompt": _NONE},
    "approval.voted": {"reason": (_vote,)},
    "approval.vote_refused": {"message": _NONE},
    "approval.glass_refused": {"message": _NONE},
    "approval.taken_up": {"reason": (_call,)},
    "approval.glass_broken": {"reason": (_break,)},
    **{
        f"approval.{state}": {"reason": (_closing,)}
        for state in ("denied", "expired", "withdrawn", "revoked", "invalidated")
    },
    "action.prepared": {"before": (_undo,)},
    "action.succeeded": {
        **_BROUGHT,
        "result": (_outcome, _calls),
        "verify": (_outcome, _calls),
    },
    "action.failed": {"message": (_outcome, _calls)},
    "action.outcome_unknown": {"message": (_outcome, _calls)},
    "action.proven": {**_BROUGHT, "reason": (_outcome, _calls)},
    "action.resolved": {"reason": _NONE},
    "followup.opened": {"text": (_followup("text"),)},
    "followup.closed": {"answer": (_followup("answer"),)},
    "log.key_rotated": {"reason": _NONE},
    "policy.refused": {"problems": _NONE},
    "artifact.redacted": {"reason": (_tombstones,)},
    "artifact.held": {"reason": (_retention,)},
    "artifact.released": {"reason": _NONE},
}
"""Type of event → part → what finds its copies; () where there is none."""

GIVEN = frozenset(
    {"result", "outputs", "chart", "before", "preview", "trial", "verify", "undo_sql", "error"}
)
"""Parts that targets and cells gave; they expire. What people wrote and asked does not."""


def is_given(part: str) -> bool:
    """Tell whether a part came from a target or a cell, and so expires."""
    return part in GIVEN or _CHART.match(part) is not None
