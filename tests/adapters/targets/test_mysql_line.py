"""A server that is not to be trusted: it gets no file, no password and no memory."""

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from fake_mysql import (
    DATABASE,
    EXECUTE,
    OK,
    ONE,
    PASSWORD,
    QUERY,
    FakeMysql,
    Reply,
    column,
    eof,
    table,
)
from interlock_gateway.adapters.targets import mysqlline
from interlock_gateway.adapters.targets.mysql import MysqlActor
from interlock_gateway.adapters.targets.mysqladdress import address
from interlock_gateway.adapters.targets.mysqlline import open_line
from interlock_gateway.adapters.targets.mysqlwire import Cap, Connection, execute
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.service.targets import Deed, Expect, OutcomeUnknownError, TargetError
from mysql_target import AsWritten, Orders
from witnesses import Attentive

QUICK = Limits(seconds=1)
MULTI_STATEMENTS, LOCAL_FILES, FOUND_ROWS = 1 << 16, 1 << 7, 1 << 1


async def read(fake: FakeMysql, dialect: Dialect = Dialect.MARIADB, query: str = "") -> object:
    """Return the first cell that a read gets from `fake`."""
    async with fake.listening(query) as url:
        orders = Orders(url, dialect)
        try:
            return (await orders.ask("SELECT 'classified'", QUICK)).rows[0][0]
        finally:
            await orders.reader.aclose()


async def refusal(fake: FakeMysql, dialect: Dialect = Dialect.MARIADB, query: str = "") -> str:
    with pytest.raises(TargetError) as caught:
        await read(fake, dialect, query)
    assert PASSWORD not in str(caught.value)
    return f"{caught.value.code}: {caught.value}"


def said(fake: FakeMysql) -> bytes:
    return b"\n".join(fake.heard)


async def test_a_server_that_behaves_is_read() -> None:
    assert await read(FakeMysql()) == 7


async def test_mysql_is_read_by_the_names_that_it_has_for_its_settings() -> None:
    fake = FakeMysql(version=b"8.0.36")
    assert await read(fake, Dialect.MYSQL) == 7
    assert b"max_execution_time = 1000" in said(fake)
    assert b"transaction_read_only = 1" in said(fake)
    assert b"max_statement_time" not in said(fake)


async def test_mysql_is_no_mariadb() -> None:
    assert "leads to mysql (8.0.36)" in await refusal(FakeMysql(version=b"8.0.36"))


async def test_what_was_classified_is_sent_byte_by_byte_and_by_prepare_alone() -> None:
    fake = FakeMysql()
    await read(fake)
    assert [packet for packet in fake.heard if b"classified" in packet] == [
        b"\x16SELECT 'classified'"
    ]


async def test_a_connection_says_goodbye_when_it_goes() -> None:
    fake = FakeMysql()
    async with fake.listening() as url:
        orders = Orders(url)
        await orders.ask("SELECT 'classified'", QUICK)
        await orders.reader.aclose()
        for _ in range(500):
            if fake.heard[-1] == b"\x01":
                return
            await asyncio.sleep(0.01)
    raise AssertionError("no goodbye within 5 s")


async def test_neither_several_statements_nor_files_are_offered() -> None:
    fake = FakeMysql()
    await read(fake)
    offered = int.from_bytes(fake.heard[0][:4], "little")
    assert not offered & (MULTI_STATEMENTS | LOCAL_FILES)
    assert offered & FOUND_ROWS


# --- files ------------------------------------------------------------------------------------


async def test_a_server_that_asks_for_a_file_does_not_get_it() -> None:
    fake = FakeMysql(execute=lambda: [b"\xfb/etc/passwd"])
    assert "target-unreachable" in (words := await refusal(fake))
    assert "asked for a file of this machine" in words
    assert fake.heard[-1][0] == EXECUTE


@pytest.mark.parametrize("word", [b"SET ", b"SELECT VERSION", b"SHOW GRANTS", b"START"])
async def test_a_server_that_asks_for_a_file_instead_of_answering_us_does_not_get_it(
    word: bytes,
) -> None:
    fake = FakeMysql(on={word: [b"\xfb/etc/passwd"]})
    assert "target-unreachable" in await refusal(fake)
    assert fake.heard[-1][:1] == bytes([QUERY])


async def test_a_server_that_asks_for_a_file_at_the_log_in_does_not_get_it() -> None:
    fake = FakeMysql(login=[b"\xfb/etc/passwd", OK])
    await refusal(fake)
    assert b"root:" not in said(fake)


# --- passwords --------------------------------------------------------------------------------


@pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"dialog", b"mysql_old_password"])
async def test_a_server_that_asks_for_the_password_in_clear_text_does_not_get_it(
    plugin: bytes,
) -> None:
    fake = FakeMysql(login=[b"\xfe" + plugin + b"\0\2Password: "])
    assert "password in clear text" in await refusal(fake)
    assert PASSWORD.encode() not in said(fake)
    assert len(fake.heard) == 1


def public_key() -> bytes:
    return (
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


@pytest.mark.parametrize(
    ("plugin", "login"),
    [
        (b"sha256_password", [b"\1KEY"]),
        (b"mysql_native_password", [b"\xfesha256_password\0" + b"s" * 21, b"\1KEY"]),
        (b"caching_sha2_password", [b"\1\4", b"\1KEY"]),
        (
            b"mysql_native_password",
            [b"\xfecaching_sha2_password\0" + b"s" * 21, b"\1\4", b"\1KEY"],
        ),
    ],
)
async def test_no_key_of_the_server_is_trusted_with_a_password_without_tls(
    plugin: bytes, login: list[bytes]
) -> None:
    key = public_key()
    fake = FakeMysql(plugin=plugin, login=[said.replace(b"KEY", key) for said in login])
    assert "target-unreachable" in await refusal(fake)
    assert b"\2" not in fake.heard  # nobody asked for the key
    assert not [packet for packet in fake.heard[1:] if len(packet) > 64]


# --- nonsense ---------------------------------------------------------------------------------

NONSENSE: dict[str, list[bytes]] = {
    "an empty packet": [b""],
    "a column cut short": [b"\1", column(b"one")[:20]],
    "more columns than come": [b"\xfc\xff\xff", column(b"one", 8), eof()],
    "a length that is none": [b"\xfd"],
    "a row cut short": [b"\1", column(b"one", 8), eof(), b"\0\0\1\2", eof()],
    "a row without its bits": [b"\1", column(b"one", 8), eof(), b"\0"],
    "a moment longer than it is": [b"\1", column(b"at", 12), eof(), b"\0\0\x0b\1", eof()],
    "an error cut short": [b"\xff\1"],
    "a packet out of order": [b"raw:\1\0\0\x09\1"],
    "a second answer": [*ONE[:-1], eof(0x2009)],
    "an answer cut short": [b"\0\0"],
}


@pytest.mark.parametrize("packets", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_is_a_lost_line_and_never_a_crash(packets: list[bytes]) -> None:
    assert "target-unreachable" in await refusal(FakeMysql(execute=lambda: packets))


async def test_more_columns_than_a_result_can_have_are_not_read() -> None:
    fake = FakeMysql(execute=lambda: [b"\xfe" + b"\xff" * 8])
    assert "more than a result has" in await refusal(fake)


async def test_an_error_without_a_state_is_still_an_error() -> None:
    fake = FakeMysql(execute=lambda: [b"\xff\x10\x04Too many connections"])
    assert "Too many connections (error 1040)" in await refusal(fake)


@pytest.mark.parametrize("greeting", [b"\x0a8.0", b"raw:\xff\xff\xff\0", b"", b"\xff\1"])
async def test_a_greeting_that_is_none_is_a_server_that_is_none(greeting: bytes) -> None:
    assert "target-unreachable" in await refusal(FakeMysql(greeting=greeting))


async def test_a_server_that_never_greets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysqlline, "CONNECT_SECONDS", 0.2)
    assert "no answer within 0.2 s" in await refusal(FakeMysql(greeting=b"raw:"))


async def test_a_length_beyond_what_must_come_is_refused_before_it_is_read() -> None:
    fake = FakeMysql(execute=lambda: [b"raw:\xff\xff\xff\1"])
    started = time.monotonic()
    assert "longer than 1,048,576 bytes" in await refusal(fake)
    assert time.monotonic() - started < 0.3


def counting_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every read from a line adds its bytes."""
    held: list[int] = []
    read_bytes = mysqlline.Line._read_bytes  # noqa: SLF001  asyncmy's buffer grows to what is asked

    def counted(line: mysqlline.Line, size: int) -> object:
        held.append(size)
        return read_bytes(line, size)

    monkeypatch.setattr(mysqlline.Line, "_read_bytes", counted)
    return held


async def test_a_row_that_is_too_long_is_not_read_and_its_line_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = counting_reads(monkeypatch)
    endless = [b"raw:\xff\xff\xff" + bytes([n]) + bytes((1 << 24) - 1) for n in (4, 5, 6)]
    fake = FakeMysql(execute=lambda: [b"\1", column(b"one", 8), eof(), *endless])
    async with fake.listening() as url:
        orders = Orders(url)
        rows = await orders.ask("SELECT 'classified'", QUICK)
        assert (rows.rows, rows.truncated) == ((), f"bytes ({QUICK.bytes:,})")
        assert sum(held) < 1 << 16
        assert b"\x03KILL QUERY 7" in fake.heard
        fake.execute = lambda: ONE
        assert (await orders.ask("SELECT 'classified'", QUICK)).rows == ((7,),)
        await orders.reader.aclose()
    assert sum(packet.startswith(b"\x03SELECT VERSION") for packet in fake.heard) == 2  # lines


async def test_a_deed_reads_past_a_row_that_is_too_long_in_small_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it happened is known only at the end of its answer."""
    held = counting_reads(monkeypatch)
    long = b"raw:\xff\xff\xff\4" + bytes((1 << 24) - 1) + b"\0\0\0\5"
    fake = FakeMysql(
        execute=lambda: [b"\1", column(b"one", 8), eof(), long, b"raw:\5\0\0\6" + eof(1)]
    )
    async with fake.listening() as url:
        line = await open_line(address(url, "here"))
        answer = await execute(
            Connection(line, address(url, "here"), Dialect.MARIADB),
            b"\1\0\0\0",
            Cap(rows=10, bytes=1_000, cancel=False),
        )
        line.close()
    assert (answer.count, answer.rows, answer.cut) == (1, [], "bytes")
    assert answer.ending is not None
    assert len(held) > 256
    assert max(held) < 1 << 20


async def test_an_answer_outside_the_transaction_raises_an_alarm() -> None:
    fake = FakeMysql(execute=lambda: [*ONE[:-1], eof(0x0002)])
    assert "the guard let it pass" in await refusal(fake)


async def test_a_setting_that_is_not_taken_over_stops_everything() -> None:
    settings = table([b"ANSI_QUOTES", *[b"1"] * 15])
    words = await refusal(FakeMysql(on={b"SELECT @@sql_mode": settings}))
    assert "sql_mode is ANSI_QUOTES" in words
    assert "Nothing was run" in words


# --- deeds ------------------------------------------------------------------------------------


async def act(fake: FakeMysql) -> None:
    statement = Statement(Dialect.MARIADB, "UPDATE t SET v = 1", (), "")
    async with fake.listening() as url:
        target = Target("orders", Dialect.MARIADB, "prod", "unused", url)
        deed = Deed(statement, {}, Expect.ROW_COUNT, 1, 1)
        await MysqlActor(AsWritten()).act(target, deed, QUICK, Attentive())


CHANGED = [b"\0\1\0\1\0\0\0"]  # one row, in a transaction


async def test_a_deed_on_a_server_that_behaves_stands() -> None:
    await act(FakeMysql(execute=lambda: CHANGED))


def _silent() -> Reply:
    return []


@pytest.mark.parametrize(
    ("commit", "execute"),
    [
        (None, lambda: CHANGED),
        ([], lambda: CHANGED),
        ([b"\xff\x9c\x04#HY000Error during COMMIT"], lambda: CHANGED),
        ([b"\xfb/etc/passwd"], lambda: CHANGED),
        ([b"\0\0"], lambda: CHANGED),
        (CHANGED, lambda: CHANGED),
        ([OK], lambda: None),
        ([OK], _silent),
        ([OK], lambda: [b"\xfb/etc/passwd"]),
        ([OK], lambda: [b"\0\1"]),
    ],
)
async def test_whatever_a_server_does_after_a_deed_was_sent_is_doubt(
    commit: Reply, execute: Callable[[], Reply]
) -> None:
    with pytest.raises(OutcomeUnknownError):
        await act(FakeMysql(execute=execute, on={b"COMMIT": commit}))


async def test_a_commit_that_lost_against_another_is_without_effect() -> None:
    deadlock = [b"\xff\xbd\x04#40001Deadlock found"]
    with pytest.raises(TargetError, match="Deadlock found"):
        await act(FakeMysql(execute=lambda: CHANGED, on={b"COMMIT": deadlock}))


# --- TLS --------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """Make a certificate that is its own authority, in `folder`/ca.pem; return its server side."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)  # noqa: TID251  a certificate is valid now
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


async def test_a_server_is_verified_by_authority_and_name(tmp_path: Path) -> None:
    tls = certificate(tmp_path, "127.0.0.1")
    fake = FakeMysql(tls=tls)
    assert await read(fake, query=f"?ssl-ca={tmp_path}/ca.pem") == 7


async def test_a_server_with_another_name_is_not_told_who_we_are(tmp_path: Path) -> None:
    fake = FakeMysql(tls=certificate(tmp_path, "192.0.2.1"))
    words = await refusal(fake, query=f"?ssl-ca={tmp_path}/ca.pem")
    assert "CERTIFICATE_VERIFY_FAILED" in words
    assert b"reader" not in said(fake)


async def test_a_server_of_another_authority_is_not_told_who_we_are(tmp_path: Path) -> None:
    fake = FakeMysql(tls=certificate(tmp_path, "127.0.0.1"))
    words = await refusal(fake, query="?ssl-mode=verify-identity")
    assert "CERTIFICATE_VERIFY_FAILED" in words
    assert b"reader" not in said(fake)


async def test_a_server_without_tls_is_not_told_who_we_are(tmp_path: Path) -> None:
    certificate(tmp_path, "127.0.0.1")
    fake = FakeMysql()
    words = await refusal(fake, query=f"?ssl-ca={tmp_path}/ca.pem")
    assert "target-unreachable" in words
    assert b"reader" not in said(fake)


async def test_over_tls_a_password_may_travel_as_the_server_wants(tmp_path: Path) -> None:
    fake = FakeMysql(
        tls=certificate(tmp_path, "127.0.0.1"),
        login=[b"\xfemysql_clear_password\0"],
        on={PASSWORD.encode()[1:]: [OK]},
    )
    assert await read(fake, query=f"?ssl-ca={tmp_path}/ca.pem") == 7
    assert PASSWORD.encode() + b"\0" in fake.heard


def test_an_address_without_tls_options_has_no_tls() -> None:
    assert address(f"mysql://u:p@h/{DATABASE}", "x").tls is None
    assert address(f"mysql://u:p@h/{DATABASE}?ssl-mode=disabled", "x").tls is None
    tls = address(f"mysql://u:p@h/{DATABASE}?ssl-mode=verify-identity", "x").tls
    assert tls
    assert tls.check_hostname
    assert tls.verify_mode is ssl.CERT_REQUIRED
