"""The outbox: everything is told in order, once, by one gateway at a time; nothing blocks all."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from interlock_gateway.adapters.randomness import SystemRandomness
from interlock_gateway.service.closing import tell
from interlock_gateway.service.ports import NotReachedError, NotTakenError, Transaction
from interlock_gateway.service.records import ClaimRow, OutboxRow
from interlock_gateway.service.telling import Telling
from support.house import House


@dataclass
class Board:
    """A board that takes what it is given, unless the subject has some trouble."""

    trouble: dict[str, Exception] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    async def post(self, notice: OutboxRow) -> None:
        """Remember it, or raise."""
        if notice.subject in self.trouble:
            raise self.trouble[notice.subject]
        self.told.append(f"{notice.subject} {notice.kind}")


@pytest.fixture
def board() -> Board:
    """A board."""
    return Board()


def telling(home: House, board: Board) -> Telling:
    """Return what one gateway tells with."""
    gateway = home.gateway
    return Telling(home.store, board, home.clock, gateway.meter, gateway.bell, SystemRandomness())


async def put(home: House, *entries: str) -> None:
    """Put entries into the outbox, each `SUBJECT kind`."""

    def unit(tx: Transaction) -> None:
        for entry in entries:
            subject, kind = entry.split()
            tell(tx, kind, subject)

    await home.store.commit(unit)


async def row(home: House, subject: str) -> OutboxRow:
    """Return the first entry about a subject."""
    found = await home.store.read(lambda tx: tx.rows(OutboxRow, subject=subject, order="id"))
    return found[0]


async def test_everything_is_told_once_and_in_order(home: House, board: Board) -> None:
    await put(home, "A-1 asked", "A-2 asked", "A-1 done")
    speaks = telling(home, board)
    assert await speaks.deliver() == 3
    assert await speaks.deliver() == 0
    assert board.told == ["A-1 asked", "A-2 asked", "A-1 done"]


async def test_what_cannot_be_told_at_all_keeps_its_place(home: House, board: Board) -> None:
    await put(home, "A-1 asked", "A-2 asked")
    board.trouble = {"A-1": NotReachedError("down", after_s=7)}
    with pytest.raises(NotReachedError):
        await telling(home, board).deliver()
    assert board.told == []
    assert ((await row(home, "A-1")).attempts, (await row(home, "A-1")).trouble) == (1, "down")


async def test_trouble_of_one_subject_keeps_no_other_waiting(home: House, board: Board) -> None:
    await put(home, "A-1 asked", "A-2 asked", "A-1 done", "A-2 done")
    board.trouble = {"A-1": NotReachedError("not in that channel", alone=True)}
    speaks = telling(home, board)
    await speaks.deliver()
    assert board.told == ["A-2 asked", "A-2 done"]
    board.trouble = {}
    await speaks.deliver()
    assert board.told == ["A-2 asked", "A-2 done"], "It is left alone for a while."
    home.clock.pass_time(seconds=1)
    await speaks.deliver()
    assert board.told[2:] == ["A-1 asked", "A-1 done"]


async def test_what_is_refused_for_good_is_set_aside(home: House, board: Board) -> None:
    await put(home, "A-1 asked", "A-2 asked")
    board.trouble = {"A-1": NotTakenError("never")}
    await telling(home, board).deliver()
    assert board.told == ["A-2 asked"]
    assert (await row(home, "A-1")).set_aside_at == home.clock.now()


async def test_a_mistake_of_ours_is_set_aside_after_five_tries(home: House, board: Board) -> None:
    await put(home, "A-1 asked", "A-2 asked")
    board.trouble = {"A-1": KeyError("room")}
    speaks = telling(home, board)
    for _ in range(5):
        assert (await row(home, "A-1")).set_aside_at is None
        await speaks.deliver()
        home.clock.pass_time(minutes=1)
    assert (await row(home, "A-1")).set_aside_at is not None
    assert board.told == ["A-2 asked"]


async def test_one_gateway_at_a_time_tells(home: House, board: Board) -> None:
    first, second = telling(home, board), telling(home, board)
    await put(home, "A-1 asked")
    await first.deliver()
    await put(home, "A-1 done")
    assert await second.deliver() == 0
    assert board.told == ["A-1 asked"]
    home.clock.pass_time(seconds=31)  # the first one is gone
    assert await second.deliver() == 1
    await put(home, "A-2 asked")
    assert await first.deliver() == 0, "It comes back, and somebody else tells now."
    claim = await home.store.read(lambda tx: tx.get(ClaimRow, "telling"))
    assert claim is not None
    assert claim.until - home.clock.now() <= timedelta(seconds=30)
