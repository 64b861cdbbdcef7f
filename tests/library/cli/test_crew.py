"""Processes that answer lines: in order, bounded, and one that dies costs one line."""

import io
import json
import os
import sys
import threading
from pathlib import Path

import pytest
from interlock.cli.crew import Crew
from interlock.cli.portions import LONGEST, Lines, Portion
from interlock.errors import InterlockError

_ECHO = """
import os, signal, sys
print("ready", flush=True)
for line in sys.stdin:
    word = line.strip()
    if word == "die":
        os._exit(3)
    if word == "busy":
        os.kill(os.getpid(), signal.SIGPROF)
    print(word, flush=True)
"""


def crew(jobs: int, text: str = _ECHO) -> Crew:
    """Return a crew whose processes run `text`: by default they answer with the line itself."""
    return Crew(jobs, (sys.executable, "-c", text))


def answered(folder: Path, lines: bytes, jobs: int = 1, text: str = _ECHO) -> list[str]:
    out = io.StringIO()
    path = folder / "lines"
    path.write_bytes(lines)
    with path.open("rb") as source:
        crew(jobs, text).answer(source.fileno(), out)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_line_is_answered_in_order_by_any_number_of_processes(
    tmp_path: Path, jobs: int
) -> None:
    words = [f"line-{number}" for number in range(2_000)]

    assert answered(tmp_path, "\n".join(words).encode(), jobs) == words


@pytest.mark.parametrize(("word", "why"), [("die", "code 3"), ("busy", "5 s of processor time")])
def test_a_process_that_dies_costs_the_line_it_died_of(
    tmp_path: Path, word: str, why: str
) -> None:
    said = answered(tmp_path, f"a\n{word}\nb\n{word}\nc\n".encode(), jobs=2)

    assert [each for each in said if each in "abc"] == ["a", "b", "c"]
    for lost in (said[1], said[3]):
        assert json.loads(lost)["effect"] == "unknown"
        assert why in json.loads(lost)["reasons"][0]["detail"]


def test_a_process_that_never_gets_ready_is_an_error_and_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(InterlockError, match="before it was ready"):
        answered(tmp_path, b"a\n", text="raise SystemExit(1)")


def test_an_answer_comes_as_soon_as_it_can_though_more_lines_may_follow() -> None:
    reading, writing = os.pipe()
    seen, out = threading.Event(), Heard()
    out.heard = seen
    worker = threading.Thread(target=crew(1).answer, args=(reading, out))
    worker.start()
    os.write(writing, b"first\n")

    assert seen.wait(30)

    os.close(writing)
    worker.join(30)
    os.close(reading)
    assert out.getvalue() == "first\n"


class Heard(io.StringIO):
    """Says when something was written to it."""

    heard: threading.Event

    def write(self, text: str) -> int:
        self.heard.set()
        return super().write(text)


def test_lines_are_not_read_ahead_without_bound(tmp_path: Path) -> None:
    """A process that waits for a file holds everything up: then reading stops, too."""
    gate = tmp_path / "gate"
    text = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n" + _ECHO
    reading, writing = os.pipe()
    out = io.StringIO()
    worker = threading.Thread(target=crew(1, text).answer, args=(reading, out))
    worker.start()
    os.set_blocking(writing, False)
    sent = 0
    try:
        while sent < 64 * 1024 * 1024:
            sent += os.write(writing, (b"x" * 999 + b"\n") * 64)
    except BlockingIOError:
        pass  # the pipe is full, and nobody reads it
    assert sent < 8 * 1024 * 1024
    gate.touch()
    os.close(writing)
    worker.join(60)
    os.close(reading)
    assert sum(map(len, out.getvalue().split())) >= sent // 1_000 * 999


def portions(data: bytes, folder: Path) -> list[Portion]:
    path = folder / "data"
    path.write_bytes(data)
    with path.open("rb") as source:
        lines = Lines(source.fileno())
        while not lines.ended:
            lines.read()
    return list(iter(lines.take, None))


def test_a_line_that_is_too_long_is_answered_without_being_kept(tmp_path: Path) -> None:
    found = portions(b"a\n" + b"x" * (LONGEST * 3) + b"\nb", tmp_path)

    assert [portion.lines for portion in found if not portion.done] == [[b"a\n"], [b"b\n"]]
    assert b"more than 1,048,576 bytes" in found[1].answers[0]


def test_a_portion_fits_into_a_pipe(tmp_path: Path) -> None:
    found = portions((b"y" * 3_000 + b"\n") * 40 + b"z\n" * 300, tmp_path)

    assert sum(len(portion.lines) for portion in found) == 340
    assert all(sum(map(len, portion.lines)) <= 16 * 1024 for portion in found)
    assert max(len(portion.lines) for portion in found) == 64
