"""A runbook as frozen values: what its notebook says, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from interlock.errors import UsageError
from interlock.runbook import parameters
from interlock.runbook.notebook import Cell
from interlock.runbook.parameters import Bound, Param

STATUSES = ("draft", "curated", "deprecated")
KINDS = ("query", "compute", "decide", "action", "verify", "manual", "note")
EFFECTS = ("none", "read", "costly", "session", "exfiltration", "lock", "write", "ddl", "admin")
MUTATING = frozenset({"lock", "write", "ddl", "admin"})


@dataclass(frozen=True, slots=True)
class Owner:
    """Who keeps the runbook true, and whom to wake when it is not enough."""

    team: str
    escalation: str
    slack: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """When somebody last read the runbook with open eyes."""

    at: date
    by: str
    every_days: int = 180

    @property
    def due(self) -> date:
        """The day by which it must be read again."""
        return self.at + timedelta(days=self.every_days)


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """What a responder may expect: seconds to the first finding and to the end of triage."""

    first_finding_s: int = 5
    triage_s: int = 60
    escalate_after_min: int = 15


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may cost: seconds of the whole run, rows and bytes of one answer, calls."""

    run_s: int = 900
    rows: int = 1_000
    bytes: int = 4 * 1024 * 1024
    calls: int = 200


@dataclass(frozen=True, slots=True)
class Allowed:
    """A target the runbook may use: its name, or `params.NAME` of a parameter of that type."""

    target: str
    dialect: str


@dataclass(frozen=True, slots=True)
class Next:
    """Another runbook, and when to go there."""

    runbook: str
    when: str


@dataclass(frozen=True, slots=True)
class Link:
    """A page worth reading."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Which alerts start the runbook, and how their labels become parameters."""

    matchers: tuple[str, ...]
    auto_triage: bool = False
    cooldown_s: int = 0
    dedupe: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tests:
    """What must be proven before the runbook is published."""

    min_scenarios: int = 0


@dataclass(frozen=True, slots=True)
class Keeping:
    """What of a step's answer is kept as evidence, and which columns are redacted."""

    keep: bool = True
    redact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceFrom:
    """The step whose answer an action rests on, and which columns become its arguments.

    Attributes:
        step: the step that gave the answer.
        max_age_s: older evidence is stale, and the action is not offered.
        bind: argument → column.
    """

    step: str
    max_age_s: int = 300
    bind: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One code cell. Its id is the cell's id.

    Attributes:
        source: the exact text of the cell.
        auto: may run without a person asking; never for what changes anything.
        needs: steps that must have ended before.
        timeout_s: seconds, without the time spent waiting for approval.
        on_fail: `stop` ends the run, `continue` goes on to the next step.
        effect: what it does to targets; of an action, its worst.
        verify: of an action, the step that proves it worked.
        undo: of an action, how to take it back.
    """

    id: str
    kind: str
    title: str
    why: str
    source: str
    source_digest: str
    auto: bool = False
    needs: tuple[str, ...] = ()
    timeout_s: int = 30
    retries: int = 0
    on_fail: str = "stop"
    effect: str = "none"
    evidence: Keeping = Keeping()
    evidence_from: EvidenceFrom | None = None
    verify: str = ""
    undo: str = ""

    @property
    def mutating(self) -> bool:
        """Whether the step can change something, so that an approval is needed."""
        return self.kind == "action"


@dataclass(frozen=True, slots=True)
class Runbook:
    """A notebook with an owner, typed parameters and steps.

    Attributes:
        digest: SHA-256 of the exact bytes of the notebook text.
        cells: every cell, prose too, in the order of the document.
        steps: the code cells, in the order of the document.
        path: where it was loaded from, for messages; may be "".
    """

    id: str
    version: str
    title: str
    summary: str
    status: str
    domain: str
    severity: str
    owner: Owner
    reviewed: Reviewed
    digest: str
    impact: str = ""
    when: str = ""
    when_not: str = ""
    replaced_by: str = ""
    tags: tuple[str, ...] = ()
    time_budget: TimeBudget = TimeBudget()
    alerts: tuple[Alert, ...] = ()
    params: Mapping[str, Param] = field(default_factory=dict)
    targets: tuple[Allowed, ...] = ()
    actions: tuple[str, ...] = ()
    limits: Limits = Limits()
    next: tuple[Next, ...] = ()
    links: tuple[Link, ...] = ()
    tests: Tests = Tests()
    cells: tuple[Cell, ...] = ()
    steps: tuple[Step, ...] = ()
    path: str = ""
    text: str = field(default="", repr=False, compare=False)

    @property
    def effects(self) -> tuple[str, ...]:
        """The effects of its steps, each once, in the order of danger."""
        found = {step.effect for step in self.steps}
        return tuple(effect for effect in EFFECTS if effect in found and effect != "none")

    def step(self, name: str) -> Step:
        """Return the step with this id.

        Raises:
            UsageError: `bad-request`; there is none, with the nearest that there is.
        """
        for step in self.steps:
            if step.id == name:
                return step
        names = [step.id for step in self.steps]
        near = get_close_matches(name[:80], names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Its steps: {', '.join(names)}."
        raise UsageError(f"{self.id} has no step {name[:80]!r}. {hint}")

    def bind(
        self,
        given: Mapping[str, object],
        origins: Mapping[str, str] | None = None,
        *,
        now: datetime | None = None,
    ) -> dict[str, Bound]:
        """Return every declared parameter with its value, typed and in range.

        Args:
            given: JSON values or command-line texts by name.
            origins: where each given value came from; `person` where nothing is said.
            now: the moment that `now-15m` is relative to; without it such values are refused.

        Raises:
            UsageError: `bad-parameter`: unknown, missing, or a value it does not take.
        """
        return parameters.bind(self.params, given, origins or {}, now, self.id)


def typed(bound: Mapping[str, Bound]) -> dict[str, dict[str, Any]]:
    """Return bound parameters as requests carry them: `{name: {"type", "value"}}`."""
    return {name: value.typed() for name, value in bound.items()}
