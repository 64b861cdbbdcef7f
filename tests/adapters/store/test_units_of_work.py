"""A unit of work is all or nothing, durable when it returns, and alone in its failure."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from interlock_gateway.adapters.store import SqlStore
from interlock_gateway.core.timeline import Draft, commitment, text_part
from interlock_gateway.service.ports import (
    ConflictError,
    Reading,
    StoreUnwritableError,
    Transaction,
)
from interlock_gateway.service.records import MemberRow, OutboxRow, PersonRow

_NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def _event(incident: str = "INC-1", **parts: str) -> Draft:
    texts = {name: text_part(text) for name, text in parts.items()}
    return Draft("note.observation", "person:you", {"n": 1}, texts, incident=incident)


def _bodies(tx: Reading, incident: str = "INC-1") -> list[dict[str, object]]:
    return [json.loads(event.body) for event in tx.events(incident)]


async def test_state_outbox_and_event_are_written_together(store: SqlStore) -> None:
    def unit(tx: Transaction) -> None:
        tx.add(MemberRow("INC-1", "you", "commander"))
        tx.add(OutboxRow("1", "told", "INC-1", "{}", tx.now))
        tx.append(_event(text="hello"))

    await store.commit(unit)

    assert await store.read(lambda tx: tx.get(MemberRow, "INC-1", "you")) is not None
    assert len(await store.read(lambda tx: tx.rows(OutboxRow, delivered_at=None))) == 1
    assert len(await store.read(_bodies)) == 1


async def test_a_unit_that_raises_leaves_nothing_and_harms_nobody(store: SqlStore) -> None:
    def failing(tx: Transaction) -> None:
        tx.add(MemberRow("INC-1", "you", "commander"))
        tx.append(_event())
        raise ValueError("no")

    results = await asyncio.gather(
        store.commit(lambda tx: tx.append(_event())),
        store.commit(failing),
        store.commit(lambda tx: tx.append(_event())),
        return_exceptions=True,
    )

    assert isinstance(results[1], ValueError)
    assert await store.read(lambda tx: tx.get(MemberRow, "INC-1", "you")) is None
    assert [body["sequence"] for body in await store.read(_bodies)] == ["1", "2"]


async def test_indexes_have_no_gaps_over_many_writers_and_failures(store: SqlStore) -> None:
    def failing(tx: Transaction) -> None:
        tx.append(_event("INC-2"))
        tx.number("incident")
        raise ValueError("no")

    units = [
        failing if turn % 5 == 0 else lambda tx, one=turn: tx.append(_event(f"INC-{one % 3}"))
        for turn in range(200)
    ]
    await asyncio.gather(*map(store.commit, units), return_exceptions=True)

    found = [
        body
        for incident in ("INC-0", "INC-1", "INC-2")
        for body in await store.read(partial(_bodies, incident=incident))
    ]
    indexes = sorted(int(str(body["logindex"])) for body in found)
    assert indexes == list(range(160))
    for incident in ("INC-0", "INC-1", "INC-2"):
        own = [int(str(body["sequence"])) for body in found if body["incident"] == incident]
        assert own == list(range(1, len(own) + 1))
    assert await store.commit(lambda tx: tx.number("incident")) == 1


async def test_what_was_written_is_there_after_a_restart(opener: Callable[[], SqlStore]) -> None:
    first = opener()
    await first.commit(lambda tx: tx.append(_event(text="kept")))
    before = await first.read(lambda tx: [event.body for event in tx.events("INC-1")])
    await first.aclose()

    second = opener()
    after = await second.read(lambda tx: [event.body for event in tx.events("INC-1")])
    await second.commit(lambda tx: tx.append(_event(text="next")))
    last = (await second.read(_bodies))[-1]
    await second.aclose()

    assert after == before
    assert (last["sequence"], last["logindex"]) == ("2", "1")


async def test_a_store_that_is_closed_refuses_instead_of_never_answering(
    opener: Callable[[], SqlStore],
) -> None:
    store = opener()
    await store.aclose()
    with pytest.raises(StoreUnwritableError, match="stopping"):
        await store.commit(lambda tx: tx.append(_event()))


async def test_a_changed_row_is_not_changed_again_from_an_old_reading(store: SqlStore) -> None:
    await store.commit(lambda tx: tx.add(MemberRow("INC-1", "you", "responder")))
    stale = await store.read(lambda tx: tx.get(MemberRow, "INC-1", "you"))
    assert stale is not None
    await store.commit(lambda tx: tx.change(stale, role="commander"))

    with pytest.raises(ConflictError, match="changed by somebody else"):
        await store.commit(lambda tx: tx.change(stale, role="observer"))


async def test_rows_are_counted_without_reading_them(store: SqlStore) -> None:
    def unit(tx: Transaction) -> tuple[int, int]:
        for person, role in (("you", "commander"), ("colleague", "responder")):
            tx.add(MemberRow("INC-1", person, role))
        return tx.count(MemberRow, incident="INC-1"), tx.count(MemberRow, role="commander")

    assert await store.commit(unit) == (2, 1)
    assert await store.read(lambda tx: tx.count(MemberRow, role=("responder", "observer"))) == 1


async def test_rows_come_in_the_order_and_number_that_were_asked_for(store: SqlStore) -> None:
    def unit(tx: Transaction) -> None:
        for person in ("b", "c", "a"):
            tx.add(MemberRow("INC-1", person, "responder"))

    await store.commit(unit)
    first = await store.read(lambda tx: tx.rows(MemberRow, order="person", limit=2))
    last = await store.read(lambda tx: tx.rows(MemberRow, order="-person", limit=1))
    assert [row.person for row in (*first, *last)] == ["a", "b", "c"]
    assert not await store.read(lambda tx: tx.rows(MemberRow, person=()))


async def test_what_is_empty_or_unknown_comes_back_as_it_went(store: SqlStore) -> None:
    waiting = OutboxRow("1", "told", "100% of 'it'", "?", _NOW)
    await store.commit(lambda tx: tx.add(waiting))
    assert await store.read(lambda tx: tx.get(OutboxRow, "1")) == waiting
    told = await store.commit(lambda tx: tx.change(waiting, delivered_at=_NOW))
    assert await store.read(lambda tx: tx.get(OutboxRow, "1")) == told
    await store.commit(lambda tx: tx.change(told, delivered_at=None))
    assert await store.read(lambda tx: tx.get(OutboxRow, "1")) == waiting


async def test_a_row_is_added_once(store: SqlStore) -> None:
    row = PersonRow("you", "You", _NOW)
    await store.commit(lambda tx: tx.add(row))
    with pytest.raises(ConflictError, match="people"):
        await store.commit(lambda tx: tx.add(row))
    assert await store.read(lambda tx: tx.get(PersonRow, "you")) == row


async def test_sensitive_values_stand_outside_the_body_with_a_salted_commitment(
    store: SqlStore,
) -> None:
    await store.commit(lambda tx: tx.append(_event(text="the secret word")))
    (event,) = await store.read(lambda tx: tx.events("INC-1"))
    reference = json.loads(event.body)["data"]["text"]

    assert b"secret word" not in event.body
    assert event.parts[reference["$part"]] == ("text/plain", b"the secret word")
    assert reference["commitment"].startswith("sha256:")
    assert reference["size"] == len(b"the secret word")


async def test_the_same_text_twice_has_two_commitments(store: SqlStore) -> None:
    for _ in range(2):
        await store.commit(lambda tx: tx.append(_event(text="42")))
    first, second = (
        json.loads(event.body)["data"]["text"]["commitment"]
        for event in await store.read(lambda tx: tx.events("INC-1"))
    )
    assert first != second


def test_a_commitment_needs_a_salt_of_full_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(b"short", b"content")
