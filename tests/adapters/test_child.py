"""A child that misbehaves is an error of one question, with a bound on what it may say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from interlock_gateway.adapters.child import Child, Ended, ended, started

CHILD = """
import os, sys, time
from interlock_gateway.adapters.confined import Line, confine
line = Line()
confine(1 << 30, longest_file=0)
print("what a library prints goes nowhere")
line.say({"ready": True})
while (question := line.hear()) is not None:
    match question["do"]:
        case "echo":
            line.say({"said": question["what"]})
        case "chatter":
            line.say({"said": "x" * 100_000})
        case "garble":
            os.write(line._out.fileno(), (3).to_bytes(8, "big") + b"{a}")
        case "list":
            os.write(line._out.fileno(), (2).to_bytes(8, "big") + b"[]")
        case "cut":
            os.write(line._out.fileno(), (9).to_bytes(8, "big") + b"{")
            sys.exit(3)
        case "leave":
            sys.exit(3)
        case "write":
            try:
                with open(question["path"], "w") as file:
                    file.write("x")
            except OSError as error:
                line.say({"said": error.strerror})
        case "hoard":
            try:
                len(b"x" * (2 << 30))
            except MemoryError:
                line.say({"said": "no memory"})
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the module that a child runs."""
    (tmp_path / "odd_child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@asynccontextmanager
async def child(module: str = "odd_child") -> AsyncIterator[Child]:
    found = Child(module)
    try:
        yield found
    finally:
        await found.end()


async def answer(one: Child, do: str, most: int = 1_000, **more: str) -> object:
    await one.ready()
    await one.tell({"do": do, **more})
    return (await one.hear(most))["said"]


async def test_questions_are_answered_in_turn_and_nothing_printed_gets_between() -> None:
    async with child() as one:
        for what in ("a", "ü\n\0", "x" * 900):
            assert await answer(one, "echo", what=what) == what
        assert one.alive


@pytest.mark.parametrize(
    ("do", "why"),
    [
        ("chatter", "it said more than 1,000 bytes"),
        ("garble", "it said what is no JSON"),
        ("list", "it said what is no answer"),
        ("cut", "it ended with code 3"),
        ("leave", "it ended with code 3"),
    ],
)
async def test_what_is_no_answer_is_said_to_be_none(do: str, why: str) -> None:
    async with child() as one:
        with pytest.raises(Ended, match=why):
            await answer(one, do)


async def test_a_long_answer_is_read_when_it_was_asked_for() -> None:
    async with child() as one:
        assert await answer(one, "chatter", most=200_000) == "x" * 100_000


async def test_a_confined_child_writes_no_file_and_has_no_more_memory(tmp_path: Path) -> None:
    async with child() as one:
        assert await answer(one, "write", path=str(tmp_path / "x")) == "File too large"
        assert await answer(one, "hoard") == "no memory"


async def test_a_child_that_cannot_start_is_said_so() -> None:
    async with child("no_such_module") as one:
        with pytest.raises(Ended, match="code 1"):
            await one.ready()
        assert not one.alive


async def test_a_child_that_has_gone_hears_nothing() -> None:
    async with child() as one:
        with pytest.raises(Ended, match="never started"):
            await one.tell({"do": "echo"})
        await one.ready()
        await one.end()
        with pytest.raises(Ended, match=r"SIGKILL|code 0"):
            await answer(one, "echo", what="x")


async def test_what_does_not_end_by_itself_is_ended() -> None:
    process = await started("http.server", "0", "--bind", "127.0.0.1")
    assert await ended(process, 0.1) < 0
    assert process.returncode is not None


async def test_hanging_up_ends_a_child_that_is_idle() -> None:
    async with child() as one:
        await one.ready()
        one.hang_up()
        async with asyncio.timeout(20):
            while one.alive:  # noqa: ASYNC110  of another process, which tells nobody
                await asyncio.sleep(0.01)
