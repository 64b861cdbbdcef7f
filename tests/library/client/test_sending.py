"""What becomes of a call: the answer, the gateway's refusal, or the reason it never arrived."""

import asyncio
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import httpx
import pytest
from interlock import client
from interlock.errors import (
    Denied,
    InterlockError,
    OutcomeUnknown,
    Unavailable,
    UsageError,
)

Answer = Callable[[httpx.Request], httpx.Response]


def gateway(answer: Answer, token: str = "ilk_made_up") -> client.Client:
    return client.Client("http://gateway.test", token, transport=httpx.MockTransport(answer))


def answers(status: int, body: object, kind: str = "application/json") -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda _: httpx.Response(status, text=text, headers={"Content-Type": kind})


def fails(error: type[httpx.TransportError]) -> Answer:
    def raise_it(request: httpx.Request) -> httpx.Response:
        raise error("on purpose", request=request)

    return raise_it


def test_a_call_carries_the_credential_the_path_and_the_body() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": "INC-1"})

    assert gateway(answer).send(client.declare_incident("Slow", "sev2", "k1")) == {"id": "INC-1"}
    assert seen[0].method == "POST"
    assert seen[0].url.path == "/v1/incidents"
    assert seen[0].headers["authorization"] == "Bearer ilk_made_up"
    assert json.loads(seen[0].content) == {"title": "Slow", "severity": "sev2", "key": "k1"}


def test_without_a_credential_no_authorization_is_sent() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    gateway(answer, token="").send(client.health())
    assert "authorization" not in seen[0].headers


def test_an_identifier_cannot_leave_its_place_in_the_path() -> None:
    assert client.incident("../../x?y=1").path == "/v1/incidents/..%2F..%2Fx%3Fy%3D1"


def test_values_that_are_none_are_left_out_of_the_query() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    gateway(answer).send(client.approvals(state="pending"))
    assert seen[0].url.query == b"state=pending"


def test_a_refusal_keeps_its_code_line_and_help() -> None:
    problem = {
        "detail": "Not a read.",
        "code": "not-read-only",
        "line": "permissions.csv:12",
        "help": "Ask.",
    }
    with pytest.raises(Denied) as refused:
        gateway(answers(403, problem)).send(client.whoami())
    assert str(refused.value) == "Not a read. (not-read-only) [permissions.csv:12]\n→ Ask."


def test_an_unknown_outcome_is_an_error_of_its_own() -> None:
    with pytest.raises(OutcomeUnknown):
        gateway(answers(502, {"code": "outcome-unknown", "detail": "Lost."})).send(
            client.execute("A-1")
        )


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>hello</html>", "text/html"),
        (200, "[1, 2]", "application/json"),
        (502, "<html>Bad gateway</html>", "text/html"),
        (500, '{"detail": "Internal"}', "application/json"),
        (307, "", "text/plain"),
    ],
)
def test_an_answer_that_no_gateway_gives_is_named_as_such(
    status: int, body: str, kind: str
) -> None:
    with pytest.raises(InterlockError) as wrong:
        gateway(answers(status, body, kind)).send(client.whoami())
    assert wrong.value.code == "bad-answer"
    assert "http://gateway.test" in wrong.value.message


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.ReadError]
)
def test_a_gateway_that_does_not_answer_is_unavailable(error: type[httpx.TransportError]) -> None:
    with pytest.raises(Unavailable) as down:
        gateway(fails(error)).send(client.whoami())
    assert "http://gateway.test" in down.value.message
    assert down.value.help


def test_a_lost_answer_to_a_change_says_that_its_effect_is_unknown() -> None:
    with pytest.raises(Unavailable, match="Whether it took effect is unknown"):
        gateway(fails(httpx.ReadTimeout)).send(client.close_incident("INC-1", "done"))


def test_a_lost_answer_to_a_repeatable_call_leaves_no_doubt() -> None:
    with pytest.raises(Unavailable) as lost:
        gateway(fails(httpx.ReadTimeout)).send(client.execute("A-1"))
    assert "unknown" not in lost.value.message


def test_a_url_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="is not the URL of a gateway"):
        client.Client("gateway:8321")


def test_a_document_arrives_as_text() -> None:
    page = gateway(answers(200, "# INC-1", "text/markdown"))
    assert page.text(client.export("INC-1", "md")) == "# INC-1"


EVENTS = ': ping\n\ndata: {"n": 1}\n\nevent: entry\ndata: {"n":\ndata: 2}\n\n'


def test_a_stream_yields_each_event() -> None:
    stream = gateway(answers(200, EVENTS, "text/event-stream"))
    assert list(stream.stream(client.follow_timeline("INC-1"))) == [{"n": 1}, {"n": 2}]


def test_a_refused_stream_is_a_refusal() -> None:
    stream = gateway(answers(401, {"code": "not-logged-in", "detail": "Who?"}))
    with pytest.raises(InterlockError, match="Who"):
        list(stream.stream(client.follow_timeline("INC-1")))


async def test_the_asynchronous_client_says_the_same() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("stream"):
            return httpx.Response(200, text=EVENTS)
        if request.url.path == "/v1/whoami":
            return httpx.Response(200, json={"person": {"id": "you"}})
        return httpx.Response(403, json={"code": "self-approval", "detail": "Not you."})

    transport = httpx.MockTransport(answer)
    async with client.AsyncClient("http://gateway.test", transport=transport) as door:
        assert await door.send(client.whoami()) == {"person": {"id": "you"}}
        events = [event async for event in door.stream(client.follow_timeline("INC-1"))]
        assert events == [{"n": 1}, {"n": 2}]
        with pytest.raises(Denied, match="Not you"):
            await door.send(client.vote("A-1", "approve", "sha256:a", "sha256:b"))
        with pytest.raises(Denied, match="Not you"):
            await door.text(client.export("INC-1", "md"))


class SocketGateway(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"ok": true}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: object) -> None:
        pass


def test_a_gateway_behind_a_unix_socket_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sock"
    with UnixStreamServer(str(path), SocketGateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with client.Client(f"unix:{path}") as door:
            assert door.send(client.health()) == {"ok": True}
        server.shutdown()


async def test_a_unix_socket_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    async with client.AsyncClient(f"unix:{tmp_path}/none.sock") as door:
        with pytest.raises(Unavailable, match="cannot be reached"):
            async with asyncio.timeout(5):
                await door.send(client.health())
