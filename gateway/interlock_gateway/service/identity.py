"""Who is asking: people by keys that are stored hashed, runs by short-lived signed tokens."""

import hashlib
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.approval import Freshness, login_at
from interlock_gateway.core.model import Person
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.ports import (
    Clock,
    ConflictError,
    PolicySource,
    Randomness,
    Reading,
    RunTokens,
    Store,
    Transaction,
)
from interlock_gateway.service.records import CredentialRow, PersonRow, RunRow
from interlock_gateway.service.redaction import Watched

KEY_PREFIX = "ilk_"
KEY, COOKIE = "key", "cookie"
KEY_LIFE = timedelta(days=30)
COOKIE_LIFE = timedelta(hours=12)
_REMEMBERED = 10_000
_FAILURES = 20
_FAILURE_WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request: a person, or a run on behalf of its requester (`run` is set).

    `logged_in_at` is when the session of their browser began. It is None for a key, a run and
    whoever is known by another service: those are never fresh, however new they are.
    """

    person: Person
    run: str = ""
    logged_in_at: datetime | None = None

    @property
    def authid(self) -> str:
        """The word by which events name the principal."""
        return f"run:{self.run}" if self.run else f"person:{self.person.id}"


def login_of(who: Principal, now: datetime) -> Freshness:
    """Return how fresh somebody's login is at a moment."""
    return login_at(who.logged_in_at, now)


@dataclass(frozen=True, slots=True)
class Login:
    """A fresh credential; `token` is shown once and stored only as its hash."""

    person: Person
    token: str
    expires_at: datetime


class CodeBook(Protocol):
    """One-time codes of local people; another identity provider takes this place later."""

    def redeem(self, code: str, now: datetime) -> Person | None:
        """Return whose code this is and make it useless, or None."""
        ...


@dataclass(slots=True)
class FailureGate:
    """Remembers recent failures, so that guessing is slow and cannot flood the journal."""

    times: deque[datetime] = field(default_factory=deque)

    def closed(self, now: datetime) -> bool:
        """Tell whether there were too many failures lately."""
        while self.times and now - self.times[0] > _FAILURE_WINDOW:
            self.times.popleft()
        return len(self.times) >= _FAILURES

    def note(self, now: datetime) -> None:
        """Count one failure."""
        self.times.append(now)


class Identity:
    """Logs people in and tells who a token belongs to."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        codes: CodeBook,
        tokens: RunTokens,
        clock: Clock,
        randomness: Randomness,
        watched: Watched,
    ) -> None:
        self._watched = watched
        self._store = store
        self._policy = policy
        self._codes = codes
        self._tokens = tokens
        self._clock = clock
        self._randomness = randomness
        self._codes_gate, self._tokens_gate = FailureGate(), FailureGate()
        self._requesters: dict[tuple[str, str], Principal] = {}

    async def login(self, code: str, *, kind: str) -> Login:
        """Exchange a one-time code for a credential: `kind` is key (CLI) or cookie (web).

        Raises:
            InterlockError: `wrong-code`, or `too-many-attempts`.
        """
        now = self._clock.now()
        if self._codes_gate.closed(now):
            raise refusal(
                "too-many-attempts", "Too many wrong codes lately; nobody can log in for now."
            )
        person = self._codes.redeem(code.strip().upper(), now)
        if person is None:
            await self._failed(self._codes_gate, "code", "wrong, used or expired one-time code")
            raise refusal("wrong-code", "This one-time code is wrong, used or expired.")
        token = KEY_PREFIX + self._randomness.secret()
        self._watched.token(code, token)
        expires_at = now + (KEY_LIFE if kind == KEY else COOKIE_LIFE)
        row = CredentialRow(_hash(token), person.id, kind, now, expires_at)
        await self._store.commit(lambda tx: _welcome(tx, person, row))
        return Login(person, token, expires_at)

    async def logout(self, token: str) -> None:
        """End a credential; an unknown one is no error."""
        now = self._clock.now()

        def unit(tx: Transaction) -> None:
            row = tx.get(CredentialRow, _hash(token))
            if row is not None and row.ended_at is None:
                tx.change(row, ended_at=now)
                tx.append(Draft("authentication.logged_out", f"person:{row.person}"))

        await self._store.commit(unit)

    async def authenticate(self, token: str) -> Principal:
        """Return who the API's bearer `token` belongs to: a person's key or a run's token.

        Raises:
            InterlockError: `not-logged-in`; the failure is an event.
        """
        now = self._clock.now()
        if token.startswith(KEY_PREFIX):
            return await self._known(await self._person(token, KEY, now), token)
        return await self._known(await self._run(token, now), token)

    async def authenticate_page(self, token: str) -> Principal:
        """Return whose browser session `token` is; no key and no run's token opens a page.

        Raises:
            InterlockError: `not-logged-in`; the failure is an event.
        """
        return await self._known(await self._person(token, COOKIE, self._clock.now()), token)

    async def _known(self, principal: Principal | None, token: str) -> Principal:
        if principal is None:
            if token:
                why = "unknown, ended or expired credential"
                await self._failed(self._tokens_gate, "token", why)
            raise _not_logged_in()
        self._watched.token(token)
        return principal

    def roles(self, person: str) -> frozenset[str]:
        """Return the standing roles of a person under the policy in force."""
        return self._policy.current.roles_of(person)

    async def _person(self, token: str, kind: str, now: datetime) -> Principal | None:
        def question(tx: Reading) -> Principal | None:
            row = tx.get(CredentialRow, _hash(token))
            if row is None or row.ended_at is not None or now >= row.expires_at:
                return None
            found = tx.get(PersonRow, row.person) if row.kind == kind else None
            since = row.created_at if row.kind == COOKIE else None
            return Principal(Person(found.id, found.name), logged_in_at=since) if found else None

        return await self._store.glance(question)

    async def _run(self, token: str, now: datetime) -> Principal | None:
        claims = self._tokens.read(token, now) if token else None
        if claims is None:
            return None
        known = self._requesters.get(claims)
        if known is None:
            known = await self._requester(*claims)
            if known is not None and len(self._requesters) < _REMEMBERED:
                self._requesters[claims] = known
        return known

    async def _requester(self, run_id: str, digest: str) -> Principal | None:
        """Look up for whom a run of that runbook works.

        What is found can be remembered: a run's digest and requester never change, and neither
        runs nor people are ever removed. Whether the run still may do anything is read anew with
        each call.
        """

        def question(tx: Reading) -> PersonRow | None:
            run = tx.get(RunRow, run_id)
            if run is None or run.digest != digest:
                return None
            return tx.get(PersonRow, run.requester)

        person = await self._store.glance(question)
        return Principal(Person(person.id, person.name), run_id) if person else None

    async def _failed(self, gate: FailureGate, kind: str, why: str) -> None:
        now = self._clock.now()
        if gate.closed(now):
            return
        gate.note(now)
        data = {"credential": kind, "reason": why}
        await self._store.commit(
            lambda tx: tx.append(Draft("authentication.failed", "system", data))
        )


def _welcome(tx: Transaction, person: Person, credential: CredentialRow) -> None:
    if tx.get(PersonRow, person.id) is None:
        tx.add(PersonRow(person.id, person.name, tx.now))
    try:
        tx.add(credential)
    except ConflictError as error:
        raise _not_logged_in() from error
    data = {"person": person.id, "credential": credential.kind}
    tx.append(Draft("authentication.logged_in", f"person:{person.id}", data))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _not_logged_in() -> InterlockError:
    return refusal("not-logged-in", "This needs a valid login.")
