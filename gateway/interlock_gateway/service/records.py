"""The rows of the store as frozen values: state beside the journal, one dataclass per table.

Each names its table and key; `Transaction.change` is the only way to a new state, and it is
always conditional. The journal itself is written through `Transaction.append` alone.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from interlock_gateway.service.chat.records import (
    InboxRow,
    LinkCodeRow,
    LinkRow,
    NoteRow,
    PostRow,
    RoomRow,
)
from interlock_gateway.service.entry_records import HypothesisRow, PinRow, QuestionRow, ViewRow
from interlock_gateway.service.evidence_records import RetentionRow, TombstoneRow
from interlock_gateway.service.log_records import LOG_ROWS
from interlock_gateway.service.record import Record


@dataclass(frozen=True, slots=True)
class PersonRow(Record):
    """Somebody known to this deployment."""

    TABLE: ClassVar[str] = "people"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CredentialRow(Record):
    """A credential, stored as its hash: `kind` is code (one-time), key (CLI) or cookie (web)."""

    TABLE: ClassVar[str] = "credentials"
    KEY: ClassVar[tuple[str, ...]] = ("hash",)
    hash: str
    person: str
    kind: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentRow(Record):
    """An incident; authority hangs on `state` and `severity`. `drill` is 1 where nothing runs."""

    TABLE: ClassVar[str] = "incidents"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    WORDS: ClassVar[tuple[str, ...]] = ("title",)
    id: str
    title: str
    severity: str
    state: str
    declared_by: str
    declared_at: datetime
    key: str
    closed_at: datetime | None = None
    drill: int = 0


@dataclass(frozen=True, slots=True)
class MemberRow(Record):
    """A person's role in an incident."""

    TABLE: ClassVar[str] = "members"
    KEY: ClassVar[tuple[str, ...]] = ("incident", "person")
    incident: str
    person: str
    role: str


@dataclass(frozen=True, slots=True)
class RunRow(Record):
    """One execution of a runbook: `manifest` and `params` are JSON; `state` active or ended.

    `actions` says what becomes of them: `ask` approvers, or `preview` only, in a dry run.
    """

    TABLE: ClassVar[str] = "runs"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    WORDS: ClassVar[tuple[str, ...]] = ("title",)
    id: str
    incident: str
    runbook: str
    version: str
    digest: str
    mode: str
    requester: str
    state: str
    title: str
    manifest: str
    params: str
    recorded_by: str
    confinement: str
    started_at: datetime
    key: str
    outcome: str = ""
    ended_at: datetime | None = None
    actions: str = "ask"


@dataclass(frozen=True, slots=True)
class StepRow(Record):
    """One attempt at a step; `finding` is JSON or empty."""

    TABLE: ClassVar[str] = "steps"
    KEY: ClassVar[tuple[str, ...]] = ("run", "step", "attempt")
    WORDS: ClassVar[tuple[str, ...]] = ("finding",)
    run: str
    step: str
    attempt: int
    state: str
    source_digest: str
    event: str
    started_at: datetime
    finding: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallRow(Record):
    """One call of a run, by which a transport retry finds its answer.

    `state` is started, completed, failed, denied or awaiting (an approval); `answer` is what was
    delivered, as JSON bytes; `event` is the event that the call is cited by.
    """

    TABLE: ClassVar[str] = "calls"
    KEY: ClassVar[tuple[str, ...]] = ("run", "step", "attempt", "ordinal")
    WORDS: ClassVar[tuple[str, ...]] = ("answer",)
    run: str
    step: str
    attempt: int
    ordinal: int
    digest: str
    operation: str
    state: str
    event: str
    asked_at: datetime
    answer: bytes = b""
    approval: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRow(Record):
    """An approval request; `sealed` holds the canonical proposal, encrypted.

    One that is part of a plan names it, its place in it from 1, and the digest of its wish, by
    which the run's later call finds it.

    `broken_by` is who did without its approvers; "" where they decided, or nobody did.
    """

    TABLE: ClassVar[str] = "approvals"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    WORDS: ClassVar[tuple[str, ...]] = ("outcome", "closing_reason")
    id: str
    incident: str
    run: str
    step: str
    attempt: int
    ordinal: int
    requester: str
    target: str
    operation: str
    effect: str
    rule: str
    line: str
    state: str
    version: int
    digest: str
    sealed: bytes
    idempotency_key: str
    requested_at: datetime
    expires_at: datetime
    event: str
    decided_at: datetime | None = None
    grant_expires_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: bytes = b""
    closing_reason: str = ""
    plan: str = ""
    place: int = 0
    wish: str = ""
    broken_by: str = ""

    @property
    def in_plan(self) -> dict[str, str | int]:
        """What events and notices say of its plan; nothing where it was asked for alone."""
        return {"plan": self.plan, "plan_place": self.place} if self.plan else {}


@dataclass(frozen=True, slots=True)
class PlanRow(Record):
    """Several approval requests that were asked for, and are voted on, as one; never changed.

    Its members are the approvals that name it, as many as `size` says; `digest` covers theirs.
    """

    TABLE: ClassVar[str] = "plans"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    incident: str
    run: str
    step: str
    attempt: int
    ordinal: int
    requester: str
    size: int
    digest: str
    requested_at: datetime
    expires_at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class DeedRow(Record):
    """What is known of a deed under way: begun with its grant's use, prepared before its COMMIT.

    `transaction` is JSON, the names by which the target knows it; `undo` is sealed. `provable` is
    1 where the verify query did not hold right before: it proves the deed if it holds soon after.
    """

    TABLE: ClassVar[str] = "deeds"
    KEY: ClassVar[tuple[str, ...]] = ("approval",)
    approval: str
    target: str
    begun_at: datetime
    transaction: str = "{}"
    affected: int = -1
    undo: bytes = b""
    event: str = ""
    prepared_at: datetime | None = None
    provable: int = 0


@dataclass(frozen=True, slots=True)
class VoteRow(Record):
    """One person's vote on one approval; one on a plan is also a vote on each of its members.

    `confirmed_in` is "web" where it was cast in a browser with a fresh login, else "".
    """

    TABLE: ClassVar[str] = "votes"
    KEY: ClassVar[tuple[str, ...]] = ("approval", "person")
    WORDS: ClassVar[tuple[str, ...]] = ("reason",)
    approval: str
    person: str
    vote: str
    reason: str
    proposal_digest: str
    prompt_digest: str
    at: datetime
    confirmed_in: str = ""


@dataclass(frozen=True, slots=True)
class BreakRow(Record):
    """That one person broke the glass of one approval, and why; it names what they saw."""

    TABLE: ClassVar[str] = "breaks"
    KEY: ClassVar[tuple[str, ...]] = ("approval",)
    WORDS: ClassVar[tuple[str, ...]] = ("reason",)
    approval: str
    person: str
    reason: str
    proposal_digest: str
    prompt_digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FollowUpRow(Record):
    """Something the postmortem owes an answer to; `state` is open or closed.

    `about` is the approval that it came of, `concerns` the person whose deed it is about: they
    do not close it; both are "" where a person wrote it down. `owner` is whom it falls to, ""
    for nobody, and `due` a day such as 2026-12-01, or "". What it says, and the answer, stand in
    the parts of the events `event` and `closing`; `text` and `answer` hold those of older rows.
    """

    TABLE: ClassVar[str] = "followups"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    WORDS: ClassVar[tuple[str, ...]] = ("text", "answer")
    id: str
    incident: str
    about: str
    concerns: str
    owner: str
    text: str
    state: str
    event: str
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str = ""
    answer: str = ""
    due: str = ""
    opened_by: str = ""
    closing: str = ""


@dataclass(frozen=True, slots=True)
class PromptRow(Record):
    """One rendering of a proposal, or of a plan, that was shown; a vote names its digest."""

    TABLE: ClassVar[str] = "prompts"
    KEY: ClassVar[tuple[str, ...]] = ("approval", "digest")
    approval: str
    digest: str
    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OutboxRow(Record):
    """Something to be told outside, written with the state that made it necessary.

    `trouble` is why the last try failed; what is refused for good is set aside, not delivered.
    """

    TABLE: ClassVar[str] = "outbox"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    WORDS: ClassVar[tuple[str, ...]] = ("payload", "trouble")
    id: str
    kind: str
    subject: str
    payload: str
    created_at: datetime
    attempts: int = 0
    delivered_at: datetime | None = None
    trouble: str = ""
    set_aside_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClaimRow(Record):
    """Work that one gateway does at a time: who holds it, and until when."""

    TABLE: ClassVar[str] = "claims"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    holder: str
    until: datetime


ROWS: tuple[type[Record], ...] = (
    PersonRow,
    CredentialRow,
    IncidentRow,
    MemberRow,
    RunRow,
    StepRow,
    CallRow,
    ApprovalRow,
    PlanRow,
    DeedRow,
    VoteRow,
    BreakRow,
    FollowUpRow,
    PromptRow,
    OutboxRow,
    ClaimRow,
    PostRow,
    InboxRow,
    LinkRow,
    LinkCodeRow,
    NoteRow,
    RoomRow,
    TombstoneRow,
    RetentionRow,
    *LOG_ROWS,
    HypothesisRow,
    QuestionRow,
    PinRow,
    ViewRow,
)
