"""A changed policy folder comes into force whole, or not at all, and either is in the journal.

The policy is built aside, from a folder that has come to rest. Its event is durable before it is
put in force: a gateway whose store takes nothing keeps the policy it has, and runs nothing anyhow.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from interlock_gateway.core.policy import Policy, PolicyError, Problem
from interlock_gateway.core.policy.settling import RESTLESS_S, Folder, Next
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.ports import Clock, Meter, PolicySource, Store, StoreUnwritableError

LOOK_EVERY_S = 0.5
_TOLD = 20
"""Problems that the event of a refused folder holds."""


class PolicyDesk(PolicySource, Protocol):
    """The policy in force, and the folder that the next one comes from."""

    async def state(self) -> Hashable:
        """Return something that differs when anything in the folder has changed."""
        ...

    async def build(self) -> Policy:
        """Return the folder's policy, built aside.

        Raises:
            PolicyError: everything that is wrong with it, with file and line.
        """
        ...

    def put_in_force(self, policy: Policy) -> None:
        """Let every decision from now on be made under `policy`."""
        ...


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Another policy is in force: the digests of both."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The last good policy stays, since the folder cannot be loaded."""

    policy: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What decides is the same as before."""

    policy: str


Outcome = Reloaded | Refused | Unchanged


class Reloading:
    """Watches the policy folder."""

    def __init__(
        self,
        store: Store,
        desk: PolicyDesk,
        clock: Clock,
        meter: Meter,
        tell: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        """Look at nothing yet; `tell` hears of each outcome, for the log."""
        self._store = store
        self._desk = desk
        self._clock = clock
        self._meter = meter
        self._tell = tell
        self._folder = Folder(None, None, 0.0)
        self._wake = asyncio.Event()
        self._signalled = False

    async def begin(self) -> None:
        """Record which policy is in force as the gateway starts.

        A store that takes nothing is an alarm and stops nothing: nothing can run then, and people
        may want to read what happened before.
        """
        policy = self._desk.current
        data = {"policy": policy.digest, "lines": len(policy.lines)}
        try:
            await self._store.commit(lambda tx: tx.append(Draft("policy.loaded", "system", data)))
        except StoreUnwritableError:
            self._meter.count("alarms", kind="policy_reload")

    def ask(self) -> None:
        """Read the folder as soon as it is at rest, whether or not it seems to have changed."""
        self._signalled = True
        self._wake.set()

    async def run(self, every_s: float = LOOK_EVERY_S) -> None:
        """Look at the folder for ever."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001  the watch outlives every trouble, and says so
                self._meter.count("alarms", kind="policy_reload")
                self._folder = self._folder.again(self._clock.monotonic())
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await self._wake.wait()
            self._wake.clear()

    async def look(self) -> Outcome | None:
        """Look at the folder once; read it if it has changed and come to rest."""
        trigger = "signal" if self._signalled else "change"
        state, now = await self._desk.state(), self._clock.monotonic()
        known = self._folder.asked() if self._signalled else self._folder
        self._folder, due = known.looked_at(state, now)
        if due is Next.ALARM:
            return await self._refused([_restless()], trigger)
        if due is not Next.LOAD:
            return None
        outcome = await self._read(state, trigger)
        if outcome is not None:
            self._folder, self._signalled = self._folder.read(state), False
        return outcome

    async def _read(self, state: Hashable, trigger: str) -> Outcome | None:
        """Build, and look whether anything changed meanwhile: then nothing was read at all."""
        found: Policy | tuple[Problem, ...]
        try:
            found = await self._desk.build()
        except PolicyError as error:
            found = error.problems
        except Exception as error:  # noqa: BLE001  a loader that breaks must not end the watch
            found = (Problem("the folder", 1, f"It broke the loader: {type(error).__name__}."),)
        if await self._desk.state() != state:
            return None
        if isinstance(found, tuple):
            return await self._refused(found, trigger)
        return await self._put_in_force(found, trigger)

    async def _put_in_force(self, policy: Policy, trigger: str) -> Outcome:
        before = self._desk.current.digest
        if policy.digest == before:
            return self._told(Unchanged(before))
        data = {
            "from": before,
            "to": policy.digest,
            "trigger": trigger,
            "lines": len(policy.lines),
        }
        await self._store.commit(lambda tx: tx.append(Draft("policy.reloaded", "system", data)))
        self._desk.put_in_force(policy)
        return self._told(Reloaded(before, policy.digest))

    async def _refused(self, problems: Sequence[Problem], trigger: str) -> Outcome:
        self._meter.count("alarms", kind="policy_reload")
        outcome = self._told(Refused(self._desk.current.digest, tuple(problems)))
        told = "\n".join(map(str, problems[:_TOLD]))
        data = {"policy": self._desk.current.digest, "trigger": trigger, "found": len(problems)}
        parts = {"problems": text_part(told)}
        await self._store.commit(
            lambda tx: tx.append(Draft("policy.refused", "system", data, parts))
        )
        return outcome

    def _told(self, outcome: Outcome) -> Outcome:
        self._tell(outcome)
        return outcome


def _restless() -> Problem:
    return Problem(
        "the folder",
        1,
        f"Something in it has changed again and again for {RESTLESS_S:.0f} s, so it was not read.",
    )
