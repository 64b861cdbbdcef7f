"""A home is made once, is nobody else's, and keeps what is in it."""

import stat
import tomllib
from pathlib import Path

import pytest
from desk import Desk
from interlock.cli import house
from interlock.errors import UsageError

PEOPLE = {"you": 'Y "quoted" \\ ü'}


def test_a_home_has_settings_policies_and_runbooks(tmp_path: Path) -> None:
    home = house.build(tmp_path / "home", 8400, PEOPLE)
    settings = tomllib.loads(home.config.read_text())
    assert settings["listen"] == {"host": "127.0.0.1", "port": 8400}
    assert settings["people"]["local"] == PEOPLE
    assert (home.folder / "policies" / "permissions.csv").is_file()
    assert list((home.folder / "runbooks").glob("*/*.ipynb"))
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    assert house.read(home.folder) == home


def test_what_is_in_a_home_is_kept(tmp_path: Path) -> None:
    home = house.build(tmp_path / "home", 8400, PEOPLE)
    (home.folder / "policies" / "roles.csv").write_text("mine")
    home.config.write_text("# mine\n")
    house.build(tmp_path / "home", 9999, {})
    assert (home.folder / "policies" / "roles.csv").read_text() == "mine"
    assert home.config.read_text() == "# mine\n"


@pytest.mark.parametrize("text", ["[", "listen = 5", '[listen]\nport = "x"', "people = 1"])
def test_settings_that_cannot_be_read_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "interlock.toml").write_text(text)
    with pytest.raises(UsageError, match=r"interlock\.toml cannot be read"):
        house.read(tmp_path)


def test_another_port_than_the_settings_say_is_refused(desk: Desk) -> None:
    house.build(desk.home, 8400, PEOPLE)
    result = desk.run("up --port 8401")
    assert result.code == 2
    assert "says port 8400, not 8401" in result.err


def test_a_home_that_cannot_be_made_is_no_traceback(desk: Desk) -> None:
    (desk.cwd / "file").write_text("")
    result = desk.run("up --home file/home")
    assert result.code == 1
    assert "file/home" in result.err
