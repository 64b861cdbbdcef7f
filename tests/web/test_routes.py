"""Every route: guarded or on the golden list, bounded, and honest about what went wrong."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from interlock.errors import CODES
from interlock_gateway.adapters.codes import LocalCodes
from interlock_gateway.core.model import Person
from interlock_gateway.web.server import OPEN
from starlette.routing import BaseRoute
from support.house import House, RunAt, Someone


def _routes(home: House) -> list[tuple[str, str]]:
    """Return every (method, path) the application serves."""
    return [
        (method, path)
        for route in _flat(home.app.routes)
        for path in [getattr(route, "path", "")]
        for method in sorted(getattr(route, "methods", None) or ())
        if method != "HEAD"
    ]


def _flat(routes: list[BaseRoute]) -> list[BaseRoute]:
    out: list[BaseRoute] = []
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", None
        )
        out += _flat(list(inner)) if inner else [route]
    return out


def _client(home: House) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(home.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway.test")


async def test_every_route_needs_a_credential_or_is_on_the_golden_list(home: House) -> None:
    found = _routes(home)
    assert len(found) > 35
    unguarded = []
    async with _client(home) as client:
        for method, path in found:
            address = re.sub(r"\{[^}]+\}", "1", path)
            response = await client.request(method, address, json={})
            redirected = response.headers.get("location", "").startswith("/login")
            if response.status_code != 401 and not redirected:
                unguarded.append(f"{method} {path}")
    assert sorted(unguarded) == sorted(OPEN)


async def test_a_cookie_does_not_open_the_api_and_a_key_does_not_open_pages(
    home: House, responder: Someone
) -> None:
    async with _client(home) as client:
        client.cookies.set("interlock_session", responder.token)
        assert (await client.get("/v1/incidents")).status_code == 401
        client.cookies.clear()
        headers = {"Authorization": f"Bearer {responder.token}", "Accept": "text/html"}
        assert (await client.get("/", headers=headers)).status_code == 303


@pytest.mark.parametrize(
    "token", ["", "ilk_wrong", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJSLTEifQ.", "ilk_" * 500]
)
async def test_a_wrong_credential_is_refused_and_recorded(home: House, token: str) -> None:
    stranger = Someone(_client(home), token)
    response = await stranger.call("GET", "/v1/whoami")
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["www-authenticate"] == "Bearer"
    kinds = await home.kinds("")
    assert kinds.count("authentication.failed") == (1 if token else 0)


async def test_guessing_codes_is_stopped_and_does_not_flood_the_journal(home: House) -> None:
    stranger = Someone(_client(home), "")
    codes = [await stranger.refused("/v1/login", {"code": f"AAAA-{n}"}) for n in range(30)]
    assert codes[:20] == ["wrong-code"] * 20
    assert codes[20:] == ["too-many-attempts"] * 10
    assert (await home.kinds("")).count("authentication.failed") == 20


async def test_a_code_works_once_and_not_for_long(home: House) -> None:
    codes, stranger = LocalCodes(home.folder / "codes"), Someone(_client(home), "")
    person = Person("responder", "Responder")
    codes.write(person, "GOOD-CODE-22", home.clock.now())
    await stranger.post("/v1/login", {"code": "good-code-22"})
    assert await stranger.refused("/v1/login", {"code": "GOOD-CODE-22"}) == "wrong-code"
    codes.write(person, "LATE-CODE-33", home.clock.now())
    home.clock.pass_time(minutes=31)
    assert await stranger.refused("/v1/login", {"code": "LATE-CODE-33"}) == "wrong-code"


async def test_a_key_ends_after_thirty_days(home: House, responder: Someone) -> None:
    home.clock.pass_time(days=31)
    assert (await responder.call("GET", "/v1/whoami")).status_code == 401


async def test_a_runs_token_does_only_what_a_run_does(home: House, run: RunAt) -> None:
    """Routes for people answer a run's token with `not-a-person`, each of them."""
    allowed = {
        *("/v1/whoami", "/v1/queries", "/v1/actions", "/v1/executions", "/v1/runs/{run}"),
        *("/v1/runs/{run}/end", "/v1/runs/{run}/notes", "/v1/approvals/{approval}"),
        *("/v1/runs/{run}/steps/{step}/start", "/v1/runs/{run}/steps/{step}/{attempt}/end"),
        *("/v1/approvals/{approval}/execute", "/v1/metric-queries", "/v1/log-queries"),
        *("/v1/plans", "/v1/plans/{plan}", "/v1/evidence/{evidence}"),
    }
    refused: set[str] = set()
    taken: set[str] = set()
    for method, path in _routes(home):
        if not path.startswith("/v1/") or path == "/v1/login":
            continue
        response = await run.call(method, re.sub(r"\{[^}]+\}", "1", path), {})
        (refused if '"not-a-person"' in response.text else taken).add(path)
    assert taken == allowed
    assert refused


async def test_every_answer_carries_the_security_headers(responder: Someone) -> None:
    answers = [
        await responder.call("GET", "/v1/incidents"),
        await responder.call("GET", "/v1/nowhere"),
        await responder.http.get("/login"),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_body_that_is_too_long_is_refused(responder: Someone) -> None:
    headers = {"Authorization": f"Bearer {responder.token}"}
    huge = b'{"title":"' + b"x" * (17 * 1024 * 1024) + b'","severity":"sev2"}'
    answer = await responder.http.post("/v1/incidents", content=huge, headers=headers)
    assert answer.status_code == 413

    async def dripping() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 1024 * 1024

    answer = await responder.http.post("/v1/incidents", content=dripping(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"title": NaN}', b"null"])
async def test_a_body_that_is_no_object_says_what_is_wrong(
    responder: Someone, content: bytes
) -> None:
    headers = {
        "Authorization": f"Bearer {responder.token}",
        "Content-Type": "application/json",
    }
    answer = await responder.http.post("/v1/incidents", content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] == "bad-request"


async def test_an_unknown_path_is_a_problem_too(responder: Someone) -> None:
    answer = await responder.call("GET", "/v1/nothing/here")
    assert answer.status_code == 404
    assert answer.json()["detail"]


async def test_metrics_count_by_route_and_never_name_a_person(
    responder: Someone, look: RunAt
) -> None:
    await look.call("POST", "/v1/queries", look.asks("DELETE FROM customers"))
    text = (await responder.http.get("/metrics")).text
    assert 'interlock_queries_total{outcome="denied"} 1.0' in text
    assert 'route="/v1/queries"' in text
    for secret in ("responder", "customers", look.id, responder.token):
        assert secret not in text


def test_every_code_has_a_status_an_exception_and_a_next_step() -> None:
    for code, row in CODES.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert 400 <= row.status < 600
        assert row.help.endswith((".", "`."))
