"""Too many calls at once wait, then are refused; a target that is down is left alone."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.adapters.meter import PrometheusMeter
from interlock_gateway.core.health import FAILURES, REST_S
from interlock_gateway.core.model import Dialect, Target
from interlock_gateway.core.pace import Pace
from interlock_gateway.service import pacing
from interlock_gateway.service.considerate import Consideration
from interlock_gateway.service.pacing import Pacing, Place, TooManyError
from interlock_gateway.service.targets import TargetError
from support.house import HandClock

Ask = Callable[[], Awaitable[None]]


def at(pace: Pace, kind: str = "target", name: str = "orders") -> Place:
    return Place(kind, name, pace, f"{name}.pace")


def orders(at_once: int = 4, per_minute: int = 3_000) -> Target:
    pace = Pace(at_once, per_minute)
    return Target("orders", Dialect.POSTGRES, "production", "env:ORDERS_READ", pace=pace)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def turns(clock: HandClock) -> Pacing:
    return Pacing(clock)


@dataclass(slots=True)
class Door:
    """A call that stays under way until it is let go."""

    turns: Pacing
    places: tuple[Place, ...]
    inside: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self) -> None:
        async with self.turns.turn(*self.places):
            self.inside.set()
            await self.leave.wait()


async def soon() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_call_waits_until_another_has_ended(turns: Pacing) -> None:
    first, second = (Door(turns, (at(Pace(1, 100)),)) for _ in range(2))
    calls = [asyncio.create_task(door.call()) for door in (first, second)]
    await first.inside.wait()
    await soon()
    assert not second.inside.is_set()
    first.leave.set()
    await second.inside.wait()
    second.leave.set()
    await asyncio.gather(*calls)


async def test_a_call_that_waited_too_long_is_refused_and_told_what_the_limit_is(
    turns: Pacing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "WAITS_S", 0.01)
    place = at(Pace(1, 100))
    async with turns.turn(place):
        with pytest.raises(TooManyError, match=r"orders has 1 calls .* \(`at_once`\)"):
            async with turns.turn(place):
                pytest.fail("It began.")
    async with turns.turn(place):
        pass  # and the one that was refused holds nothing


async def test_a_call_that_comes_too_fast_is_refused_at_once_and_told_when_to_come_again(
    turns: Pacing, clock: HandClock
) -> None:
    place = at(Pace(4, 3), "run", "R-1")
    for _ in range(3):
        async with turns.turn(place):
            pass
    with pytest.raises(TooManyError, match="The run R-1 asked 3 times within a minute") as told:
        async with turns.turn(place):
            pytest.fail("It began.")
    assert told.value.help == "Ask again in 20 s."
    clock.pass_time(seconds=20)
    async with turns.turn(place):
        pass


async def test_one_place_without_room_keeps_no_room_at_the_others(turns: Pacing) -> None:
    full, other = at(Pace(1, 100)), at(Pace(1, 100), "run", "R-1")
    holder = Door(turns, (full,))
    holding = asyncio.create_task(holder.call())
    await holder.inside.wait()
    waiting = asyncio.create_task(Door(turns, (other, full)).call())
    await soon()
    async with turns.turn(other):
        pass
    waiting.cancel()
    holder.leave.set()
    await asyncio.gather(holding, waiting, return_exceptions=True)


async def test_a_call_that_is_cancelled_while_it_waits_leaves_nothing_behind(
    turns: Pacing,
) -> None:
    place = at(Pace(1, 100))
    async with turns.turn(place):
        waiting = asyncio.create_task(Door(turns, (place,)).call())
        await soon()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with turns.turn(place):
        pass


async def test_what_no_call_is_at_any_more_is_forgotten(turns: Pacing) -> None:
    for number in range(50):
        async with turns.turn(at(Pace(4, 100), "run", f"R-{number}")):
            pass
    assert len(turns._under_way) == len(turns._waiting) == 0  # noqa: SLF001  what is kept is what is tested


async def test_more_than_a_few_dozen_do_not_even_wait(turns: Pacing) -> None:
    place = at(Pace(1, 1_000))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(turns.turn(place))
        crowd = [asyncio.create_task(Door(turns, (place,)).call()) for _ in range(70)]
        stack.callback(lambda: [task.cancel() for task in crowd])
        await soon()
        refused = [task for task in crowd if task.done()]
        assert len(refused) == 70 - 64
        assert all(isinstance(task.exception(), TooManyError) for task in refused)


@given(st.integers(1, 4), st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_never_are_more_under_way_than_the_limit(most: int, lengths: list[int]) -> None:
    async def all_calls() -> int:
        turns, now, seen = Pacing(HandClock()), 0, 0

        async def call(length: int) -> None:
            nonlocal now, seen
            async with turns.turn(at(Pace(most, 10_000))):
                now += 1
                seen = max(seen, now)
                for _ in range(length):
                    await asyncio.sleep(0)
                now -= 1

        await asyncio.gather(*map(call, lengths))
        return seen

    assert asyncio.run(all_calls()) <= most


# --- targets that are down ----------------------------------------------------------------------


@dataclass(slots=True)
class Asked:
    """Asks a target that is up or down."""

    consideration: Consideration
    up: bool = False
    reached: int = 0

    async def once(self, target: Target | None = None) -> str:
        try:
            async with self.consideration.asked(target or orders()):
                self._reach()
        except TargetError as error:
            return str(error)
        return ""

    def _reach(self) -> None:
        self.reached += 1
        if not self.up:
            raise TargetError("target-unreachable", "Connection refused.")


@pytest.fixture
def asked(turns: Pacing, clock: HandClock) -> Asked:
    return Asked(Consideration(turns, clock, PrometheusMeter()))


async def test_a_target_that_is_down_is_left_alone_after_a_few_times(asked: Asked) -> None:
    for _ in range(FAILURES):
        assert await asked.once() == "Connection refused."
    told = await asked.once()
    assert asked.reached == FAILURES
    assert told == (
        "orders was not reached 3 times in a row and is left alone for 15 s. It is asked again in "
        "15 s. The last time: Connection refused."
    )


async def test_after_its_rest_one_call_tries_and_the_others_wait_for_what_it_finds(
    asked: Asked, clock: HandClock
) -> None:
    for _ in range(FAILURES):
        await asked.once()
    clock.pass_time(seconds=REST_S)
    async with asked.consideration.asked(orders()):
        assert "One call is finding out whether it is back." in await asked.once()
    asked.up = True
    assert not await asked.once()


async def test_a_target_that_is_still_down_after_its_rest_rests_again(
    asked: Asked, clock: HandClock
) -> None:
    for _ in range(FAILURES):
        await asked.once()
    clock.pass_time(seconds=REST_S)
    assert await asked.once() == "Connection refused."
    assert "is left alone" in await asked.once()


async def test_a_call_that_is_cancelled_while_it_tries_lets_the_next_one_try(
    asked: Asked, clock: HandClock
) -> None:
    for _ in range(FAILURES):
        await asked.once()
    clock.pass_time(seconds=REST_S)
    with pytest.raises(asyncio.CancelledError):
        async with asked.consideration.asked(orders()):
            raise asyncio.CancelledError
    assert await asked.once() == "Connection refused."


async def test_a_slow_statement_does_not_make_a_target_ill(asked: Asked) -> None:
    for _ in range(FAILURES * 2):
        with pytest.raises(TargetError):
            async with asked.consideration.asked(orders()):
                raise TargetError("target-timeout", "The statement was cancelled.")
    asked.up = True
    assert not await asked.once()


async def test_a_target_that_answers_and_lets_nobody_in_is_not_left_alone(asked: Asked) -> None:
    """One namespace that a credential may not read must not keep everybody from the others."""
    for _ in range(FAILURES * 2):
        with pytest.raises(TargetError):
            async with asked.consideration.asked(orders()):
                raise TargetError("target-unreachable", "Not let in (403).", answered=True)
    asked.up = True
    assert not await asked.once()


async def test_another_credential_is_tried_at_once(asked: Asked) -> None:
    for _ in range(FAILURES):
        await asked.once()
    asked.up = True
    rotated = Target("orders", Dialect.POSTGRES, "production", "env:OTHER")
    assert not await asked.once(rotated)


async def test_a_target_at_its_limit_says_so_under_its_own_code(asked: Asked) -> None:
    asked.up = True
    slow = orders(per_minute=1)
    assert not await asked.once(slow)
    with pytest.raises(TargetError, match="orders was asked 1 times within a minute") as told:
        async with asked.consideration.asked(slow):
            pytest.fail("It began.")
    assert told.value.code == "too-many-calls"
