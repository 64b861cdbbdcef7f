"""The folder on disk: read whole, and the last good policy kept."""

from pathlib import Path

import pytest
from interlock_gateway.adapters.policy_files import PolicyFolder, read
from interlock_gateway.core.policy import PolicyError
from policy_folder import PERMISSIONS, ask, folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, text in folder().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_a_folder_is_read_with_its_actions(place: Path) -> None:
    policy = read(place)

    assert policy.rule(ask("read")).allowed
    assert set(policy.actions) == {"db.stop"}


def test_the_same_folder_has_the_same_digest_wherever_it_lies(place: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "policy"
    copy.parent.mkdir()
    place.joinpath("actions").mkdir(exist_ok=True)
    for name, text in folder().items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text, "utf-8")

    digest = read(copy).digest
    (copy / "README.md").write_text("Notes.\n", "utf-8")

    assert read(copy).digest == digest


def test_hidden_files_are_not_even_opened(place: Path) -> None:
    (place / ".permissions.csv.swp").write_bytes(b"\xff\xfe\x00")

    assert read(place).rule(ask("read")).allowed


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="There is no such folder"):
        read(tmp_path / "gone")


def test_a_file_that_is_not_utf_8_is_an_error_with_its_name(place: Path) -> None:
    (place / "roles.csv").write_bytes("role, dba\n".encode("utf-16"))

    with pytest.raises(PolicyError, match=r"roles\.csv:1: The file cannot be read"):
        read(place)


def test_sql_is_read_by_the_guards_own_lexer(place: Path) -> None:
    action = place / "actions" / "db.stop.toml"
    text = action.read_text("utf-8").replace("stop(:pid)", "stop('a:pid', :pid::int, $1)")
    action.write_text(text, "utf-8")

    with pytest.raises(PolicyError, match=r"The SQL of `execute` cannot be read"):
        read(place)


def test_a_folder_that_stops_loading_leaves_the_last_good_policy_in_force(place: Path) -> None:
    source = PolicyFolder(place)
    good = source.current

    (place / "permissions.csv").write_text(PERMISSIONS.replace("deny", "Deny"), "utf-8")
    (problem,) = source.reload()

    assert (problem.file, problem.line) == ("permissions.csv", 1)
    assert source.current is good


def test_a_folder_that_does_not_load_at_the_start_is_an_error(place: Path) -> None:
    (place / "roles.csv").unlink()

    with pytest.raises(PolicyError, match=r"roles\.csv:1: The file is missing"):
        PolicyFolder(place)
