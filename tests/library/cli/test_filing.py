"""A person's file is the old one or the new one, whatever happens in between."""

import os
import stat
from pathlib import Path

import pytest
from interlock.cli.filing import Filing
from interlock.errors import UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pm.md"
    path.write_text("old\n", "utf-8")
    path.chmod(0o604)
    return path


def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_beside_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing = Filing(file)
    filed = filing.read()
    assert filed is not None

    def full(_handle: int, _content: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UsageError, match="No space left"):
        filing.replace(filed, "new\n")
    assert [path.name for path in file.parent.iterdir()] == ["pm.md"]
    assert file.read_text("utf-8") == "old\n"


def test_the_new_file_is_synced_before_it_takes_the_name(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = os.fsync, os.replace

    def synced(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def renamed(source: str, target: str) -> None:
        done.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    filing = Filing(file)
    filed = filing.read()
    assert filed is not None
    filing.replace(filed, "new\n")
    assert done == ["file", "rename", "folder"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o604


def test_a_file_that_somebody_made_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    filing = Filing(tmp_path / "pm.md")
    assert filing.read() is None
    (tmp_path / "pm.md").write_text("theirs\n", "utf-8")
    with pytest.raises(UsageError, match="was not written"):
        filing.create("ours\n")
    assert (tmp_path / "pm.md").read_text("utf-8") == "theirs\n"
    assert [path.name for path in tmp_path.iterdir()] == ["pm.md"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="was not written"):
        Filing(tmp_path / "nowhere" / "pm.md").create("ours\n")


def test_an_export_over_an_older_one_is_the_old_one_or_the_new_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Filing(file).put(b"new")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o604

    def full(_handle: int, _content: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        Filing(file).put(b"newer")
    assert [path.name for path in file.parent.iterdir()] == ["pm.md"]
    assert file.read_bytes() == b"new"


def test_what_only_its_reader_may_read_is_so_where_a_file_stood_already(file: Path) -> None:
    Filing(file).put(b"evidence", mode=0o600)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    Filing(pipe).put(b"said")
    assert os.read(reader, 10) == b"said"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_that_is_not_there_is_said_by_the_name_that_was_given(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none/pm\.md"):
        Filing(tmp_path / "none" / "pm.md").put(b"x")
