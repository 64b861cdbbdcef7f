"""Checkpoints are signed on time and laid down elsewhere, and a rewritten log is noticed."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from interlock.proof import read_checkpoint, read_key, signers
from interlock_gateway.adapters.anchors import FileAnchor
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.log_records import CheckpointRow
from interlock_gateway.service.ports import NotReachedError
from support.house import House, house


class Ledger:
    """An anchor in memory, which is away while `away` says so."""

    name = "ledger"

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.away = False

    async def newest(self) -> str:
        self._look()
        return self.notes[-1] if self.notes else ""

    async def lay(self, note: str) -> str:
        self._look()
        self.notes.append(note)
        return f"line {len(self.notes)}"

    def _look(self) -> None:
        if self.away:
            raise NotReachedError("nobody is there")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def anchored(tmp_path: Path, store_url: str, ledger: Ledger) -> AsyncIterator[House]:
    async with house(tmp_path / "house", store_url, anchors=[ledger]) as opened:
        yield opened


async def _turn(home: House, minutes: int = 1) -> None:
    """Let time pass; a gateway that is started anew waits until the last one's claim ends."""
    home.clock.pass_time(minutes=minutes)
    await home.gateway.anchoring.turn()


async def test_a_log_that_grew_is_signed_and_anchored_and_rests_otherwise(
    anchored: House, ledger: Ledger
) -> None:
    person = await anchored.login("you")
    await person.declares("Checkout stalls")
    await _turn(anchored)
    assert len(ledger.notes) == 1
    for _ in range(3):
        await _turn(anchored)
    assert len(ledger.notes) == 1

    status = await person.get("/v1/log")
    note = read_checkpoint(ledger.notes[0])
    assert status["checkpoint"] == ledger.notes[0]
    assert (note.size, note.origin) == (status["size"], status["origin"])
    assert signers(ledger.notes[0], [read_key(status["keys"][0]["key"])]) != []
    [anchor] = status["anchors"]
    assert (anchor["anchor"], anchor["size"], anchor["receipt"], anchor["trouble"]) == (
        "ledger",
        note.size,
        "line 1",
        "",
    )


async def test_an_incident_says_up_to_which_event_it_is_anchored(
    anchored: House, ledger: Ledger
) -> None:
    person = await anchored.login("you")
    incident = await person.declares("Checkout stalls")
    await _turn(anchored)
    length = (await person.get(f"/v1/incidents/{incident}/anchored"))["length"]
    await person.post(f"/v1/incidents/{incident}/notes", {"text": "newer"})
    found = await person.get(f"/v1/incidents/{incident}/anchored")
    assert (found["up_to"], found["length"], found["anchor"]) == (length, length + 1, "ledger")
    assert ledger.notes


async def test_an_anchor_that_is_away_is_said_and_gets_the_newest_once_it_is_back(
    anchored: House, ledger: Ledger
) -> None:
    person = await anchored.login("you")
    ledger.away = True
    await person.declares("Checkout stalls")
    await _turn(anchored)
    [anchor] = (await person.get("/v1/log"))["anchors"]
    assert (anchor["size"], anchor["trouble"]) == (0, "nobody is there")
    ledger.away = False
    await _turn(anchored)
    [anchor] = (await person.get("/v1/log"))["anchors"]
    assert (anchor["trouble"], len(ledger.notes)) == ("", 1)


async def test_a_store_that_was_restored_from_a_backup_is_noticed_at_its_anchor(
    tmp_path: Path, ledger: Ledger
) -> None:
    """The backup is whole and its signatures are right; only the anchor knows of more."""
    folder = tmp_path / "house"
    async with house(folder, anchors=[ledger]) as home:
        person = await home.login("you")
        await person.declares("Checkout stalls")
        await _turn(home)
    shutil.copy(folder / "store.db", tmp_path / "backup.db")
    async with house(folder, anchors=[ledger]) as home:
        person = await home.login("you")
        await person.declares("What shall be forgotten")
        await _turn(home, minutes=10)
    for old in folder.glob("store.db*"):
        old.unlink()
    shutil.copy(tmp_path / "backup.db", folder / "store.db")

    async with house(folder, anchors=[ledger]) as home:
        person = await home.login("you")
        before = list(ledger.notes)
        await _turn(home, minutes=20)
        await _turn(home)
        [anchor] = (await person.get("/v1/log"))["anchors"]
        assert "restored from a backup, or its end was cut off" in anchor["trouble"]
        assert ledger.notes == before
        said = [
            json.loads(body)
            for _, body, _ in await home.store.read(lambda tx: tx.bodies(0, 1_000))
        ]
        [conflict] = [one for one in said if one["type"] == "log.anchor_conflict"]
        assert conflict["data"]["anchor"] == "ledger"


async def test_a_log_that_went_another_way_since_its_anchor_is_noticed(
    tmp_path: Path, ledger: Ledger
) -> None:
    """Restored, and then written on until it is as long as the anchor says."""
    folder = tmp_path / "house"
    async with house(folder, anchors=[ledger]) as home:
        person = await home.login("you")
        await person.declares("Checkout stalls")
    shutil.copy(folder / "store.db", tmp_path / "backup.db")
    async with house(folder, anchors=[ledger]) as home:
        person = await home.login("you")
        await person.declares("What shall be forgotten")
        await _turn(home, minutes=10)
    for old in folder.glob("store.db*"):
        old.unlink()
    shutil.copy(tmp_path / "backup.db", folder / "store.db")

    async with house(folder, anchors=[ledger]) as home:
        person = await home.login("you")
        for number in range(4):
            await person.declares(f"Something else {number}")
        await _turn(home, minutes=20)
        [anchor] = (await person.get("/v1/log"))["anchors"]
        assert "are not those that it holds a checkpoint of" in anchor["trouble"]


async def test_another_logs_anchor_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    for name in ("one", "other"):
        async with house(tmp_path / name, anchors=[FileAnchor(path)]) as home:
            person = await home.login("you")
            await person.declares("Checkout stalls")
            await _turn(home)
            [anchor] = (await person.get("/v1/log"))["anchors"]
    assert "checkpoints of another log" in anchor["trouble"]
    assert len(path.read_text().splitlines()) == 1


async def test_a_new_key_needs_a_steward_and_a_reason(anchored: House) -> None:
    stranger = await anchored.login("stranger")
    refused = await stranger.call("POST", "/v1/log/key", {"reason": "why not"})
    assert refused.json()["code"] == "no-permission"
    person = await anchored.login("you")
    blank = await person.call("POST", "/v1/log/key", {"reason": "  "})
    assert blank.status_code in {400, 422}
    made = await person.post("/v1/log/key", {"reason": "the old one was on a lost laptop"})
    keys = (await person.get("/v1/log"))["keys"]
    assert [one["id"] for one in keys][-1] == made["id"]
    newest = await anchored.store.read(lambda tx: tx.rows(CheckpointRow, order="-size"))
    both = [read_key(one["key"]) for one in keys]
    assert signers(newest[0].note, both) == both


async def test_the_whole_log_is_for_stewards_alone(anchored: House) -> None:
    stranger = await anchored.login("stranger")
    assert (await stranger.call("GET", "/v1/log/entries")).json()["code"] == "no-permission"
    person = await anchored.login("you")
    await anchored.store.commit(lambda tx: tx.append(Draft("note.observation", "system")))
    found = await person.get("/v1/log/entries")
    assert [one["logindex"] for one in found["entries"]] == list(range(found["next"]))
    page = await person.get("/v1/log/entries", first=1, limit=1)
    assert [one["logindex"] for one in page["entries"]] == [1]


async def test_growth_beyond_the_log_is_refused(anchored: House) -> None:
    person = await anchored.login("you")
    answer = await person.call("GET", "/v1/log/growth", old=1, new=100_000)
    assert answer.json()["code"] == "bad-request"
    assert "not 100000" in answer.json()["detail"]
