"""The folder on disk: read whole, and the last good policy kept."""

import asyncio
import os
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


SENTENCE = """
[[case]]
says = "A responder reads, in situation {}."
person = "you"
incident_role = "responder"
mode = "curated"
tier = "production"
operation = "read"
severity = "sev{}"
decision = "freely"
line = "p, incident:responder, *, *, *, read, *, allow, freely, -"
"""


async def test_building_the_next_policy_does_not_disturb_the_one_in_force(place: Path) -> None:
    """Casbin does not bear two threads: the sentences of the new policy wait for their turn."""
    sentences = "".join(SENTENCE.format(number, number % 4 + 1) for number in range(60))
    (place / "cases.toml").write_text(sentences, "utf-8")
    source = PolicyFolder(place)
    policy, answers = source.current, []

    building = asyncio.gather(*(source.build() for _ in range(12)))
    while not building.done():
        with policy.turn:
            answers.append(policy.engine.work_out(ask("read")))
        await asyncio.sleep(0)

    assert not any(answer.fault for answer in answers)
    assert all(answer.allowed for answer in answers)
    built = await building
    assert all(each.turn is policy.turn for each in built)
    assert {each.digest for each in built} == {policy.digest}


async def test_the_state_of_a_folder_tells_of_every_change_and_of_no_reading(place: Path) -> None:
    source = PolicyFolder(place)
    states = [await source.state()]
    source.reload()
    assert await source.state() == states[0]

    roles = place / "roles.csv"
    times = roles.stat()
    changes = (
        lambda: roles.write_text(roles.read_text("utf-8").replace("you", "yoU"), "utf-8"),
        lambda: os.utime(roles, ns=(times.st_atime_ns, times.st_mtime_ns)),
        (place / "actions" / "db.stop.toml").unlink,
        lambda: (place / "more.csv").write_text("", "utf-8"),
        lambda: roles.rename(place / "role.csv"),
    )
    for change in changes:
        change()
        states.append(await source.state())

    assert len(set(states)) == len(states)


def test_a_folder_that_changes_while_it_is_read_is_read_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor saves roles.csv right after permissions.csv was read: both are read anew."""
    seen: list[str] = []
    plain = Path.read_bytes

    def slow(path: Path) -> bytes:
        seen.append(path.name)
        if seen.count("permissions.csv") == 1 and path.name == "permissions.csv":
            roles = place / "roles.csv"
            roles.write_text(roles.read_text("utf-8") + "g, third, sre\n", "utf-8")
        return plain(path)

    monkeypatch.setattr(Path, "read_bytes", slow)

    assert "third" in read(place).roles.people
    assert seen.count("permissions.csv") == 2


def test_a_folder_that_changes_for_ever_is_not_read(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Path.read_bytes

    def restless(path: Path) -> bytes:
        (place / "roles.csv").touch()
        return plain(path)

    monkeypatch.setattr(Path, "read_bytes", restless)

    with pytest.raises(PolicyError, match="It changes while it is read"):
        read(place)


def test_a_config_map_of_kubernetes_is_read_through_its_links_and_switched_whole(
    tmp_path: Path,
) -> None:
    """Each name is a link into `..data`, and `..data` is a link that is renamed into place."""
    mount = tmp_path / "policies"
    for version, more in (("..1", ""), ("..2", "g, third, sre\n")):
        for name, text in folder().items():
            path = mount / version / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + (more if name == "roles.csv" else ""), "utf-8")
    (mount / "..data").symlink_to("..1")
    for name in {name.partition("/")[0] for name in folder()}:
        (mount / name).symlink_to(f"..data/{name}")
    source = PolicyFolder(mount)
    assert set(source.current.actions) == {"db.stop"}
    assert "third" not in source.current.roles.people

    (mount / "next").symlink_to("..2")
    (mount / "next").replace(mount / "..data")

    assert source.reload() == ()
    assert "third" in source.current.roles.people


def test_a_link_to_the_folder_itself_is_an_error_and_no_endless_walk(place: Path) -> None:
    (place / "again").symlink_to(place)

    with pytest.raises(PolicyError, match="again/again/again"):
        read(place)
