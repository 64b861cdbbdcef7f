"""The requests of actions against servers that mean harm: what is proven, what nobody knows."""

import json
import socket

import pytest
from api_operator import api_target
from hostile_http import Names, Script, bomb, endless, says, serving
from interlock_gateway.adapters.policy_files import read
from interlock_gateway.adapters.targets import Targets
from interlock_gateway.adapters.targets.exchanges import ApiActor, ApiReader
from interlock_gateway.adapters.targets.http import GuardedClient
from interlock_gateway.core.exchange import Condition, Selection, Shown, Written
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.service.targets import (
    Deed,
    Expect,
    OutcomeUnknownError,
    TargetError,
)
from mysql_target import AsWritten
from policy_folder import SHIPPED
from stub_api import WRITER
from witnesses import Attentive

ACTION = read(SHIPPED).actions["kubernetes.restart_deployment"]
QUICK = Limits(seconds=2.0)
NAME = Selection((200,), (409, 412), columns=(Shown("name", "text", "/name"),))
DONE = b'{"name": "web"}'


def there(port: int, **more: str) -> Target:
    return api_target(ACTION, f"http://127.0.0.1:{port}", **more)


def written(target: Target, method: str = "PATCH", query: str = "", **more: object) -> Statement:
    base = target.endpoint.base if target.endpoint else ""
    found = Written(
        method,
        f"{base}/things/web{query}",
        media="" if method == "GET" else "application/json",
        body="" if method == "GET" else '{\n  "a": 1\n}',
        **{"selection": NAME, **more},  # type: ignore[arg-type]  # as the test says
    )
    return Statement(target.dialect, found.text, (), found.text)


async def act(port: int, expect: Expect = Expect.ONE_ROW, **more: object) -> Rows:
    target = there(port)
    deed = Deed(written(target, **more), {}, expect, 0, 1)  # type: ignore[arg-type]  # see above
    return await ApiActor(AsWritten()).act(target, deed, QUICK, Attentive())


async def refused(script: Script) -> TargetError:
    async with serving(script) as server:
        with pytest.raises(TargetError) as caught:
            await act(server.port)
    assert server.connections == 1
    assert WRITER not in str(caught.value)
    return caught.value


async def unknown(script: Script) -> str:
    async with serving(script) as server:
        with pytest.raises(OutcomeUnknownError) as caught:
            await act(server.port)
    assert server.connections == 1  # it is never sent again by itself
    assert WRITER not in str(caught.value)
    return str(caught.value)


async def test_what_was_approved_is_sent_as_it_stands_there() -> None:
    async with serving(says(DONE)) as server:
        fields = (("If-Match", '"7"'), ("Idempotency-Key", "t0ken"))
        rows = await act(server.port, query="?a=1", fields=fields)
    (head,) = server.heads
    assert rows.rows == (("web",),)
    assert head.startswith("PATCH /things/web?a=1 HTTP/1.1\r\n")
    assert f"Authorization: Bearer {WRITER}\r\n" in head
    assert 'If-Match: "7"\r\n' in head
    assert "Idempotency-Key: t0ken\r\n" in head
    assert "Content-Length: 12\r\n" in head


async def test_what_is_only_begun_is_good_where_the_action_says_so() -> None:
    """Whether it came to its end is for its verify, which asks again."""
    begun = Selection((202,), columns=NAME.columns)
    async with serving(says(DONE, status="202 Accepted")) as server:
        assert (await act(server.port, selection=begun)).rows == (("web",),)
    async with serving(says(b"", "Content-Type: text/plain", status="202 Accepted")) as server:
        rows = await act(server.port, Expect.NO_ROWS, selection=Selection((202,)))
    assert rows.rows == ()


# --- proven without effect ----------------------------------------------------------------------


async def test_nobody_there_is_proven_without_effect() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with pytest.raises(TargetError) as caught:
        await act(port)
    assert caught.value.code == "target-unreachable"


async def test_a_name_that_resolves_elsewhere_is_proven_without_effect() -> None:
    target = api_target(ACTION, "http://cluster.test:6443")
    deed = Deed(written(target), {}, Expect.ONE_ROW)
    client = GuardedClient(Names([["169.254.169.254"]]))
    with pytest.raises(TargetError, match="metadata service"):
        await ApiActor(AsWritten(), client).act(target, deed, QUICK, Attentive())


async def test_no_tls_where_it_should_be_is_proven_without_effect() -> None:
    async with serving(says(DONE)) as server:
        target = api_target(ACTION, f"https://127.0.0.1:{server.port}")
        with pytest.raises(TargetError):
            await ApiActor(AsWritten()).act(
                target, Deed(written(target), {}, Expect.ONE_ROW), QUICK, Attentive()
            )
    assert server.heads == []


@pytest.mark.parametrize("status", ["400 Bad", "404 Gone", "405 No", "422 Odd", "429 Slowly"])
async def test_a_refusal_is_a_refusal(status: str) -> None:
    error = await refused(says(b'{"message": "no such thing"}', status=status))
    assert error.code == "target-failed"
    assert "nothing was done" in str(error)
    assert "no such thing" in str(error)


@pytest.mark.parametrize("status", ["409 Conflict", "412 Precondition Failed"])
async def test_a_conflict_says_that_it_has_changed(status: str) -> None:
    error = await refused(says(b"{}", status=status))
    assert error.code == "precondition-failed"
    assert "It has changed since it was looked at, and nothing was done." in str(error)


@pytest.mark.parametrize("status", ["401 Who", "403 No"])
async def test_a_credential_that_is_not_let_in_did_nothing(status: str) -> None:
    error = await refused(says(json.dumps({"you": WRITER}).encode(), status=status))
    assert error.code == "target-unreachable"
    assert "`act` of there" in str(error)


@pytest.mark.parametrize("status", ["301 Moved", "307 Again", "308 For ever"])
async def test_a_redirect_of_a_change_is_not_followed(status: str) -> None:
    error = await refused(says(b"", "Location: http://169.254.169.254/", status=status))
    assert "not followed" in str(error)


# --- nobody knows -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["302 Found", "303 See Other", "304 Same"])
async def test_a_redirect_that_may_follow_the_deed_leaves_it_unknown(status: str) -> None:
    assert "nobody knows" in await unknown(says(b"", "Location: /done", status=status))


@pytest.mark.parametrize("status", ["500 Oh", "502 Proxy", "503 Busy", "504 Late", "408 Slow"])
async def test_a_failure_after_it_was_sent_leaves_it_unknown(status: str) -> None:
    assert "nobody knows" in await unknown(says(b"{}", status=status))


@pytest.mark.parametrize("status", ["201 Made", "202 Later", "204 Nothing"])
async def test_another_good_status_than_the_expected_leaves_it_unknown(status: str) -> None:
    assert "nobody knows" in await unknown(says(b"", status=status))


@pytest.mark.parametrize(
    "script",
    [
        says(b"", length=100),
        says(DONE, length=len(DONE) + 1),
        endless(),
        endless(b"x", 0.1),
        says(bomb(20), "Content-Encoding: gzip"),
        says(b"no gzip", "Content-Encoding: gzip"),
        says(DONE, *[f"X-{i}: {i}" for i in range(200)]),
    ],
    ids=["no body", "short", "endless", "drip", "bomb", "no gzip", "large head"],
)
async def test_an_answer_that_is_not_whole_leaves_it_unknown(script: Script) -> None:
    assert "It was sent, and then" in await unknown(script)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"name": 7}',
        b'{"name": "a", "name": "b"}',
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b"[" * 9999,
    ],
)
async def test_a_good_status_with_an_answer_that_is_not_understood_leaves_it_unknown(
    body: bytes,
) -> None:
    told = await unknown(says(body))
    assert "unknown form" in told or "but not with" in told or "nobody knows" in told


async def test_another_answer_than_the_expected_leaves_it_unknown() -> None:
    where = Selection((200,), where=(Condition("/name", "is", "api"),), columns=NAME.columns)
    async with serving(says(DONE)) as server:
        with pytest.raises(OutcomeUnknownError, match="but not with one row"):
            await act(server.port, selection=where)


# --- what is not sent at all --------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?dryRun=",
        "?dryRun=None",
        "?dryrun=All",
        "?x=dryRun=All",
        "?dryRun=All&dryRun=",
        "?xdryRun=All",
    ],
)
async def test_a_reader_sends_no_change_that_is_not_only_tried(query: str) -> None:
    async with serving(says(DONE)) as server:
        target = there(server.port)
        with pytest.raises(TargetError, match="Nothing was sent"):
            await ApiReader(AsWritten()).read(target, written(target, query=query), {}, QUICK)
    assert server.heads == []


async def test_a_reader_has_a_change_tried_where_the_vendor_can() -> None:
    async with serving(says(DONE)) as server:
        target = there(server.port)
        rows = await ApiReader(AsWritten()).read(
            target, written(target, query="?a=b&dryRun=All"), {}, QUICK
        )
    assert rows.rows == (("web",),)


@pytest.mark.parametrize("dialect", ["alertmanager", "unleash", "argocd"])
async def test_no_other_vendor_is_believed_to_only_try_it(dialect: str) -> None:
    async with serving(says(DONE)) as server:
        found = there(server.port)
        target = Target("x", Dialect(dialect), "production", "", "a", endpoint=found.endpoint)
        with pytest.raises(TargetError, match="Nothing was sent"):
            await ApiReader(AsWritten()).read(
                target, written(target, query="?dryRun=All"), {}, QUICK
            )
    assert server.heads == []


async def test_an_actor_sends_no_get() -> None:
    async with serving(says(DONE)) as server:
        with pytest.raises(TargetError, match="changes nothing"):
            await act(server.port, method="GET")
    assert server.heads == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.0.0.1:{port}0", "http://evil"])
async def test_what_was_approved_for_another_url_is_not_sent(url: str) -> None:
    async with serving(says(DONE)) as server:
        target = there(server.port)
        elsewhere = Written("POST", url.format(port=server.port) + "/things", selection=NAME)
        statement = Statement(target.dialect, elsewhere.text, (), elsewhere.text)
        with pytest.raises(TargetError, match="It is addressed to"):
            await ApiActor(AsWritten()).act(
                target, Deed(statement, {}, Expect.ONE_ROW), QUICK, Attentive()
            )
    assert server.heads == []


async def test_without_an_action_login_nothing_is_sent() -> None:
    async with serving(says(DONE)) as server:
        target = there(server.port, act="")
        with pytest.raises(TargetError, match="has no `act`"):
            await ApiActor(AsWritten()).act(
                target, Deed(written(target), {}, Expect.ONE_ROW), QUICK, Attentive()
            )
    assert server.heads == []


@pytest.mark.parametrize(
    "text", ["", "SELECT 1", "GET http://127.0.0.1/x", "PATCH /x\n\nanswer\n"]
)
async def test_what_is_no_request_is_not_sent(text: str) -> None:
    target = there(1)
    with pytest.raises(TargetError, match="Nothing was sent"):
        await ApiReader(AsWritten()).read(
            target, Statement(target.dialect, text, (), text), {}, QUICK
        )


async def test_a_statement_of_another_dialect_is_not_sent() -> None:
    targets = Targets(AsWritten())
    sql = Statement(Dialect.POSTGRES, "SELECT 1", (), "SELECT 1")
    with pytest.raises(TargetError, match="postgres statement was meant for"):
        await targets.read(there(1), sql, {}, QUICK)


# --- reading ------------------------------------------------------------------------------------


async def test_rows_beyond_the_limit_are_counted_and_left_out() -> None:
    body = json.dumps([{"name": str(n)} for n in range(50)]).encode()
    listed = Selection((200,), rows="", columns=NAME.columns)
    async with serving(says(body)) as server:
        target = there(server.port)
        few = Limits(rows=20, seconds=2.0)
        statement = written(target, "GET", selection=listed)
        rows = await ApiReader(AsWritten()).read(target, statement, {}, few)
        tight = await ApiReader(AsWritten()).read(target, statement, {}, Limits(bytes=20))
    assert (len(rows.rows), rows.truncated) == (20, "rows (20 of 50)")
    assert (len(tight.rows), tight.truncated) == (4, "bytes (20)")


async def test_another_status_is_no_answer_and_repeats_no_credential() -> None:
    body = json.dumps({"you are": WRITER}).encode()
    async with serving(says(body, status="404 Not Found")) as server:
        target = there(server.port, read=WRITER, act="")
        with pytest.raises(TargetError) as caught:
            await ApiReader(AsWritten()).read(target, written(target, "GET"), {}, QUICK)
    assert "answered 404" in str(caught.value)
    assert WRITER not in str(caught.value)


async def test_an_etag_is_read_and_repeats_no_credential() -> None:
    tagged = Selection((200,), columns=(Shown("etag", "text", "etag"), *NAME.columns))
    for tag, seen in (('"7"', '"7"'), (f'"{WRITER}"', '"[credential]"')):
        async with serving(says(DONE, f"ETag: {tag}")) as server:
            target = there(server.port, read=WRITER, act="")
            statement = written(target, "GET", selection=tagged)
            rows = await ApiReader(AsWritten()).read(target, statement, {}, QUICK)
        assert rows.rows == ((seen, "web"),)
