"""The log's keys are files for their owner alone, and nothing signs in a missing one's place."""

import stat
from pathlib import Path

import pytest
from interlock.proof import note_of, read_key, signers
from interlock_gateway.adapters.log_keys import LogKeys


def test_what_a_key_signs_its_public_text_verifies(tmp_path: Path) -> None:
    text = LogKeys(tmp_path).make("interlock/a")
    key = read_key(text)
    note = note_of("anything\n", LogKeys(tmp_path).sign(key.id, "anything\n"))
    assert signers(note, [key]) == [key]
    assert key.name == "interlock/a"


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    key = read_key(LogKeys(tmp_path / "keys").make("log"))
    path = tmp_path / "keys" / f"{key.id}.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o640)
    with pytest.raises(ValueError, match="can be read by others: chmod 600"):
        LogKeys(tmp_path / "keys").sign(key.id, "text\n")


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"key 0badcafe is not in .*another gateway"):
        LogKeys(tmp_path).sign("0badcafe", "text\n")
    with pytest.raises(ValueError, match="is not in"):
        LogKeys(tmp_path).sign("../../etc/passwd", "text\n")


def test_a_key_under_anothers_name_signs_nothing(tmp_path: Path) -> None:
    one, other = (read_key(LogKeys(tmp_path).make("log")) for _ in range(2))
    (tmp_path / f"{one.id}.key").write_bytes((tmp_path / f"{other.id}.key").read_bytes())
    with pytest.raises(ValueError, match=f"holds another key, {other.id}"):
        LogKeys(tmp_path).sign(one.id, "text\n")


def test_a_key_that_is_cut_short_signs_nothing(tmp_path: Path) -> None:
    key = read_key(LogKeys(tmp_path).make("log"))
    path = tmp_path / f"{key.id}.key"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="not a key of 32 bytes"):
        LogKeys(tmp_path).sign(key.id, "text\n")
