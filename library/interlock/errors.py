"""Everything that can go wrong, in one tree and one table. Standard library only.

    InterlockError
    ├── Denied                   the gateway refused; nothing ran
    │   └── Diverged             a replayed call asks for something else than was recorded
    ├── ApprovalRefused          the approval ended without a yes; nothing ran
    │   ├── ApprovalDenied
    │   ├── ApprovalExpired
    │   └── ApprovalWithdrawn    withdrawn, revoked or invalidated
    ├── TargetFailed             the target answered with an error, or timed out; proven no effect
    ├── OutcomeUnknown           the action may or may not have happened; look before you act
    ├── Unavailable              the gateway, its store or a target cannot be reached
    ├── NotLoggedIn              no valid credential
    └── UsageError               the call itself is wrong: unknown name, bad value

Every error says what happened, which line or limit, and what to do next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class InterlockError(Exception):
    """The root: `code` is a stable word, `line` the policy line or limit, `help` what to do.

    Attributes:
        message: what happened, in one sentence.
        code: a key of `CODES`.
        line: the policy line that decided, as `file:number`, or the name of a limit; may be "".
        help: what to do next; may be "".
        excerpt: the asker's own text with a caret under what was refused; may be "".
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        line: str = "",
        help: str = "",  # noqa: A002  the word users know
        excerpt: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.line = line
        self.excerpt = excerpt
        known = CODES.get(self.code)
        self.help = help or (known.help if known else "")

    def __str__(self) -> str:
        line = f" [{self.line}]" if self.line else ""
        shown = f"\n{self.excerpt}" if self.excerpt else ""
        following = f"\n→ {self.help}" if self.help else ""
        return f"{self.message} ({self.code}){line}{shown}{following}"


class Denied(InterlockError):
    """The gateway refused the call; nothing ran."""

    code = "no-permission"


class Diverged(Denied):
    """A replayed call differs from the one recorded at the same place."""

    code = "diverged"


class ApprovalRefused(InterlockError):
    """The approval ended without a yes; nothing ran."""

    code = "approval-denied"


class ApprovalDenied(ApprovalRefused):
    """An approver said no."""


class ApprovalExpired(ApprovalRefused):
    """Nobody decided, or nobody used the grant, in time."""

    code = "approval-expired"


class ApprovalWithdrawn(ApprovalRefused):
    """The approval was withdrawn, revoked or invalidated before it was used."""

    code = "approval-invalidated"


class TargetFailed(InterlockError):
    """The target refused or failed; the error it gave proves that nothing changed."""

    code = "target-failed"


class OutcomeUnknown(InterlockError):
    """The action may or may not have happened. It is never retried by itself."""

    code = "outcome-unknown"


class Unavailable(InterlockError):
    """The gateway, its store or a target cannot be reached."""

    code = "unavailable"


class NotLoggedIn(InterlockError):
    """There is no valid credential for this gateway."""

    code = "not-logged-in"


class UsageError(InterlockError):
    """The call itself is wrong: an unknown name, a bad value, something missing."""

    code = "bad-request"


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table: the HTTP status, the exception and what to do next."""

    status: int
    error: type[InterlockError]
    help: str


CODES: dict[str, Code] = {
    # who is asking
    "not-logged-in": Code(401, NotLoggedIn, "Run `interlock login`."),
    "wrong-code": Code(401, NotLoggedIn, "Ask for a new one-time code: `interlock up` prints it."),
    "too-many-attempts": Code(429, NotLoggedIn, "Wait five minutes, then use a fresh code."),
    "run-token-mismatch": Code(
        403, Denied, "A run's token works for that run alone; start your own run."
    ),
    "not-a-person": Code(403, Denied, "Only a person may do this, not a run's token."),
    # the incident and the run
    "incident-not-found": Code(404, UsageError, "List incidents: `interlock incident list`."),
    "incident-closed": Code(
        409, Denied, "Declare a new incident, or ask its commander to reopen this one."
    ),
    "only-a-drill": Code(409, Denied, "Declare a real incident for what really has to be done."),
    "incident-state": Code(409, Denied, "Look at it: `interlock incident show INC`."),
    "not-on-incident": Code(
        403, Denied, "Ask the commander for a role, or take it: `interlock incident take INC`."
    ),
    "view-changed": Code(
        409, Denied, "See what changed, `interlock view diff INC`, and save again on top of it."
    ),
    "run-not-found": Code(404, UsageError, "List runs: `interlock incident show INC`."),
    "run-ended": Code(409, Denied, "Start a new run: `interlock run RUNBOOK -i INC`."),
    "no-step-running": Code(409, Denied, "Calls are only taken while a step runs."),
    "call-in-progress": Code(409, Denied, "One call at a time: wait for the first to end."),
    "diverged": Code(409, Diverged, "Re-run the step: a new attempt asks the target afresh."),
    "outside-limits": Code(422, Denied, "Lower the number, or ask for higher limits."),
    # in a notebook
    "not-in-a-run": Code(409, UsageError, "Start it with `interlock run RUNBOOK -i INC`."),
    "unknown-column": Code(422, UsageError, "See the table's .columns."),
    "bad-finding": Code(422, UsageError, "Pass the table itself: `finding(rows, …)`."),
    # the runbook
    "runbook-not-found": Code(404, UsageError, "Find one: `interlock runbooks find WORDS`."),
    "runbook-invalid": Code(422, UsageError, "Mend the notebook at the line named."),
    "runbook-changed": Code(409, Denied, "Fetch the curated text again and start a new run."),
    "bad-parameter": Code(422, UsageError, "See what it takes: `interlock runbooks show ID`."),
    "not-in-manifest": Code(
        403,
        Denied,
        "A curated run asks only what its notebook says; for anything else start an ad-hoc run.",
    ),
    # exports
    "template-invalid": Code(422, UsageError, "Mend the template at the line named."),
    "edited-by-hand": Code(
        409,
        UsageError,
        "Move what you wrote out of the region, or add --force, which keeps a copy.",
    ),
    # the statement and the target
    "unknown-target": Code(404, Denied, "See which targets there are: `interlock targets`."),
    "unknown-action": Code(404, Denied, "See which actions there are: `interlock actions`."),
    "bad-arguments": Code(422, UsageError, "See what it takes: `interlock actions ID`."),
    "not-read-only": Code(
        403, Denied, "Only proven reads run freely; use a catalogued action or `execute`."
    ),
    "not-understood": Code(
        403, Denied, "What cannot be proven is not run; write it in plainer SQL."
    ),
    "bad-sql-parameters": Code(422, UsageError, "Give every :name in the statement a value."),
    "no-permission": Code(403, Denied, "Ask who may: `interlock policy explain`."),
    "policy-fault": Code(503, Denied, "Tell whoever runs the gateway; its log says what broke."),
    "too-many-calls": Code(
        429,
        Denied,
        "Ask again a little later, or start a new run where the run's limit is reached.",
    ),
    "precondition-failed": Code(409, Denied, "Look again: what the action aims at has changed."),
    "preview-failed": Code(409, Denied, "No preview, no approval; see why, then ask again."),
    # approvals
    "approval-not-found": Code(404, UsageError, "List them: `interlock approvals`."),
    "approval-changed": Code(
        409, Denied, "Open the approval again and read what it says now; then vote."
    ),
    "approval-decided": Code(409, Denied, "It is decided; see `interlock approvals show`."),
    "in-a-plan": Code(409, Denied, "Vote on the whole plan: `interlock approvals show P-1`."),
    "approval-expired": Code(410, ApprovalExpired, "Ask again; nothing ran."),
    "approval-denied": Code(403, ApprovalDenied, "Nothing ran. Read the reason, then decide."),
    "approval-withdrawn": Code(409, ApprovalWithdrawn, "Nothing ran. Ask again if still needed."),
    "approval-revoked": Code(409, ApprovalWithdrawn, "Nothing ran. Ask again if still needed."),
    "approval-invalidated": Code(409, ApprovalWithdrawn, "Nothing ran. Ask again under what is."),
    "approval-not-granted": Code(409, Denied, "Wait for the approvers named in the request."),
    "approval-used": Code(409, Denied, "A grant works once; its outcome is in the timeline."),
    "self-approval": Code(403, Denied, "Somebody else must approve what you asked for."),
    "already-voted": Code(409, Denied, "Your vote counts once; another person must vote."),
    "not-eligible": Code(403, Denied, "See who may: `interlock approvals show`."),
    "confirm-in-web": Code(
        403, Denied, "Open the approval's page in a browser, log in there and decide on it."
    ),
    "login-not-fresh": Code(403, Denied, "Log in again in the browser, then decide on the page."),
    "no-break-glass": Code(403, Denied, "Ask the approvers: `interlock approvals show`."),
    "too-many-breaks": Code(429, Denied, "Let somebody else decide, or ask an approver."),
    "no-approvers": Code(403, Denied, "Nobody could approve this; have the policy mended first."),
    "holds-secret": Code(422, UsageError, "Leave it out; name where it is kept instead."),
    # in a chat
    "chat-not-linked": Code(403, Denied, "Link it: log in at the gateway's page /slack."),
    "chat-account-unfit": Code(403, Denied, "Vote in the browser or with `interlock approvals`."),
    "chat-linked-already": Code(409, Denied, "Unlink it on the gateway's page /slack first."),
    "chat-message-unseen": Code(403, Denied, "Invite the app to the channel, or copy the text."),
    "bad-signature": Code(401, NotLoggedIn, "Only Slack posts here; check the signing secret."),
    # evidence
    "evidence-not-found": Code(404, UsageError, "List it: `interlock evidence list INC`."),
    "evidence-redacted": Code(
        410, Denied, "It is gone for good; the timeline says who destroyed it, and why."
    ),
    # outcomes
    "target-failed": Code(502, TargetFailed, "Read the target's own words above."),
    "target-timeout": Code(504, TargetFailed, "Narrow the statement; it was cancelled on target."),
    "target-unreachable": Code(
        503, Unavailable, "Check the target and its credential; see docs/guide.md."
    ),
    "exceeded-approved-effect": Code(
        409, TargetFailed, "Rolled back: it would have touched more rows than approved."
    ),
    "outcome-unknown": Code(
        502, OutcomeUnknown, "Look at the target before anything else; then resolve it by hand."
    ),
    "idempotency-conflict": Code(409, Denied, "The same thing is under way or unresolved."),
    "target-busy": Code(
        409, Denied, "Run the step's request again when the other action has ended."
    ),
    "store-unwritable": Code(
        503, Unavailable, "Nothing runs that cannot be recorded. Free the disk or mend the store."
    ),
    "unavailable": Code(503, Unavailable, "Is the gateway up? `interlock up`."),
    "bad-request": Code(422, UsageError, "Mend the request."),
    "cross-site": Code(403, Denied, "Open the page itself and press the button there."),
    "bad-answer": Code(502, InterlockError, "Is that the gateway? See `INTERLOCK_URL`."),
    "internal": Code(500, InterlockError, "Nothing further was run. See the gateway's log."),
}
"""Every stable code, its HTTP status, its exception and what to do next."""


def refusal(
    code: str,
    message: str,
    *,
    line: str = "",
    help: str = "",  # noqa: A002  the word users know
    excerpt: str = "",
) -> InterlockError:
    """Return the exception that belongs to `code`, ready to be raised."""
    return CODES[code].error(message, code=code, line=line, help=help, excerpt=excerpt)


def error_from_problem(problem: Mapping[str, Any]) -> InterlockError:
    """Return the exception that an RFC 9457 problem object stands for.

    An unknown code, as from a newer gateway, becomes the root error and keeps its words.
    """
    code = str(problem.get("code", "internal"))
    known = CODES.get(code)
    kind = known.error if known else InterlockError
    return kind(
        str(problem.get("detail") or problem.get("title") or "The gateway refused."),
        code=code,
        line=str(problem.get("line") or ""),
        help=str(problem.get("help") or ""),
        excerpt=str(problem.get("excerpt") or ""),
    )


def problem_from_error(error: InterlockError) -> dict[str, Any]:
    """Return `error` as an RFC 9457 problem object; the inverse of `error_from_problem`."""
    known = CODES.get(error.code, CODES["internal"])
    shown = {"excerpt": error.excerpt} if error.excerpt else {}
    return shown | {
        "type": f"urn:interlock:problem:{error.code}",
        "title": error.code.replace("-", " "),
        "status": known.status,
        "detail": error.message,
        "code": error.code,
        "line": error.line,
        "help": error.help,
    }
