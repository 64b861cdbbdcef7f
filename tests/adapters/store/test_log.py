"""Every event is a leaf of one Merkle tree, and checkpoints of it are signed when they matter."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from interlock.proof import (
    Checkpoint,
    Tree,
    check_growth,
    leaf_hash,
    read_checkpoint,
    read_key,
    root_by_path,
    signers,
    tree_of,
    unpacked,
)
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.store import SqlStore, open_store
from interlock_gateway.adapters.store.migrate import migrate
from interlock_gateway.adapters.store.reading import SqlReading
from interlock_gateway.core.log import SEALING
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.log_records import LOG, CheckpointRow, LogKeyRow, LogRow
from interlock_gateway.service.ports import Reading, StoreUnwritableError, Transaction
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

Opener = Callable[[], SqlStore]


def _note(incident: str = "INC-1", kind: str = "note.observation") -> Draft:
    return Draft(kind, "person:you", {"n": 1}, incident=incident)


async def _append(store: SqlStore, count: int) -> None:
    units = [_appending(f"INC-{number % 3}") for number in range(count)]
    await asyncio.gather(*map(store.commit, units))


def _appending(incident: str) -> Callable[[Transaction], str]:
    return lambda tx: tx.append(_note(incident))


def _checkpoints(tx: Reading) -> list[CheckpointRow]:
    return list(tx.rows(CheckpointRow, order="size"))


def _log(tx: Reading) -> LogRow:
    row = tx.get(LogRow, LOG)
    assert row is not None
    return row


async def test_the_tree_is_that_over_all_bodies(store: SqlStore) -> None:
    await _append(store, 700)
    await store.commit(lambda tx: tx.checkpoint())

    def question(tx: Reading) -> None:
        bodies = [body for _, body, _ in tx.bodies(0, 1_000)]
        whole, tree = tree_of(bodies), Tree(tx.tile)
        checkpoint = read_checkpoint(_checkpoints(tx)[-1].note)
        assert checkpoint == Checkpoint(_log(tx).origin, 700, whole.root(700))
        for place in (0, 255, 256, 511, 512, 699):
            path = tree.inclusion(place, 700)
            found = root_by_path(leaf_hash(bodies[place]), place, 700, path)
            assert found == checkpoint.root
        assert tree.consistency(300, 700) == whole.consistency(300, 700)

    await store.read(question)


async def test_units_that_fail_leave_no_leaf(store: SqlStore) -> None:
    def failing(tx: Transaction) -> None:
        tx.append(_note())
        raise ValueError("no")

    def working(tx: Transaction) -> None:
        tx.append(_note())

    units = [working if n % 4 else failing for n in range(40)]
    await asyncio.gather(*map(store.commit, units), return_exceptions=True)
    await store.commit(lambda tx: tx.checkpoint())

    def question(tx: Reading) -> bool:
        bodies = [body for _, body, _ in tx.bodies(0, 100)]
        return read_checkpoint(_checkpoints(tx)[-1].note).root == tree_of(bodies).root(30)

    assert await store.read(question)


@pytest.mark.parametrize("kind", sorted(SEALING))
async def test_what_authority_rests_on_is_signed_in_its_own_transaction(
    store: SqlStore, kind: str
) -> None:
    await store.commit(lambda tx: tx.append(_note()))
    assert await store.read(_checkpoints) == []
    await store.commit(lambda tx: tx.append(_note(kind=kind)))
    [row] = await store.read(_checkpoints)
    keys = [read_key(key.text) for key in await store.read(lambda tx: tx.rows(LogKeyRow))]
    assert row.size == 2
    assert signers(row.note, keys) == keys


async def test_it_goes_on_after_a_restart(opener: Opener) -> None:
    first = opener()
    await _append(first, 300)
    await first.commit(lambda tx: tx.checkpoint())
    before = read_checkpoint((await first.read(_checkpoints))[-1].note)
    await first.aclose()

    second = opener()
    await _append(second, 10)
    await second.commit(lambda tx: tx.checkpoint())
    after = read_checkpoint((await second.read(_checkpoints))[-1].note)
    path = await second.read(lambda tx: Tree(tx.tile).consistency(before.size, after.size))
    check_growth(before, after, path)
    keys = await second.read(lambda tx: tx.rows(LogKeyRow))
    await second.aclose()
    assert (after.size, after.origin, len(keys)) == (310, before.origin, 1)


async def test_a_new_key_is_signed_for_by_the_one_before_it(
    opener: Opener, tmp_path: Path
) -> None:
    store = opener()
    old = (await store.read(lambda tx: tx.rows(LogKeyRow)))[0]
    text_ = LogKeys(tmp_path / "log-keys").make((await store.read(_log)).origin)

    def unit(tx: Transaction) -> None:
        tx.append(_note(kind="log.key_rotated"))
        tx.rotate(text_)

    await store.commit(unit)
    new = await store.read(lambda tx: tx.get(LogKeyRow, read_key(text_).id))
    assert new is not None
    both = [read_key(old.text), read_key(new.text)]
    assert (signers(new.note, both), new.since) == (both, 1)

    await store.commit(lambda tx: tx.append(_note(kind="action.started")))
    last = (await store.read(_checkpoints))[-1]
    assert signers(last.note, both) == [both[1]]
    await store.aclose()
    await opener().aclose()


async def test_without_its_key_nothing_is_recorded_that_needs_a_signature(
    opener: Opener, tmp_path: Path
) -> None:
    store = opener()
    await store.aclose()
    _moved(tmp_path / "log-keys", tmp_path / "away")
    with pytest.raises(StoreUnwritableError, match=r"nothing can sign .* is not in .*backup"):
        opener()
    _moved(tmp_path / "away", tmp_path / "log-keys")
    await opener().aclose()


def _moved(source: Path, goal: Path) -> None:
    source.rename(goal)


@pytest.mark.postgres
async def test_a_key_that_another_gateway_made_is_asked_for(
    postgres_dsn: str, tmp_path: Path
) -> None:
    """A gateway that lacks the new key records nothing that must be signed."""

    def opened(folder: str) -> SqlStore:
        name, keys = SystemRandomness().identifier, LogKeys(tmp_path / folder)
        return open_store(postgres_dsn, SystemClock(), name, random_bytes, keys)

    here = opened("here")
    copytree(tmp_path / "here", tmp_path / "there")
    there = opened("there")
    key = LogKeys(tmp_path / "there").make((await there.read(_log)).origin)
    await there.commit(lambda tx: tx.rotate(key))
    with pytest.raises(StoreUnwritableError, match="copy it there from another gateway"):
        await here.commit(lambda tx: tx.append(_note(kind="action.started")))
    await here.commit(lambda tx: tx.append(_note()))  # an observation needs no signature
    await there.aclose()
    await here.aclose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log SET size = size - 1",
        "UPDATE log SET origin = 'other'",
        "DELETE FROM log",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = ''",
        "UPDATE log_keys SET text = ''",
        "DELETE FROM log_nodes",
        "UPDATE events SET leaf = body",
    ],
)
async def test_the_database_refuses_to_take_back(
    store: SqlStore, store_url: str, statement: str
) -> None:
    await _append(store, 260)
    await store.commit(lambda tx: tx.checkpoint())
    with pytest.raises(DBAPIError, match=r"only grows|append-only"):
        _execute(store_url, statement)


async def test_a_journal_that_was_cut_or_grew_from_outside_is_not_gone_on_with(
    opener: Opener, store_url: str
) -> None:
    """Whoever owns the database can drop its triggers; the log's end tells all the same."""
    store = opener()
    await _append(store, 20)
    await store.aclose()
    _cut_tail(store_url)
    with pytest.raises(StoreUnwritableError, match="counted 20 events and the journal holds 17"):
        opener()


def _cut_tail(store_url: str) -> None:
    on = " ON events" if "postgresql" in store_url else ""
    which = "events_refuse" if on else "events_refuse_delete"
    _execute(store_url, f"DROP TRIGGER {which}{on}", "DELETE FROM events WHERE logindex >= 17")


def _execute(store_url: str, *statements: str) -> None:
    url = make_url(store_url)
    engine = create_engine(url.set(drivername="postgresql+psycopg") if url.host else url)
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


async def test_events_of_a_store_without_a_log_become_its_leaves(bare_url: str) -> None:
    """What was recorded before there was a log is put into the tree, byte for byte."""
    bodies = [f'{{"n":{number}}}'.encode() for number in range(1_300)]
    url = make_url(bare_url)
    engine = create_engine(url.set(drivername="postgresql+psycopg") if url.host else url)
    migrate(engine, to="0008")
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO events VALUES (:n, :id, 'INC-1', :s, 'note.x', 0, :body)"),
            [{"n": n, "id": f"e{n}", "s": n + 1, "body": body} for n, body in enumerate(bodies)],
        )
    migrate(engine)
    with engine.begin() as connection:
        reading = SqlReading(connection)
        row = _log(reading)
        tree, whole = Tree(reading.tile), tree_of(bodies)
        assert unpacked(row.size, row.peaks).root == tree.root(1_300) == whole.root(1_300)
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text("UPDATE events SET body = leaf"))
    engine.dispose()
