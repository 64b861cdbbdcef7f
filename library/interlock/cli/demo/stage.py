"""What the demo stands on: a gateway of its own, two people with credentials, a folder."""

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from interlock import client
from interlock.cli import child, house
from interlock.cli.demo.chat import Chat
from interlock.cli.home import Credential
from interlock.cli.world import World
from interlock.client import Call, Client
from interlock.client.call import Json

PEOPLE = {"you": "You", "colleague": "Your colleague"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked of the demo.

    Attributes:
        folder: where the exports go.
        interactive: the newcomer plays the colleague.
        keep: everything stays up at the end until Ctrl-C.
        slack: the colleague is asked in a pretend Slack.
    """

    folder: Path
    interactive: bool = False
    keep: bool = False
    slack: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """A gateway that runs, two people who are logged in, and their Slack, if they have one."""

    world: World
    home: house.House
    people: Mapping[str, Credential]
    chat: Chat | None = None

    def ask(self, person: str, call: Call) -> Json:
        """Send a call as `person`."""
        with self.client(person) as gateway:
            return gateway.send(call)

    def client(self, person: str) -> Client:
        """Open a client as `person`."""
        credential = self.people[person]
        return self.world.connect(credential.url, credential.token)

    def code(self, person: str) -> str:
        """Make a fresh one-time code for `person`."""
        return child.one_time_code(self.home.config, person, PEOPLE[person])


@contextmanager
def home_with(targets: str) -> Iterator[house.House]:
    """Make a temporary home whose only targets are those described; remove it at the end."""
    with tempfile.TemporaryDirectory(
        prefix="interlock-demo-", ignore_cleanup_errors=True
    ) as folder:
        home = house.build(Path(folder) / "home", free_port(), PEOPLE)
        policies = home.folder / "policies"
        (policies / "targets.toml").write_text(targets, "utf-8")
        _leave_only_our_people(policies / "roles.csv")
        yield home


@contextmanager
def stage(
    world: World, home: house.House, secrets: Mapping[str, str], chat: Chat | None = None
) -> Iterator[Stage]:
    """Run a gateway in `home` and log both people in; stop it at the end.

    Args:
        world: where it is told, and how clients are opened.
        home: where the gateway lives.
        secrets: environment variables that only the gateway gets.
        chat: the Slack in which it asks.
    """
    if chat is not None:
        chat.furnish(home)
        secrets = {**secrets, **chat.secrets}
    process = child.start(home.config, home.log, {**_without_ours(os.environ), **secrets})
    try:
        # Made while the gateway starts: each takes as long as importing it does.
        codes = {who: child.one_time_code(home.config, who, name) for who, name in PEOPLE.items()}
        child.wait_until_up(process, home.url, home.log)
        people = {who: _logged_in(world, home, who, code) for who, code in codes.items()}
        yield Stage(world, home, people, chat)
    finally:
        child.stop(process)


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _logged_in(world: World, home: house.House, person: str, code: str) -> Credential:
    with world.connect(home.url, "") as gateway:
        answer = gateway.send(client.login(code))
    return Credential(person, PEOPLE[person], answer["token"], home.url)


def _leave_only_our_people(roles: Path) -> None:
    """Drop the shipped examples from roles.csv, so that nobody waits for people who are not."""
    kept = [
        line
        for line in roles.read_text("utf-8").splitlines(keepends=True)
        if not line.startswith("g, ") or line.split(", ")[1] in {*PEOPLE, "incident:commander"}
    ]
    roles.write_text("".join(kept), "utf-8")


def _without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without settings that are meant for another gateway."""
    return {name: value for name, value in environ.items() if not name.startswith("INTERLOCK_")}
