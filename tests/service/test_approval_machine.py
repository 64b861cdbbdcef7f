"""The approval machine under every order of events: hypothesis plays, a plain model watches.

Two gateways over one store are asked, killed at every port and made anew; people vote, policy
changes under their hands, time passes, answers are lost. After each step the timeline, the rows
and the target's own ledger must agree with each other and with `support.approval_model`.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import pytest
from conftest import throw_away_database
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from interlock_gateway.core.approval import TRANSITIONS, ApprovalState
from interlock_gateway.service import turns
from support import approval_model as model
from support.approval_model import LAWS, PEOPLE, REQUESTERS, SEVERITY
from support.approval_player import KILLED, Player
from support.approval_watch import Watch
from support.approval_world import ENDS, Stage, World, person

pytestmark = pytest.mark.heavy

_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  what survives a power cut is not asked here
"""Where the stores of games are: a durable write costs more than the rest of a step."""

Stored: TypeAlias = Callable[[], AbstractContextManager[str]]
places, voters = st.integers(0, 1), st.sampled_from(PEOPLE)
severities, laws = st.sampled_from(list(SEVERITY)), st.sampled_from(list(LAWS))
ends = st.sampled_from(["done", "done", "refused", *ENDS])
moments = st.sampled_from(["before", "inside", "after"])


class Machine(RuleBasedStateMachine):
    """Plays with a world of its own; `asked` are the counters that were asked to be counted up."""

    asked = Bundle("asked")

    def __init__(self, stage: Stage, stored: Stored, reached: set[str]) -> None:
        super().__init__()
        self._stack = ExitStack()
        made = TemporaryDirectory(prefix="interlock-play-", dir=_MEMORY)
        folder = Path(self._stack.enter_context(made))
        url = self._stack.enter_context(stored())
        runner = self._stack.enter_context(asyncio.Runner())
        self.world = World(stage, folder, url)
        self.player = Player(runner, self.world)
        self.watch = Watch(self.player, reached)

    @initialize(target=asked, wanted=st.lists(severities, min_size=2, max_size=3))
    def incidents_are_declared_and_something_is_asked(self, wanted: list[str]) -> Any:
        self.player.declare()
        asks = [self.player.ask(i % 2, "responder", one) for i, one in enumerate(wanted)]
        return multiple(*map(self.player.surely, asks))

    @rule(target=asked, place=places, who=st.sampled_from(REQUESTERS), severity=severities)
    def somebody_asks(self, place: int, who: str, severity: str) -> Any:
        counter, told = self.player.perhaps(self.player.ask(place, who, severity))
        event(f"ask: {told}")
        return multiple() if counter is None else counter

    @rule(place=places, counter=asked)
    def the_runner_asks_again(self, place: int, counter: int) -> None:
        self.player.perhaps(self.player.ask_again(place, counter))

    @rule(
        place=places, counter=asked, who=voters, says=st.sampled_from(["approve"] * 7 + ["deny"])
    )
    def somebody_votes(self, place: int, counter: int, who: str, says: str) -> None:
        may = self.player.may_vote(self.player.row(counter), who)
        row, told = self.player.perhaps(self.player.vote(place, counter, who, says))
        assert told == KILLED or (row is not None) == may, told
        event(f"{says}: {told}")

    @rule(counter=asked, order=st.permutations(PEOPLE))
    def everybody_says_yes(self, counter: int, order: list[str]) -> None:
        """One after the other, until it is granted; then nobody's yes counts any more."""
        for place, who in enumerate(order):
            self.somebody_votes(place % 2, counter, who, "approve")
            self.player.surely(self.world.restart_the_dead())

    @rule(place=places, counter=asked, end=ends, order=st.permutations(PEOPLE))
    def a_request_is_granted_and_used(
        self, place: int, counter: int, end: str, order: list[str]
    ) -> None:
        self.everybody_says_yes(counter, order)
        self.the_runner_executes(place, counter, end)

    @rule(place=places, counter=asked, end=ends)
    def the_runner_executes(self, place: int, counter: int, end: str) -> None:
        row, ledger = self.player.row(counter), self.world.ledger
        may, before = self.player.may_execute(row, counter), ledger.counted[counter]
        ledger.end = end
        _, told = self.player.perhaps(self.player.execute(place, counter))
        ledger.end = "done"
        if told != KILLED:
            done = ledger.counted[counter] - before
            assert done == (may and end in ("done", "lost and done")), told
            assert (self.player.row(counter).started_at != row.started_at) == may, told
        event(f"execute, {end}: {told}")

    @rule(place=places, counter=asked, law=laws)
    def policy_changes_while_a_grant_is_used(self, place: int, counter: int, law: str) -> None:
        self.world.ledger.meanwhile = lambda: self.policy_changes(law)
        _, told = self.player.perhaps(self.player.execute(place, counter))
        self.world.ledger.meanwhile = lambda: None
        event(f"execute, policy changes: {told}")

    @rule(counter=asked, crowd=st.lists(voters, max_size=4), end=ends, first=st.booleans())
    def all_at_once(self, counter: int, crowd: list[str], end: str, first: bool) -> None:  # noqa: FBT001  hypothesis passes it by name
        """Votes, two executions, a withdrawal and the sweep of another gateway meet."""
        play = self.player
        rush = [play.vote(i % 2, counter, who, "approve") for i, who in enumerate(crowd)]
        uses = [play.execute(0, counter), play.execute(1, counter)]
        away = [play.withdraw(1, counter, "colleague")] if len(crowd) == 1 else []
        self.world.ledger.end = end
        self.player.surely(
            play.together([*uses, *rush, *away] if first else [*away, *rush, *uses])
        )
        self.world.ledger.end = "done"

    @rule(place=places, counter=asked, who=voters, whole=st.booleans())
    def something_is_not_wanted_any_more(
        self,
        place: int,
        counter: int,
        who: str,
        whole: bool,  # noqa: FBT001  hypothesis passes it by name
    ) -> None:
        """One request is withdrawn, or a whole incident is closed, or opened again."""
        severity = list(SEVERITY)[counter % len(SEVERITY)]
        play = self.player
        end = play.turn(place, severity) if whole else play.withdraw(place, counter, who)
        _, told = play.perhaps(end)
        event(f"{'turn' if whole else 'withdraw'}: {told}")

    @rule(place=places, counter=asked, who=voters, order=st.permutations(PEOPLE))
    def a_yes_is_taken_back(self, place: int, counter: int, who: str, order: list[str]) -> None:
        """Whoever could have said no may, until it is used."""
        self.everybody_says_yes(counter, order)
        _, told = self.player.perhaps(self.player.revoke(place, counter, who))
        event(f"revoke: {told}")

    @rule(place=places, counter=asked, order=st.permutations(PEOPLE))
    def a_grant_falls_with_its_incident(self, place: int, counter: int, order: list[str]) -> None:
        """Closing it takes what nobody used yet."""
        self.everybody_says_yes(counter, order)
        self.something_is_not_wanted_any_more(place, counter, order[0], whole=True)

    @rule(place=places, severity=severities, who=voters)
    def somebody_takes_command(self, place: int, severity: str, who: str) -> None:
        desk = self.world.gateways[place].incidents
        self.player.perhaps(desk.take(person(who), self.player.incidents[severity]))

    @rule(place=places, counter=asked)
    def the_commander_resolves(self, place: int, counter: int) -> None:
        _, told = self.player.perhaps(self.player.resolve(place, self.player.row(counter)))
        event(f"resolve: {told}")

    @rule(place=places, tells=st.booleans())
    def the_gateway_tries_to_prove(self, place: int, tells: bool) -> None:  # noqa: FBT001  hypothesis passes it by name
        self.world.ledger.tells = tells
        proven, _ = self.player.perhaps(self.world.gateways[place].reconciling.prove())
        event(f"proven: {bool(proven)}")

    @rule(law=laws)
    def policy_changes(self, law: str) -> None:
        self.world.policy.law = law

    @rule(place=st.integers(0, 2), seconds=st.sampled_from([1, 61, 299, 300, 601, 899, 900]))
    def time_passes(self, place: int, seconds: int) -> None:
        """The sweep of a gateway comes with it, or is late."""
        self.world.clock.pass_time(seconds=seconds)
        if place < len(self.world.gateways):
            self.player.perhaps(self.world.sweep(place))

    @rule(place=places, units=st.integers(-1, 3), moment=moments)
    def a_gateway_is_doomed(self, place: int, units: int, moment: str) -> None:
        """It dies now, or at one of its next units of work."""
        life = self.world.lives[place]
        life.dead, life.doom, life.moment = units < 0, units, moment

    @invariant()
    def all_accounts_agree(self) -> None:
        if self.player.surely(self.world.restart_the_dead()):
            event("restarted")
        self.watch.look()

    def teardown(self) -> None:
        """Everything has a way out."""
        try:
            if len(self.player.incidents) == len(SEVERITY):
                self.player.surely(self.world.restart_the_dead())
                self.watch.all_has_ended()
        finally:
            self.player.surely(self.world.aclose())
            self._stack.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """What all worlds share."""
    return Stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture(autouse=True)
def _turns_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is under way between two steps: waiting for them would only cost time."""
    monkeypatch.setattr(turns, "_LOOK_S", 0.01)
    monkeypatch.setattr(turns, "_LOOKS", 2)


def _played(stage: Stage, stored: Stored, **more: Any) -> set[str]:
    """Play, and return every state that an approval came to."""
    reached: set[str] = set()
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]  # each step is many durable writes
    given = settings(deadline=None, suppress_health_check=slow, **more)
    games: Any = lambda: Machine(stage, stored, reached)  # noqa: E731  it takes what makes one, too
    run_state_machine_as_test(games, settings=given)
    return reached


@contextmanager
def _embedded() -> Iterator[str]:
    yield ""


def test_no_order_of_events_on_the_embedded_store_breaks_a_promise(stage: Stage) -> None:
    _played(stage, _embedded, max_examples=100, stateful_step_count=40)


@pytest.mark.postgres
def test_no_order_of_events_on_postgresql_breaks_a_promise(
    stage: Stage, postgres_server: str
) -> None:
    @contextmanager
    def fresh() -> Iterator[str]:
        with throw_away_database(postgres_server) as made:
            yield made.app

    _played(stage, fresh, max_examples=12, stateful_step_count=40)


def test_the_game_comes_to_every_state_there_is(stage: Stage) -> None:
    """A rule that never gets anywhere would prove nothing; a rare state gets more games."""
    wanted, reached = set(ApprovalState), set[str]()
    for _ in range(5):
        reached |= _played(
            stage, _embedded, max_examples=60, stateful_step_count=40, database=None
        )
        if reached == wanted:
            break
    assert reached == wanted


def test_the_models_steps_are_those_of_the_gateway() -> None:
    ours = {before: set(after) for before, after in model.STEPS.items() if before}
    theirs = {
        before.value: {state.value for state in after} for before, after in TRANSITIONS.items()
    }
    assert theirs == ours


def test_every_state_has_a_way_out() -> None:
    ends = set(model.FINAL)
    for _ in ApprovalState:
        ends |= {state for state, after in TRANSITIONS.items() if after & ends}
    assert ends == set(ApprovalState)
    assert not any(state in TRANSITIONS for state in model.FINAL)
