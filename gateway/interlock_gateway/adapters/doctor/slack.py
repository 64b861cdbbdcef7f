"""Says whether approvals can be asked for in Slack, and voted on there. Nothing is posted."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from interlock_gateway.adapters.doctor.check import Check, Notes, some
from interlock_gateway.adapters.slack.api import SlackChat
from interlock_gateway.adapters.slack.at import SlackAt
from interlock_gateway.adapters.slack.probe import Answered, ProbeError, probed
from interlock_gateway.core.approval_rule import satisfied
from interlock_gateway.core.policy import Policy
from interlock_gateway.service.chat.links import EMAIL, OPERATOR
from interlock_gateway.service.ports import Clock, NotReachedError
from interlock_gateway.service.targets import Secrets, TargetError

NAME = "slack"
_MOST_APART = timedelta(minutes=5)
_INSTALL = "Add them to the app (OAuth & Permissions), and install it again."
_LINK = "They log in at the gateway and open {}/slack, or you add them to slack.people."
_SET = "Set it where the gateway runs, and run doctor in the same environment."


@dataclass(frozen=True, slots=True)
class Linked:
    """A person and the account that votes for them; `account` is "" for one known by address."""

    person: str
    account: str
    how: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the gateway knows of people.

    Attributes:
        policy: who may approve what.
        linked: whose accounts are whose, by what the store holds.
        trouble: why the store was not read, or "".
    """

    policy: Policy
    linked: Sequence[Linked] = ()
    trouble: str = ""


@dataclass(slots=True)
class SlackExam:
    """One examination; `usable` are people whose link was found to hold."""

    at: SlackAt
    secrets: Secrets
    known: Known
    clock: Clock
    notes: Notes = field(default_factory=lambda: Notes(NAME))
    usable: set[str] = field(default_factory=set)

    async def checks(self) -> AsyncIterator[Check]:
        """Yield checks as they are made; nothing is raised."""
        try:
            token = self.secrets.resolve(self.at.bot_token)
            answer = await probed(self.at.base_url, token, "auth.test")
        except (TargetError, ProbeError) as error:
            yield self.notes.fails("bot token", "auth.test", error, _next(error))
            return
        yield self._team(answer)
        yield self._clock(answer)
        async for check in self._room(token, answer):
            yield check
        yield await self._hears()
        async for check in self._links(token):
            yield check
        for check in self._approvers():
            yield check

    def _team(self, answer: Answered) -> Check:
        team, said = str(answer.data.get("team_id", "")), str(answer.data.get("team", ""))
        if team == self.at.team:
            return self.notes.holds("bot token", "auth.test", f"valid, of {said} ({team})")
        then = "Install the app in that workspace, or mend slack.team."
        told = f"it is of {said} ({team}), not of {self.at.team}: nobody's click would count"
        return self.notes.fails("bot token", "auth.test", told, then)

    def _clock(self, answer: Answered) -> Check:
        if answer.at is None:
            return self.notes.noted("clock", "Date", "Slack did not say what time it is")
        apart = abs(answer.at - self.clock.now())
        said = f"{apart.total_seconds():.0f} s from Slack's"
        if apart < _MOST_APART:
            return self.notes.holds("clock", "Date", said)
        then = "Set this machine's clock: what Slack signs is good for five minutes."
        return self.notes.fails("clock", "Date", said, then)

    async def _room(self, token: str, first: Answered) -> AsyncIterator[Check]:
        where = "conversations.info"
        try:
            answer = await probed(self.at.base_url, token, where, channel=self.at.channel)
        except ProbeError as error:
            yield self._scopes(first, private=None)
            yield await self._readable(token, error)
            return
        room = answer.data.get("channel") or {}
        yield self._scopes(first, private=bool(room.get("is_private")))
        yield self._member(room)

    async def _readable(self, token: str, error: ProbeError) -> Check:
        """Return whether the channel can be read, which only its members can.

        Asking about a channel takes a scope that nothing else needs; reading it does not.
        """
        if error.word != "missing_scope":
            return self.notes.fails("channel", "conversations.info", error, error.then)
        where, given = "conversations.history", {"channel": self.at.channel, "limit": "1"}
        try:
            await probed(self.at.base_url, token, where, **given)
        except ProbeError as unread:
            return self.notes.fails("channel", where, unread, unread.then)
        return self.notes.holds("channel", where, f"the app is in {self.at.channel}")

    def _member(self, room: Mapping[str, object]) -> Check:
        name = f"#{room.get('name', '?')}"
        tried = "conversations.info"
        if room.get("is_archived"):
            then = "Name another channel in slack.channel."
            return self.notes.fails("channel", tried, f"{name} is archived", then)
        if not room.get("is_member"):
            then = f"Invite it there: /invite @ and the app's name, in {name}."
            return self.notes.fails("channel", tried, f"the app is not in {name}", then)
        return self.notes.holds("channel", tried, f"the app is in {name}")

    def _scopes(self, answer: Answered, *, private: bool | None) -> Check:
        tried = "x-oauth-scopes"
        if answer.scopes is None:
            return self.notes.noted("scopes", tried, "Slack did not say which scopes there are")
        missing = missing_scopes(self.at, answer.scopes, private=private)
        if missing:
            return self.notes.fails("scopes", tried, f"missing: {', '.join(missing)}", _INSTALL)
        return self.notes.holds("scopes", tried, "it may post, edit and look people up")

    async def _hears(self) -> Check:
        """Return whether what people press would arrive."""
        try:
            if self.at.signing_secret:
                return self._posted_to(self.secrets.resolve(self.at.signing_secret))
            token = self.secrets.resolve(self.at.app_token)
            await probed(self.at.base_url, token, "apps.connections.open")
        except TargetError as error:
            return self.notes.fails("hears clicks", "its credential", error, _SET)
        except ProbeError as error:
            then = "Make an app-level token with connections:write, and turn Socket Mode on."
            return self.notes.fails("hears clicks", "apps.connections.open", error, then)
        return self.notes.holds("hears clicks", "apps.connections.open", "by Socket Mode")

    def _posted_to(self, secret: str) -> Check:
        address = f"{self.at.address}/slack/callback"
        if not secret.strip():
            return self.notes.fails("hears clicks", "signing_secret", "it is empty", _SET)
        if urlsplit(address).scheme != "https":
            then = "Set public_url to the https:// address under which Slack reaches the gateway."
            said = f"Slack posts to https:// alone, not to {address}"
            return self.notes.fails("hears clicks", "public_url", said, then)
        then = f"In the app, Interactivity, the request URL has to be {address}."
        return self.notes.noted("hears clicks", "signing_secret", "set; not tried from here", then)

    async def _links(self, token: str) -> AsyncIterator[Check]:
        if self.known.trouble:
            then = "Start the gateway once, or run doctor where its store can be read."
            yield self.notes.noted("links in the store", "store.url", self.known.trouble, then)
        chat = SlackChat(lambda: token, self.at.team, self.at.base_url)
        try:
            for linked in self._all_links():
                yield await self._link(chat, token, linked)
        finally:
            await chat.aclose()

    def _all_links(self) -> list[Linked]:
        mapped = [Linked(who, account, OPERATOR) for account, who in self.at.accounts.items()]
        kept = [one for one in self.known.linked if one.account not in self.at.accounts]
        people = {one.person for one in [*mapped, *kept]}
        by_address = [
            Linked(who, "", EMAIL, address)
            for address, who in self.at.emails.items()
            if who not in people
        ]
        return sorted([*mapped, *kept, *by_address], key=lambda one: (one.person, one.account))

    async def _link(self, chat: SlackChat, token: str, linked: Linked) -> Check:
        check, account = f"link of {linked.person}", linked.account
        try:
            if not account:
                found = await probed(
                    self.at.base_url, token, "users.lookupByEmail", email=linked.email
                )
                account = str((found.data.get("user") or {}).get("id", ""))
            member = await chat.member(account)
        except (ProbeError, NotReachedError) as error:
            then = f"See whether {linked.email or account} is still theirs."
            return self.notes.fails(check, "users.info", error, then)
        unfit = member.unfit or ("" if member.team == self.at.team else "of another workspace")
        if unfit:
            said = f"{account} cannot vote: it is {unfit}"
            return self.notes.fails(check, "users.info", said, _mend_link(linked))
        self.usable.add(linked.person)
        said = f"{account} (@{member.handle}), {_HOW.get(linked.how, linked.how)}"
        return self.notes.holds(check, "users.info", said)

    def _approvers(self) -> Iterator[Check]:
        """Yield who may approve and has no account, and which rules that leaves without a vote."""
        policy = self.known.policy
        able = {rule.name: policy.eligible(rule, {}, "") for rule in policy.rules.values()}
        without = sorted(set().union(*able.values()) - self.usable)
        if without:
            then = _LINK.format(self.at.address)
            yield self.notes.noted("without an account", "policies", some(without, 10), then)
        for rule in policy.rules.values():
            here = self._held(able[rule.name] & self.usable)
            everybody = self._held(able[rule.name])
            if not satisfied(rule, here, requester=""):
                standing = satisfied(rule, everybody, requester="")
                yield self._unreachable(rule.name, rule.needs, standing=standing)

    def _held(self, people: Iterable[str]) -> dict[str, frozenset[str]]:
        return {person: self.known.policy.roles_of(person) for person in people}

    def _unreachable(self, rule: str, needs: str, *, standing: bool) -> Check:
        """Return that a rule's quorum cannot be reached in Slack alone."""
        why = "of those who could, too few are linked" if standing else "a commander is needed"
        then = "Until then its votes come from the browser or the terminal."
        if not standing:
            then = "See to it that whoever takes command is linked."
        return self.notes.noted(f"{rule} in Slack", "policies", f"{needs}: {why}", then)


_HOW = {
    OPERATOR: "as slack.people says",
    EMAIL: "by e-mail address",
    "code": "linked by a code",
}


def missing_scopes(
    at: SlackAt, scopes: frozenset[str], *, private: bool | None
) -> tuple[str, ...]:
    """Return what the bot token needs and has not; `private` is None where nobody can tell."""
    needed = ["chat:write", "users:read", *(["users:read.email"] if at.emails else [])]
    kinds = {True: ["groups"], False: ["channels"], None: ["channels", "groups"]}[private]
    histories = [f"{kind}:history" for kind in kinds]
    either = [] if scopes & set(histories) else [" or ".join(histories)]
    return tuple([scope for scope in needed if scope not in scopes] + either)


def _mend_link(linked: Linked) -> str:
    if linked.how == OPERATOR:
        return "Name another account of theirs in slack.people, and restart the gateway."
    if not linked.account:
        return "Mend their address in slack.emails, and restart the gateway."
    return f"End it: `interlock slack unlink {linked.account}`; then they link another one."


def _next(error: TargetError | ProbeError) -> str:
    return error.then if isinstance(error, ProbeError) else _SET
