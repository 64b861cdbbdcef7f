"""Who speaks, to which gateway, and that nobody else can."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from desk import Desk
from interlock.cli.home import Credential, home_folder, load_credential, store_credential
from interlock.cli.world import real_world
from interlock.errors import NotLoggedIn


def test_login_keeps_a_credential_that_only_its_owner_can_read(stranger: Desk) -> None:
    stranger.gateway.routes["POST /v1/login"] = {
        "token": "ilk_new",
        "person": {"id": "you", "name": "You"},
    }
    result = stranger.run("login ABCD --url http://gateway.test")
    path = stranger.home / "credentials" / "you.json"
    assert (result.code, stat.S_IMODE(path.stat().st_mode)) == (0, 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "ilk_new" not in result.out + result.err
    assert load_credential(path).token == "ilk_new"


def test_the_code_is_asked_for_on_a_terminal(stranger: Desk) -> None:
    stranger.gateway.routes["POST /v1/login"] = {"token": "t", "person": {"id": "you"}}
    result = stranger.run("login", terminal=True, answers=["ABCD"])
    assert result.code == 0
    assert stranger.gateway.last("POST /v1/login") == {"code": "ABCD"}


def test_without_a_terminal_login_asks_nothing(stranger: Desk) -> None:
    result = stranger.run("login")
    assert result.code == 2
    assert "interlock login CODE" in result.err
    assert stranger.gateway.asked == []


def test_a_wrong_code_is_exit_code_4(stranger: Desk) -> None:
    stranger.gateway.refuses("POST /v1/login", 401, code="wrong-code", detail="No such code.")
    result = stranger.run("login X")
    assert result.code == 4
    assert "No such code." in result.err


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_a_credential_that_others_can_touch_is_refused(desk: Desk, mode: int) -> None:
    path = desk.home / "credentials" / "you.json"
    path.chmod(mode)
    result = desk.run("whoami")
    assert result.code == 4
    assert "chmod 600" in result.err
    assert desk.gateway.asked == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"person": "you"}', '{"person": 1}'])
def test_a_damaged_credential_is_no_traceback(desk: Desk, text: str) -> None:
    (desk.home / "credentials" / "you.json").write_text(text)
    result = desk.run("whoami")
    assert result.code == 4
    assert "you.json" in result.err


def test_a_stranger_is_told_to_log_in(stranger: Desk) -> None:
    result = stranger.run("incident list")
    assert result.code == 4
    assert "interlock login" in result.err


def test_of_several_people_one_must_be_named(desk: Desk) -> None:
    desk.login("colleague")
    result = desk.run("whoami")
    assert result.code == 2
    assert "colleague, you" in result.err
    assert "--as" in result.err


def test_as_names_the_person_who_speaks(desk: Desk) -> None:
    desk.login("colleague")
    desk.gateway.routes["GET /v1/whoami"] = {"person": {"id": "colleague"}, "roles": ["dba"]}
    assert desk.run("whoami --as colleague").code == 0
    assert desk.gateway.tokens == ["Bearer ilk_colleague"]


def test_as_cannot_leave_the_folder_of_credentials(desk: Desk) -> None:
    result = desk.run("whoami --as ../../you")
    assert result.code == 4
    assert "not logged in here" in result.err


def test_a_credential_is_not_sent_to_another_gateway(desk: Desk) -> None:
    result = desk.run("whoami --url http://elsewhere.test")
    assert result.code == 4
    assert "http://elsewhere.test" in result.err
    assert desk.gateway.asked == []


def test_a_token_from_the_environment_goes_before_stored_ones(desk: Desk) -> None:
    desk.environ = {"INTERLOCK_TOKEN": "ilk_env", "INTERLOCK_URL": "http://gateway.test"}
    desk.gateway.routes["GET /v1/whoami"] = {"person": {"id": "you"}, "roles": []}
    assert desk.run("whoami").code == 0
    assert desk.gateway.tokens == ["Bearer ilk_env"]


def test_a_token_from_the_environment_never_goes_where_a_folder_says(stranger: Desk) -> None:
    stranger.home.mkdir()
    (stranger.home / "interlock.toml").write_text('[listen]\nhost = "evil.test"\nport = 1\n')
    stranger.environ = {"INTERLOCK_TOKEN": "ilk_env"}
    result = stranger.run("whoami --json")
    assert "evil" not in result.out + result.err


def test_login_goes_where_the_homes_settings_say(stranger: Desk) -> None:
    stranger.home.mkdir()
    (stranger.home / "interlock.toml").write_text("[listen]\nport = 9999\n")
    stranger.gateway.routes["POST /v1/login"] = {"token": "t", "person": {"id": "you"}}
    assert "http://127.0.0.1:9999" in stranger.run("login X").out


def test_a_name_that_is_a_path_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(NotLoggedIn, match="impossible name"):
        store_credential(tmp_path, Credential("../../x", "", "t", "u"))


def test_a_credential_does_not_print_its_token() -> None:
    assert "secret" not in repr(Credential("you", "", "secret", "u"))


def test_a_home_beside_the_working_folder_goes_before_the_usual_one(tmp_path: Path) -> None:
    world = replace(real_world(), environ={"HOME": "/home/x"}, cwd=tmp_path)
    assert home_folder(world, None) == Path("/home/x/.interlock")
    (tmp_path / ".interlock").mkdir()
    assert home_folder(world, None) == tmp_path / ".interlock"


def test_whoami_tells_person_roles_and_gateway(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/whoami"] = {
        "person": {"id": "you", "name": "You"},
        "roles": ["sre"],
    }
    assert desk.run("whoami").out == "you\tyou (You)\nroles\tsre\ngateway\thttp://gateway.test\n"
