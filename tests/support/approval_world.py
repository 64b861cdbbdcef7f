"""Two gateways over one store that can die at any port, and a target that keeps a true ledger.

Each gateway is what `assemble` makes of the ports; a dead one is left alone and another is made
over the same store, as a restart does.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from interlock_gateway.adapters.classifier import Classifier
from interlock_gateway.adapters.codes import LocalCodes
from interlock_gateway.adapters.guard import SqlGuard
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.meter import PrometheusMeter
from interlock_gateway.adapters.policy_files import read as read_policy
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.seal import KeySeal
from interlock_gateway.adapters.shelf import FolderShelf
from interlock_gateway.adapters.store import SqlStore, open_store
from interlock_gateway.adapters.tokens import SignedRunTokens
from interlock_gateway.core.model import Limits, Person, Rows, Statement, Target
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.service.gateway import Gateway, Ports, assemble
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.pacing import Pacing
from interlock_gateway.service.ports import Reading, Transaction
from interlock_gateway.service.redaction import NoScanner, Redaction, Watched
from interlock_gateway.service.targets import (
    Became,
    Deed,
    OutcomeUnknownError,
    Prepared,
    Proof,
    TargetError,
    Witness,
)

from support.approval_model import LAWS, SEVERITY, SHIPPED, Law
from support.counting import counting_runbook
from support.house import ROOT, HandClock, ObedientLogs, ObedientMetrics, one_row

T = TypeVar("T")
_KEY = bytes(range(32))
_GRACE = timedelta(minutes=10)
_TARGETS = """
tiers = ["production"]
pace.person = { at_once = 64, per_minute = 1_000_000 }
pace.run = { at_once = 64, per_minute = 1_000_000 }

[target.orders]
dialect = "postgres"
tier = "production"
read = "env:ORDERS_READ"
act = "env:ORDERS_ACT"
pace = { at_once = 64, per_minute = 1_000_000 }
"""
_CLOCKS = 'decide_within = "15m"\nuse_within = "5m"\nmax_rows = 100'
DIES = ("dies before", "dies between", "dies after")
ENDS = ("done", "refused", "lost and done", "lost and undone", *DIES)
"""What may become of a deed."""


class KilledError(Exception):
    """This gateway is dead; whatever it still tries ends here."""


@dataclass(slots=True)
class Life:
    """One gateway's life: it ends at the `doom`-th unit of work from now, if that is set."""

    dead: bool = False
    doom: int | None = None
    moment: str = "before"

    def must_go_on(self) -> None:
        """Let nothing happen after death."""
        if self.dead:
            raise KilledError

    def end(self) -> NoReturn:
        """Die here."""
        self.dead = True
        raise KilledError

    def struck(self) -> str:
        """Return at which moment of this unit of work it dies, or ""."""
        self.must_go_on()
        if self.doom is None:
            return ""
        self.doom -= 1
        return self.moment if self.doom < 0 else ""


@dataclass(frozen=True, slots=True)
class MortalStore:
    """The store, as a gateway sees it that dies before, inside or after a unit of work."""

    store: SqlStore
    life: Life

    async def commit(self, unit: Callable[[Transaction], T]) -> T:
        """Run the unit, unless it is the last."""

        def cut_off(tx: Transaction) -> T:
            unit(tx)
            raise KilledError

        moment = self.life.struck()
        if moment == "before":
            self.life.end()
        self.life.dead = bool(moment)
        given = await self.store.commit(cut_off if moment == "inside" else unit)
        if moment:
            raise KilledError
        return given

    async def read(self, question: Callable[[Reading], T]) -> T:
        """Answer, while alive."""
        self.life.must_go_on()
        return await self.store.read(question)

    async def glance(self, question: Callable[[Reading], T]) -> T:
        """Answer, while alive."""
        self.life.must_go_on()
        return await self.store.glance(question)

    @property
    def untidy(self) -> bool:
        """Tell, alive or not."""
        return self.store.untidy

    async def tidy(self, *, wholly: bool) -> bool:
        """Tidy, while alive."""
        self.life.must_go_on()
        return await self.store.tidy(wholly=wholly)


@dataclass(slots=True)
class Ledger:
    """What really happened at the target: how often each counter was counted up.

    Attributes:
        counted: by counter.
        end: what becomes of the next deed; then all is well again.
        tells: whether the target says what became of a transaction.
        meanwhile: done while it is asked what names mean, just before a grant is used.
    """

    counted: Counter[int] = field(default_factory=Counter)
    end: str = "done"
    tells: bool = True
    meanwhile: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class MortalTarget:
    """The target, as a gateway sees it that may die while it acts."""

    ledger: Ledger
    life: Life

    async def catalogue(self, _target: Target, *, fresh: bool = False) -> Catalogue | None:  # noqa: ARG002  the port's signature
        """Let something happen meanwhile; names need no explanation here."""
        self.life.must_go_on()
        self.ledger.meanwhile()
        return None

    async def read(
        self, _target: Target, statement: Statement, _values: Mapping[str, Any], _limits: Limits
    ) -> Rows:
        """Answer one row."""
        self.life.must_go_on()
        return one_row(statement)

    async def act(self, _target: Target, deed: Deed, _limits: Limits, witness: Witness) -> Rows:
        """Count up, or not, and let it be known, or not."""
        self.life.must_go_on()
        counter = int(deed.values["id"]["value"])
        end, self.ledger.end = self.ledger.end, "done"
        if end == "refused":
            raise TargetError("target-failed", "Its lock was not free in time.")
        if end == "dies before":
            self.life.end()
        await asyncio.sleep(0)
        await witness.before_commit(Prepared(1, None, {"id": str(counter)}))
        if end in ("done", "lost and done", "dies after"):
            self.ledger.counted[counter] += 1
        if end in DIES:
            self.life.end()
        if end.startswith("lost"):
            raise OutcomeUnknownError("The connection was lost.")
        return Rows((), (), affected=1)

    async def became(self, _target: Target, transaction: Mapping[str, str]) -> Proof:
        """Tell the truth, or nothing."""
        self.life.must_go_on()
        if not self.ledger.tells:
            return Proof(Became.OPEN, "It is not known yet.")
        done = self.ledger.counted[int(transaction["id"])] > 0
        return Proof(Became.COMMITTED if done else Became.ROLLED_BACK, "Its list says so.")

    async def aclose(self) -> None:
        """Close nothing."""


@dataclass(slots=True)
class Swapped:
    """The policy in force: whichever law was put there last."""

    policies: Mapping[str, Policy]
    law: str = SHIPPED

    @property
    def current(self) -> Policy:
        """The snapshot in force."""
        return self.policies[self.law]


@dataclass(frozen=True)
class Stage:
    """What every world shares, made once: policies, the runbook, the guard's classifier."""

    folder: Path
    classifier: Classifier = field(default_factory=Classifier)

    @cached_property
    def policies(self) -> dict[str, Policy]:
        """Each law as the gateway reads it from files."""
        return {name: read_policy(self._written(name, law)) for name, law in LAWS.items()}

    @cached_property
    def shelf(self) -> FolderShelf:
        """The shelf with the counting runbook."""
        books = self.folder / "runbooks"
        (books / "postgres").mkdir(parents=True)
        (books / "postgres" / "counting.ipynb").write_text(counting_runbook())
        return FolderShelf(books)

    def _written(self, name: str, law: Law) -> Path:
        goal = self.folder / name
        goal.mkdir()
        (goal / "model.conf").write_bytes((ROOT / "policies" / "model.conf").read_bytes())
        (goal / "targets.toml").write_text(_TARGETS)
        (goal / "roles.csv").write_text(_roles(law))
        (goal / "permissions.csv").write_text(_permissions(law))
        (goal / "approvals.toml").write_text(_rules(law))
        return goal


def _roles(law: Law) -> str:
    lines = [f"role, {role}" for role in ("dba", "sre", "developer")]
    lines += ["g, incident:commander, incident:responder"]
    lines += [
        f"g, {person}, {role}" for person, held in law.roles.items() for role in sorted(held)
    ]
    return "\n".join(lines) + "\n"


def _permissions(law: Law) -> str:
    denied = [] if law.writes else ["p, *, *, *, *, write, *, deny, -, -"]
    lines = [*denied, "p, incident:responder, *, *, *, read, *, allow, freely, -"]
    lines += [
        f"p, incident:responder, curated, *, production, write, {severity}, allow, {rule}, -"
        for severity, rule in SEVERITY.items()
    ]
    return "\n".join(lines) + "\n"


def _rules(law: Law) -> str:
    return "".join(
        f"[rule.{name}]\n{_CLOCKS}\n{_key(groups)} = [{', '.join(_seats(groups))}]\n"
        for name, groups in law.rules.items()
    )


def _key(groups: Sequence[tuple[str, ...]]) -> str:
    return "any_of" if len(groups) > 1 else "all_of"


def _seats(groups: Sequence[tuple[str, ...]]) -> list[str]:
    counted = [entry for seats in groups for entry in Counter(seats).items()]
    return [f'{{ role = "{role}", count = {count} }}' for role, count in counted]


class World:
    """Two gateways over one store, everything they can be told, and what the store says."""

    def __init__(self, stage: Stage, folder: Path, store_url: str = "") -> None:
        self._stage = stage
        self._folder = folder
        self._random = SystemRandomness()
        self._embedded = not store_url
        self.clock = HandClock()
        self.ledger = Ledger()
        self.policy = Swapped(stage.policies)
        url = store_url or f"sqlite:///{folder}/store.db"
        self._signer = LogKeys(folder / "log-keys")
        self.store = open_store(
            url, self.clock, self._random.identifier, random_bytes, self._signer
        )
        self.lives = [Life(), Life()]
        self.gateways = [self._assembled(life) for life in self.lives]

    async def restart_the_dead(self) -> int:
        """Make another gateway in place of each dead one; return how many there were."""
        dead = [place for place, life in enumerate(self.lives) if life.dead]
        for place in dead:
            await self.gateways[place].execution.drain()
            self.lives[place] = Life()
            self.gateways[place] = self._assembled(self.lives[place])
            await self.sweep(place)
        return len(dead)

    async def sweep(self, place: int = 0) -> None:
        """Do what a gateway does each second."""
        await self.gateways[place].approvals.expire()
        grace = timedelta(0) if self._embedded else _GRACE
        await self.gateways[place].execution.recover(grace)

    async def aclose(self) -> None:
        """Close the store."""
        for gateway in self.gateways:
            await gateway.execution.drain()
        await self.store.aclose()

    def _assembled(self, life: Life) -> Gateway:
        target = MortalTarget(self.ledger, life)
        return assemble(
            Ports(
                store=MortalStore(self.store, life),
                policy=self.policy,
                guard=SqlGuard(target, self._stage.classifier),
                reader=target,
                actor=target,
                metrics=ObedientMetrics(),
                logs=ObedientLogs(),
                seal=KeySeal(_KEY),
                tokens=SignedRunTokens(_KEY),
                codes=LocalCodes(self._folder / "codes"),
                library=self._stage.shelf,
                clock=self.clock,
                randomness=self._random,
                meter=PrometheusMeter(),
                pacing=Pacing(self.clock),
                signer=self._signer,
                redaction=Redaction(Watched(), NoScanner(), PrometheusMeter()),
            )
        )


def person(name: str) -> Principal:
    """Return somebody who is logged in."""
    return Principal(Person(name, name.title()))


def run_of(name: str, run: str) -> Principal:
    """Return a run on behalf of somebody."""
    return Principal(Person(name, name.title()), run)
