"""All use cases of a gateway: assembled from ports, gathered for the web to call."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock_gateway.service.anchoring import Anchor, Anchoring
from interlock_gateway.service.approvals import Approvals
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.bundling import Bundling
from interlock_gateway.service.chat.hearing import Hearing
from interlock_gateway.service.chat.links import Links
from interlock_gateway.service.chat.protocol import Door
from interlock_gateway.service.decisions import Decisions
from interlock_gateway.service.designs import Designer
from interlock_gateway.service.drills import Drills
from interlock_gateway.service.evidence import Evidence
from interlock_gateway.service.evidence_redaction import EvidenceRedaction
from interlock_gateway.service.evidence_retention import Retention
from interlock_gateway.service.execution import Execution
from interlock_gateway.service.explaining import Explaining
from interlock_gateway.service.followups import FollowUps
from interlock_gateway.service.glass import BreakGlass
from interlock_gateway.service.hypotheses import Hypotheses
from interlock_gateway.service.identity import CodeBook, Identity
from interlock_gateway.service.inbox import Inbox
from interlock_gateway.service.incidents import Incidents
from interlock_gateway.service.log import Log
from interlock_gateway.service.logs import LogsLanguage
from interlock_gateway.service.metrics import MetricsLanguage
from interlock_gateway.service.milestones import Milestones, Pins
from interlock_gateway.service.notes import Notes
from interlock_gateway.service.overview import Overview
from interlock_gateway.service.pacing import Pacing
from interlock_gateway.service.planning import Planning
from interlock_gateway.service.plans import Plans
from interlock_gateway.service.ports import (
    Clock,
    Guard,
    LogSigner,
    Meter,
    PolicySource,
    Randomness,
    RunTokens,
    Seal,
    Store,
)
from interlock_gateway.service.proposals import Proposals
from interlock_gateway.service.queries import Queries
from interlock_gateway.service.reconciling import Reconciling
from interlock_gateway.service.recorded import RecordedRequests
from interlock_gateway.service.redaction import Redaction
from interlock_gateway.service.revoking import Revoking
from interlock_gateway.service.runs import Runs, Shelved
from interlock_gateway.service.skew import Clocks, ClockWatch
from interlock_gateway.service.stewards import Stewards
from interlock_gateway.service.targets import Actor, Logs, Metrics, Reader
from interlock_gateway.service.telemetry import TelemetryQueries
from interlock_gateway.service.timeline import Timeline
from interlock_gateway.service.views import Views


class Library(Protocol):
    """The curated runbooks, for people to look at."""

    def get(self, runbook: str) -> Shelved:
        """Return one, or raise an InterlockError with `runbook-not-found`."""
        ...

    def listed(self, words: str) -> Sequence[dict[str, Any]]:
        """Return a summary of each runbook that fits `words`, best match first."""
        ...


class TemplateSource(Protocol):
    """The team's own templates of exports."""

    def read(self, name: str) -> str | None:
        """Return the text of one; None where there is none of that name."""
        ...

    def names(self) -> tuple[str, ...]:
        """Return what there is, sorted."""
        ...


class NoTemplates:
    """A team without templates of its own."""

    def read(self, name: str) -> str | None:  # noqa: ARG002  the port's parameter
        """Return None."""
        return None

    def names(self) -> tuple[str, ...]:
        """Return nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class ChatUses:
    """What people do about a chat: in it, and on the page where they link their account."""

    hearing: Hearing
    links: Links
    door: Door | None


@dataclass(frozen=True, slots=True)
class EvidenceUses:
    """What people do about evidence: look at it, destroy it, and say how long it is kept."""

    looking: Evidence
    redaction: EvidenceRedaction
    retention: Retention


@dataclass(frozen=True, slots=True)
class ProofUses:
    """What proves the record: the log, its anchors, what leaves with its proof, and clocks."""

    log: Log
    anchoring: Anchoring
    bundling: Bundling
    clocks: Clocks
    watch: ClockWatch


@dataclass(frozen=True, slots=True)
class EntryUses:
    """What people write into a timeline, and the views that they make of it."""

    notes: Notes
    hypotheses: Hypotheses
    decisions: Decisions
    milestones: Milestones
    pins: Pins
    views: Views


@dataclass(frozen=True, slots=True)
class Gateway:
    """The use cases, and the few ports that the web itself needs."""

    identity: Identity
    incidents: Incidents
    overview: Overview
    runs: Runs
    queries: Queries
    metrics: TelemetryQueries
    logs: TelemetryQueries
    explaining: Explaining
    proposals: Proposals
    planning: Planning
    plans: Plans
    approvals: Approvals
    glass: BreakGlass
    revoking: Revoking
    inbox: Inbox
    execution: Execution
    reconciling: Reconciling
    timeline: Timeline
    proof: ProofUses
    followups: FollowUps
    entries: EntryUses
    recorded: RecordedRequests
    bell: Bell
    library: Library
    policy: PolicySource
    clock: Clock
    randomness: Randomness
    meter: Meter
    drills: Drills
    stewards: Stewards
    evidence: EvidenceUses
    redaction: Redaction
    chat: ChatUses | None = None
    templates: TemplateSource = field(default_factory=NoTemplates)


@dataclass(frozen=True, slots=True)
class Ports:
    """What the use cases need of the world; adapters and tests bring it."""

    store: Store
    policy: PolicySource
    guard: Guard
    reader: Reader
    actor: Actor
    metrics: Metrics
    logs: Logs
    seal: Seal
    tokens: RunTokens
    codes: CodeBook
    library: Library
    clock: Clock
    randomness: Randomness
    meter: Meter
    pacing: Pacing
    signer: LogSigner
    redaction: Redaction
    anchors: Sequence[Anchor] = ()
    clocks: Clocks = field(default_factory=Clocks)
    templates: TemplateSource = field(default_factory=NoTemplates)


def assemble(ports: Ports, *, steward_role: str = "", keep_days: int = 0) -> Gateway:
    """Return the use cases: for whoever holds the role to run, and evidence kept so many days."""
    store, policy, clock, meter = ports.store, ports.policy, ports.clock, ports.meter
    guard, reader, seal, bell = ports.guard, ports.reader, ports.seal, Bell()
    random, pacing, redaction = ports.randomness, ports.pacing, ports.redaction
    proposals = Proposals(
        store, policy, Designer(guard), reader, seal, clock, random, meter, pacing, redaction
    )
    approvals = Approvals(store, policy, seal, clock, meter, bell, redaction)
    stewards = Stewards(policy, steward_role)
    return Gateway(
        identity=Identity(
            store, policy, ports.codes, ports.tokens, clock, random, redaction.watched
        ),
        incidents=Incidents(store, policy),
        overview=Overview(store),
        runs=Runs(store, ports.library, ports.tokens, clock, redaction),
        queries=Queries(store, policy, guard, reader, clock, meter, pacing),
        metrics=_telemetry(ports, MetricsLanguage(ports.metrics)),
        logs=_telemetry(ports, LogsLanguage(ports.logs)),
        explaining=Explaining(policy, guard),
        proposals=proposals,
        planning=Planning(store, policy, proposals, seal, clock, random, pacing),
        plans=Plans(store, policy, approvals, clock, meter, bell, redaction),
        approvals=approvals,
        glass=BreakGlass(store, policy, meter, bell),
        revoking=Revoking(store, policy, meter, bell),
        inbox=Inbox(store, policy, seal, clock),
        execution=Execution(
            store, policy, guard, reader, ports.actor, seal, clock, meter, bell, redaction
        ),
        reconciling=Reconciling(store, policy, reader, ports.actor, seal, clock, meter, bell),
        timeline=Timeline(store, policy),
        proof=_proof(ports, stewards),
        followups=FollowUps(store, policy),
        entries=_entries(store, policy),
        recorded=RecordedRequests(store, policy, clock),
        library=ports.library,
        policy=policy,
        clock=clock,
        randomness=random,
        meter=meter,
        bell=bell,
        drills=Drills(store, policy, seal, random, bell, stewards),
        stewards=stewards,
        templates=ports.templates,
        evidence=_evidence(ports, stewards, keep_days),
        redaction=redaction,
    )


def _telemetry(ports: Ports, language: MetricsLanguage | LogsLanguage) -> TelemetryQueries:
    return TelemetryQueries(
        ports.store, ports.policy, language, ports.clock, ports.meter, ports.pacing
    )


def _proof(ports: Ports, stewards: Stewards) -> ProofUses:
    store, meter = ports.store, ports.meter
    anchoring = Anchoring(store, ports.anchors, ports.clock, meter, ports.randomness)
    return ProofUses(
        Log(store, anchoring, ports.signer, stewards),
        anchoring,
        Bundling(store, ports.policy, ports.signer),
        ports.clocks,
        ClockWatch(store, ports.clocks, meter),
    )


def _evidence(ports: Ports, stewards: Stewards, keep_days: int) -> EvidenceUses:
    store = ports.store
    return EvidenceUses(
        Evidence(store, ports.policy),
        EvidenceRedaction(store, stewards),
        Retention(store, stewards, ports.clock, keep_days),
    )


def _entries(store: Store, policy: PolicySource) -> EntryUses:
    return EntryUses(
        notes=Notes(store),
        hypotheses=Hypotheses(store, policy),
        decisions=Decisions(store, policy),
        milestones=Milestones(store),
        pins=Pins(store),
        views=Views(store, policy),
    )
