"""`python -m interlock_gateway`: serve, make a one-time code, examine targets, show settings."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from sse_starlette.sse import AppStatus

from interlock_gateway.adapters import doctor, policy_files
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.codes import LIFE
from interlock_gateway.adapters.randomness import SystemRandomness
from interlock_gateway.adapters.secrets import References
from interlock_gateway.adapters.vault import named_in
from interlock_gateway.app import Composed, application, codes_of, compose, vault_at
from interlock_gateway.core.model import Person
from interlock_gateway.core.policy import PolicyError
from interlock_gateway.core.redaction import masked
from interlock_gateway.core.strict import nearest
from interlock_gateway.cycles import seek_cycles_seldom
from interlock_gateway.log_checks import LOG_CHECKS, log_checks
from interlock_gateway.service.ports import StoreUnwritableError
from interlock_gateway.service.redaction import Watched
from interlock_gateway.settings import Listen, Settings, SettingsError, load, shown
from interlock_gateway.slack_checks import SLACK, slack_checks


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub command and return its exit code: 0 ok, 1 failed, 2 usage."""
    given = _parser().parse_args(arguments)
    try:
        settings = load(given.config)
        if given.show_settings:
            print(shown(settings, given.config))  # noqa: T201  this is what was asked for
            return 0
        if given.verb == "code":
            return _code(settings, given.person, given.name)
        if given.verb == "doctor":
            return _doctor(settings, given.target, sql=given.sql)
        return _serve(settings)
    except (SettingsError, PolicyError, StoreUnwritableError, OSError, ValueError) as error:
        print(f"The gateway cannot start.\n{error}", file=sys.stderr)  # noqa: T201  to a person
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m interlock_gateway", description=__doc__)
    parser.add_argument("--config", type=Path, help="the settings file, interlock.toml")
    parser.add_argument(
        "--show-settings", action="store_true", help="print every setting and its value"
    )
    verbs = parser.add_subparsers(dest="verb")
    verbs.add_parser("serve", help="serve until stopped (the default)")
    code = verbs.add_parser("code", help="print a one-time code for a local person")
    code.add_argument("person", help="their id, such as responder")
    code.add_argument("--name", default="", help="their name for display")
    lock = verbs.add_parser("doctor", help="prove each target's engine lock, a JSON object a line")
    lock.add_argument("--target", default="", help="this one alone")
    lock.add_argument("--sql", action="store_true", help="statements that create its logins")
    return parser


def _code(settings: Settings, person: str, name: str) -> int:
    code = SystemRandomness().code()
    shown_as = name or settings.people.local.get(person, person)
    codes_of(settings).write(Person(person, shown_as), code, SystemClock().now())
    print(code)  # noqa: T201  this is what was asked for
    minutes = int(LIFE.total_seconds() // 60)
    print(f"For {person}, once, within {minutes} minutes.", file=sys.stderr)  # noqa: T201  to a person
    return 0


def _doctor(settings: Settings, name: str, *, sql: bool) -> int:
    """Examine targets, Slack and the log; nothing is locked: it works beside a running gateway."""
    policy = policy_files.read(settings.path(settings.policies))
    known, slack = policy.targets, bool(settings.slack.bot_token)
    only_slack = slack and name == SLACK and name not in known
    only_masking = name in (doctor.MASKING, LOG_CHECKS) and name not in known
    if name and name not in known and not only_slack and not only_masking:
        told = f"There is no target {name!r}{nearest(name, known)}"
        print(told, file=sys.stderr)  # noqa: T201  to a person
        return 2
    targets = [known[name]] if name in known else [] if only_slack else list(known.values())
    secrets = References(settings.home, vault_at(settings))
    if secrets.vault is not None:
        asyncio.run(secrets.vault.fetch(named_in(targets)))
    if sql:
        return doctor.print_sql(targets, secrets)
    chat = slack_checks(settings, policy, secrets) if slack and (only_slack or not name) else None
    tokens = (settings.slack.bot_token, settings.slack.app_token, settings.slack.signing_secret)
    masking = doctor.examine_masking(targets, [one for one in tokens if one], secrets)
    more = [masking] if name == doctor.MASKING or (targets and not name) else []
    more += [log_checks(settings)] if name == LOG_CHECKS or (targets and not name) else []
    examined = [] if only_masking else targets
    return asyncio.run(doctor.print_checks(examined, secrets, *more, *([chat] if chat else [])))


def _serve(settings: Settings) -> int:
    watched = Watched()
    _logs(settings.log_level, watched)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is a policy to read again
    with _door(settings.listen) as door:
        composed = compose(settings, watched)
        seek_cycles_seldom()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_stopped(settings, composed, door))
    return 0


def _door(listen: Listen) -> socket.socket:
    """Take the port before anything else: uvicorn would answer a taken one with a traceback."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        door = socket.create_server((listen.host, listen.port), family=family)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (")[0]
        raise OSError(
            f"Port {listen.port} of {listen.host} cannot be used: {why}. "
            "Stop what listens there, or set another listen.port."
        ) from error
    # Each connection inherits it. asyncio sets it only on sockets it made itself; without it an
    # answer waits for the client's delayed acknowledgement, 40 ms each time.
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door


class _Server(uvicorn.Server):
    """A server that leaves signals to us, because two of them share one process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


async def _until_stopped(settings: Settings, composed: Composed, door: socket.socket) -> None:
    """Serve on TCP and, where configured, on a Unix socket, until a signal or a failure."""
    app = application(composed)
    configs = [_config(app, lifespan="on")]
    if settings.listen.socket:
        path = settings.path(settings.listen.socket)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        configs.append(_config(app, lifespan="off", uds=str(path)))
    servers = [_Server(config) for config in configs]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, servers, composed)
    loop.add_signal_handler(signal.SIGHUP, _hung_up, servers, composed, _has_terminal())
    doors = ([door], None)
    serving = [
        asyncio.create_task(server.serve(sockets))
        for server, sockets in zip(servers, doors, strict=False)
    ]
    done, _ = await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
    _stop(servers, composed)
    await asyncio.wait(serving)
    for task in done:
        task.result()


def _stop(servers: Sequence[uvicorn.Server], composed: Composed) -> None:
    """Let what has begun end, and send away whoever only waits or follows a timeline."""
    composed.gateway.approvals.send_away()
    AppStatus.should_exit = True
    for server in servers:
        server.should_exit = True


def _hung_up(servers: Sequence[uvicorn.Server], composed: Composed, terminal: bool) -> None:  # noqa: FBT001  a signal's handler is given by place
    """Read the policy again; but stop if the terminal that it was started in is gone."""
    if terminal and not _has_terminal():
        _stop(servers, composed)
    else:
        composed.reloading.ask()


def _has_terminal() -> bool:
    """Tell whether this process has a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _config(app: FastAPI, **where: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=20,
        **where,
    )


def _logs(level: str, watched: Watched) -> None:
    """Write one JSON object a line to standard error; no value of a request is in it.

    The gateway's own secrets are masked in every line: an error may repeat what it was given.
    """
    number = logging.getLevelNamesMapping()[level.upper()]

    def clean(line: str) -> str:
        return masked(line, watched.known.spans(line))

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
            _masking(clean),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Clean(clean))
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING))


def _masking(clean: Callable[[str], str]) -> Callable[[Any, str, Any], Any]:
    """Return the last processor of a line: it gets the text that is printed."""
    return lambda _logger, _method, line: clean(str(line))


class _Clean(logging.Formatter):
    """Masks secrets in what libraries log."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__(logging.BASIC_FORMAT)
        self._clean = clean

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, masked."""
        return self._clean(super().format(record))


if __name__ == "__main__":
    sys.exit(main())
