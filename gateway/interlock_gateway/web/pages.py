"""Pages for people: plain forms, no script, the same use cases as the API."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from interlock.errors import InterlockError, problem_from_error, refusal

from interlock_gateway.service.approvals import Vote
from interlock_gateway.service.gateway import Gateway
from interlock_gateway.service.glass import Breaking
from interlock_gateway.service.identity import COOKIE_LIFE, Principal
from interlock_gateway.service.inbox import Waiting
from interlock_gateway.web import render, sights
from interlock_gateway.web.auth import COOKIE, Asking, gateway_of
from interlock_gateway.web.exporting import Wish, exported
from interlock_gateway.web.problems import as_known
from interlock_gateway.web.said import SAID, WordsRoute
from interlock_gateway.web.session import csrf_of, local_path, must_be_ours, visitor

open_routes = APIRouter(include_in_schema=False)
routes = APIRouter(
    include_in_schema=False, dependencies=[Depends(visitor)], route_class=WordsRoute
)

CHANNEL = "web"
Visitor = Annotated[Principal, Depends(visitor)]
Field = Annotated[str, Form(max_length=65_536)]
Words = Annotated[str, Form(max_length=65_536), SAID]


@open_routes.get("/static/{name}")
async def static(name: str) -> Response:
    """Give the one style sheet."""
    if name != "interlock.css":
        raise refusal("bad-request", f"There is no file {name[:80]!r} here.")
    return Response(render.stylesheet(), media_type="text/css; charset=utf-8")


@open_routes.get("/login")
async def login_page(request: Request, next: str = "/", again: str = "") -> Response:  # noqa: A002  the word in the address
    """Ask for a one-time code; `again` says that a page asks for a fresh login."""
    view = render.LoginView(_page(request), next=local_path(next), again=bool(again))
    return _html(render.render_login(view))


@open_routes.post("/login")
async def login(request: Request, code: Field, next: Field = "/") -> Response:  # noqa: A002  the form's own field
    """Exchange the code for a cookie; the session before, whosever it was, ends with it."""
    must_be_ours(request)
    try:
        done = await gateway_of(request).identity.login(code, kind="cookie")
    except InterlockError as error:
        view = render.LoginView(_page(request), next=local_path(next), problem=_told(error))
        return _html(render.render_login(view), problem_from_error(error)["status"])
    if before := request.cookies.get(COOKIE, ""):
        await gateway_of(request).identity.logout(before)
    response = RedirectResponse(local_path(next), 303, dict(render.HEADERS))
    response.set_cookie(
        COOKIE,
        done.token,
        max_age=int(COOKIE_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return response


@routes.post("/logout")
async def logout(request: Request, csrf: Field, gateway: Asking) -> Response:
    """End the session."""
    must_be_ours(request, csrf)
    await gateway.identity.logout(request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/login", 303, dict(render.HEADERS))
    response.delete_cookie(COOKIE, path="/")
    return response


@routes.get("/")
async def incidents(request: Request, who: Visitor, gateway: Asking) -> Response:
    """List incidents."""
    page, _ = await viewed(request, who, gateway)
    found = await gateway.overview.incidents()
    rows = tuple(map(sights.incident_row, found))
    return _html(render.render_incidents(render.IncidentsView(page, rows)))


@routes.get("/incidents/{incident}")
async def incident(request: Request, incident: str, who: Visitor, gateway: Asking) -> Response:
    """Show an incident with its timeline."""
    page, waiting = await viewed(request, who, gateway)
    entries = await gateway.timeline.whole(who, incident)
    sight = await gateway.overview.incident(incident)
    policy = gateway.policy.current
    approvals = sights.approval_rows(sight.approvals, policy, waiting.votable)
    owed = await gateway.followups.listed(who, incident)
    evidence = await gateway.evidence.looking.listed(who, incident)
    view = sights.incident_view(page, sight, entries, approvals, owed, evidence)
    return _html(render.render_incident(view))


@routes.post("/incidents/{incident}/followups/{followup}/close")
async def close_follow_up(
    request: Request,
    incident: str,
    followup: str,
    who: Visitor,
    gateway: Asking,
    csrf: Field,
    answer: Words = "",
) -> Response:
    """Close a follow-up with what came of it."""
    must_be_ours(request, csrf)
    await gateway.followups.close(who, incident, followup, answer)
    return RedirectResponse(f"/incidents/{incident}", 303, dict(render.HEADERS))


@routes.get("/incidents/{incident}/export")
async def export(request: Request, incident: str, who: Visitor, gateway: Asking) -> Response:
    """Give the timeline as a file to keep."""
    asked = request.query_params
    wish = Wish(
        form=asked.get("as", "md"),
        template=asked.get("template", ""),
        profile=asked.get("profile", ""),
        zone=asked.get("zone", ""),
        view=asked.get("view", ""),
        run=asked.get("run", ""),
    )
    return await exported(gateway, who, incident, wish)


@routes.get("/approvals")
async def inbox(request: Request, who: Visitor, gateway: Asking) -> Response:
    """Show what waits and what was decided lately."""
    page, waiting = await viewed(request, who, gateway)
    decided = await gateway.inbox.decided(who)
    view = sights.inbox(page, waiting, decided, gateway.policy.current)
    return _html(render.render_approvals(view))


@routes.get("/approvals/plan/{plan}")
async def plan(request: Request, plan: str, who: Visitor, gateway: Asking) -> Response:
    """Show all of what a plan would run, and take one vote on it. Looking never votes."""
    return await _plan(request, plan, who, gateway)


@routes.post("/approvals/plan/{plan}/vote")
async def vote_on_plan(  # noqa: PLR0913, PLR0917  the form's fields
    request: Request,
    plan: str,
    who: Visitor,
    gateway: Asking,
    csrf: Field,
    vote: Field,
    proposal_digest: Field,
    prompt_digest: Field,
    reason: Words = "",
) -> Response:
    """Count a vote on exactly what the page of the plan showed."""
    must_be_ours(request, csrf)
    cast = Vote(vote, proposal_digest, prompt_digest, reason)
    try:
        await gateway.plans.vote(who, plan, cast)
    except InterlockError as error:
        return await _plan(request, plan, who, gateway, error)
    return RedirectResponse(f"/approvals/plan/{plan}", 303, dict(render.HEADERS))


@routes.get("/approvals/{approval}")
async def approval(request: Request, approval: str, who: Visitor, gateway: Asking) -> Response:
    """Show what will run, and take a vote where this person has one. Looking never votes."""
    return await _approval(request, approval, who, gateway)


@routes.post("/approvals/{approval}/vote")
async def vote(  # noqa: PLR0913, PLR0917  the form's fields
    request: Request,
    approval: str,
    who: Visitor,
    gateway: Asking,
    csrf: Field,
    vote: Field,
    proposal_digest: Field,
    prompt_digest: Field,
    reason: Words = "",
) -> Response:
    """Count a vote on exactly what the page showed."""
    must_be_ours(request, csrf)
    cast = Vote(vote, proposal_digest, prompt_digest, reason)
    try:
        await gateway.approvals.vote(who, approval, cast)
    except InterlockError as error:
        return await _approval(request, approval, who, gateway, error)
    return RedirectResponse(f"/approvals/{approval}", 303, dict(render.HEADERS))


@routes.post("/approvals/{approval}/revoke")
async def revoke(
    request: Request,
    approval: str,
    who: Visitor,
    gateway: Asking,
    csrf: Field,
    reason: Words = "",
) -> Response:
    """Take a yes back that was not used yet."""
    must_be_ours(request, csrf)
    try:
        await gateway.revoking.revoke(who, approval, reason)
    except InterlockError as error:
        return await _approval(request, approval, who, gateway, error)
    return RedirectResponse(f"/approvals/{approval}", 303, dict(render.HEADERS))


@routes.post("/approvals/{approval}/break")
async def break_glass(  # noqa: PLR0913, PLR0917  the form's fields
    request: Request,
    approval: str,
    who: Visitor,
    gateway: Asking,
    csrf: Field,
    proposal_digest: Field,
    prompt_digest: Field,
    target: Field = "",
    reason: Words = "",
) -> Response:
    """Break the glass of exactly what the page showed."""
    must_be_ours(request, csrf)
    breaking = Breaking(proposal_digest, prompt_digest, target.strip(), reason)
    try:
        await gateway.glass.break_(who, approval, breaking)
    except InterlockError as error:
        return await _approval(request, approval, who, gateway, error)
    return RedirectResponse(f"/approvals/{approval}", 303, dict(render.HEADERS))


async def _approval(
    request: Request,
    approval: str,
    who: Principal,
    gateway: Gateway,
    error: InterlockError | None = None,
) -> Response:
    page, _ = await viewed(request, who, gateway)
    shown = await gateway.approvals.show(who, approval, CHANNEL)
    sight = await gateway.overview.incident(shown.row.incident)
    view = sights.approval_view(page, shown, sight.row, _told(error) if error else None)
    view = replace(view, revocable=await gateway.revoking.may(who, approval))
    status = problem_from_error(error)["status"] if error else 200
    return _html(render.render_approval(view), status)


async def _plan(
    request: Request,
    plan: str,
    who: Principal,
    gateway: Gateway,
    error: InterlockError | None = None,
) -> Response:
    page, _ = await viewed(request, who, gateway)
    shown = await gateway.plans.show(who, plan, CHANNEL)
    sight = await gateway.overview.incident(shown.row.incident)
    view = sights.plan_view(page, shown, sight.row, _told(error) if error else None)
    status = problem_from_error(error)["status"] if error else 200
    return _html(render.render_plan(view), status)


async def viewed(
    request: Request, who: Principal, gateway: Gateway
) -> tuple[render.Page, Waiting]:
    """Return what every page of a logged-in person has, and what waits for approval."""
    waiting = await gateway.inbox.waiting(who)
    viewer = render.Viewer(
        who.person.id,
        who.person.name,
        csrf_of(request),
        len(waiting.votable),
        at_least=waiting.more > 0,
        slack=gateway.chat is not None,
    )
    return render.Page(gateway.clock.now(), viewer), waiting


def problem_page(request: Request, error: Exception, status: int) -> Response:
    """Return an error as a page; somebody who is not logged in is asked to log in.

    `status` overrides the one of the error's code, unless it is 0.
    """
    known = as_known(error)
    status = status or problem_from_error(known)["status"]
    if known.code == "not-logged-in":
        path = request.url.path if request.method == "GET" else "/"
        return RedirectResponse(f"/login?next={path}", 303, dict(render.HEADERS))
    view = render.ProblemView(_page(request), status, _told(known))
    return _html(render.render_problem(view), status)


def _page(request: Request) -> render.Page:
    return render.Page(gateway_of(request).clock.now())


def _told(error: InterlockError) -> render.Problem:
    return render.Problem(error.message, error.code, error.line, error.help)


def _html(content: str, status: int = 200) -> Response:
    return HTMLResponse(content, status, dict(render.HEADERS))
