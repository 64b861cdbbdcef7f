"""A file elsewhere takes checkpoints one after another, and loses none that was acknowledged."""

import json
from pathlib import Path

import pytest
from interlock_gateway.adapters.anchors import FileAnchor
from interlock_gateway.service.ports import NotReachedError


async def test_what_was_laid_is_found_again_in_order(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    anchor = FileAnchor(path)
    assert await anchor.newest() == ""
    for number in range(3):
        receipt = await anchor.lay(f"log\n{number}\n\n— log sig\n")
        assert receipt.startswith(f"{path} at byte ")
    assert await FileAnchor(path).newest() == "log\n2\n\n— log sig\n"
    lines = path.read_text().splitlines()
    assert [json.loads(line)["note"].split("\n")[1] for line in lines] == ["0", "1", "2"]
    assert path.read_bytes()[int(receipt.rpartition(" ")[2]) :] == lines[2].encode() + b"\n"


async def test_a_line_that_a_killed_writer_left_unfinished_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    anchor = FileAnchor(path)
    await anchor.lay("first")
    with path.open("a") as file:
        file.write('{"at": "2026-')
    assert await anchor.newest() == "first"
    await anchor.lay("second")
    assert await anchor.newest() == "second"
    assert json.loads(path.read_text().splitlines()[-1])["note"] == "second"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\n", b"[]\n", b'{"at": 1}\n'])
async def test_what_is_no_note_is_passed_over(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_bytes(content)
    assert await FileAnchor(path).newest() == ""


async def test_checkpoints_that_were_buried_are_not_taken_for_none(tmp_path: Path) -> None:
    """Else a log that was cut short could go on there, uncompared."""
    path = tmp_path / "anchors.jsonl"
    anchor = FileAnchor(path)
    await anchor.lay("first")
    with path.open("a") as file:
        file.write("x" * 70_000 + "\n")
    with pytest.raises(NotReachedError, match="its last 64 KB hold no checkpoint"):
        await anchor.newest()


async def test_a_place_that_is_not_there_is_said_and_tried_again_later(tmp_path: Path) -> None:
    anchor = FileAnchor(tmp_path / "share" / "anchors.jsonl")
    with pytest.raises(NotReachedError, match=r"share/anchors\.jsonl: No such file"):
        await anchor.lay("note")
    (tmp_path / "share").mkdir()
    await anchor.lay("note")
    assert await anchor.newest() == "note"
