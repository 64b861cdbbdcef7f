"""Watches a world of approvals: rows, votes, timeline and ledger must agree after each step."""

from collections.abc import Sequence

from interlock_gateway.service.records import ApprovalRow, VoteRow

from support import approval_model as model
from support.approval_model import FINAL, LAWS, Event
from support.approval_player import Player


class Watch:
    """Remembers what was so, since nothing of it may change; `reached` gathers every state."""

    def __init__(self, player: Player, reached: set[str]) -> None:
        self._player = player
        self._reached = reached
        self._known: dict[str, list[str]] = {}
        self._voted: dict[str, int] = {}

    def look(self) -> Sequence[ApprovalRow]:
        """Compare all accounts, and return the approvals."""
        rows, votes = self._player.everything()
        self._no_vote_is_lost(votes)
        for row in rows:
            self._one(row, self._player.lines[row.incident])
        return rows

    def all_has_ended(self) -> None:
        """Time alone ends what waits; what nobody knows, the commander looks at and says."""
        world = self._player.world
        for life in world.lives:
            life.doom = None
        for _ in range(2):
            world.clock.pass_time(days=1)
            self._player.surely(world.sweep())
        left = [row for row in self.look() if row.state not in FINAL]
        assert {row.state for row in left} <= {"outcome_unknown"}
        for row in left:
            self._player.surely(self._player.resolve(0, row))
        assert {row.state for row in self.look()} <= FINAL

    def _no_vote_is_lost(self, votes: Sequence[VoteRow]) -> None:
        stored = sorted((vote.approval, vote.person, vote.vote) for vote in votes)
        cast = [e["data"] for line in self._player.lines.values() for e in line if _is_vote(e)]
        assert sorted((one["approval"], one["person"], one["vote"]) for one in cast) == stored
        assert self._player.acknowledged <= set(stored)

    def _one(self, row: ApprovalRow, events: Sequence[Event]) -> None:
        states = model.history(events, row.id)
        model.assert_a_path(states)
        assert states[-1] == row.state
        known = self._known.get(row.id, [])
        assert states[: len(known)] == known
        self._known[row.id] = states
        self._reached |= set(states)
        for state in set(states[len(known) :]) & {"approved", "executing"}:
            self._was_rightful(row, state, model.before(events, row.id, state) or ())
        self._enough_is_enough(row, events)
        self._ledger_agrees(row, events)

    def _enough_is_enough(self, row: ApprovalRow, events: Sequence[Event]) -> None:
        """No vote that was enough when it was given leaves its request waiting."""
        voted = len(model.approving(events, row.id))
        if voted != self._voted.get(row.id, 0) and row.state == "pending":
            assert not self._player.suffices(row, events), row.id
        self._voted[row.id] = voted

    def _was_rightful(self, row: ApprovalRow, state: str, events: Sequence[Event]) -> None:
        assert self._player.suffices(row, events), (row.id, state)
        assert model.is_open(events), (row.id, state)
        if state == "executing":
            assert LAWS[self._player.world.policy.law].writes, row.id

    def _ledger_agrees(self, row: ApprovalRow, events: Sequence[Event]) -> None:
        counted = self._player.counted(row)
        match row.state:
            case "executing" | "outcome_unknown":
                assert counted <= 1, row.id
            case "succeeded":
                assert counted == 1, row.id
            case "resolved":
                (told,) = [e["data"]["outcome"] for e in events if _is_resolution(e, row.id)]
                assert told == ("succeeded" if counted else "failed"), row.id
                assert counted <= 1, row.id
            case _:
                assert counted == 0, (row.id, row.state)


def _is_vote(event: Event) -> bool:
    return bool(event["type"] == "approval.voted")


def _is_resolution(event: Event, approval: str) -> bool:
    mine = event["data"].get("approval") == approval
    return bool(mine and model.EVENTS.get(event["type"]) == "resolved")
