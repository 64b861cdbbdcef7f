"""The guarded client against servers that mean harm, and names that change."""

import asyncio
import datetime as dt
import gzip
import json
import os
import ssl
import time
import tracemalloc
from ipaddress import ip_network
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hostile_http import HostileServer, Names, bomb, endless, says, serving
from interlock_gateway.adapters.targets.http import Answer, Caps, Door, GuardedClient
from interlock_gateway.adapters.targets.http import client as guarded
from interlock_gateway.adapters.targets.http.credential import Credential
from interlock_gateway.core.endpoint import Request
from interlock_gateway.core.model import Scheme
from interlock_gateway.service.targets import TargetError

ASK = Request("GET", "/api/v1/query?query=up")
SECRET = "s3cr3t-t0ken/with+signs"
SMALL = Caps(bytes=100_000, seconds=2.0)


async def ask(door: Door, caps: Caps = SMALL, names: Names | None = None) -> Answer:
    client = GuardedClient(names) if names else GuardedClient()
    return await client.send(door, ASK, caps)


async def refused(door: Door, caps: Caps = SMALL, names: Names | None = None) -> TargetError:
    with pytest.raises(TargetError) as caught:
        await ask(door, caps, names)
    assert SECRET not in str(caught.value)
    return caught.value


async def test_an_honest_server_is_answered_from() -> None:
    async with serving(says(b'{"status": "success"}')) as server:
        answer = await ask(server.door(credential=Credential(SECRET)))
    assert (answer.status, answer.type) == (200, "application/json")
    assert answer.body == b'{"status": "success"}'
    assert server.heads[0].startswith("GET /api/v1/query?query=up HTTP/1.1\r\n")
    assert f"Authorization: Bearer {SECRET}\r\n" in server.heads[0]


async def test_gzip_is_taken_within_the_limit() -> None:
    body = gzip.compress(b'{"a": "%s"}' % (b"x" * 90_000))
    async with serving(says(body, "Content-Encoding: gzip")) as server:
        assert len((await ask(server.door())).body) == 90_009


# --- where it goes ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 For ever"])
async def test_a_redirect_is_not_followed(status: str) -> None:
    async with serving(says(b"", "Location: http://127.0.0.1:1/gone", status=status)) as server:
        error = await refused(server.door())
    assert error.code == "target-failed"
    assert "redirects are not followed" in str(error)
    assert server.connections == 1


async def test_a_redirect_to_the_metadata_service_is_not_followed() -> None:
    there = "Location: http://169.254.169.254/latest/meta-data/iam/security-credentials/"
    async with serving(says(b"", there, status="302 Found")) as server:
        assert "redirect" in str(await refused(server.door()))


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "the gateway's own machine"),
        ("::1", "the gateway's own machine"),
        ("::ffff:127.0.0.1", "the gateway's own machine"),
        ("169.254.169.254", "metadata"),
        ("10.0.0.1", "private"),
    ],
)
async def test_a_name_that_resolves_inwards_is_not_connected_to(address: str, why: str) -> None:
    async with serving(says()) as server:
        error = await refused(
            server.door("metrics.example.com", addresses=()), SMALL, Names([[address]])
        )
    assert error.code == "target-unreachable"
    assert why in str(error)
    assert "`addresses` of metrics in targets.toml" in str(error)
    assert server.connections == 0


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    async with serving(says()) as server:
        names = Names([["127.0.0.1", "169.254.169.254"]])
        assert "metadata" in str(await refused(server.door("metrics.test"), SMALL, names))
    assert server.connections == 0


async def test_a_name_that_changes_between_check_and_use_changes_nothing() -> None:
    """Only the address that was checked is connected to; the name is not looked up again."""
    async with serving(says()) as server:
        names = Names([["127.0.0.1"], ["169.254.169.254"]])
        await ask(server.door("metrics.test"), SMALL, names)
    assert names.asked == 1
    assert f"Host: metrics.test:{server.port}\r\n" in server.heads[0]


async def test_an_address_where_nobody_is_leads_to_the_next_one() -> None:
    both = (ip_network("127.0.0.1/32"), ip_network("127.0.0.9/32"))
    async with serving(says()) as server:
        names = Names([["127.0.0.9", "127.0.0.1"]])
        assert (await ask(server.door("metrics.test", addresses=both), SMALL, names)).status == 200
    assert names.asked == 1


async def test_a_connection_that_went_elsewhere_is_closed_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Were the check before it broken, as here, the check of the connection itself holds."""
    async with serving(says()) as server:
        allowed = (ip_network("192.0.2.0/24"),)
        door = server.door("metrics.test", addresses=allowed, credential=Credential(SECRET))
        checked = iter([True])
        real = guarded._must_be_allowed  # noqa: SLF001  the guard that is switched off once

        def lenient(door: Door, text: str) -> None:
            if not next(checked, False):
                real(door, text)

        monkeypatch.setattr(guarded, "_must_be_allowed", lenient)
        error = await refused(door, SMALL, Names([["127.0.0.1"]]))
        await asyncio.sleep(0.05)  # a server that got something would have noted it by now
    assert "not among the target's `addresses`" in str(error)
    assert server.connections == 0


async def test_a_name_without_an_address_is_said() -> None:
    async with serving(says()) as server:
        assert "has no address" in str(await refused(server.door("x.test"), SMALL, Names([[]])))
        error = await refused(server.door("does-not-exist.invalid"))
    assert error.code == "target-unreachable"
    assert "cannot be resolved" in str(error)


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(says()) as server:
        assert (await ask(server.door())).status == 200


async def test_no_cookie_is_kept() -> None:
    async with serving(says(b"{}", "Set-Cookie: session=stolen; Path=/")) as server:
        client = GuardedClient()
        for _ in range(2):
            await client.send(server.door(), ASK, SMALL)
    assert server.connections == 2
    assert "cookie" not in "".join(server.heads).lower()


# --- how much it takes in -----------------------------------------------------------------------


async def test_an_endless_body_is_cut_at_the_limit() -> None:
    async with serving(endless()) as server:
        error = await refused(server.door())
    assert error.code == "outside-limits"
    assert "larger than 100,000 bytes" in str(error)


async def test_a_gzip_bomb_is_not_inflated() -> None:
    small = bomb()
    tracemalloc.start()
    try:
        async with serving(says(small, "Content-Encoding: gzip")) as server:
            error = await refused(server.door(), Caps(bytes=1_000_000, seconds=10))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.code == "outside-limits"
    assert len(small) < 1_000_000 < peak < 10_000_000


async def test_a_bomb_in_a_bomb_is_not_even_asked_for() -> None:
    twice = gzip.compress(bomb(20))
    async with serving(says(twice, "Content-Encoding: gzip, gzip")) as server:
        assert "nobody asked for" in str(await refused(server.door()))


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "GZIP,identity", "compress"])
async def test_other_compressions_are_refused(coding: str) -> None:
    async with serving(says(b"{}", f"Content-Encoding: {coding}")) as server:
        assert (await refused(server.door())).code == "target-failed"


async def test_what_says_gzip_must_be_gzip_to_its_end() -> None:
    whole = gzip.compress(b"{}" * 1_000)
    for body, why in ((b"{}", "something else"), (whole[:-9], "middle"), (whole + b"x", "end")):
        async with serving(says(body, "Content-Encoding: gzip")) as server:
            error = await refused(server.door())
        assert error.code == "target-failed"
        assert why in str(error)


async def test_a_slow_drip_ends_at_the_deadline() -> None:
    async with serving(endless(b" ", 0.05)) as server:
        began = time.monotonic()
        error = await refused(server.door(), Caps(seconds=0.5))
    assert error.code == "target-timeout"
    assert "0.5 s" in str(error)
    assert time.monotonic() - began < 5


async def test_a_drip_of_header_fields_ends_at_the_deadline() -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)  # the drip itself

    async with serving(script) as server:
        assert (await refused(server.door(), Caps(seconds=0.5))).code == "target-timeout"


async def test_a_silent_server_ends_at_the_deadline() -> None:
    async def script(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)  # longer than the deadline: nothing ever comes

    async with serving(script) as server:
        assert (await refused(server.door(), Caps(seconds=0.3))).code == "target-timeout"


async def test_a_head_that_is_too_large_is_refused() -> None:
    many = [f"X-{n}: y" for n in range(150)]
    async with serving(says(b"{}", *many)) as server:
        assert (await refused(server.door())).code == "outside-limits"
    async with serving(says(b"{}", f"X: {'y' * 40_000}")) as server:
        assert (await refused(server.door())).code == "outside-limits"
    async with serving(says(b"{}", f"X: {'y' * 400_000}")) as server:
        assert (await refused(server.door())).code == "target-failed"


# --- what it believes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["text/html", "application/json2", "application/octet-stream", "", "json"]
)
async def test_another_content_type_is_no_answer(kind: str) -> None:
    page = b"<script>alert(1)</script>\x1b[2J"
    async with serving(says(page, f"Content-Type: {kind}")) as server:
        error = await refused(server.door())
    assert "where application/json was expected" in str(error)
    assert "\x1b" not in str(error)


async def test_a_content_type_with_a_parameter_is_fine() -> None:
    async with serving(says(b"{}", "Content-Type: Application/JSON; charset=utf-8")) as server:
        assert (await ask(server.door())).type == "application/json"


async def test_a_body_shorter_than_it_says_is_no_answer() -> None:
    async with serving(says(b'{"half":', length=1_000)) as server:
        error = await refused(server.door())
    assert error.code == "target-failed"
    assert "broke off" in str(error)


async def test_a_body_longer_than_it_says_is_cut_there() -> None:
    async with serving(says(b"{}GARBAGE", length=2)) as server:
        assert (await ask(server.door())).body == b"{}"


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/9 ?\r\n\r\n", b"\0" * 50])
async def test_what_speaks_no_http_is_said(greeting: bytes) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)

    async with serving(script) as server:
        error = await refused(server.door())
    assert error.code == "target-failed"


async def test_nobody_there_is_said() -> None:
    async with serving(says()) as server:
        door = server.door()
    error = await refused(door)
    assert error.code == "target-unreachable"
    assert f"metrics at http://127.0.0.1:{door.base.port}" in str(error)


# --- the credential -----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", [Scheme.BEARER, Scheme.BASIC])
async def test_a_credential_that_comes_back_is_taken_out(scheme: Scheme) -> None:
    secret = f"ann:{SECRET}"
    credential = Credential(secret, scheme)
    echoed = json.dumps({"you": dict(credential.headers), "it": SECRET}).encode()
    async with serving(says(echoed)) as server:
        body = (await ask(server.door(credential=credential))).body
    assert SECRET.encode() not in body
    assert secret.encode() not in body
    assert credential.headers["Authorization"].split()[1].encode() not in body
    async with serving(says(echoed, "Content-Type: text/plain", status="500 No")) as server:
        await refused(server.door(credential=credential))


async def test_a_credential_that_is_not_let_in_is_said_without_it() -> None:
    for status in ("401 Who", "403 No"):
        async with serving(says(SECRET.encode(), status=status)) as server:
            error = await refused(server.door(credential=Credential(SECRET)))
        assert (error.code, error.answered) == ("target-unreachable", True)
        assert "`read` of metrics" in str(error)


@pytest.mark.parametrize("secret", ["a\r\nX-Evil: 1", "a\nb", "ü", " bad", "a\0"])
def test_a_credential_that_would_be_a_second_header_is_refused(secret: str) -> None:
    with pytest.raises(TargetError) as caught:
        Credential(secret)
    assert secret not in str(caught.value)


def test_a_credential_does_not_show_in_its_repr() -> None:
    assert SECRET not in repr(Credential(SECRET))


# --- TLS ----------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, str]:
    """Return a server's context with a certificate of its own for `name`, and its PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)  # noqa: TID251  a certificate's own dates
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, str(pem)


def secure(server: HostileServer, host: str, ca: str = "") -> Door:
    return server.door(host, scheme="https", ca=ca, credential=Credential(SECRET))


async def test_tls_names_the_target_though_the_address_is_connected_to(tmp_path: Path) -> None:
    context, pem = certificate(tmp_path, "metrics.test")
    asked_for: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with serving(says(), context) as server:
        names = Names([["127.0.0.1"]])
        answer = await ask(secure(server, "metrics.test", pem), SMALL, names)
    assert answer.status == 200
    assert asked_for == ["metrics.test"]


async def test_a_certificate_of_somebody_else_is_refused(tmp_path: Path) -> None:
    context, pem = certificate(tmp_path, "metrics.test")
    async with serving(says(), context) as server:
        names = Names([["127.0.0.1"]])
        unknown = await refused(secure(server, "metrics.test"), SMALL, names)
        other = await refused(secure(server, "other.test", pem), SMALL, names)
    assert "TLS failed" in str(unknown)
    assert "TLS failed" in str(other)
    assert {unknown.code, other.code} == {"target-unreachable"}
    assert server.connections == 0


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def written(path: Path, text: str | Path) -> None:
    """Write a text, or another file's; no two have one time."""
    path.write_text(text.read_text() if isinstance(text, Path) else text)
    os.utime(path, ns=(1, next(_TIMES)))


_TIMES = count(1)


async def test_certificates_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    written(tmp_path / "empty.pem", "")
    async with serving(says()) as server:
        for file in ("missing.pem", "empty.pem"):
            names = Names([["127.0.0.1"]])
            error = await refused(secure(server, "a.test", str(tmp_path / file)), SMALL, names)
            assert "`ca` of metrics in targets.toml" in str(error)
    assert server.connections == 0


async def test_a_file_of_certificates_that_was_replaced_counts(tmp_path: Path) -> None:
    context, pem = certificate(tmp_path, "metrics.test")
    used = tmp_path / "ca.pem"
    written(used, Path(certificate(folder(tmp_path / "other"), "metrics.test")[1]))
    async with serving(says(), context) as server:
        door = secure(server, "metrics.test", str(used))
        names = Names([["127.0.0.1"]])
        assert "TLS failed" in str(await refused(door, SMALL, names))
        written(used, Path(pem))
        assert (await ask(door, SMALL, names)).status == 200
