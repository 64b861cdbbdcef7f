"""Whoever looks after a gateway lets approvers show that they can, over real processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from interlock import client
from interlock.cli.demo.chat import Chat, slack_there
from interlock.cli.demo.stage import Stage, home_with, stage
from interlock.cli.world import World
from interlock.testing.slack import Message

pytestmark = pytest.mark.heavy

_TARGETS = 'tiers = ["production", "staging", "development"]\n'


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway that asks in Slack, and its people."""

    staged: Stage
    chat: Chat

    def starts(self, *words: str) -> "subprocess.Popen[str]":
        """Start a drill as `you`, who is an sre."""
        you = self.staged.people["you"]
        return subprocess.Popen(  # noqa: S603  our own command, no shell
            [sys.executable, "-u", "-m", "interlock", "doctor", "--drill", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "INTERLOCK_TOKEN": you.token,
                "INTERLOCK_URL": you.url,
                "COLUMNS": "80",
            },
        )

    def card(self) -> Message:
        """Return the question in Slack, once it is there."""
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            for message in self.chat.slack.channel("incidents").messages:
                if "approve" in message.actions:
                    return message
            time.sleep(0.1)  # until the gateway has asked
        raise AssertionError("nothing was asked")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    world = World(environ={}, cwd=tmp_path, out=sys.stdout, err=sys.stderr)
    with slack_there() as chat, home_with(_TARGETS) as home:
        settings = home.config.read_text("utf-8")
        home.config.write_text(f'steward_role = "sre"\n{settings}', "utf-8")
        with stage(world, home, {}, chat) as staged:
            yield Place(staged, chat)


def test_a_steward_learns_who_answered_where_and_after_how_long(place: Place) -> None:
    with place.starts("one-dba", "--minutes", "1") as process:
        card = place.card()
        assert card.shown.startswith("DRILL · A-1 · INC-1: nothing runs")
        place.chat.slack.person("colleague").presses(card, "approve").wait()
        told = process.communicate(timeout=60)[0]
    assert process.returncode == 0, told
    assert "colleague approved in Slack after" in told
    assert "✔ Every rule reached its quorum: 1 in all. Nothing ran." in told
    assert max(map(len, told.splitlines())) <= 80
    assert card.actions == ["open"]
    assert "Nothing ran: it is a drill." in card.shown
    exported = _export(place)
    assert "DRILL: can approvals be given?" in exported
    assert "A-1 (drill) approved by colleague" in exported


def test_a_rule_that_nobody_answers_fails_when_its_time_is_up(place: Place) -> None:
    with place.starts("one-sre", "--minutes", "1") as process:
        place.card()
        told = process.communicate(timeout=120)[0]
    assert process.returncode == 1, told
    assert "never answered colleague" in told
    assert "✖ 1 of 1 rules did not reach their quorum: one-sre." in told


def _export(place: Place) -> str:
    with place.staged.client("you") as gateway:
        return gateway.text(client.export("INC-1", "md"))
