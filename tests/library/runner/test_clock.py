"""A deadline that stands still while it is held."""

import asyncio

from interlock.runner.clock import Deadline


async def test_held_time_does_not_count_and_holds_nest() -> None:
    expired: list[bool] = []
    deadline = Deadline(0.1, lambda: expired.append(True))
    deadline.hold()
    deadline.hold()
    deadline.release()
    await asyncio.sleep(0.2)
    assert not expired
    deadline.release()
    await asyncio.sleep(0.15)
    assert expired == [True]


async def test_a_cancelled_deadline_never_expires() -> None:
    expired: list[bool] = []
    Deadline(0.02, lambda: expired.append(True)).cancel()
    await asyncio.sleep(0.05)
    assert not expired
