"""Being told to end: what is being made is made whole, then cleaned up whole."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from interlock.cli.demo.stage import home_with
from interlock.cli.ending import Ending

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
each_signal = pytest.mark.parametrize("number", ENDINGS)


def tell(number: signal.Signals) -> None:
    """Send ourselves a signal; its handler has run when this returns."""
    os.kill(os.getpid(), number)


@contextmanager
def interrupted() -> Iterator[None]:
    """Expect the block to be ended as Ctrl-C ends it."""
    with pytest.raises(KeyboardInterrupt):
        yield


@each_signal
def test_a_signal_while_something_is_made_waits_until_it_is_made(number: signal.Signals) -> None:
    made, removed = [], []

    @contextmanager
    def thing() -> Iterator[None]:
        tell(number)  # where a signal that raised would leave a thing that nobody removes
        made.append("thing")
        try:
            yield
        finally:
            tell(number)  # and once more while it is being removed
            removed.append("thing")

    with interrupted(), Ending() as ending, thing():
        ending.obey()
        made.append("more")
    assert (made, removed) == (["thing"], ["thing"])


@each_signal
def test_where_nothing_is_half_made_a_signal_counts_at_once(number: signal.Signals) -> None:
    reached = []
    with interrupted(), Ending() as ending, ending.at_once():
        tell(number)
        reached.append("after")
    assert reached == []


def test_a_signal_that_came_before_is_obeyed_where_it_counts_at_once() -> None:
    with interrupted(), Ending() as ending:
        tell(signal.SIGTERM)
        with ending.at_once():
            pytest.fail("it should have ended before")


def test_a_signal_that_nobody_asked_about_counts_at_the_end() -> None:
    reached = []
    with interrupted(), Ending():
        tell(signal.SIGTERM)
        reached.append("whole")
    assert reached == ["whole"]


def test_what_fails_because_everybody_was_told_to_end_is_no_failure() -> None:
    """Ctrl-C in a terminal reaches the processes that we started as well."""
    with interrupted(), Ending():
        tell(signal.SIGINT)
        raise RuntimeError("the child ended by itself")


@each_signal
def test_tasks_end_in_order(number: signal.Signals) -> None:
    ended = []

    async def work() -> None:
        try:
            tell(number)
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0)  # works only if the loop goes on
            ended.append("work")

    with interrupted(), Ending() as ending, ending.at_once():
        asyncio.run(work())
    assert ended == ["work"]


def test_cleaning_up_is_not_interrupted_by_the_impatient() -> None:
    cleaned = []

    def clean() -> None:
        tell(signal.SIGINT)
        tell(signal.SIGTERM)
        cleaned.append("all")

    with interrupted(), Ending() as ending:
        try:
            with ending.at_once():
                tell(signal.SIGTERM)
        finally:
            clean()
    assert cleaned == ["all"]


def test_afterwards_signals_do_what_they_did() -> None:
    before = [signal.getsignal(number) for number in ENDINGS]
    with Ending() as ending, ending.at_once():
        pass
    assert [signal.getsignal(number) for number in ENDINGS] == before


def test_the_demo_s_home_is_removed_whichever_moment_the_signal_chooses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder was left behind when SIGTERM came between making it and knowing its name."""
    make = tempfile.mkdtemp

    def make_and_tell(*args: str | None, **more: str | None) -> str:
        made = make(*args, **more)
        tell(signal.SIGTERM)
        return made

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_tell)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with interrupted(), Ending() as ending, home_with(""):
        assert list(tmp_path.iterdir()) != []
        ending.obey()
    assert list(tmp_path.iterdir()) == []
