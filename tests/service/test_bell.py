"""The bell: it wakes who listens, and never swallows that somebody is stopped."""

import asyncio

import pytest
from interlock_gateway.service.bell import Bell


async def test_a_ring_wakes_everybody_who_listens_for_it_and_for_all() -> None:
    bell = Bell()
    with bell.listen("A-1") as mine, bell.listen("outbox") as every, bell.listen("A-2") as other:
        bell.ring("A-1")
        async with asyncio.timeout(1):
            await mine(10)
            await every(10)
        began = asyncio.get_running_loop().time()
        await other(0.05)
        assert asyncio.get_running_loop().time() - began >= 0.04


@pytest.mark.parametrize("turns", range(5))
async def test_whoever_is_stopped_just_as_it_rings_is_stopped(turns: int) -> None:
    bell = Bell()

    async def waits_for_ever() -> None:
        while True:
            with bell.listen("A-1") as rung:
                await rung(5)

    task = asyncio.create_task(waits_for_ever())
    await asyncio.sleep(0.01)
    bell.ring("A-1")
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=1)
    assert done, "It goes on although it was stopped."
