"""The composition root: settings in, a running application out."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, assert_never

import structlog
from fastapi import FastAPI

from interlock_gateway.adapters.anchors import FileAnchor
from interlock_gateway.adapters.catalogues import Snapshots
from interlock_gateway.adapters.classifier import Classifier
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.codes import LocalCodes
from interlock_gateway.adapters.guard import SqlGuard
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.meter import PrometheusMeter
from interlock_gateway.adapters.noticeboard import LogBoard, LoggedBoard
from interlock_gateway.adapters.policy_files import PolicyFolder
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.seal import KeySeal, key_in
from interlock_gateway.adapters.secret_scanner import KingfisherScanner
from interlock_gateway.adapters.secrets import References
from interlock_gateway.adapters.shelf import FolderShelf
from interlock_gateway.adapters.slack.at import SlackAt
from interlock_gateway.adapters.store import PostgresEchoes, SqlStore, open_store
from interlock_gateway.adapters.targets import Targets
from interlock_gateway.adapters.targets.http import GuardedClient
from interlock_gateway.adapters.targets.loki import LokiReader
from interlock_gateway.adapters.targets.prometheus import PrometheusReader
from interlock_gateway.adapters.template_folder import TemplateFolder
from interlock_gateway.adapters.tokens import SignedRunTokens
from interlock_gateway.adapters.vault import Vault, VaultAt, named_in
from interlock_gateway.core.endpoint import base_url, network
from interlock_gateway.service.anchoring import Anchor
from interlock_gateway.service.considerate import (
    ConsiderateLogs,
    ConsiderateMetrics,
    ConsiderateReader,
    Consideration,
)
from interlock_gateway.service.gateway import Gateway, Ports, assemble
from interlock_gateway.service.pacing import Pacing
from interlock_gateway.service.ports import Echoes, Seal
from interlock_gateway.service.redacted import (
    RedactedActor,
    RedactedLogs,
    RedactedMetrics,
    RedactedReader,
)
from interlock_gateway.service.redaction import Redaction, ScannerError, Watched
from interlock_gateway.service.reloading import (
    Outcome,
    Refused,
    Reloaded,
    Reloading,
    Unchanged,
)
from interlock_gateway.service.skew import Clocks
from interlock_gateway.service.targets import TargetError
from interlock_gateway.service.telling import Telling
from interlock_gateway.settings import Settings
from interlock_gateway.web.server import serve

if TYPE_CHECKING:
    from interlock_gateway.adapters.slack.connection import Slack

_LONGEST_WORK = timedelta(minutes=10)
"""No action of another gateway is under way for longer than this."""

_log = structlog.get_logger("interlock.gateway")


@dataclass(frozen=True, slots=True)
class Composed:
    """A gateway with everything that has to be looked after while it runs."""

    gateway: Gateway
    store: SqlStore
    targets: Targets
    classifier: Classifier
    telling: Telling
    reloading: Reloading
    meter: PrometheusMeter
    vault: Vault | None
    owns_store: bool
    echoes: Echoes | None
    scanner: KingfisherScanner
    secrets: References
    slack_references: tuple[str, ...] = ()
    slack: "Slack | None" = None


@dataclass(frozen=True, slots=True)
class _World:
    """What reaches out of the process, made once."""

    secrets: References
    classifier: Classifier
    targets: Targets
    clocks: Clocks


def codes_of(settings: Settings) -> LocalCodes:
    """Return where one-time codes of local people are kept."""
    return LocalCodes(settings.path("state/codes"))


def vault_at(settings: Settings) -> VaultAt | None:
    """Return where the settings say a Vault is.

    Raises:
        ValueError: they cannot be used.
    """
    vault = settings.vault
    if not vault.url:
        return None
    networks = tuple(map(network, vault.addresses))
    at_home = networks and all(one.is_loopback for one in networks)
    if not base_url(vault.url).secure and not at_home:
        raise ValueError("vault.url: a token is not sent over http://; use https://.")
    if not vault.token:
        raise ValueError("vault.token is missing: name the file or the variable that holds it.")
    return VaultAt(
        vault.url, vault.token, networks, str(settings.path(vault.ca)) if vault.ca else ""
    )


def slack_at(settings: Settings) -> SlackAt | None:
    """Return where the settings say Slack is; None where approvals are not asked for there.

    Raises:
        ValueError: they cannot be used.
    """
    slack = settings.slack
    if not slack.bot_token:
        return None
    if not slack.team or not slack.channel:
        raise ValueError(
            "slack.team and slack.channel are missing: name the workspace (T…) and the channel "
            "(C…), as Slack shows them in a channel's details and its address in a browser."
        )
    if bool(slack.app_token) == bool(slack.signing_secret):
        raise ValueError(
            "slack: set app_token to hear by Socket Mode, or signing_secret to be posted to; "
            "exactly one of them."
        )
    if len(set(slack.people.values())) != len(slack.people):
        raise ValueError("slack.people: an account belongs to one person alone.")
    if len({address.lower() for address in slack.emails.values()}) != len(slack.emails):
        raise ValueError("slack.emails: an address belongs to one person alone.")
    if not base_url(slack.base_url).secure and "://127.0.0.1:" not in slack.base_url:
        raise ValueError("slack.base_url: a token is not sent over http://; use https://.")
    return SlackAt(
        bot_token=slack.bot_token,
        app_token=slack.app_token,
        signing_secret=slack.signing_secret,
        team=slack.team,
        channel=slack.channel,
        address=settings.address,
        accounts={account: person for person, account in slack.people.items()},
        emails={address: person for person, address in slack.emails.items()},
        base_url=slack.base_url,
        note_reaction=slack.note_reaction,
        incident_channels=slack.incident_channels,
    )


def _connected(
    at: SlackAt, gateway: Gateway, store: SqlStore, seal: Seal, secrets: References
) -> "Slack":
    try:
        from interlock_gateway.adapters.slack.connection import connect  # noqa: PLC0415  only who uses Slack needs its SDK
    except ImportError as error:
        message = "Slack is configured, and its SDK is missing: pip install "
        raise ValueError(f"{message}'interlock-runbooks[slack]' ({error.name}).") from error
    return connect(at, gateway, store, seal, secrets.resolve)


def compose(settings: Settings, watched: Watched | None = None) -> Composed:
    """Build a gateway from its settings; opening the store may migrate it.

    Args:
        settings: every knob.
        watched: takes the secrets that are resolved, for whoever masks the log as well.

    Raises:
        PolicyError: the policy folder cannot be loaded.
        StoreUnwritableError: the store cannot be opened.
        OSError, ValueError: a key file cannot be used.
    """
    meter, scanner = PrometheusMeter(), KingfisherScanner()
    watched = Watched() if watched is None else watched
    secrets = References(settings.home, vault_at(settings), watched.credential)
    redaction = Redaction(watched, scanner, meter)
    clocks = Clocks()
    world = _World(secrets, Classifier(), Targets(secrets, clocks), clocks)
    store = open_store(
        settings.store_url,
        SystemClock(),
        SystemRandomness().identifier,
        random_bytes,
        _signer(settings),
        redaction,
    )
    policy = PolicyFolder(settings.path(settings.policies))
    ports = _ports(settings, store, policy, redaction, world, meter)
    gateway = assemble(
        ports, steward_role=settings.steward_role, keep_days=settings.evidence.keep_days
    )
    at = slack_at(settings)
    slack = _connected(at, gateway, store, ports.seal, secrets) if at else None
    return Composed(
        gateway=replace(gateway, chat=slack.uses) if slack else gateway,
        store=store,
        targets=world.targets,
        classifier=world.classifier,
        telling=_telling(settings, gateway, store, slack),
        reloading=Reloading(store, policy, gateway.clock, meter, _tell),
        meter=meter,
        vault=secrets.vault,
        echoes=None if _owns(settings) else PostgresEchoes(settings.store_url),
        owns_store=_owns(settings),
        slack=slack,
        scanner=scanner,
        secrets=secrets,
        slack_references=_references(at),
    )


def _ports(
    settings: Settings,
    store: SqlStore,
    policy: PolicyFolder,
    redaction: Redaction,
    world: "_World",
    meter: PrometheusMeter,
) -> Ports:
    clock = SystemClock()
    pacing = Pacing(clock)
    consideration = Consideration(pacing, clock, meter)
    reader = RedactedReader(ConsiderateReader(world.targets, consideration), redaction)
    secrets, client = world.secrets, GuardedClient(clocks=world.clocks)
    metrics = ConsiderateMetrics(PrometheusReader(secrets, client), consideration)
    logs = ConsiderateLogs(LokiReader(secrets, client), consideration)
    return Ports(
        store=store,
        policy=policy,
        guard=SqlGuard(Snapshots(reader), world.classifier),
        reader=reader,
        actor=RedactedActor(world.targets, redaction),
        metrics=RedactedMetrics(metrics, redaction),
        logs=RedactedLogs(logs, redaction),
        seal=KeySeal(key_in(settings.path("state/seal.key"))),
        tokens=SignedRunTokens(key_in(settings.path("state/run-token.key"))),
        codes=codes_of(settings),
        library=FolderShelf(settings.path(settings.runbooks)),
        clock=clock,
        randomness=SystemRandomness(),
        meter=meter,
        pacing=pacing,
        signer=_signer(settings),
        anchors=_anchors(settings),
        clocks=world.clocks,
        templates=TemplateFolder(settings.path(settings.exports)),
        redaction=redaction,
    )


def _signer(settings: Settings) -> LogKeys:
    return LogKeys(settings.path("state/log-keys"))


def _anchors(settings: Settings) -> list[Anchor]:
    """Return the anchors that the settings name; an incident's thread is told by the chat."""
    return [FileAnchor(settings.path(settings.log.anchor))] if settings.log.anchor else []


def _owns(settings: Settings) -> bool:
    """Tell whether no other gateway can have this store."""
    return settings.store_url.startswith("sqlite")


def _telling(
    settings: Settings, gateway: Gateway, store: SqlStore, slack: "Slack | None"
) -> Telling:
    board = LoggedBoard(slack.board) if slack else LogBoard()
    return Telling(
        store,
        board,
        gateway.clock,
        gateway.meter,
        gateway.bell,
        gateway.randomness,
        only_one=_owns(settings),
    )


def application(composed: Composed) -> FastAPI:
    """Return the application with its background work tied to its life."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(composed.store.aclose)
            stack.push_async_callback(composed.targets.aclose)
            stack.push_async_callback(composed.classifier.aclose)
            stack.push_async_callback(composed.scanner.aclose)
            if composed.slack is not None:
                stack.push_async_callback(composed.slack.chat.aclose)
            stack.push_async_callback(composed.gateway.execution.drain)
            await composed.classifier.start()
            await _recover(composed)
            if composed.vault is not None:
                await composed.vault.fetch(
                    named_in(composed.gateway.policy.current.targets.values())
                )
            await asyncio.to_thread(_learn, composed)
            await composed.reloading.begin()
            for work in _works(composed):
                task = asyncio.create_task(work)
                stack.push_async_callback(_stopped, task)
            yield

    return serve(composed.gateway, composed.meter.exposition, life)


def _works(composed: Composed) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what goes on beside the requests."""
    yield composed.telling.run()
    yield composed.reloading.run()
    yield composed.gateway.proof.anchoring.run()
    yield composed.gateway.proof.watch.run(composed.store.clock)
    yield _sweep(composed)
    yield _prove(composed)
    yield _expire(composed)
    yield _look_for_secrets(composed)
    if composed.slack is not None:
        yield from composed.slack.works()
    if composed.echoes is not None:
        yield composed.echoes.run(composed.gateway.bell.ring)
    if composed.vault is not None:
        policy = composed.gateway.policy
        yield composed.vault.run(lambda: named_in(policy.current.targets.values()))


async def _recover(composed: Composed) -> None:
    """Whatever is under way and nobody works on has an unknown outcome now."""
    grace = timedelta(0) if composed.owns_store else _LONGEST_WORK
    lost = await composed.gateway.execution.recover(grace)
    if lost:
        composed.meter.count("alarms", kind="outcome_unknown")
        _log.warning("actions with unknown outcome", count=lost)


def _references(at: SlackAt | None) -> tuple[str, ...]:
    every = (at.bot_token, at.app_token, at.signing_secret) if at else ()
    return tuple(reference for reference in every if reference)


def _learn(composed: Composed) -> None:
    """Resolve every credential, so that it is masked from the first moment on, rotated or not."""
    named = list(composed.slack_references)
    for target in composed.gateway.policy.current.targets.values():
        named += [reference for reference in (target.read, target.act) if reference]
    for reference in named:
        with suppress(TargetError):  # whoever needs it is told what is wrong
            composed.secrets.resolve(reference)


async def _look_for_secrets(composed: Composed, every_s: float = 30.0) -> None:
    """Let the scanner compile its rules, then learn of rotated credentials before their use."""
    with suppress(ScannerError):  # each text tries again, and is withheld meanwhile
        await composed.scanner.start()
    while True:
        await asyncio.sleep(every_s)
        await asyncio.to_thread(_learn, composed)


def _tell(outcome: Outcome) -> None:
    """Say in the log what became of a changed policy folder."""
    match outcome:
        case Reloaded(before, after):
            _log.warning("policy reloaded", before=before, after=after)
        case Unchanged(policy):
            _log.info("policy unchanged", policy=policy)
        case Refused(policy, problems):
            told = [str(problem) for problem in problems[:20]]
            _log.error("policy refused, the last good one stays", policy=policy, problems=told)
        case _:
            assert_never(outcome)


async def _sweep(composed: Composed, every_s: float = 1.0) -> None:
    """Expire approvals on time, and notice whose outcome was never recorded."""
    while True:
        try:
            await composed.gateway.approvals.expire()
            await _recover(composed)
            await composed.gateway.drills.sweep()
        except Exception as error:  # noqa: BLE001  the sweep outlives every trouble, and says so
            composed.meter.count("alarms", kind="sweep")
            _log.warning("the sweep failed", reason=str(error))
        await asyncio.sleep(every_s)


async def _prove(composed: Composed, every_s: float = 1.0) -> None:
    """Prove unknown outcomes, beside the sweep: a target that does not answer takes its time."""
    while True:
        try:
            if proven := await composed.gateway.reconciling.prove():
                _log.warning("unknown outcomes proven", count=proven)
        except Exception as error:  # noqa: BLE001  it outlives every trouble, and says so
            composed.meter.count("alarms", kind="prove")
            _log.warning("proving outcomes failed", reason=str(error))
        await asyncio.sleep(every_s)


async def _expire(composed: Composed, every_s: float = 30.0) -> None:
    """Let evidence expire, beside the sweep: it may take its time."""
    while True:
        try:
            if expired := await composed.gateway.evidence.retention.sweep():
                _log.info("evidence expired", count=expired)
        except Exception as error:  # noqa: BLE001  it outlives every trouble, and says so
            composed.meter.count("alarms", kind="expire")
            _log.warning("expiring evidence failed", reason=str(error))
        await asyncio.sleep(every_s)


async def _stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
