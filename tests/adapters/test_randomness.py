"""Randomness is drawn by the block, and given once."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes


@pytest.mark.parametrize("count", [0, 1, 32, 1_023, 1_024, 1_025, 10_000])
def test_as_many_bytes_are_given_as_were_asked_for(count: int) -> None:
    assert len(random_bytes(count)) == count


def test_nothing_is_given_twice_in_or_between_threads() -> None:
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda _: random_bytes(16), range(20_000)))
    assert len(set(given)) == len(given)


def test_a_child_process_gives_nothing_of_what_its_parent_has_drawn() -> None:
    random_bytes(1)  # the rest of a block is there now
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_bytes(32))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 32)
    os.close(reading)
    os.close(writing)
    assert len(theirs) == 32
    assert random_bytes(32) != theirs


def test_an_identifier_sorts_by_its_moment_and_is_given_once() -> None:
    names = [SystemRandomness().identifier("evt") for _ in range(5_000)]
    assert len(set(names)) == len(names)
    assert all(len(name) == len("evt_") + 26 for name in names)
    assert [name[:13] for name in names] == sorted(name[:13] for name in names)
