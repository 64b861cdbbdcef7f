"""A pool lends a connection only after what its borrower before left in it is gone."""

import asyncio
from dataclasses import dataclass, field

import pytest
from interlock_gateway.adapters.targets.pool import Pool
from interlock_gateway.service.targets import TargetError


@dataclass(slots=True)
class Session:
    """A connection that knows what was left in it."""

    left: str = ""
    closed: bool = False

    async def close(self) -> None:
        self.closed = True


@dataclass(slots=True)
class SlowServer:
    """Opens sessions; tidying one takes until `tidy` is set."""

    opened: list[Session] = field(default_factory=list)
    tidy: asyncio.Event = field(default_factory=asyncio.Event)
    succeeds: bool = True

    async def connect(self) -> Session:
        self.opened.append(Session())
        return self.opened[-1]

    async def tidied(self, session: Session) -> bool:
        await self.tidy.wait()
        if not self.succeeds:
            await session.close()
            return False
        session.left = ""
        return True

    def pool(self, *, size: int = 4) -> Pool[Session]:
        return Pool(self.connect, self.tidied, (ValueError,), size=size, alive=lambda _: True)


async def leaves(pool: Pool[Session], what: str) -> None:
    async with pool.lend() as session:
        assert not session.left
        session.left = what


async def test_the_borrower_goes_on_while_its_connection_is_tidied() -> None:
    server = SlowServer()
    await leaves(server.pool(), "a lock")
    assert server.opened[0].left == "a lock"


async def test_the_next_borrower_waits_for_the_tidied_connection_and_opens_no_other() -> None:
    server = SlowServer()
    pool = server.pool()
    await leaves(pool, "a lock")
    following = asyncio.create_task(leaves(pool, "another"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not following.done()
    server.tidy.set()
    await following
    assert len(server.opened) == 1


async def test_a_connection_that_cannot_be_tidied_is_replaced() -> None:
    server = SlowServer(succeeds=False)
    pool = server.pool()
    await leaves(pool, "a lock")
    server.tidy.set()
    await leaves(pool, "another")
    assert [session.closed for session in server.opened] == [True, False]


async def test_a_refusal_is_told_after_the_connection_is_tidy() -> None:
    server = SlowServer()
    pool = server.pool()

    async def refused() -> None:
        async with pool.lend() as session:
            session.left = "a running statement"
            raise TargetError("target-timeout", "It took too long.")

    telling = asyncio.create_task(refused())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not telling.done()
    server.tidy.set()
    with pytest.raises(TargetError):
        await telling
    assert not server.opened[0].left


async def test_a_cancelled_borrower_costs_the_connection() -> None:
    server = SlowServer()
    pool = server.pool()
    inside = asyncio.Event()

    async def hangs() -> None:
        async with pool.lend():
            inside.set()
            await asyncio.Event().wait()

    hanging = asyncio.create_task(hangs())
    await inside.wait()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert server.opened[0].closed


async def test_closing_waits_for_what_is_being_tidied() -> None:
    server = SlowServer()
    pool = server.pool()
    await leaves(pool, "a lock")
    closing = asyncio.create_task(pool.aclose())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not closing.done()
    server.tidy.set()
    await closing
    assert server.opened[0].closed


async def test_never_are_more_connections_open_than_its_size() -> None:
    server = SlowServer()
    pool = server.pool(size=2)
    server.tidy.set()
    await asyncio.gather(*(leaves(pool, str(number)) for number in range(20)))
    assert len(server.opened) <= 2
