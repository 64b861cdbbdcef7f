"""What a chat tells by signed requests, and the page on which people link their account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from interlock.errors import InterlockError, refusal

from interlock_gateway.service.gateway import ChatUses, Gateway
from interlock_gateway.service.identity import Principal
from interlock_gateway.web import render
from interlock_gateway.web.auth import Asking, gateway_of
from interlock_gateway.web.page_views import AccountView, Linked
from interlock_gateway.web.pages import viewed
from interlock_gateway.web.session import must_be_ours, visitor

open_routes = APIRouter(include_in_schema=False)
routes = APIRouter(include_in_schema=False, dependencies=[Depends(visitor)])

Visitor = Annotated[Principal, Depends(visitor)]
Field = Annotated[str, Form(max_length=200)]

_MOST = 1024 * 1024


@open_routes.post("/slack/callback")
async def callback(request: Request) -> Response:
    """Take what Slack signed; it is answered once that is durable, and not before."""
    chat = _chat(gateway_of(request))
    if chat.door is None:
        raise refusal("bad-request", "This gateway hears Slack by Socket Mode.")
    body = await request.body()
    if len(body) > _MOST:
        raise refusal("bad-request", f"Slack never sends more than {_MOST:,} bytes.")
    try:
        told = chat.door.read(dict(request.headers), body)
        if told.heard is not None:
            await chat.hearing.receive(told.heard, told.proof)
    except InterlockError as error:
        if error.code == "bad-signature":
            await chat.hearing.refused(error.message)
        raise
    return PlainTextResponse(told.answer, 200, dict(render.HEADERS))


@routes.get("/slack")
async def account(request: Request, who: Visitor, gateway: Asking) -> Response:
    """Show whose Slack accounts a person votes with."""
    return await _page(request, who, gateway)


@routes.post("/slack/code")
async def code(request: Request, who: Visitor, gateway: Asking, csrf: Field) -> Response:
    """Show a one-time code; it is seen once, and only by whoever asked for it."""
    must_be_ours(request, csrf)
    return await _page(request, who, gateway, await _chat(gateway).links.offer(who))


@routes.post("/slack/unlink")
async def unlink(
    request: Request, who: Visitor, gateway: Asking, csrf: Field, account: Field
) -> Response:
    """End the link of an account of one's own."""
    must_be_ours(request, csrf)
    await _chat(gateway).links.unlink(who, account)
    return RedirectResponse("/slack", 303, dict(render.HEADERS))


async def _page(request: Request, who: Principal, gateway: Gateway, code: str = "") -> Response:
    links = await _chat(gateway).links.listed()
    mine = tuple(Linked(account, how) for person, account, how in links if person == who.person.id)
    page, _ = await viewed(request, who, gateway)
    view = AccountView(page, mine, code)
    return HTMLResponse(render.render_account(view), 200, dict(render.HEADERS))


def _chat(gateway: Gateway) -> ChatUses:
    if gateway.chat is None:
        raise refusal("bad-request", "This gateway is not connected to Slack.")
    return gateway.chat
