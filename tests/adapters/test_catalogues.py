"""Snapshots are kept for a minute, taken once however many ask, and never guessed."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from interlock_gateway.adapters.catalogues import AGAIN_S, KEPT_S, Snapshots
from interlock_gateway.core.model import Dialect, Reads, Target
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.service.targets import TargetError

ORDERS = Target("orders", Dialect.POSTGRES, "prod", "env:READ")


@dataclass
class Counting:
    """Gives a new snapshot each time, and remembers how often."""

    taken: int = 0
    down: bool = False
    changes: bool = True

    async def catalogue(self, target: Target) -> Catalogue | None:
        if self.down:
            raise TargetError("target-unreachable", f"{target.name} is down.")
        self.taken += 1
        await asyncio.sleep(0)
        return Catalogue(f"{target.name} {self.taken if self.changes else 0}")


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


async def test_a_snapshot_is_kept_for_a_minute(hands: Hands) -> None:
    source = Counting()
    snapshots = Snapshots(source, hands)
    first = await snapshots.catalogue(ORDERS)
    hands.now += KEPT_S - 1
    assert await snapshots.catalogue(ORDERS) is first
    hands.now += 2
    assert await snapshots.catalogue(ORDERS) != first


async def test_many_who_ask_at_once_wait_for_one_snapshot(hands: Hands) -> None:
    source = Counting()
    snapshots = Snapshots(source, hands)
    found = await asyncio.gather(*(snapshots.catalogue(ORDERS) for _ in range(20)))
    assert source.taken == 1
    assert all(one is found[0] for one in found)


async def test_unknown_names_bring_a_fresh_one_but_not_for_each_of_them(hands: Hands) -> None:
    source = Counting()
    snapshots = Snapshots(source, hands)
    await snapshots.catalogue(ORDERS)
    hands.now += AGAIN_S
    for _ in range(5):
        await snapshots.catalogue(ORDERS, fresh=True)
    assert source.taken == 2


async def test_what_did_not_change_stays_the_same_object(hands: Hands) -> None:
    snapshots = Snapshots(Counting(changes=False), hands)
    first = await snapshots.catalogue(ORDERS)
    hands.now += KEPT_S
    assert await snapshots.catalogue(ORDERS) is first


async def test_other_credentials_and_other_trust_have_their_own(hands: Hands) -> None:
    source = Counting()
    snapshots = Snapshots(source, hands)
    await snapshots.catalogue(ORDERS)
    await snapshots.catalogue(replace(ORDERS, generation="2"))
    await snapshots.catalogue(replace(ORDERS, reads=Reads(functions=("public.f",))))
    assert source.taken == 3


async def test_an_old_snapshot_is_not_used_when_the_target_is_silent(hands: Hands) -> None:
    source = Counting()
    snapshots = Snapshots(source, hands)
    await snapshots.catalogue(ORDERS)
    source.down = True
    hands.now += KEPT_S
    with pytest.raises(TargetError, match="down"):
        await snapshots.catalogue(ORDERS)
