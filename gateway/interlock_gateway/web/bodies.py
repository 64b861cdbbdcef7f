"""What the API takes: every field named and bounded, and unknown ones refused."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from interlock_gateway.core.limits import MAX_PLAN
from interlock_gateway.web.said import RUN, SAID


def _sayable(text: str) -> str:
    """Refuse what PostgreSQL, as the store, cannot keep in a text."""
    if "\0" in text:
        raise PydanticCustomError("nul", "A text cannot hold a NUL character")
    return text


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("calendar", "This moment is outside the calendar") from None


_Sayable = AfterValidator(_sayable)
Short = Annotated[str, Field(max_length=200), _Sayable]
Name = Annotated[str, Field(min_length=1, max_length=120), _Sayable]
Text = Annotated[str, Field(max_length=65_536), _Sayable, SAID]
Title = Annotated[str, Field(max_length=200), _Sayable, SAID]
Sql = Annotated[str, Field(max_length=65_536), RUN]
Source = Annotated[str, Field(max_length=8 * 1024 * 1024), RUN]
Ordinal = Annotated[int, Field(ge=0, lt=2**31)]
Attempt = Annotated[int, Field(ge=1, lt=2**31)]
Rows = Annotated[int, Field(ge=1, lt=2**31)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Body(BaseModel):
    """A request body; a field nobody knows is an error, not a wish that is ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Login(Body):
    """A one-time code."""

    code: Short


class Declaration(Body):
    """A new incident."""

    title: Annotated[str, Field(min_length=3, max_length=500), _Sayable, SAID]
    severity: Short
    key: Short = ""


class NewDrill(Body):
    """Whose approvers are asked in a drill: one rule's, or all; and how long they have."""

    rule: Short = ""
    commander: Short = ""
    within_s: Annotated[int, Field(ge=30, le=3600)] = 600


class SeverityChange(Body):
    """Another severity, and why."""

    severity: Short
    reason: Text


class RoleChange(Body):
    """Somebody's part in an incident."""

    person: Name
    role: Short


class HandOver(Body):
    """Who leads from now on, and where things stand."""

    to: Name
    summary: Text


class Because(Body):
    """A reason."""

    reason: Text = ""


class Answer(Body):
    """What came of a follow-up."""

    answer: Text


class RunNote(Body):
    """A note that a step wrote."""

    step: Name
    attempt: Attempt
    text: Text
    kind: Short = "observation"
    about: Short = ""


class Typed(Body):
    """A wire-typed value."""

    type: Short
    value: Any = None


Arguments = Annotated[dict[Name, Typed], RUN]


class Runner(Body):
    """What a runner says of itself.

    Whoever starts a run with a person's key is self-hosted: the record says so, and that how its
    kernels are confined is what that runner says. Agents come with a credential of their own.
    """

    kind: Literal["self-hosted"] = "self-hosted"
    host: Short = ""
    confinement: Literal["unconfined", "confined"] = "unconfined"
    library: Short = ""
    python: Short = ""


class NewRun(Body):
    """What to run; without `runbook` it is an ad-hoc run, which may only read.

    In a dry run actions are previewed, and nobody is asked for them.
    """

    incident: Name
    runbook: Short = ""
    digest: Short = ""
    notebook: Source = ""
    params: dict[Name, Any] = {}
    param_origins: dict[Name, Literal["person", "default", "alert"]] = {}
    runner: Runner = Runner()
    key: Short = ""
    dry_run: bool = False


class RunEnd(Body):
    """How a run ended."""

    outcome: Short
    summary: Text = ""


class StepStart(Body):
    """A step about to be executed; its digest is computed here, not believed."""

    source: Source
    source_digest: Short = ""
    kind: Short = ""
    title: Title = ""


class StepEnd(Body):
    """How an attempt at a step ended."""

    state: Short
    elapsed_ms: Annotated[float, Field(ge=0)] = 0.0
    finding: Annotated[dict[str, Any] | None, SAID] = None
    error: Annotated[dict[str, Any] | None, SAID] = None
    outputs: Annotated[list[dict[str, Any]], SAID] = []
    output_truncated: Annotated[str, Field(max_length=1_000), SAID] = ""


class Located(Body):
    """A call of a run, stamped by the runner's broker."""

    run: Name
    step: Name
    attempt: Attempt
    ordinal: Ordinal


class Placed(Located):
    """A call of a run to one target."""

    target: Name


class Query(Placed):
    """A statement that claims to be a read."""

    sql: Sql
    params: Arguments = {}
    max_rows: Ordinal | None = None


class Span(Body):
    """From when to when, in which steps: typed moments and durations."""

    start: Typed | None = None
    end: Typed | None = None
    step: Typed | None = None

    @property
    def given(self) -> dict[str, Typed]:
        """Those of the three that were given."""
        all_three = {"start": self.start, "end": self.end, "step": self.step}
        return {name: value for name, value in all_three.items() if value is not None}


class MetricQuery(Placed):
    """A question about metrics; without a start it is about one moment."""

    promql: Annotated[str, Field(max_length=4_096), RUN]
    params: Arguments = {}
    span: Span = Span()


class LogQuery(Placed):
    """A question about logs; a query for lines needs a start, and may have a limit."""

    logql: Annotated[str, Field(max_length=4_096), RUN]
    params: Arguments = {}
    span: Span = Span()
    limit: Rows | None = None
    direction: Literal["backward", "forward"] | None = None

    @property
    def choices(self) -> dict[str, Any]:
        """Of limit and direction, what was given."""
        both = {"limit": self.limit, "direction": self.direction}
        return {name: value for name, value in both.items() if value is not None}


class Explain(Body):
    """A statement that somebody wants explained, and where it would run."""

    target: Name
    sql: Sql


class ActionWish(Placed):
    """A catalogued action with its arguments."""

    action: Name
    args: Arguments = {}
    reason: Text = ""


class ExecutionWish(Placed):
    """Free SQL that is meant to change something."""

    sql: Sql
    params: Arguments = {}
    max_rows: Rows
    reason: Text = ""


class PlannedAction(Body):
    """A catalogued action as a member of a plan."""

    action: Name
    target: Name
    args: Arguments = {}
    reason: Text = ""


class PlannedExecution(Body):
    """Free SQL as a member of a plan."""

    target: Name
    sql: Sql
    params: Arguments = {}
    max_rows: Rows
    reason: Text = ""


class Plan(Located):
    """Several actions, asked for in one request; all of them, in this order, or none."""

    reason: Text = ""
    members: Annotated[
        list[PlannedAction | PlannedExecution], Field(min_length=1, max_length=MAX_PLAN)
    ]


class PlanVote(Body):
    """A vote on a plan, naming what was asked for and what was seen."""

    vote: Literal["approve", "deny"]
    plan_digest: Short
    prompt_digest: Short
    reason: Text = ""


class VoteBody(Body):
    """A vote, naming what was proposed and what was seen."""

    vote: Literal["approve", "deny"]
    proposal_digest: Short
    prompt_digest: Short
    reason: Text = ""


class Empty(Body):
    """Nothing: what is executed is named by the approval alone."""


class Resolution(Body):
    """What a person found out about an unknown outcome."""

    outcome: Literal["succeeded", "failed"]
    reason: Text
