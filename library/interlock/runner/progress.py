"""What a run tells while it goes: frozen values, in the order in which things happened."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from interlock.conclusion import Finding
from interlock.rendering import printable
from interlock.runbook.model import Step
from interlock.table import Table

_GRANTED = frozenset({"approved", "executing", "succeeded"})
_NO_BUTTON = "There is no approve button in a notebook: somebody else decides, elsewhere."

OK_STATES = frozenset({"ok", "info", "warn", "bad", "unknown"})
"""States of a step that ran to its end; the state is its finding's status."""


@dataclass(frozen=True, slots=True)
class StepError:
    """Why a step did not end well.

    Attributes:
        name: the exception's name, or `kernel_died`, `kernel_frozen`, `deadline`,
            `output_limit`, `output_lost`, `cancelled`.
        message: what happened, which limit, what next.
        traceback: plain text without escape sequences; may be "".
        code: a key of `errors.CODES` when Interlock itself refused, else "".
    """

    name: str
    message: str
    traceback: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The kernel is ready and nothing has run yet."""

    run: str
    confinement: str
    kernel_ms: float


@dataclass(frozen=True, slots=True)
class StepStarted:
    """It is recorded that a step starts; now it does."""

    step: str
    title: str
    kind: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step waits for people. Told once per approval."""

    step: str
    approval: str
    who: tuple[str, ...]
    needs: str
    until: datetime | None
    url: str
    since: datetime | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """Every way to look at it and decide."""
        web = (self.url,) if self.url else ()
        return (*web, f"interlock approvals show {self.approval}")

    @property
    def line(self) -> str:
        """Who may approve, since and until when, and how: one line."""
        when = "".join(f" {word} {_clock(at)}" for word, at in self._when)
        return f"… {self._waits}{when}: {' · '.join(self.ways)}"

    @property
    def card(self) -> Mapping[str, Any]:
        """The same as a card that a notebook changes in place."""
        when = " · ".join(f"{word} {_clock(at)}" for word, at in self._when)
        ways = [f"  {way}" for way in self.ways]
        lines = [f"◷ {self._waits}", *([f"  {when}"] if when else []), *ways, f"  {_NO_BUTTON}"]
        return {"name": self.approval, "text": "\n".join(lines), "ended": False}

    @property
    def _waits(self) -> str:
        who = printable(" or ".join(self.who)) or "an approver"
        many = f" ({printable(self.needs)})" if self.needs else ""
        return f"{self.approval} waits for {who}{many}"

    @property
    def _when(self) -> tuple[tuple[str, datetime], ...]:
        known = (("since", self.since), ("until", self.until))
        return tuple((word, at) for word, at in known if at is not None)


@dataclass(frozen=True, slots=True)
class Settled:
    """An approval is no longer awaited; `state` says how it ended, `by` whose votes count.

    `reason` is what somebody wrote: it is data, and may hold anything.
    """

    step: str
    approval: str
    state: str
    waited_s: float
    by: tuple[str, ...] = ()
    reason: str = ""

    @property
    def line(self) -> str:
        """How it ended, after how long, and by whom: one line."""
        mark = "✔" if self.state in _GRANTED else "✖"
        by = f" by {printable(' and '.join(self.by))}" if self.by else ""
        why = f": {printable(self.reason)}" if self.reason else ""
        words = self.state.replace("_", " ")
        return f"{mark} {self.approval} {words} after {self.waited_s:.1f} s{by}{why}"

    @property
    def card(self) -> Mapping[str, Any]:
        """What the card is folded to."""
        return {"name": self.approval, "text": self.line, "ended": True}


@dataclass(frozen=True, slots=True)
class Previewed:
    """What an action would do, in a dry run; `would` says it by label, `rows` is the preview."""

    step: str
    would: Mapping[str, str]
    rows: Table


@dataclass(frozen=True, slots=True)
class Queued:
    """An approved action waits for another one on the same target. Told once per approval."""

    step: str
    approval: str
    message: str

    @property
    def line(self) -> str:
        """What runs there, and that this one follows: one line."""
        return f"… {self.message} It runs as soon as that one has ended."


@dataclass(frozen=True, slots=True)
class GatewayUnreachable:
    """The gateway does not answer; the run waits and asks again."""

    since: datetime
    message: str

    @property
    def line(self) -> str:
        """What is wrong since when: one line."""
        return f"… gateway unreachable since {self.since:%H:%M:%S %Z}; asking again"


@dataclass(frozen=True, slots=True)
class GatewayBack:
    """The gateway answers again."""

    after_s: float


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended and this is recorded.

    Attributes:
        state: `ok`, `info`, `warn`, `bad`, `unknown` (its finding), `failed`, `timed_out`,
            `cancelled`.
        outputs: as recorded: `{kind, name?, text?, mimetype?, data?}` each.
        truncated: what was not recorded and why, or "".
    """

    step: str
    title: str
    attempt: int
    state: str
    elapsed_ms: float
    finding: Finding | None = None
    error: StepError | None = None
    outputs: tuple[Mapping[str, Any], ...] = ()
    truncated: str = ""

    @property
    def ran(self) -> bool:
        """Whether the step ran to its end."""
        return self.state in OK_STATES


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """A step was not run, and why."""

    step: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run ended and this is recorded: `completed|failed|cancelled|kernel_died`."""

    run: str
    outcome: str
    summary: str


Progress: TypeAlias = (
    RunStarted
    | StepStarted
    | Waiting
    | Settled
    | Previewed
    | Queued
    | GatewayUnreachable
    | GatewayBack
    | StepEnded
    | StepSkipped
    | RunEnded
)
Tell: TypeAlias = Callable[[Progress], None]
"""Takes each value as it happens; must return at once."""


@dataclass(frozen=True, slots=True)
class RunIt:
    """A person chose to run the step."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A person, or nobody, chose to leave the step out."""

    reason: str


Choose: TypeAlias = Callable[[Step, Mapping[str, Finding]], Awaitable[RunIt | Skip]]
"""Asked before each step that is not automatic, with the findings so far by step."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run went.

    Attributes:
        outcome: `completed`, `failed` or `kernel_died`.
        steps: what ended or was skipped, in the order in which it happened.
    """

    run: str
    outcome: str
    summary: str
    steps: tuple[StepEnded | StepSkipped, ...] = ()

    @property
    def findings(self) -> dict[str, Finding]:
        """The finding of each step that made one."""
        ended = (step for step in self.steps if isinstance(step, StepEnded))
        return {step.step: step.finding for step in ended if step.finding is not None}

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of what Interlock refused, in order: exit codes come from these."""
        ended = (step for step in self.steps if isinstance(step, StepEnded))
        return tuple(step.error.code for step in ended if step.error and step.error.code)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Every limit of a run that is not the gateway's.

    Attributes:
        output_bytes: of one step's outputs are recorded; the rest is counted.
        flood_bytes: of output after which the step is stopped.
        message_bytes: of one message from the kernel; a longer one ends the run.
        frozen_s: seconds without a heartbeat after which a kernel is frozen.
        interrupt_s: seconds that an interrupted cell has to end before its kernel is killed.
        start_s: seconds a kernel has to start.
        gateway_s: seconds that recording waits for an unreachable gateway.
        settle_s: seconds that outputs may still come after the kernel's reply.
    """

    output_bytes: int = 1024 * 1024
    flood_bytes: int = 16 * 1024 * 1024
    message_bytes: int = 8 * 1024 * 1024
    frozen_s: float = 4.0
    interrupt_s: float = 3.0
    start_s: float = 30.0
    gateway_s: float = 120.0
    settle_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Work:
    """What to run, as the gateway granted it.

    Attributes:
        run: the run's id.
        incident: `{id, title, severity}`, told to the notebook.
        params: wire-typed values by name.
        mode: `curated` or `ad-hoc`.
        web: the gateway's pages, for links to approvals; "" when there are none.
    """

    run: str
    steps: tuple[Step, ...]
    runbook: str = ""
    incident: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "curated"
    web: str = ""


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S %Z}"
