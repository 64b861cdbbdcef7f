"""Settings: from a file and the environment, strict, and shown with their origin."""

from pathlib import Path

import pytest
from interlock_gateway.settings import SettingsError, load, shown


def _file(folder: Path, text: str) -> Path:
    path = folder / "interlock.toml"
    path.write_text(text)
    return path


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _file(tmp_path, '[listen]\nport = 1234\nhost = "::1"\n')
    monkeypatch.setenv("INTERLOCK_GATEWAY_LISTEN__PORT", "4321")
    settings = load(file)
    assert (settings.listen.port, settings.listen.host) == (4321, "::1")
    told = shown(settings, file).splitlines()
    assert "listen.port = 4321  # environment" in told
    assert "listen.host = '::1'  # file" in told
    assert "log_level = 'info'  # default" in told


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = load(_file(tmp_path, ""))
    assert settings.path(settings.policies) == tmp_path / "policies"
    assert settings.store_url == f"sqlite:///{tmp_path}/state/interlock.db"


def test_a_password_in_the_stores_url_is_not_shown(tmp_path: Path) -> None:
    file = _file(tmp_path, '[store]\nurl = "postgresql://il:s3cret@127.0.0.1/il"\n')
    told = shown(load(file), file)
    assert "s3cret" not in told
    assert "postgresql://il:***@127.0.0.1/il" in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[listen]\nprot = 1\n", "listen.prot"),
        ("colour = 1\n", "colour"),
        ("[listen]\nport = 70000\n", "listen.port"),
        ("[listen\n", "is not TOML"),
        ('log_level = "loud"\n', "log_level"),
        ('[slack]\nnote_reaction = ":memo:"\n', "slack.note_reaction"),
        ('[slack]\nnote_reaction = ""\n', "slack.note_reaction"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(_file(tmp_path, text))


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="interlock up"):
        load(tmp_path / "interlock.toml")
