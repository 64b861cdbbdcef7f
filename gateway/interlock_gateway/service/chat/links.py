"""Which person an account in a chat belongs to: said by an operator, or proven by the person.

A person proves it from the side where more is at stake: they log in at the gateway, get a code
there, and type it in the chat. Whoever tricks somebody into typing a code that is not theirs
only gets their own votes cast by somebody else; the other way round, a link that is followed by
the wrong person would give a stranger that person's votes.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.model import Person
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.chat.protocol import Chat, Heard, Member
from interlock_gateway.service.chat.records import LinkCodeRow, LinkRow
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import Clock, Randomness, Reading, Store, Transaction
from interlock_gateway.service.records import PersonRow

OPERATOR, CODE, EMAIL = "operator", "code", "email"
CODE_LIFE = timedelta(minutes=5)
_MEMBER_S = 60.0
_REMEMBERED = 10_000
_MOST_WRONG = 5


class Links:
    """Tells whose account it is that acts in a chat; nobody's, unless exactly one person's."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        randomness: Randomness,
        chat: Chat,
        accounts: Mapping[str, str],
        emails: Mapping[str, str],
        address: str,
    ) -> None:
        """Take what an operator says.

        Args:
            store: where links are kept.
            clock: the gateway's.
            randomness: makes codes.
            chat: whose accounts they are.
            accounts: account → person, as the settings have it.
            emails: verified address → person; empty where nobody is known by one.
            address: of the gateway's pages, one of which gives codes.
        """
        self._store = store
        self._clock = clock
        self._randomness = randomness
        self._chat = chat
        self._accounts = dict(accounts)
        self.address = address
        self._emails = {address.lower(): person for address, person in emails.items()}
        self._members: dict[str, tuple[float, Member]] = {}

    async def person(self, heard: Heard) -> Principal:
        """Return who did something in the chat.

        Raises:
            InterlockError: `chat-not-linked`, `chat-account-unfit`.
            NotReachedError: the chat does not say what account it is.
        """
        member = await self._fit(heard)
        person = await self._store.read(lambda tx: self._linked(tx, member))
        if person is None and (found := self._emails.get(member.email.lower())):
            person = await self._store.commit(lambda tx: self._by_email(tx, member, found))
        if person is None:
            message = "This Slack account belongs to nobody who is known here."
            raise refusal("chat-not-linked", message)
        return Principal(person)

    async def owner(self, account: str) -> str:
        """Return the person whom an account belongs to, whatever it may do here, or ""."""
        if not account:
            return ""
        member = await self._member(account)
        person = await self._store.read(lambda tx: self._linked(tx, member))
        return person.id if person is not None and member.team == self._chat.team else ""

    async def is_program(self, account: str) -> bool:
        """Tell whether an account is no person's: a bot's, such as the app's own."""
        return (await self._member(account)).unfit == "a bot"

    async def accounts_of(self, people: Collection[str]) -> list[str]:
        """Return the accounts that are linked to any of these people."""
        return [account for who, account, _ in await self.listed() if who in people]

    async def is_fit(self, account: str) -> bool:
        """Tell whether an account may act here at all, whoever it belongs to."""
        member = await self._member(account)
        return member.team == self._chat.team and not member.unfit

    async def offer(self, who: Principal) -> str:
        """Return a one-time code, good for five minutes, for the account of a person's own."""
        if who.run:
            raise refusal("not-a-person", "A run has no account in a chat.")
        code = self._randomness.code()

        def unit(tx: Transaction) -> None:
            tx.add(LinkCodeRow(_hash(code), who.person.id, tx.now + CODE_LIFE))

        await self._store.commit(unit)
        return code

    async def claim(self, heard: Heard, along: Callable[[Transaction, str], None]) -> None:
        """Link the account that typed a code to the person the code was given to.

        Args:
            heard: who typed what.
            along: what goes into the same unit of work, given the person.

        Raises:
            InterlockError: `wrong-code`, `too-many-attempts`, `chat-linked-already`,
                `chat-account-unfit`.
            NotReachedError: the chat does not say what account it is.
        """
        member = await self._fit(heard)

        def unit(tx: Transaction) -> InterlockError | None:
            result = self._claimed(tx, member, heard.text)
            if isinstance(result, InterlockError):
                return result
            along(tx, result)
            return None

        if (refused := await self._store.commit(unit)) is not None:
            raise refused

    async def unlink(self, who: Principal, account: str, *, anybodys: bool = False) -> None:
        """End a link: one's own, or `anybodys` where a commander of the deployment may.

        Raises:
            InterlockError: `no-permission`.
        """

        def unit(tx: Transaction) -> None:
            row = tx.get(LinkRow, self._chat.team, account)
            if row is None or row.ended_at is not None:
                return
            if who.run or (row.person != who.person.id and not anybodys):
                raise refusal("no-permission", "Only their person may unlink an account.")
            tx.change(row, ended_at=tx.now)
            tx.append(Draft("identity.unlinked", who.authid, _data(row), subject=row.person))

        await self._store.commit(unit)

    async def listed(self) -> list[tuple[str, str, str]]:
        """Return (person, account, how) of every link that holds, by person."""
        rows = await self._store.read(
            lambda tx: tx.rows(LinkRow, team=self._chat.team, ended_at=None)
        )
        mapped = [(person, account, OPERATOR) for account, person in self._accounts.items()]
        others = [(row.person, row.account, row.how) for row in rows]
        return sorted([*mapped, *(one for one in others if one[1] not in self._accounts)])

    async def of(self, person: str) -> list[str]:
        """Return the accounts of a person."""
        return [account for who, account, _ in await self.listed() if who == person]

    async def _fit(self, heard: Heard) -> Member:
        """Return the account if it may act here at all: a full member of the one team."""
        if not (heard.team == heard.home == self._chat.team):
            raise refusal("chat-account-unfit", "This account is of another Slack workspace.")
        member = await self._member(heard.account)
        unfit = member.unfit or ("of another workspace" if member.team != heard.team else "")
        if unfit:
            raise refusal(
                "chat-account-unfit", f"This Slack account may do nothing here: it is {unfit}."
            )
        return member

    async def _member(self, account: str) -> Member:
        now = self._clock.monotonic()
        at, member = self._members.get(account, (0.0, None))
        if member is None or now - at > _MEMBER_S:
            member = await self._chat.member(account)
            if len(self._members) >= _REMEMBERED:
                self._members.clear()
            self._members[account] = (now, member)
        return member

    def _linked(self, tx: Reading, member: Member) -> Person | None:
        person = self._accounts.get(member.account)
        if person is None:
            row = tx.get(LinkRow, member.team, member.account)
            person = row.person if row is not None and row.ended_at is None else None
        return _person(tx, person) if person else None

    def _by_email(self, tx: Transaction, member: Member, person: str) -> Person | None:
        """Link by a verified address, unless that account or person was ever linked before."""
        if tx.get(LinkRow, member.team, member.account) or self._taken(tx, member, person):
            return None
        _link(tx, member, person, EMAIL)
        return _person(tx, person)

    def _claimed(self, tx: Transaction, member: Member, code: str) -> str | InterlockError:
        hour = int(tx.now.timestamp()) // 3600
        series = f"link codes of {member.team}/{member.account} in hour {hour}"
        row = tx.get(LinkCodeRow, _hash(code.strip().upper()))
        good = row is not None and row.used_at is None and tx.now < row.expires_at
        if tx.number(series) > _MOST_WRONG:
            return refusal("too-many-attempts", "Too many codes were tried from this account.")
        if row is None or not good:
            _failed(tx, member)
            return refusal("wrong-code", "This code is wrong, used or expired.")
        if member.account in self._accounts or self._taken(tx, member, row.person):
            message = f"{row.person} or this account is linked already; end that link first."
            return refusal("chat-linked-already", message)
        tx.change(row, used_at=tx.now)
        _link(tx, member, row.person, CODE)
        return row.person

    def _taken(self, tx: Reading, member: Member, person: str) -> bool:
        """Tell whether the account is another person's, or the person has another account."""
        if person in self._accounts.values():
            return True
        mine = tx.rows(LinkRow, team=member.team, person=person, ended_at=None)
        held = tx.get(LinkRow, member.team, member.account)
        return bool(mine) or (held is not None and held.ended_at is None)


def _link(tx: Transaction, member: Member, person: str, how: str) -> None:
    row = tx.get(LinkRow, member.team, member.account)
    fresh = LinkRow(member.team, member.account, person, how, tx.now)
    if row is None:
        tx.add(fresh)
    else:
        tx.change(row, person=person, how=how, linked_at=tx.now, ended_at=None)
    tx.append(Draft("identity.linked", f"person:{person}", _data(fresh), subject=person))


def _failed(tx: Transaction, member: Member) -> None:
    data = {"credential": "link code", "team": member.team, "account": member.account}
    reason = "wrong, used or expired code"
    tx.append(Draft("authentication.failed", "system", {**data, "reason": reason}))


def _data(row: LinkRow) -> dict[str, str]:
    return {"person": row.person, "team": row.team, "account": row.account, "how": row.how}


def _person(tx: Reading, person: str) -> Person:
    row = tx.get(PersonRow, person)
    return Person(person, row.name if row else person)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
