"""The scanner: what it finds, what it leaves alone, and that it fails closed."""

import asyncio
import os
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from interlock_gateway.adapters.secret_scanner import MOST, KingfisherScanner
from interlock_gateway.core.redaction import masked, rule_word
from interlock_gateway.service.redaction import NOT_SCANNED, ScannerError

CASES = tomllib.loads((Path(__file__).parents[1] / "corpus" / "secrets.toml").read_text())
PLANTED = [case for case in CASES["secret"] if "skip" not in case]
HARMLESS = CASES["harmless"]["texts"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scanner() -> AsyncIterator[KingfisherScanner]:
    made = KingfisherScanner()
    await made.start()
    yield made
    await made.aclose()


def planted(case: dict[str, Any]) -> tuple[str, str]:
    secret = "".join(case["pieces"])
    return secret, case["text"].replace("{}", secret)


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case["rule"])
async def test_a_planted_secret_is_masked_and_named(
    scanner: KingfisherScanner, case: dict[str, Any]
) -> None:
    secret, text = planted(case)
    (spans,) = await scanner.scan([text])
    kept = masked(text, spans)
    assert secret not in kept
    assert case["rule"] in {rule_word(span.rule) for span in spans}
    before, after = case["text"].split("{}")
    assert kept.startswith(before)
    assert kept.endswith(after)


@pytest.mark.parametrize("text", HARMLESS)
async def test_what_is_no_secret_stays_as_it_is(scanner: KingfisherScanner, text: str) -> None:
    assert await scanner.scan([text]) == [[]]


async def test_places_are_told_in_characters_whatever_stands_before(
    scanner: KingfisherScanner,
) -> None:
    secret, text = planted(PLANTED[-1])
    for before in ("é", "漢字 🎉 ", "\0\ud800 ", "a\r\n\t"):
        (spans,) = await scanner.scan([before + text])
        assert {(before + text)[span.start : span.end] for span in spans} == {secret}


async def test_hostile_texts_are_answered_for_in_time(scanner: KingfisherScanner) -> None:
    nasty = ["a" * 5_000_000, "\0" * 1_000_000, "://a:" * 200_000, "eyJ" * 300_000]
    async with asyncio.timeout(30):
        found = await scanner.scan(nasty)
    assert [len(spans) for spans in found[:2]] == [0, 0]


_IMPATIENT = """
from interlock_gateway.adapters import secret_scanner_child
secret_scanner_child._TEXT_S = 0.5
secret_scanner_child.main()
"""


async def test_a_text_that_takes_too_long_is_withheld_and_the_next_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "impatient.py").write_text(_IMPATIENT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    impatient = KingfisherScanner("impatient")
    slow, fine = await impatient.scan(["password=" * 900_000, "fine"])
    assert [span.rule for span in slow] == [NOT_SCANNED]
    assert fine == []
    assert await impatient.scan(["still there"]) == [[]]
    await impatient.aclose()


async def test_more_than_is_scanned_at_once_is_refused(scanner: KingfisherScanner) -> None:
    with pytest.raises(ScannerError, match="not scanned at once"):
        await scanner.scan(["x" * MOST, "x"])


async def test_a_scanner_that_is_missing_says_so_and_lets_nothing_pass() -> None:
    missing = KingfisherScanner("interlock_gateway.adapters.no_such_scanner")
    with pytest.raises(ScannerError, match="cannot be started"):
        await missing.scan(["anything"])


_HANGS = """
import struct, sys, time
sys.stdout.buffer.write(struct.pack(">Q", 2) + b"{}")
sys.stdout.buffer.flush()
time.sleep(600)
"""


async def test_a_scanner_that_hangs_is_killed_and_its_text_withheld(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hangs.py").write_text(_HANGS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    hanging = KingfisherScanner("hangs", patience_s=0.3)
    with pytest.raises(ScannerError, match=r"no answer within 0\.3 s"):
        await hanging.scan(["anything"])
    assert hanging._child is None  # noqa: SLF001  it was ended, not left behind


async def test_a_child_that_was_killed_is_replaced_with_the_next_text() -> None:
    scanner = KingfisherScanner()
    await scanner.start()
    process = scanner._child._process  # type: ignore[union-attr]  # noqa: SLF001  to end exactly this one
    assert process is not None
    process.kill()
    await process.wait()
    secret, text = planted(PLANTED[0])
    (spans,) = await scanner.scan([text])
    assert secret not in masked(text, spans)
    await scanner.aclose()


_OPENS = """
import socket
from interlock_gateway.adapters.secret_scanner_child import Scanning, open_nothing_more
scanning = Scanning()
open_nothing_more()
print(len(scanning.found(%r)))
try:
    socket.socket()
except OSError as error:
    print(error.errno)
"""


async def test_it_finds_the_same_where_no_socket_can_be_opened() -> None:
    text = " ".join(planted(case)[1] for case in PLANTED if "catalogue" in case)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _OPENS % text],
        capture_output=True,
        text=True,
        check=True,
    )
    found, errno = done.stdout.split()
    assert int(found) >= 2
    assert int(errno) == 24  # EMFILE
