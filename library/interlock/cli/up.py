"""`interlock up`: a gateway for this machine. `interlock gateway`: the gateway alone."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

import os
import socket
from pathlib import Path

from interlock.cli import child, house
from interlock.cli.ending import Ending
from interlock.cli.home import USUAL, Access
from interlock.cli.plain import flat
from interlock.cli.refusal import FAILED, OK
from interlock.cli.world import World, here
from interlock.client import Client
from interlock.errors import UsageError

PORT = 8321
PEOPLE = {"responder": "Responder", "approver": "Approver"}
"""Who lives in a fresh home; `policies/roles.csv` says what they may do."""


def up(*, port: int | None = None, access: Access = USUAL) -> int:
    """Start a gateway for this machine; the first time, make a home for it.

    Args:
        port: the loopback port to listen on [default: 8321]
    """
    world = here()
    home = _home(access.folder(), port)
    _refuse_if_taken(home)
    codes = {
        person: child.one_time_code(home.config, person, name)
        for person, name in home.people.items()
    }
    with Ending() as ending:
        process = child.start(home.config, home.log)
        try:
            with ending.at_once():
                child.wait_until_up(process, home.url, home.log)
                _print_welcome(world, home, codes)
                return _watched(world, home, process)
        except KeyboardInterrupt:
            world.say("\nStopped.")
            return OK
        finally:
            child.stop(process)


def gateway(*, config: Path) -> None:
    """Start the gateway alone, in this process, from a configuration file.

    Args:
        config: its interlock.toml
    """
    words = child.command(here().cwd / config, "serve")
    os.execv(words[0], words)  # noqa: S606  our own command, no shell


def _home(folder: Path, port: int | None) -> house.House:
    if not (folder / "interlock.toml").exists():
        return house.build(folder, port or PORT, PEOPLE)
    home = house.read(folder)
    if port not in {None, home.port}:
        raise UsageError(
            f"{home.config} says port {home.port}, not {port}.",
            help="Change it there, or use another --home.",
        )
    return home


def _refuse_if_taken(home: house.House) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", home.port))
        except OSError:
            pass
        else:
            return
    with Client(home.url) as other:
        if child.answers(other):
            raise UsageError(f"A gateway already answers at {home.url}.", help="Use that one.")
    raise UsageError(
        f"Port {home.port} is taken by something else.",
        help=f"Choose another: `interlock up --port {home.port + 1}`.",
    )


def _print_welcome(world: World, home: house.House, codes: dict[str, str]) -> None:
    world.say(f"✔ Interlock is up at {home.url} (Ctrl-C stops it)", "good")
    world.say(f"  home  {home.folder}")
    world.say(f"  log   {home.log}\n")
    world.say("Local people, each with a code that works once. Not for production:", "warn")
    for person, code in codes.items():
        world.say(f"  {flat(person):<10}  interlock login {flat(code)}{_where(world, home)}")
    world.say("\nNext, in another terminal: log in as above, then")
    world.say('  interlock incident open "What users notice"')


def _where(world: World, home: house.House) -> str:
    """Return the option that another terminal needs to find this home, if it needs one."""
    usual = Path(world.environ.get("HOME", "~")) / ".interlock"
    return "" if home.folder == usual else f" --home {home.folder}"


def _watched(world: World, home: house.House, process: child.Process) -> int:
    code = process.wait()
    world.hint(f"✖ The gateway ended by itself ({code}). Its log: {home.log}", "bad")
    return FAILED
