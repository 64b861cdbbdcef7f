"""Plays with a world of approvals step by step, and says beforehand what a step may come to."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from interlock.errors import InterlockError
from interlock_gateway.service.approvals import Vote
from interlock_gateway.service.calls import Site
from interlock_gateway.service.ports import Reading
from interlock_gateway.service.records import ApprovalRow, IncidentRow, MemberRow, VoteRow
from interlock_gateway.service.runs import Order
from interlock_gateway.service.wishes import Wish

from support import approval_model as model
from support.approval_model import LAWS, SEVERITY, Event, Seats
from support.approval_world import KilledError, World, person, run_of
from support.counting import BUMP

T = TypeVar("T")
_FORESEEN = (InterlockError, KilledError)
KILLED = "killed"
_UPDATE = "UPDATE counters SET n = n + 1 WHERE id = :id"


@dataclass(slots=True)
class Asked:
    """What was asked for: by whom, how, under which rule; `approval` is "" until it is known."""

    who: str
    wish: Wish
    rule: tuple[Seats, ...]
    approval: str = ""


class Player:
    """Does things in a world of its own event loop; `asked` is by counter."""

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        self._runner = runner
        self.world = world
        self.asked: dict[int, Asked] = {}
        self.acknowledged: set[tuple[str, str, str]] = set()
        self.incidents: dict[str, str] = {}
        self.lines: dict[str, list[Event]] = {}
        self._tried = 0

    # --- doing --------------------------------------------------------------------------------

    def surely(self, work: Coroutine[Any, Any, T]) -> T:
        """Do what must succeed."""
        return self._runner.run(work)

    def perhaps(self, work: Coroutine[Any, Any, T]) -> tuple[T | None, str]:
        """Do what may be refused or end in death: return what it gave, and "", code or KILLED."""
        given, word = None, ""
        try:
            given = self._runner.run(work)
        except InterlockError as error:
            word = error.code
        except KilledError:
            assert any(life.dead for life in self.world.lives)
        return given, KILLED if any(life.dead for life in self.world.lives) else word

    async def together(self, works: Sequence[Coroutine[Any, Any, Any]]) -> None:
        """Do everything at once; each may be refused or end in death."""
        for found in await asyncio.gather(*works, return_exceptions=True):
            if isinstance(found, BaseException) and not isinstance(found, _FORESEEN):
                raise found

    def declare(self) -> None:
        """Declare an incident of each severity; the responder leads, the colleague helps."""
        desk, lead = self.world.gateways[0].incidents, person("responder")
        for severity in SEVERITY:
            made = self.surely(desk.declare(lead, "It stalls", severity, severity))
            self.surely(desk.assign(lead, made, "colleague", "responder"))
            self.incidents[severity] = made

    async def ask(self, place: int, who: str, severity: str) -> int:
        """Start a run that asks to count up a counter of its own, and return the counter."""
        self._tried += 1
        counter, gateway = self._tried, self.world.gateways[place]
        order = Order(self.incidents[severity], f"run-{counter}", runbook="counting")
        run = await gateway.runs.start(person(who), order)
        mine = run_of(who, run.id)
        attempt, _ = await gateway.runs.start_step(mine, run.id, "bump", BUMP, "")
        typed = {"id": {"type": "integer", "value": counter}}
        site = Site(run.id, "bump", attempt, 0)
        wish = Wish(site, "orders", "it counts", args=typed, sql=_UPDATE, max_rows=1)
        rule = LAWS[self.world.policy.law].rules[SEVERITY[severity]]
        self.asked[counter] = Asked(who, wish, rule)
        await self.ask_again(place, counter)
        return counter

    async def ask_again(self, place: int, counter: int) -> None:
        """Ask for the same thing; it is the same approval."""
        asked = self.asked[counter]
        service = self.world.gateways[place].proposals
        approval, _ = await service.ask(run_of(asked.who, asked.wish.site.run), asked.wish)
        assert asked.approval in ("", approval)
        asked.approval = approval

    async def vote(self, place: int, counter: int, who: str, says: str) -> ApprovalRow:
        """Read the prompt with the requester's eyes, and vote as somebody."""
        asked, service = self.asked[counter], self.world.gateways[place].approvals
        shown = await service.show(person(asked.who), asked.approval, "api")
        vote = Vote(says, shown.row.digest, shown.prompt_digest, "looked at it")
        row = await service.vote(person(who), asked.approval, vote)
        self.acknowledged.add((asked.approval, who, says))
        return row

    async def execute(self, place: int, counter: int) -> dict[str, Any]:
        """Use the grant, as the run does."""
        asked, service = self.asked[counter], self.world.gateways[place].execution
        return await service.execute(run_of(asked.who, asked.wish.site.run), asked.approval)

    async def withdraw(self, place: int, counter: int, who: str) -> ApprovalRow:
        """Take a request back."""
        service = self.world.gateways[place].approvals
        return await service.withdraw(person(who), self.asked[counter].approval, "not needed")

    async def revoke(self, place: int, counter: int, who: str) -> ApprovalRow:
        """Take a yes back."""
        service = self.world.gateways[place].revoking
        return await service.revoke(person(who), self.asked[counter].approval, "not like this")

    def resolve(self, place: int, row: ApprovalRow) -> Coroutine[Any, Any, None]:
        """Let the commander look at the ledger and say what became of it."""
        done = "succeeded" if self.counted(row) else "failed"
        service, who = self.world.gateways[place].execution, person(self.commander(row.incident))
        return service.resolve(who, row.id, done, "I looked")

    def turn(self, place: int, severity: str) -> Coroutine[Any, Any, None]:
        """Close an incident that is open, or open one that is closed."""
        incident, desk = self.incidents[severity], self.world.gateways[place].incidents
        turn = desk.close if self.is_open(incident) else desk.reopen
        return turn(person(self.commander(incident)), incident, "so it is")

    # --- looking past the gateways ------------------------------------------------------------

    def counted(self, row: ApprovalRow) -> int:
        """Return how often what an approval allows was really done."""
        found = [n for n, asked in self.asked.items() if asked.wish.site.run == row.run]
        return sum(self.world.ledger.counted[counter] for counter in found)

    def row(self, counter: int) -> ApprovalRow:
        """Return an approval as it is stored."""
        found = self._stored(lambda tx: tx.get(ApprovalRow, self.asked[counter].approval))
        assert found is not None
        return found

    def everything(self) -> tuple[Sequence[ApprovalRow], Sequence[VoteRow]]:
        """Return all approvals and all votes, and read on in each incident's timeline."""
        for incident in self.incidents.values():
            line = self.lines.setdefault(incident, [])
            line += self._stored(partial(_read_on, incident=incident, after=len(line)))
        return self._stored(lambda tx: (tx.rows(ApprovalRow), tx.rows(VoteRow)))

    def commander(self, incident: str) -> str:
        """Return who leads an incident."""
        members = self._stored(lambda tx: tx.rows(MemberRow, incident=incident))
        return next(member.person for member in members if member.role == "commander")

    def is_open(self, incident: str) -> bool:
        """Tell whether an incident is open."""
        row = self._stored(lambda tx: tx.get(IncidentRow, incident))
        return row is not None and row.state == "open"

    def _stored(self, question: Callable[[Reading], T]) -> T:
        return self.surely(self.world.store.glance(question))

    # --- foreseeing ---------------------------------------------------------------------------

    def may_vote(self, row: ApprovalRow, who: str) -> bool:
        """Foresee whether somebody's vote counts."""
        law, lead = self.world.policy.law, self.commander(row.incident)
        seats = {role for group in LAWS[law].rules[row.rule] for role in group}
        votes = self._stored(lambda tx: tx.rows(VoteRow, approval=row.id))
        return (
            row.state == "pending"
            and self.world.clock.now() < row.expires_at
            and self.is_open(row.incident)
            and bool(model.roles_of(law, who, lead) & seats)
            and who != row.requester
            and who not in {vote.person for vote in votes}
        )

    def may_execute(self, row: ApprovalRow, counter: int) -> bool:
        """Foresee whether a grant can be used now, under the policy of this moment."""
        rows, _ = self.everything()
        law = LAWS[self.world.policy.law]
        over = row.grant_expires_at
        return (
            row.state == "approved"
            and over is not None
            and self.world.clock.now() < over
            and self.is_open(row.incident)
            and law.writes
            and law.rules[row.rule] == self.asked[counter].rule
            and self.suffices(row, self.lines[row.incident])
            and all(other.state != "executing" for other in rows)
        )

    def suffices(self, row: ApprovalRow, events: Sequence[Event]) -> bool:
        """Tell whether who had said yes by then is enough, by the roles of this moment."""
        law, lead = self.world.policy.law, self.commander(row.incident)
        voted = set(model.approving(events, row.id)) - {row.requester}
        people = {who: model.roles_of(law, who, lead) for who in voted}
        return model.enough(LAWS[law].rules[row.rule], people)


def _read_on(tx: Reading, *, incident: str, after: int) -> list[Event]:
    return [json.loads(event.body) for event in tx.events(incident, after=after, limit=5_000)]
