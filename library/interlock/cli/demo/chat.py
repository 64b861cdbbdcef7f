"""The Slack of the demo: a pretend one on this machine, in which the second person decides."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import util
from typing import TYPE_CHECKING

from interlock.cli.demo.voice import READING_S, Voice
from interlock.cli.house import House
from interlock.errors import InterlockError

if TYPE_CHECKING:
    from interlock.testing.slack import FakeSlack, Message

_LOOK_S = 0.2
_AT_MOST_S = 15.0
_SETTINGS = """
[slack]
# A pretend Slack, which the demo runs on this machine.
bot_token = "env:INTERLOCK_DEMO_BOT"
app_token = "env:INTERLOCK_DEMO_APP"
team = "T0INTERLOCK"
channel = "{channel}"
base_url = "{url}"
people = {{ you = "U0YOU", colleague = "U0COLLEAGUE" }}
"""


@dataclass(frozen=True, slots=True)
class Chat:
    """The pretend Slack, as the demo's scenes use it."""

    slack: "FakeSlack"

    @property
    def page(self) -> str:
        """The page that the newcomer opens; it shows what the colleague sees."""
        return self.slack.url

    @property
    def secrets(self) -> Mapping[str, str]:
        """Environment variables that only the gateway gets."""
        tokens = self.slack.tokens
        return {"INTERLOCK_DEMO_BOT": tokens.bot, "INTERLOCK_DEMO_APP": tokens.app}

    def furnish(self, home: House) -> None:
        """Have the gateway of a home ask here."""
        channel = self.slack.channel("incidents").id
        with home.config.open("a", encoding="utf-8") as settings:
            settings.write(_SETTINGS.format(channel=channel, url=self.slack.api_url))

    async def approve(self, voice: Voice) -> None:
        """Wait for the question, show what it says, and press Approve as the colleague."""
        message = await self._question()
        voice.say("\nWhat colleague reads in Slack:")
        voice.quoted(message.shown)
        await asyncio.sleep(READING_S)
        voice.say("colleague presses Approve, and Approve once more to be sure.\n")
        pressed = self.slack.person("colleague").presses(message, "approve")
        await asyncio.to_thread(pressed.wait)

    def how_it_ended(self) -> str:
        """Return what the message says once nobody can press anything in it, or ""."""
        ends = time.monotonic() + _AT_MOST_S
        while time.monotonic() < ends:
            message = next(iter(self._messages()), None)
            said = (
                [line for line in message.shown.splitlines() if "Done " in line] if message else []
            )
            if message and said and message.actions == ["open"]:
                return said[-1].strip()
            time.sleep(_LOOK_S)  # a person takes their time; it is looked at again
        return ""

    async def _question(self) -> "Message":
        while True:
            for message in self._messages():
                if "approve" in message.actions:
                    return message
            await asyncio.sleep(_LOOK_S)

    def _messages(self) -> "list[Message]":
        messages = self.slack.channel("incidents").messages
        return [each for each in messages if not each.thread and not each.deleted]


@contextmanager
def slack_there() -> Iterator[Chat]:
    """Run a pretend Slack with the demo's two people in it.

    Raises:
        InterlockError: what it takes is not installed.
    """
    missing = [name for name in ("slack_sdk", "aiohttp", "uvicorn") if not util.find_spec(name)]
    if missing:
        raise InterlockError(
            f"Slack needs more than this: {missing[0]} is not installed.",
            help="Run `pip install 'interlock-runbooks[demo]'`.",
        )
    from interlock.testing.slack import BOT, FakeSlack, Person  # noqa: PLC0415  an extra

    people = (
        Person(BOT, "interlock", "Interlock", "", bot=True),
        Person("U0COLLEAGUE", "colleague", "Your colleague", "colleague@interlock.test"),
        Person("U0YOU", "you", "You", "you@interlock.test"),
    )
    with FakeSlack(people=people) as slack:
        yield Chat(slack)
