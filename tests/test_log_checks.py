"""Doctor says whether the log can be signed, and whether its anchor agrees with it."""

from pathlib import Path

import pytest
from interlock_gateway.adapters.anchors import FileAnchor
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.doctor.check import Check, Outcome
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.store import SqlStore, open_store
from interlock_gateway.core.timeline import Draft
from interlock_gateway.log_checks import log_checks
from interlock_gateway.service.log_records import CheckpointRow
from interlock_gateway.settings import LogAt, Settings


def _settings(home: Path, anchor: str = "anchor.jsonl") -> Settings:
    return Settings(home=home, log=LogAt(anchor=anchor))


async def _store(home: Path, events: int = 3) -> SqlStore:
    url, name = f"sqlite:///{home}/state/interlock.db", SystemRandomness().identifier
    keys = LogKeys(home / "state" / "log-keys")
    store = open_store(url, SystemClock(), name, random_bytes, keys)
    for _ in range(events):
        await store.commit(lambda tx: tx.append(Draft("note.observation", "system")))
    await store.commit(lambda tx: tx.checkpoint())
    return store


async def _newest(store: SqlStore) -> str:
    rows = await store.read(lambda tx: tx.rows(CheckpointRow, order="-size", limit=1))
    return rows[0].note


async def _checks(settings: Settings) -> dict[str, Check]:
    return {check.check: check async for check in log_checks(settings)}


async def test_a_log_that_signs_and_goes_on_from_its_anchor_holds(tmp_path: Path) -> None:
    store = await _store(tmp_path)
    await FileAnchor(tmp_path / "anchor.jsonl").lay(await _newest(store))
    found = await _checks(_settings(tmp_path))
    await store.aclose()
    assert {name: check.outcome for name, check in found.items()} == {
        "key": Outcome.HOLDS,
        "anchor": Outcome.HOLDS,
    }


async def test_before_anything_was_recorded_it_says_what_to_do(tmp_path: Path) -> None:
    found = await _checks(_settings(tmp_path))
    assert found["store"].outcome is Outcome.NOTED
    assert "Start the gateway" in found["store"].next


async def test_a_key_that_is_not_there_fails(tmp_path: Path) -> None:
    await (await _store(tmp_path)).aclose()
    (tmp_path / "state" / "log-keys").rename(tmp_path / "away")
    found = await _checks(_settings(tmp_path))
    assert found["key"].outcome is Outcome.FAILS
    assert "bring it back from a backup" in found["key"].said


@pytest.mark.parametrize("anchor", ["", "share/anchor.jsonl"])
async def test_an_anchor_that_is_none_is_said(tmp_path: Path, anchor: str) -> None:
    await (await _store(tmp_path)).aclose()
    found = await _checks(_settings(tmp_path, anchor))
    assert found["anchor"].outcome is Outcome.NOTED
    assert ("anchored nowhere" in found["anchor"].said) is not bool(anchor)


async def test_an_anchor_of_a_longer_log_fails(tmp_path: Path) -> None:
    """The store was brought back from a backup: the anchor knows of more."""
    (tmp_path / "old").mkdir()
    store = await _store(tmp_path)
    await store.aclose()
    database = tmp_path / "state" / "interlock.db"
    backup = database.read_bytes()
    again = await _store(tmp_path)
    await FileAnchor(tmp_path / "anchor.jsonl").lay(await _newest(again))
    await again.aclose()
    database.write_bytes(backup)
    found = await _checks(_settings(tmp_path))
    assert found["anchor"].outcome is Outcome.FAILS
    assert "restored from a backup" in found["anchor"].said
