"""Runs, their steps, and what a running step asks."""

from typing import Any

from fastapi import APIRouter, Request, Response
from interlock import arrow
from interlock.errors import refusal

from interlock_gateway.core.timeline import stamp
from interlock_gateway.service.approvals import RUNNER
from interlock_gateway.service.calls import Site
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.notes import StepNote
from interlock_gateway.service.queries import Question
from interlock_gateway.service.records import RunRow
from interlock_gateway.service.runs import Order, RunnerFacts, params_of
from interlock_gateway.service.step_events import StepEnd
from interlock_gateway.service.telemetry import TelemetryQuestion
from interlock_gateway.service.wishes import Wish
from interlock_gateway.web import bodies, views
from interlock_gateway.web.auth import AnyPrincipal, Asking, PersonOnly
from interlock_gateway.web.forms import form
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

routes = APIRouter(prefix="/v1", tags=["runs"], route_class=StrictRoute)


@routes.post("/queries", response_model=Json, responses={200: {"content": {arrow.MEDIA_TYPE: {}}}})
async def query(
    body: bodies.Query, who: AnyPrincipal, gateway: Asking, request: Request
) -> Response:
    """Ask a target a guarded query, as JSON or, if that is accepted, as an Arrow stream."""
    respond = form(request.headers.get("accept", ""))
    params = _typed(body.params)
    question = Question(_site(body), body.target, body.sql, params, body.max_rows)
    return await respond(await gateway.queries.ask(who, question))


@routes.post(
    "/metric-queries", response_model=Json, responses={200: {"content": {arrow.MEDIA_TYPE: {}}}}
)
async def query_metrics(
    body: bodies.MetricQuery, who: AnyPrincipal, gateway: Asking, request: Request
) -> Response:
    """Ask a target a guarded question about metrics, as JSON or as an Arrow stream."""
    respond = form(request.headers.get("accept", ""))
    params, span = _typed(body.params), _typed(body.span.given)
    question = TelemetryQuestion(_site(body), body.target, body.promql, params, span)
    return await respond(await gateway.metrics.ask(who, question))


@routes.post(
    "/log-queries", response_model=Json, responses={200: {"content": {arrow.MEDIA_TYPE: {}}}}
)
async def query_logs(
    body: bodies.LogQuery, who: AnyPrincipal, gateway: Asking, request: Request
) -> Response:
    """Ask a target a guarded question about logs, as JSON or as an Arrow stream."""
    respond = form(request.headers.get("accept", ""))
    params, span = _typed(body.params), _typed(body.span.given)
    question = TelemetryQuestion(_site(body), body.target, body.logql, params, span, body.choices)
    return await respond(await gateway.logs.ask(who, question))


@routes.post("/runs", status_code=201)
async def start(body: bodies.NewRun, who: PersonOnly, gateway: Asking) -> Json:
    """Start a run and give its token."""
    runner = body.runner
    order = Order(
        incident=body.incident,
        key=body.key or gateway.randomness.secret(),
        runbook=body.runbook,
        digest=body.digest,
        notebook=body.notebook,
        params=body.params,
        origins=dict(body.param_origins),
        runner=RunnerFacts(
            runner.kind, runner.host, runner.confinement, runner.python, runner.library
        ),
        dry=body.dry_run,
    )
    row = await gateway.runs.start(who, order)
    token, ends = gateway.runs.token(row)
    return {
        "run": views.run_whole(await gateway.overview.run(row.id)),
        "token": token,
        "token_expires_at": stamp(ends),
        "params": params_of(row),
    }


@routes.get("/runs/{run}")
async def show(run: str, who: AnyPrincipal, gateway: Asking) -> Json:
    """Show a run with its steps."""
    sight = await gateway.overview.run(run)
    _own_token(who, sight.row)
    return views.run_whole(sight)


@routes.post("/runs/{run}/token")
async def renew(run: str, _body: bodies.Empty, who: PersonOnly, gateway: Asking) -> Json:
    """Give the run's requester a fresh token."""
    token, ends = await gateway.runs.renew(who, run)
    return {"token": token, "token_expires_at": stamp(ends)}


@routes.post("/runs/{run}/end")
async def end(run: str, body: bodies.RunEnd, who: AnyPrincipal, gateway: Asking) -> Json:
    """End a run."""
    await gateway.runs.end(who, run, body.outcome, body.summary)
    return views.run_whole(await gateway.overview.run(run))


@routes.post("/runs/{run}/notes", status_code=201)
async def note(run: str, body: bodies.RunNote, who: AnyPrincipal, gateway: Asking) -> Json:
    """Add a note that a step wrote."""
    told = StepNote(body.step, body.attempt, body.text, body.kind, body.about)
    return {"event": await gateway.runs.note(who, run, told)}


@routes.post("/runs/{run}/steps/{step}/start", status_code=201)
async def start_step(
    run: str, step: str, body: bodies.StepStart, who: AnyPrincipal, gateway: Asking
) -> Json:
    """Record that a step is about to be executed."""
    attempt, event = await gateway.runs.start_step(who, run, step, body.source, body.title)
    return {"attempt": attempt, "event": event}


@routes.post("/runs/{run}/steps/{step}/{attempt}/end")
async def end_step(
    run: str,
    step: str,
    attempt: bodies.Attempt,
    body: bodies.StepEnd,
    who: AnyPrincipal,
    gateway: Asking,
) -> Json:
    """Record how an attempt ended."""
    ended = StepEnd(
        body.state,
        body.elapsed_ms,
        body.finding,
        body.error,
        body.outputs,
        body.output_truncated,
    )
    return {"event": await gateway.runs.end_step(who, run, step, attempt, ended)}


@routes.post("/actions", status_code=202)
async def act(
    body: bodies.ActionWish, who: AnyPrincipal, gateway: Asking, response: Response
) -> Json:
    """Ask for a catalogued action; it waits for an approval."""
    args = _typed(body.args)
    wish = Wish(_site(body), body.target, body.reason, action=body.action, args=args)
    return await _wished(who, wish, gateway, response)


@routes.post("/executions", status_code=202)
async def execute(
    body: bodies.ExecutionWish, who: AnyPrincipal, gateway: Asking, response: Response
) -> Json:
    """Ask for free SQL that changes something; it waits for an approval."""
    wish = Wish(
        _site(body),
        body.target,
        body.reason,
        args=_typed(body.params),
        sql=body.sql,
        max_rows=body.max_rows,
    )
    return await _wished(who, wish, gateway, response)


async def _wished(who: Principal, wish: Wish, gateway: Asking, response: Response) -> Json:
    approval, outcome = await gateway.proposals.ask(who, wish)
    if outcome is not None:
        response.status_code = 200
        return {"outcome": outcome}
    shown = await gateway.approvals.show(who, approval, RUNNER)
    return {"approval": views.approval_whole(shown)}


def _site(body: bodies.Placed) -> Site:
    return Site(body.run, body.step, body.attempt, body.ordinal)


def _typed(params: dict[str, bodies.Typed]) -> dict[str, dict[str, Any]]:
    return {name: {"type": one.type, "value": one.value} for name, one in params.items()}


def _own_token(who: Principal, row: RunRow) -> None:
    if who.run and who.run != row.id:
        raise refusal("run-token-mismatch", f"This token is not {row.id}'s.")
